"""A shown cell as one line of text: for people, for searching, for filters and for a column that changes its type."""

from typing import Any

from sandbox.notion.content import rich_text
from sandbox.notion.state.store import Json


def as_text(shown: Json, kind: str) -> str:
    """The text of a cell as answers have it, whose value stands under its type's name; "" for an empty one."""
    value: Any = shown[kind]
    if value is None:
        return ""
    if kind in ("title", "rich_text"):
        return rich_text.plain(value)
    if kind == "multi_select":
        return ", ".join(chip["name"] for chip in value)
    if kind == "date":
        return str(value["start"]) + (f" → {value['end']}" if value["end"] else "")
    if kind == "files":
        return ", ".join(str(entry.get("name", "")) for entry in value)
    if kind in ("people", "relation"):
        return ", ".join(str(entry["id"]) for entry in value)
    if kind == "checkbox":
        return "Yes" if value else "No"
    if kind == "unique_id":
        number, prefix = value["number"], value["prefix"]
        return "" if number is None else f"{prefix}-{number}" if prefix else str(number)
    if kind in ("formula", "rollup"):
        inner = value.get(value["type"])
        return "" if inner is None else f"{len(inner)} items" if isinstance(inner, list) else str(inner)
    if isinstance(value, dict):
        return str(value.get("name") or value.get("id") or "")
    return f"{value:g}" if isinstance(value, float) else str(value)
