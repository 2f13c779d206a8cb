"""Files for pages, in one part each."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from svp_dagster.errors import Code, SvpError
from svp_dagster.models import JsonObject
from svp_dagster.notion.blocks import children
from svp_dagster.notion.client.http import Call, Calls, read

LARGEST_PART_BYTES = 20 * 1024 * 1024
"""Largest file that Notion takes in one part."""
_NAME_CHARS = 100
_AT_ONCE = 3

logger = logging.getLogger(__name__)


def upload(calls: Calls, path: Path, *, max_bytes: int) -> str | None:
    """The id of an uploaded file, which a page has to name within the hour.

    None where the file is empty, larger than `max_bytes`, of a kind that its name doesn't tell, or refused.
    """
    size_bytes = path.stat().st_size
    content_type, _ = mimetypes.guess_type(path.name)
    if content_type is None or not 0 < size_bytes <= min(max_bytes, LARGEST_PART_BYTES):
        return None
    name = path.stem[: _NAME_CHARS - len(path.suffix)] + path.suffix
    wanted = {"mode": "single_part", "filename": name, "content_type": content_type}
    try:
        return _send(calls, name, path.read_bytes(), content_type, wanted)
    except SvpError as error:
        if error.code is not Code.NOTION_REFUSED:
            raise
        logger.warning("%s was not taken: %s", name, error.detail)
        return None


def upload_all(paths: Iterable[Path], upload_one: Callable[[Path], str | None]) -> dict[str, str]:
    """Upload files side by side: the ids by path, without those that were not taken."""
    wanted = list(dict.fromkeys(paths))
    if not wanted:
        return {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ids = pool.map(upload_one, wanted)
        return {str(path): upload_id for path, upload_id in zip(wanted, ids, strict=True) if upload_id}


def local_files(blocks: Iterable[JsonObject]) -> Iterator[Path]:
    """The files of this machine that `blocks` and those inside them name (see `notion.blocks.file`)."""
    for block in blocks:
        if "path" in block[block["type"]]:
            yield Path(block["file"]["path"])
        yield from local_files(children(block))


def with_uploads(blocks: Iterable[JsonObject], ids: Mapping[str, str]) -> list[JsonObject]:
    """`blocks` as Notion takes them: their files are uploads, and those without an id are left out."""
    return [_with_upload(block, ids) for block in blocks if block[block["type"]].get("path", "") in {"", *ids}]


def files_in(properties: JsonObject) -> Iterator[Path]:
    """The files of this machine that a page's `properties` name (see `notion.properties`)."""
    for cell in properties.values():
        yield from (Path(entry["path"]) for entry in cell.get("files", ()))


def with_files(properties: JsonObject, ids: Mapping[str, str]) -> JsonObject:
    """`properties` as Notion takes them. A column none of whose files was taken is not written."""
    cells: JsonObject = {}
    for name, cell in properties.items():
        if "files" not in cell:
            cells[name] = cell
        elif taken := [entry for entry in cell["files"] if entry["path"] in ids]:
            cells[name] = {"files": [_uploaded(entry["name"], ids[entry["path"]]) for entry in taken]}
    return cells


def _uploaded(name: str, upload_id: str) -> JsonObject:
    return {"type": "file_upload", "file_upload": {"id": upload_id}, "name": name}


def _with_upload(block: JsonObject, ids: Mapping[str, str]) -> JsonObject:
    kind = block["type"]
    content = dict(block[kind])
    if "path" in content:
        content["file_upload"] = {"id": ids[content.pop("path")]}
    if "children" in content:
        content["children"] = with_uploads(content["children"], ids)
    return {**block, kind: content}


def _send(calls: Calls, name: str, data: bytes, content_type: str, wanted: JsonObject) -> str:
    upload_id = read(_upload_id, calls.send(Call(method="POST", path="file_uploads", body=wanted)))

    def look() -> JsonObject | None:
        answer = calls.send(Call(method="GET", path=f"file_uploads/{upload_id}"))
        return answer if answer.get("status") == "uploaded" else None

    form = {"file": (name, data, content_type)}
    calls.send_once(Call(method="POST", path=f"file_uploads/{upload_id}/send", form=form), look=look)
    return upload_id


def _upload_id(answer: JsonObject) -> str:
    return str(answer["id"])
