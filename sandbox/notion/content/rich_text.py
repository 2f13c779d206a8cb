"""Rich text: what a request may hold, what is kept of it, and its plain text."""

from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.errors import failed, validation
from sandbox.notion.state.store import Json

# Source: developers.notion.com/reference/request-limits: text 2,000, equation 1,000, URL 2,000 characters; 100 items.
LONGEST_TEXT = 2_000
LONGEST_EQUATION = 1_000
LONGEST_URL = 2_000
PLAIN_COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
# Source: developers.notion.com/reference/rich-text, annotations.
COLORS = PLAIN_COLORS + tuple(f"{color}_background" for color in PLAIN_COLORS)
_LINK_SCHEMES = ("http", "https", "mailto", "tel")
_FLAGS = ("bold", "italic", "strikethrough", "underline", "code")


def link(value: Any, path: str) -> None:
    """The URL of a link in a text: absolute (or relative to Notion), at most 2,000 units."""
    checks.text(longest=LONGEST_URL)(value, path)
    if not value.startswith(("/", "#")) and urlsplit_scheme(value) not in _LINK_SCHEMES:
        # Source: error text quoted in public issue threads: "Invalid URL for link.".
        # Assumed: relative addresses and other schemes than these are refused. If wrong: nothing that people see.
        # Check: none.
        raise validation("Invalid URL for link.")


def urlsplit_scheme(value: str) -> str:
    """The scheme of a URL that also names something behind it; "" where it is no URL."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return parts.scheme.lower() if parts.netloc or parts.path else ""


def _zone(value: Any, path: str) -> None:
    checks.text(shortest=1)(value, path)
    if zone_or_none(value) is None:
        raise failed(path, "a valid IANA time zone", value)


def zone_or_none(name: str) -> ZoneInfo | None:
    """The `ZoneInfo` of this name, or None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


date: Check = checks.record(
    {"start": checks.moment}, {"end": checks.nullable(checks.moment), "time_zone": checks.nullable(_zone)}
)
_reference = checks.record({"id": checks.identifier}, {"object": checks.text()})
_mention = checks.variant(
    {"user": _reference, "date": date, "page": _reference, "database": _reference, "data_source": _reference}
)
item: Check = checks.variant(
    {
        "text": checks.record(
            {"content": checks.text(longest=LONGEST_TEXT)},
            {"link": checks.nullable(checks.record({"url": link}, {"type": checks.choice("url")}))},
        ),
        "mention": _mention,
        "equation": checks.record({"expression": checks.text(longest=LONGEST_EQUATION)}),
    },
    {
        "annotations": checks.record(
            optional=dict.fromkeys(_FLAGS, checks.boolean) | {"color": checks.choice(*COLORS)}
        ),
        "plain_text": checks.text(),
        "href": checks.nullable(checks.text()),
    },
)
rich_text: Check = checks.array(item)
"""An array of at most 100 items."""


def kept(items: list[Json]) -> list[Json]:
    """Checked items as answers show them: with plain text, all annotations and the link."""
    # Assumed: an item without text is dropped. If wrong: a page is written again although nothing changed. Check: none.
    return [_kept_item(entry) for entry in items if entry.get("text", {}).get("content") != ""]


def from_text(text: str) -> list[Json]:
    """A plain string as kept rich text, in as many items as its length needs."""
    parts = [text[start : start + 1_000] for start in range(0, len(text), 1_000)]
    return kept([{"text": {"content": part}} for part in parts])


def plain(items: list[Json]) -> str:
    """The text without its looks."""
    return "".join(str(entry["plain_text"]) for entry in items)


def _kept_item(entry: Json) -> Json:
    kind = checks.kind_of(entry, {"text": 1, "mention": 1, "equation": 1}) or "text"
    annotations = dict.fromkeys(_FLAGS, False) | {"color": "default"} | entry.get("annotations", {})
    shown: Json = {"type": kind, "annotations": annotations, "href": None}
    if kind == "text":
        target = entry["text"].get("link")
        shown["text"] = {"content": entry["text"]["content"], "link": target and {"url": target["url"]}}
        shown["plain_text"] = entry["text"]["content"]
        shown["href"] = target["url"] if target else None
    elif kind == "equation":
        shown["equation"] = {"expression": entry["equation"]["expression"]}
        shown["plain_text"] = entry["equation"]["expression"]
    else:
        what = checks.kind_of(entry["mention"], dict.fromkeys(("user", "date", "page", "database", "data_source")))
        value = entry["mention"][what or "page"]
        shown["mention"] = {"type": what, what or "page": value}
        shown["plain_text"] = value["start"] if what == "date" else f"@{value['id']}"
    return shown
