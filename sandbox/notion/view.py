"""What the templates show: cells, blocks and form fields as plain values that are easy to lay out."""

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from sandbox.notion.content import block_kinds, files, options, rich_text, values
from sandbox.notion.content.cell_text import as_text
from sandbox.notion.endpoints.blocks import UNDER_A_PAGE
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

_INPUTS = {
    "title": "text", "rich_text": "text", "url": "text", "number": "number", "email": "email", "phone_number": "tel",
    "date": "date", "checkbox": "checkbox", "select": "select", "status": "select", "multi_select": "several",
}  # fmt: skip
_LISTS = {"bulleted_list_item": "ul", "numbered_list_item": "ol"}
_DEEPEST_SHOWN = 12
_CLOCK_TIME = re.compile(r"T(\d\d:\d\d):\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


def ordered_columns(data_source: Record) -> list[Json]:
    """The title first, then the others in their order."""
    return sorted(data_source.body["columns"].values(), key=lambda column: column["type"] != "title")


def cell(session: Session, page: Record, column: Json) -> Json:
    """One cell: `kind`, `text`, and what its kind needs beside (chips, options to choose from, files, an address)."""
    kind = column["type"]
    shown = values.cell(session, page, column)
    value = shown[kind]
    looks: Json = {"kind": kind, "column": column["id"], "name": column["name"], "page": page.id}
    looks["text"] = as_text(shown, kind)
    if kind in ("select", "status"):
        looks |= {"chosen": value, "options": options.of(column)}
    elif kind == "multi_select":
        looks["chips"] = value
    elif kind in ("title", "rich_text"):
        looks["spans"] = value
    elif kind == "url":
        looks["address"] = value
    elif kind == "email":
        looks["address"] = f"mailto:{value}" if value else None
    elif kind == "checkbox":
        looks["checked"] = value
    elif kind in ("date", "created_time", "last_edited_time"):
        looks["text"] = _readable(looks["text"])
    elif kind == "files":
        looks["files"] = [{"name": entry["name"], "address": file_address(entry)} for entry in value]
    return looks


def file_address(value: Json | None) -> str:
    """Where a shown file, cover or icon is; "" where there is none."""
    if value is None or value.get("type") not in ("file", "external"):
        return ""
    return str(value[value["type"]]["url"])


def form_fields(data_source: Record, typed: Mapping[str, str]) -> list[Json]:
    """The inputs of the form for a new row. A drop-down starts at its first option."""
    fields: list[Json] = []
    for column in ordered_columns(data_source):
        kind = _INPUTS.get(column["type"])
        if kind is None:
            continue
        offered = options.of(column) if column["type"] in options.WITH_OPTIONS else []
        start = offered[0]["name"] if offered and kind == "select" else ""
        fields.append(
            {
                "name": column["id"],
                "label": column["name"],
                "kind": kind,
                "options": offered,
                "optional": column["type"] != "status",
                "value": typed.get(column["id"], start),
            }
        )
    return fields


def form_values(data_source: Record, form: Any) -> dict[str, Json]:
    """The `properties` of a request that a sent form stands for; fields left empty are not in it."""
    requested: dict[str, Json] = {}
    for column in data_source.body["columns"].values():
        kind, key = column["type"], column["id"]
        written = str(form.get(key, "")).strip()
        if kind not in _INPUTS or not written:
            continue
        value: Any = written
        if kind in ("title", "rich_text"):
            value = [{"text": span["text"]} for span in rich_text.from_text(written)]
        elif kind in ("select", "status"):
            value = {"name": written}
        elif kind == "multi_select":
            value = [{"name": name} for name in form.getlist(key) if name]
        elif kind == "checkbox":
            value = True
        elif kind == "date":
            value = {"start": written}
        elif kind == "number":
            value = _number(written)
        requested[key] = {kind: value}
    return requested


def blocks(session: Session, parent: Record, *, depth: int = 0) -> list[Json]:
    """What stands under a page or block, as `{"tag", "items"}` groups: lists are one group, other blocks their own."""
    if depth > _DEEPEST_SHOWN:
        return []
    found = [record for record in session.store.children(parent.id, UNDER_A_PAGE) if not record.in_trash]
    items = [_block(session, record, depth) for record in found]
    runs = groupby(items, key=lambda item: _LISTS.get(item["kind"], item["id"]))
    return [{"tag": tag if tag in _LISTS.values() else "div", "items": list(run)} for tag, run in runs]


def _block(session: Session, record: Record, depth: int) -> Json:
    looks: Json = {"id": record.id, "kind": record.kind, "groups": []}
    if record.kind != "block":
        is_page = record.kind == "page"
        title = rich_text.plain(record.body["cells"].get("title", []) if is_page else record.body["title"])
        return looks | {"kind": "link", "title": title or "Untitled", "address": session.url(record, title)}
    kind = record.body["type"]
    content = record.body[kind]
    looks |= {"kind": kind, "content": content, "spans": content.get("rich_text", [])}
    looks["caption"] = content.get("caption", [])
    if kind in block_kinds.MEDIA_KINDS:
        looks["address"] = file_address(files.shown(session, content))
    if kind == "table":
        rows = session.store.children(record.id, ["block"])
        looks["rows"] = [row.body["table_row"]["cells"] for row in rows if not row.in_trash]
    else:
        looks["groups"] = blocks(session, record, depth=depth + 1)
    return looks


def _readable(times: str) -> str:
    """`2026-11-20T10:15:00.000+00:00` as `2026-11-20 10:15`; an offset other than UTC's stays."""
    return _CLOCK_TIME.sub(lambda found: f" {found[1]}{'' if found[2] in ('Z', '+00:00') else found[2]}", times)


def _number(written: str) -> float | str:
    """The number, or the text as it is, which the check of the request then refuses."""
    try:
        return float(written)
    except ValueError:
        return written
