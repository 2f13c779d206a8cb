"""Cells that nobody writes: times and authors, numbers given by Notion, formulas and rollups.

A formula is worked out only where it is one property, a number or a string; else its value is an empty string.
"""

import re
import statistics
from collections.abc import Callable
from typing import Any

from sandbox.notion.content import columns
from sandbox.notion.content.cell_text import as_text
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

Cell = Callable[[Session, Record, Json], Json]
"""Shows one cell of a page."""
_NOT_NESTED = ("formula", "rollup")
_ONE_STRING = re.compile(r'^"([^"]*)"$')
_ONE_PROPERTY = re.compile(r'^prop\("(?P<name>[^"]+)"\)$')


def value(session: Session, page: Record, column: Json, cell: Cell) -> Any:
    """What an answer has under the type's name in a read-only cell; `cell` shows any other."""
    kind = column["type"]
    stamps = session.stamps(page)
    # Source: developers.notion.com/reference/page-property-values: created_time, created_by, last_edited_time,
    # last_edited_by.
    if kind in stamps:
        return stamps[kind]
    if kind == "unique_id":
        return {"prefix": column["unique_id"]["prefix"], "number": page.body["cells"].get(column["id"])}
    if kind == "formula":
        return _formula(session, page, column["formula"]["expression"], cell)
    if kind == "rollup":
        return _rollup(session, page, column["rollup"], cell)
    return {} if kind == "button" else None


def _formula(session: Session, page: Record, expression: str, cell: Cell) -> Json:
    # Assumed: any other formula has an empty string. If wrong: nothing, the product reads no formula. Check: none.
    single = _ONE_PROPERTY.match(expression.strip())
    data_source = session.parent_of(page)
    column = columns.find(data_source, single["name"]) if single and data_source is not None else None
    if column is not None and column["type"] not in _NOT_NESTED:
        kind, shown = column["type"], cell(session, page, column)
        if kind == "checkbox":
            return {"type": "boolean", "boolean": shown[kind]}
        if kind in ("number", "date"):
            return {"type": kind, kind: shown[kind]}
        return {"type": "string", "string": as_text(shown, kind)}
    try:
        return {"type": "number", "number": float(expression)}
    except ValueError:
        quoted = _ONE_STRING.match(expression.strip())
        return {"type": "string", "string": quoted[1] if quoted else ""}


def _rollup(session: Session, page: Record, settings: Json, cell: Cell) -> Json:
    function = settings["function"]
    cells: list[Json] = []
    for key in page.body["cells"].get(settings["relation_property_id"]) or []:
        related = session.store.get(key)
        home = session.parent_of(related) if related is not None and not related.in_trash else None
        column = columns.find(home, settings["rollup_property_id"]) if home is not None else None
        if related is not None and column is not None and column["type"] not in _NOT_NESTED:
            cells.append({"type": column["type"]} | cell(session, related, column))
    # Source: developers.notion.com/reference/page-property-values, Rollup: array, number, date.
    if function in ("show_original", "show_unique"):
        return {"type": "array", "array": cells, "function": function}
    return {"type": "number", "number": _number(function, cells), "function": function}


def _number(function: str, cells: list[Json]) -> float | None:
    filled = [entry for entry in cells if entry[entry["type"]] not in (None, [], "")]
    counts = {"count": len(cells), "count_values": len(filled), "not_empty": len(filled)}
    counts["empty"] = len(cells) - len(filled)
    if function in counts:
        return counts[function]
    numbers = [entry["number"] for entry in filled if entry["type"] == "number"]
    if not numbers:
        return None
    work: dict[str, Callable[[list[float]], float]] = {
        "sum": sum,
        "average": statistics.fmean,
        "median": statistics.median,
        "min": min,
        "max": max,
    }
    worked = work.get(function)
    return None if worked is None else float(worked(numbers))
