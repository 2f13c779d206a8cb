"""Files for pages, uploaded in one part each.

Blocks and properties name files of this machine by `path` (`notion.blocks.file`, `notion.properties`). Before they are
sent, the files are uploaded and the paths replaced by the ids of the uploads.
"""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import JsonObject
from svp_dagster.notion.blocks import children
from svp_dagster.notion.client.http import Call, Calls
from svp_dagster.notion.client.responses import read

MAX_PART_BYTES = 20 * 1024 * 1024
"""Largest file that Notion accepts in one part."""
_NAME_CHARS = 100
_CONCURRENCY = 3

logger = logging.getLogger(__name__)


def upload_all(calls: Calls, paths: Iterable[Path], *, max_bytes: int) -> dict[str, str]:
    """Upload files concurrently and return the ids of the uploads by path, without files that Notion doesn't accept.

    A page has to name an upload within the hour. Files that are empty, larger than `max_bytes`, without a known type
    or refused are left out.
    """
    files = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        ids = pool.map(partial(_upload, calls, max_bytes=max_bytes), files)
        return {str(path): upload_id for path, upload_id in zip(files, ids, strict=True) if upload_id}


def local_files(blocks: Iterable[JsonObject]) -> Iterator[Path]:
    """Yield the files that `blocks` and their children name."""
    for block in blocks:
        if "path" in block[block["type"]]:
            yield Path(block[block["type"]]["path"])
        yield from local_files(children(block))


def with_uploads(blocks: Iterable[JsonObject], ids: Mapping[str, str]) -> list[JsonObject]:
    """Return `blocks` with uploads instead of paths, without file blocks whose file has no upload."""
    return [_with_upload(block, ids) for block in blocks if block[block["type"]].get("path", "") in {"", *ids}]


def files_in(properties: JsonObject) -> Iterator[Path]:
    """Yield the files that a page's `properties` name."""
    for cell in properties.values():
        yield from (Path(entry["path"]) for entry in cell.get("files", ()))


def with_files(properties: JsonObject, ids: Mapping[str, str]) -> JsonObject:
    """Return `properties` with uploads instead of paths, without columns none of whose files has an upload."""
    cells: JsonObject = {}
    for name, cell in properties.items():
        if "files" not in cell:
            cells[name] = cell
        elif uploaded := [entry for entry in cell["files"] if entry["path"] in ids]:
            cells[name] = {"files": [_file_object(entry["name"], ids[entry["path"]]) for entry in uploaded]}
    return cells


def _file_object(name: str, upload_id: str) -> JsonObject:
    return {"type": "file_upload", "file_upload": {"id": upload_id}, "name": name}


def _with_upload(block: JsonObject, ids: Mapping[str, str]) -> JsonObject:
    kind = block["type"]
    content = dict(block[kind])
    if "path" in content:
        content["file_upload"] = {"id": ids[content.pop("path")]}
    if "children" in content:
        content["children"] = with_uploads(content["children"], ids)
    return {**block, kind: content}


def _upload(calls: Calls, path: Path, *, max_bytes: int) -> str | None:
    """Return the id of the upload; None for a file that Notion doesn't accept."""
    size_bytes = path.stat().st_size
    content_type, _ = mimetypes.guess_type(path.name)
    if content_type is None or not 0 < size_bytes <= min(max_bytes, MAX_PART_BYTES):
        return None
    name = path.stem[: _NAME_CHARS - len(path.suffix)] + path.suffix
    try:
        return _send(calls, name, path.read_bytes(), content_type)
    except SvpError as error:
        if error.code is not Code.NOTION_REFUSED:
            raise
        logger.warning("%s was refused: %s", name, error.detail)
        return None


def _send(calls: Calls, name: str, data: bytes, content_type: str) -> str:
    body = {"mode": "single_part", "filename": name, "content_type": content_type}
    upload_id = read(_upload_id, calls.send(Call(method="POST", path="file_uploads", body=body)))

    def look() -> JsonObject | None:
        response = calls.send(Call(method="GET", path=f"file_uploads/{upload_id}"))
        return response if response.get("status") == "uploaded" else None

    form = {"file": (name, data, content_type)}
    calls.send_once(Call(method="POST", path=f"file_uploads/{upload_id}/send", form=form), look=look)
    return upload_id


def _upload_id(response: JsonObject) -> str:
    return str(response["id"])
