"""File uploads: announced, sent in one part or several, and used within the hour."""

from datetime import timedelta
from functools import partial
from pathlib import PurePath

from flask import Blueprint, request

from sandbox.notion import checks
from sandbox.notion.endpoints import incoming
from sandbox.notion.errors import failed, validation
from sandbox.notion.state.session import Session, answer_list
from sandbox.notion.state.store import Json, Record

routes = Blueprint("file_uploads", __name__, url_prefix="/v1/file_uploads")

# Source: developers.notion.com/docs/working-with-files-and-media: 20 MB in a single part.
LARGEST_PART_BYTES = 20 * 1024 * 1024
# Source: developers.notion.com/reference/file-upload: to be attached within an hour.
_GOOD_FOR = timedelta(hours=1)
# Source: developers.notion.com/docs/working-with-files-and-media, the table "Supported file types".
_EXTENSIONS = frozenset((
    "aac", "adts", "mid", "midi", "mp3", "mpga", "m4a", "m4b", "mp4", "oga", "ogg", "opus", "wav", "wma", "weba",
    "flac", "pdf", "txt", "csv", "json", "js", "ts", "tsx", "py", "doc", "dot", "docx", "dotx", "xls", "xlt", "xla",
    "xlsx", "xltx", "ppt", "pot", "pps", "ppa", "pptx", "potx", "rtf", "md", "markdown", "html", "htm", "epub", "xml",
    "css", "odt", "ods", "odp", "ics", "yaml", "yml", "tsv", "zip", "gz", "gzip", "tar", "7z", "bz2", "rar", "gif",
    "heic", "jpeg", "jpg", "png", "svg", "tif", "tiff", "webp", "ico", "bmp", "avif", "apng", "amv", "asf", "wmv",
    "avi", "f4v", "flv", "gifv", "m4v", "mkv", "webm", "mov", "qt", "mpeg", "ogv", "3gp", "3g2",
))  # fmt: skip
_new = checks.record(
    optional={
        "mode": checks.choice("single_part", "multi_part"),
        "filename": checks.text(shortest=1, longest=900),
        "content_type": checks.text(shortest=1),
        "number_of_parts": checks.integer(least=1, most=10_000),
    }
)


@routes.post("")
def create_upload() -> Json:
    """POST /v1/file_uploads."""
    session = incoming.session()
    asked = incoming.body(_new)
    several = asked.get("mode") == "multi_part"
    if several and not {"filename", "number_of_parts"} <= set(asked):
        raise failed("body.number_of_parts", "defined, and body.filename, for `multi_part`")
    # Source: developers.notion.com/docs/working-with-files-and-media: the extension must be a supported one.
    if "filename" in asked:
        _must_be_supported(asked["filename"])
    body = {
        "status": "pending",
        "filename": asked.get("filename"),
        "content_type": asked.get("content_type"),
        "content_length": None,
        "parts": asked.get("number_of_parts", 1) if several else None,
        "expires": (session.clock.now() + _GOOD_FOR).isoformat(),
        "attached": False,
    }
    return shown(session, session.add("file_upload", None, body))


@routes.get("")
def list_uploads() -> Json:
    """GET /v1/file_uploads, of one `status` where one is named."""
    session = incoming.session()
    cursor, size = incoming.page_asked()
    status = request.args.get("status")
    own = [
        record
        for record in session.store.all_of(session.workspace_id, ["file_upload"])
        if record.created_by == session.actor_id
    ]
    return answer_list(
        own,
        keep=lambda record: status in (None, _status(session, record)),
        show=partial(shown, session),
        kind="file_upload",
        cursor=cursor,
        size=size,
    )


@routes.get("/<upload_id>")
def retrieve_upload(upload_id: str) -> Json:
    """GET /v1/file_uploads/{id}."""
    session = incoming.session()
    return shown(session, session.find("file_upload", upload_id))


