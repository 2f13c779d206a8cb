"""Icons, covers and other files as requests name them and answers show them.

A file that was uploaded is kept as `{"type": "file", "file": {"upload_id": …}}`; the answer gives it an address
in the sandbox that, as Notion says of its own, is good for an hour.
"""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.content.rich_text import LONGEST_URL
from sandbox.notion.errors import failed, not_found, validation
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json

# Source: developers.notion.com/reference/file-object: the address of an uploaded file is good for an hour.
_LINK_GOOD_FOR = timedelta(hours=1)
url: Check = checks.text(longest=LONGEST_URL, shortest=1)
external: Check = checks.record({"url": url})
upload: Check = checks.record({"id": checks.identifier})


def _emoji(value: Any, path: str) -> None:
    checks.text(shortest=1, longest=32)(value, path)
    # Assumed: an icon of plain letters is refused. If wrong: nothing that people see. Check: none.
    if value.isascii():
        raise failed(path, "an emoji", value)


icon: Check = checks.variant({"emoji": _emoji, "external": external, "file_upload": upload})
cover: Check = checks.variant({"external": external, "file_upload": upload})


def kept(session: Session, value: Json | None) -> Json | None:
    """A checked icon, cover or file as it is stored; an upload is attached by this.

    Raises a validation error for an upload that was not sent or has expired.
    """
    if value is None:
        return None
    if "file_upload" in value:
        return {"type": "file", "file": {"upload_id": attached(session, value["file_upload"]["id"])}}
    kind = "emoji" if "emoji" in value else "external"
    return {"type": kind, kind: value[kind]}


def attached(session: Session, upload_id: str) -> str:
    """Marks an upload as used, which keeps it for good; its id."""
    canonical = checks.dashed(upload_id) or ""
    record = session.store.get(canonical)
    if record is None or record.kind != "file_upload" or record.workspace_id != session.workspace_id:
        raise not_found("file_upload", canonical)
    body = record.body
    # Source: developers.notion.com/reference/file-upload: status pending, uploaded, expired, failed.
    # Assumed: the words that refuse an upload that was not sent or has expired. If wrong: a cover is left out with
    # another note. Check: none.
    if body["status"] != "uploaded":
        raise validation(f"File upload {canonical} is not in status `uploaded`, but `{body['status']}`.")
    if not body["attached"] and session.clock.now().isoformat() > body["expires"]:
        raise validation(f"File upload {canonical} has expired.")
    # Source: developers.notion.com/reference/file-upload: an upload that is attached does not expire.
    body["attached"] = True
    session.store.save(record)
    return canonical


def shown(session: Session, value: Json | None) -> Json | None:
    """A stored icon, cover or file as answers have it."""
    if value is None or value["type"] != "file":
        return value
    upload_id = value["file"]["upload_id"]
    row = session.store.row("SELECT body FROM objects WHERE id=?", upload_id)
    name = json.loads(row["body"])["filename"] if row is not None else "file"
    address = f"{session.base_url}/files/{upload_id}/{quote(name or 'file', safe='')}"
    expiry = session.time(session.clock.now() + _LINK_GOOD_FOR)
    return value | {"file": {"url": address, "expiry_time": expiry}}
