"""Files for pages, in one part each."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from svp_dagster.models import JsonObject
from svp_dagster.resources.notion_http import Call, Calls, read

LARGEST_PART_BYTES = 20 * 1024 * 1024
"""Largest file that Notion takes in one part."""
_NAME_CHARS = 100


def upload(calls: Calls, path: Path, *, max_bytes: int) -> str | None:
    """The id of an uploaded file, which a page has to name within the hour.

    None where the file is empty, larger than `max_bytes` or of a kind that its name doesn't tell.
    """
    size_bytes = path.stat().st_size
    content_type, _ = mimetypes.guess_type(path.name)
    if content_type is None or not 0 < size_bytes <= min(max_bytes, LARGEST_PART_BYTES):
        return None
    name = path.stem[: _NAME_CHARS - len(path.suffix)] + path.suffix
    wanted = {"mode": "single_part", "filename": name, "content_type": content_type}
    upload_id = read(_upload_id, calls.send(Call(method="POST", path="file_uploads", body=wanted)))

    def look() -> JsonObject | None:
        answer = calls.send(Call(method="GET", path=f"file_uploads/{upload_id}"))
        return answer if answer.get("status") == "uploaded" else None

    form = {"file": (name, path.read_bytes(), content_type)}
    calls.send_once(Call(method="POST", path=f"file_uploads/{upload_id}/send", form=form), look=look)
    return upload_id


def _upload_id(answer: JsonObject) -> str:
    return str(answer["id"])
