"""Blocks of a page: built within Notion's size limits, split into requests, compared.

A request has at most 100 children in an array, 1,000 blocks and 500 KB.
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
"""Maximum size of the blocks of one request; the rest of Notion's 500 KB is for the rest of the request."""

PARAGRAPH_UNITS = 100_000
"""Maximum length of the text of one paragraph: at most 300 KB, so that it fits into a request."""

Items = list[JsonObject]
"""A rich text array, or a line of one."""


def paragraph(items: Items, *, color: str = "default") -> JsonObject:
    """Return a paragraph of at most 100 items."""
    return {"type": "paragraph", "paragraph": {"rich_text": items, "color": color}}


def paragraphs(lines: Iterable[Items]) -> list[JsonObject]:
    """Return the `lines` in as few paragraphs as possible. A line has a few items and is never split."""
    return [paragraph(_joined(group)) for group in _groups(lines)]


def one_paragraph(lines: Iterable[Items], *, color: str = "default") -> list[JsonObject]:
    """Return one paragraph with the `lines` that fit and the number of those that don't; none for no lines."""
    first, *others = list(_groups(lines)) or [[]]
    missing = sum(map(len, others))
    if missing:
        first.append([text_item(f"… ({missing} more)")])
    return [paragraph(_joined(first), color=color)] if first else []


def toggles(heading: str, inside: list[JsonObject]) -> list[JsonObject]:
    """Return the blocks `inside` in as few toggles as possible, each within one request; none for no blocks."""
    parts = batches(inside)
    headings = [heading] + [f"{heading} ({number})" for number in range(2, len(parts) + 1)]
    return [_toggle(name, part) for name, part in zip(headings, parts, strict=False)]


def file(path: Path, *, mark: str) -> JsonObject:
    """Return a block with a file of this machine, which is uploaded when the block is sent (`notion.client.upload`).

    `mark` is its caption: a block with the same name and mark is assumed to hold the same file.
    """
    return {"type": "file", "file": {"path": str(path), "name": path.name, "caption": [text_item(mark)]}}


def image(path: Path) -> JsonObject:
    """Return a block with a picture of this machine, which is uploaded when the block is sent."""
    return {"type": "image", "image": {"path": str(path), "caption": []}}


def heading(items: Items) -> JsonObject:
    """Return a heading of the middle size."""
    return {"type": "heading_2", "heading_2": {"rich_text": items}}


def bullet(items: Items, *, inside: list[JsonObject] | None = None) -> JsonObject:
    """Return an item of a list, with the blocks `inside` below it."""
    content: JsonObject = {"rich_text": items} | ({"children": inside} if inside else {})
    return {"type": "bulleted_list_item", "bulleted_list_item": content}


def batches(blocks: list[JsonObject]) -> list[list[JsonObject]]:
    """Split `blocks` into parts that fit into one request each, in order."""
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
    """Return the size of a part of a request."""
    return len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) + 1


def children(block: JsonObject) -> list[JsonObject]:
    """Return the blocks inside a block of a request."""
    inside: list[JsonObject] = block[block["type"]].get("children", [])
    return inside


def without_children(block: JsonObject) -> JsonObject:
    """Return the body of an update that sets the content of a block, without its children."""
    kind = block["type"]
    return {"type": kind, kind: {name: value for name, value in block[kind].items() if name != "children"}}


def text_runs(block: JsonObject) -> list[tuple[str, str | None]]:
    """Return the text of a block (of a file: its caption) as runs with their links, of a request or of a response.

    Blocks with the same text have equal runs, however the text is split into items.
    """
    runs: list[tuple[str, str | None]] = []
    content = block.get(block["type"], {})
    for item in content.get("rich_text") or content.get("caption") or []:
        link = (item.get("text", {}).get("link") or {}).get("url")
        before = runs.pop()[0] if runs and runs[-1][1] == link else ""
        runs.append((before + plain_text([item]), link))
    return runs


def match_key(block: JsonObject) -> tuple[str, str]:
    """Return the key for pairing an existing block with its replacement: the type, and what names it.

    That is the text of what other blocks are below, so that they stay together, and the name of a file.
    """
    kind: str = block["type"]
    match kind:
        case "toggle" | "bulleted_list_item":
            return kind, plain_text(block[kind].get("rich_text", []))
        case "file":
            return kind, str(block[kind].get("name") or "")
        case _:
            return kind, ""


def _toggle(heading: str, inside: list[JsonObject]) -> JsonObject:
    return {"type": "toggle", "toggle": {"rich_text": [text_item(heading)], "children": inside}}


def _groups(lines: Iterable[Items]) -> Iterator[list[Items]]:
    """Yield the lines of each paragraph, with room for one more item."""
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
    """Join the lines into one array, and items without a link into one item where they fit."""
    joined: Items = []
    for number, line in enumerate(lines):
        for item in [text_item("\n"), *line] if number else line:
            both = _merged(joined[-1], item) if joined else None
            if both is None:
                joined.append(item)
            else:
                joined[-1] = both
    return joined


def _merged(left: JsonObject, right: JsonObject) -> JsonObject | None:
    if left["text"].get("link") or right["text"].get("link"):
        return None
    content = left["text"]["content"] + right["text"]["content"]
    return text_item(content) if units(content) <= ITEM_UNITS else None


def _count(block: JsonObject) -> int:
    return 1 + sum(map(_count, children(block)))
