"""Blocks of a page: made within Notion's sizes, parted into requests, compared.

Sizes of a request: 100 children in an array, 1,000 blocks, 500 KB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from svp_dagster.models import JsonObject
from svp_dagster.notion.rich_text import ITEM_UNITS, ITEMS_PER_ARRAY, plain_text, text_item, units

CHILDREN_PER_ARRAY = 100
BLOCKS_PER_REQUEST = 1000
REQUEST_BYTES = 450_000
"""Most bytes of the blocks of one request; what is left of Notion's 500 KB is for the rest of the request."""

PARAGRAPH_UNITS = 100_000
"""Longest text put into one paragraph: 300 KB at most, so that it fits into a request."""

Items = list[JsonObject]
"""A rich text array, or a line of one."""


def paragraph(items: Items, *, color: str = "default") -> JsonObject:
    """A paragraph of at most 100 items."""
    return {"type": "paragraph", "paragraph": {"rich_text": items, "color": color}}


def paragraphs(lines: Iterable[Items]) -> list[JsonObject]:
    """As few paragraphs as hold the `lines` one below the other. A line has a few items and is never parted."""
    return [paragraph(_joined(group)) for group in _groups(lines)]


def one_paragraph(lines: Iterable[Items], *, color: str = "default") -> list[JsonObject]:
    """One paragraph with the `lines` that fit, and a mark with the number of those that don't; none for no lines."""
    first, *others = list(_groups(lines)) or [[]]
    missing = sum(map(len, others))
    if missing:
        first.append([text_item(f"… ({missing} more)")])
    return [paragraph(_joined(first), color=color)] if first else []


def toggles(heading: str, inside: list[JsonObject]) -> list[JsonObject]:
    """As few toggles as hold the blocks `inside` and fit into a request each; none for no blocks."""
    parts = batches(inside)
    headings = [heading] + [f"{heading} ({number})" for number in range(2, len(parts) + 1)]
    return [_toggle(name, part) for name, part in zip(headings, parts, strict=False)]


def file(path: Path, *, mark: str) -> JsonObject:
    """A file of this machine, which is uploaded once the block is sent (`resources.notion_upload.with_uploads`).

    `mark` stands below it: a block with the same name and mark is taken to hold the same file.
    """
    return {"type": "file", "file": {"path": str(path), "name": path.name, "caption": [text_item(mark)]}}


def batches(blocks: list[JsonObject]) -> list[list[JsonObject]]:
    """`blocks` in their order, parted so that each part fits into one request."""
    parts: list[list[JsonObject]] = []
    count = size = 0
    for block in blocks:
        block_count, block_bytes = _count(block), size_bytes(block)
        count, size = count + block_count, size + block_bytes
        if not parts or len(parts[-1]) == CHILDREN_PER_ARRAY or count > BLOCKS_PER_REQUEST or size > REQUEST_BYTES:
            parts.append([])
            count, size = block_count, block_bytes
        parts[-1].append(block)
    return parts


def size_bytes(part: JsonObject) -> int:
    """How many bytes a part of a request takes in it."""
    return len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) + 1


def children(block: JsonObject) -> list[JsonObject]:
    """The blocks inside a block of a request."""
    inside: list[JsonObject] = block[block["type"]].get("children", [])
    return inside


def without_children(block: JsonObject) -> JsonObject:
    """The body of an update that gives a block the content of `block`, but not what is inside it."""
    kind = block["type"]
    return {"type": kind, kind: {name: value for name, value in block[kind].items() if name != "children"}}


def says(block: JsonObject) -> list[tuple[str, str | None]]:
    """The words of a block (a file's are its caption) with their links, for one of a request or of an answer alike.

    Blocks that say the same give equal lists, however their text is parted into items.
    """
    runs: list[tuple[str, str | None]] = []
    content = block.get(block["type"], {})
    for item in content.get("rich_text") or content.get("caption") or []:
        link = (item.get("text", {}).get("link") or {}).get("url")
        before = runs.pop()[0] if runs and runs[-1][1] == link else ""
        runs.append((before + plain_text([item]), link))
    return runs


def likeness(block: JsonObject) -> tuple[str, str]:
    """Equal for blocks of which one may be the older version of the other: one type, and one heading or file name."""
    kind: str = block["type"]
    match kind:
        case "toggle":
            return kind, plain_text(block[kind].get("rich_text", []))
        case "file":
            return kind, str(block[kind].get("name") or "")
        case _:
            return kind, ""


def _toggle(heading: str, inside: list[JsonObject]) -> JsonObject:
    return {"type": "toggle", "toggle": {"rich_text": [text_item(heading)], "children": inside}}


def _groups(lines: Iterable[Items]) -> Iterator[list[Items]]:
    """The lines of one paragraph after the other. Each leaves room for one item more."""
    group: list[Items] = []
    items = size = 0
    for line in lines:
        line_items, line_units = len(line) + 1, 1 + sum(units(item["text"]["content"]) for item in line)
        items, size = items + line_items, size + line_units
        if group and (items > ITEMS_PER_ARRAY - 2 or size > PARAGRAPH_UNITS):
            yield group
            group = []
            items, size = line_items, line_units
        group.append(line)
    if group:
        yield group


def _joined(lines: list[Items]) -> Items:
    """The lines as one array, neighbours without a link as one item where they fit into one."""
    joined: Items = []
    for number, line in enumerate(lines):
        for item in [text_item("\n"), *line] if number else line:
            both = _as_one(joined[-1], item) if joined else None
            if both is None:
                joined.append(item)
            else:
                joined[-1] = both
    return joined


def _as_one(left: JsonObject, right: JsonObject) -> JsonObject | None:
    if left["text"].get("link") or right["text"].get("link"):
        return None
    content = left["text"]["content"] + right["text"]["content"]
    return text_item(content) if units(content) <= ITEM_UNITS else None


def _count(block: JsonObject) -> int:
    return 1 + sum(map(_count, children(block)))