@routes.post("/<upload_id>/send")
def send_upload(upload_id: str) -> Json:
    """POST /v1/file_uploads/{id}/send: multipart form data with `file`, and `part_number` where there are several."""
    session = incoming.session()
    upload = session.find("file_upload", upload_id)
    body = upload.body
    if _status(session, upload) != "pending":
        raise validation(f"File upload {upload.id} is not pending, but {_status(session, upload)}.")
    sent = request.files.get("file")
    if sent is None:
        raise failed("body.file", "defined")
    name = body["filename"] or sent.filename or "file"
    _must_be_supported(name)
    # Source: developers.notion.com/reference/send-a-file-upload: the content type of the part is the one announced.
    if body["content_type"] not in (None, sent.mimetype):
        raise validation(f"Content type {sent.mimetype} of the file does not match {body['content_type']}.")
    data = sent.read()
    _must_be_small(session, upload, len(data))
    session.store.execute("INSERT OR REPLACE INTO file_parts VALUES (?, ?, ?)", upload.id, _part(body), data)
    body |= {"filename": name, "content_type": body["content_type"] or sent.mimetype}
    if body["parts"] is None:
        body |= {"status": "uploaded", "content_length": len(data)}
    session.save(upload)
    return shown(session, upload)


@routes.post("/<upload_id>/complete")
def complete_upload(upload_id: str) -> Json:
    """POST /v1/file_uploads/{id}/complete: after the last of several parts."""
    session = incoming.session()
    upload = session.find("file_upload", upload_id)
    row = session.store.row(
        "SELECT COUNT(*) AS parts, SUM(LENGTH(data)) AS length FROM file_parts WHERE upload_id=?", upload.id
    )
    if upload.body["parts"] is None or row is None or row["parts"] != upload.body["parts"]:
        raise validation(f"File upload {upload.id} does not have all of its parts.")
    upload.body |= {"status": "uploaded", "content_length": row["length"]}
    session.save(upload)
    return shown(session, upload)


def shown(session: Session, upload: Record) -> Json:
    """A file upload as answers have it."""
    body = upload.body
    status = _status(session, upload)
    return {
        "object": "file_upload",
        "id": upload.id,
        "created_time": session.time(upload.created_time),
        "created_by": {"id": upload.created_by, "type": "bot"},
        "last_edited_time": session.time(upload.edited_time),
        **session.trash(upload),
        "expiry_time": None if body["attached"] else body["expires"],
        "status": status,
        "filename": body["filename"],
        "content_type": body["content_type"],
        "content_length": body["content_length"],
    } | ({"upload_url": f"{session.base_url}/v1/file_uploads/{upload.id}/send"} if status == "pending" else {})


def _status(session: Session, upload: Record) -> str:
    body = upload.body
    late = not body["attached"] and session.clock.now().isoformat() > body["expires"]
    return "expired" if late else str(body["status"])


def _must_be_supported(name: str) -> None:
    if PurePath(name).suffix.lower().removeprefix(".") not in _EXTENSIONS:
        raise validation("Provided `filename` has an extension that is not supported for the File Upload API.")


def _must_be_small(session: Session, upload: Record, part_bytes: int) -> None:
    # Source: developers.notion.com/reference/get-self: workspace_limits.max_file_upload_size_in_bytes.
    # Assumed: a file over the limit is a 400 validation_error. If wrong: a page without its cover says so in other
    # words. Check: none.
    row = session.store.row("SELECT largest_upload_bytes FROM workspaces WHERE id=?", session.workspace_id)
    sent = session.store.row(
        "SELECT COALESCE(SUM(LENGTH(data)), 0) AS length FROM file_parts WHERE upload_id=?", upload.id
    )
    largest = row["largest_upload_bytes"] if row is not None else LARGEST_PART_BYTES
    if part_bytes > LARGEST_PART_BYTES or part_bytes + (sent["length"] if sent is not None else 0) > largest:
        raise validation(
            f"File size of {part_bytes} bytes exceeds the limit of {min(largest, LARGEST_PART_BYTES)} bytes."
        )


def _part(body: Json) -> int:
    if body["parts"] is None:
        return 1
    number = request.form.get("part_number", "")
    if not number.isdecimal() or not 1 <= int(number) <= body["parts"]:
        raise failed("body.part_number", f"between `1` and `{body['parts']}`", number or None)
    return int(number)
