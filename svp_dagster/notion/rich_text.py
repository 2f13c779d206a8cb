"""Rich text within Notion's size limits.

Lengths are in UTF-16 code units, the stricter of the two ways in which Notion and its OpenAPI description count.
"""

from __future__ import annotations

import re

from svp_dagster.models import JsonObject

ITEM_UNITS = 2000
"""Maximum length of the content of one rich text item, and of a URL."""
ITEMS_PER_ARRAY = 100
"""Maximum number of items in an array of rich text, blocks, options or relations."""
CUT_MARK = "…"

_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\ufeff]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BREAK_WITHIN = 300


def clean(text: str) -> str:
    """Return `text` stripped, with `\\n` as its only line end, without control characters and lone surrogates."""
    return _UNWANTED.sub("", _LINE_ENDS.sub("\n", text)).strip()


def one_line(text: str) -> str:
    """Return `text` cleaned, with each run of white space as one space."""
    return " ".join(clean(text).split())


def units(text: str) -> int:
    """Return the length of `text` in UTF-16 units: characters beyond the basic plane count twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` units with `CUT_MARK` at its end where it is longer."""
    if units(text) <= limit:
        return text
    return text[: _end(text, 0, limit - len(CUT_MARK))].rstrip() + CUT_MARK


def split(text: str, limit: int = ITEM_UNITS) -> list[str]:
    """Split `text` into parts of at most `limit` units, at a space or line end if one is near."""
    parts = []
    start = 0
    while start < len(text):
        end = _end(text, start, limit)
        if end < len(text):
            low = max(start, end - _BREAK_WITHIN)
            end = max(text.rfind(" ", low, end), text.rfind("\n", low, end)) + 1 or end
        parts.append(text[start:end])
        start = end
    return parts


def text_item(content: str, *, url: str | None = None) -> JsonObject:
    """Return one rich text item, a link if `url` is given. `content` must fit."""
    link = {"link": {"url": url}} if url else {}
    return {"type": "text", "text": {"content": content, **link}}


def rich_text(text: str, *, limit: int = ITEM_UNITS * ITEMS_PER_ARRAY) -> list[JsonObject]:
    """Return `text` in as few rich text items as possible, cut where it is longer than `limit` or fills the array.

    An empty text gives an empty array.
    """
    parts = split(cut(clean(text), limit))
    if len(parts) > ITEMS_PER_ARRAY:
        last = cut("".join(parts[ITEMS_PER_ARRAY - 1 :]), ITEM_UNITS)
        parts = [*parts[: ITEMS_PER_ARRAY - 1], last]
    return [text_item(part) for part in parts]


def plain_text(items: list[JsonObject]) -> str:
    """Return the text of a rich text array, of a request or of a response."""
    return "".join(item.get("plain_text") or item.get("text", {}).get("content", "") for item in items)


def _end(text: str, start: int, limit: int) -> int:
    """Return the largest end for which `text[start:end]` has at most `limit` units."""
    end = min(len(text), start + limit)
    while (excess := units(text[start:end]) - limit) > 0:
        end -= max(1, excess // 2)
    return end
