"""Which rows a query wants, and in what order."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.content import columns, options, values
from sandbox.notion.content.cell_text import as_text
from sandbox.notion.errors import validation
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

Matches = Callable[[Record], bool]

_true = checks.choice(True)
_existence: dict[str, Check] = {"is_empty": _true, "is_not_empty": _true}
_words = checks.text()


# Source: developers.notion.com/reference/post-database-query-filter; Notion's OpenAPI description of 2026-03,
# propertyFilter.
def _conditions(names: tuple[str, ...], value: Check, *, existence: bool = True) -> Check:
    return checks.variant(dict.fromkeys(names, value) | (_existence if existence else {}))


_text = _conditions(("equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with"), _words)
_number_names = (
    "equals", "does_not_equal", "greater_than", "less_than", "greater_than_or_equal_to", "less_than_or_equal_to",
)  # fmt: skip
_number = _conditions(_number_names, checks.number)
_checkbox = _conditions(("equals", "does_not_equal"), checks.boolean, existence=False)
_one_option = _conditions(("equals", "does_not_equal"), _words)
_options = _conditions(("contains", "does_not_contain"), _words)
_ids = _conditions(("contains", "does_not_contain"), checks.identifier)
_periods = ("this_week", "past_week", "past_month", "past_year", "next_week", "next_month", "next_year")
_date = checks.variant(
    dict.fromkeys(("equals", "before", "after", "on_or_before", "on_or_after"), checks.moment)
    | dict.fromkeys(_periods, checks.empty)
    | _existence
)
_files = checks.variant(_existence)
_simple: dict[str, Check] = {
    "title": _text, "rich_text": _text, "url": _text, "email": _text, "phone_number": _text, "number": _number,
    "checkbox": _checkbox, "select": _one_option, "status": _one_option, "multi_select": _options, "date": _date,
    "people": _ids, "relation": _ids, "created_by": _ids, "last_edited_by": _ids, "files": _files,
    "created_time": _date, "last_edited_time": _date, "unique_id": _number,
}  # fmt: skip
_formula = checks.variant({"string": _text, "checkbox": _checkbox, "number": _number, "date": _date})
_rollable = (
    "rich_text", "number", "checkbox", "select", "multi_select", "relation", "date", "people", "files", "status",
)  # fmt: skip
_rolled = checks.variant({kind: _simple[kind] for kind in _rollable})
_rollup = checks.variant({"any": _rolled, "none": _rolled, "every": _rolled, "date": _date, "number": _number})
_verification = checks.record({"status": checks.choice("verified", "expired", "none")})
_of_property = checks.variant(
    _simple | {"formula": _formula, "rollup": _rollup, "verification": _verification}, required={"property": _words}
)
_of_timestamp = {
    kind: checks.variant({kind: _date}, required={"timestamp": checks.choice(kind)})
    for kind in ("created_time", "last_edited_time")
}


def query_filter(value: Any, path: str, *, depth: int = 0) -> None:
    """A filter of a query: one condition, or `and` / `or` of conditions, nested twice at most."""
    # Source: developers.notion.com/reference/post-database-query-filter, Compound filter conditions: nested twice at
    # most.
    group = next((key for key in ("and", "or") if isinstance(value, dict) and key in value), None)
    if group is not None and depth < 2:
        checks.record({group: checks.array(lambda v, p: query_filter(v, p, depth=depth + 1))})(value, path)
    elif isinstance(value, dict) and "timestamp" in value:
        checks.choice(*_of_timestamp)(value["timestamp"], f"{path}.timestamp")
        _of_timestamp[value["timestamp"]](value, path)
    else:
        _of_property(value, path)


sorts: Check = checks.array(
    checks.either(
        checks.record(
            {
                "timestamp": checks.choice("created_time", "last_edited_time"),
                "direction": checks.choice("ascending", "descending"),
            }
        ),
        checks.record({"property": _words, "direction": checks.choice("ascending", "descending")}),
    )
)


def compiled(session: Session, data_source: Record, condition: Json | None) -> Matches:
    """The test that a checked filter describes.

    Raises a validation error for an unknown column, a condition of another type, or an option that does not exist.
    """
    condition = condition or {"and": []}
    if "and" in condition or "or" in condition:
        parts = [compiled(session, data_source, part) for part in (condition.get("and") or condition.get("or") or [])]
        combine = all if "and" in condition else any
        return lambda page: combine(part(page) for part in parts)
    if "timestamp" in condition:
        kind = condition["timestamp"]
        column: Json = {"id": kind, "name": kind, "type": kind}
        return _cell_test(session, column, kind, condition[kind])
    found = columns.find(data_source, condition["property"])
    if found is None:
        raise validation(f"Could not find property with name or id: {condition['property']}")
    kind = next(key for key in condition if key not in ("property", "type"))
    if kind != found["type"] and {kind, found["type"]} != {"title", "rich_text"}:
        raise validation(f"database property {found['type']} does not match filter {kind}")
    if kind in options.WITH_OPTIONS:
        _must_exist(found, condition[kind])
    return _cell_test(session, found, found["type"], condition[kind])


def sorted_rows(session: Session, data_source: Record, rows: list[Record], wanted: list[Json]) -> list[Record]:
    """The rows in the order that checked sorts ask for, empty cells last; newest first where none do."""
    # Assumed: without a sort the newest row comes first. If wrong: nothing, the product sorts by created_time where the
    # order matters. Check: none.
    ordered = sorted(rows, key=lambda row: row.seq, reverse=not wanted)
    for sort in reversed(wanted):
        backwards = sort["direction"] == "descending"
        if "timestamp" in sort:
            field = "created_time" if sort["timestamp"] == "created_time" else "edited_time"
            ordered.sort(key=lambda row, field=field: (getattr(row, field), row.seq), reverse=backwards)  # type: ignore[misc]
            continue
        column = columns.find(data_source, sort["property"])
        if column is None:
            raise validation(f"Could not find sort property with name or id: {sort['property']}")
        keys = {row.id: _sort_key(session, row, column) for row in ordered}
        # Assumed: empty cells come last either way. If wrong: nothing that people see. Check: none.
        filled = [row for row in ordered if keys[row.id] is not None]
        filled.sort(key=lambda row, keys=keys: keys[row.id], reverse=backwards)  # type: ignore[misc]
        ordered = filled + [row for row in ordered if keys[row.id] is None]
    return ordered


def _must_exist(column: Json, condition: Json) -> None:
    _, wanted = _single(condition)
    if isinstance(wanted, str) and options.option_named(column, wanted) is None:
        known = ", ".join(f'"{known["name"]}"' for known in options.of(column))
        raise validation(
            f'{column["type"]} option "{wanted}" not found for property "{column["name"]}". Available options: {known}.'
        )


def _single(condition: Json) -> tuple[str, Any]:
    """The one thing that a checked condition says, beside its type."""
    return next((key, value) for key, value in condition.items() if key != "type")


def _cell_test(session: Session, column: Json, kind: str, condition: Json) -> Matches:
    def matches(page: Record) -> bool:
        return _holds(session, values.cell(session, page, column)[kind], kind, condition)

    return matches


def _holds(session: Session, value: Any, kind: str, condition: Json) -> bool:
    if kind == "formula":
        inner_kind, test = _single(condition)
        inner = value.get("boolean" if inner_kind == "checkbox" else inner_kind)
        as_kind = "rich_text" if inner_kind == "string" else inner_kind
        return inner is not None and _compare(session, inner, as_kind, test)
    if kind == "rollup":
        return _rollup_holds(session, value, condition)
    if kind == "verification":
        return bool(condition["status"] == "none")
    return _compare(session, _comparable(value, kind), kind, condition)


def _rollup_holds(session: Session, value: Json, condition: Json) -> bool:
    how, inner = _single(condition)
    if how in ("number", "date"):
        return value["type"] == how and _compare(session, value[how], how, inner)
    kind, test = _single(inner)
    results = [_holds(session, item[item["type"]], kind, test) for item in value.get("array", []) if kind in item]
    return {"any": any(results), "every": all(results), "none": not any(results)}[how]


def _comparable(value: Any, kind: str) -> Any:
    """What a condition compares: text, a number, a truth, a list of names or ids, or the start of a date."""
    if kind in ("title", "rich_text"):
        return as_text({kind: value}, kind)
    if kind in ("select", "status"):
        return value and value["name"]
    if kind == "multi_select":
        return [chip["name"] for chip in value]
    if kind in ("people", "relation"):
        return [entry["id"] for entry in value]
    if kind in ("created_by", "last_edited_by"):
        return [value["id"]]
    if kind == "date":
        return value and value["start"]
    return value["number"] if kind == "unique_id" else value


def _compare(session: Session, value: Any, kind: str, condition: Json) -> bool:
    how, wanted = _single(condition)
    if how in ("is_empty", "is_not_empty"):
        return (value in (None, "", [])) == (how == "is_empty")
    if kind in ("date", "created_time", "last_edited_time"):
        return value is not None and _date_holds(session.clock.now(), str(value), how, wanted)
    if isinstance(value, list):
        wanted = checks.dashed(wanted) or wanted if kind != "multi_select" else wanted
        return (wanted in value) == (how == "contains")
    # Assumed: text is compared without regard to case. If wrong: nothing, the product compares what it looks up for
    # itself. Check: none.
    if isinstance(wanted, str) and kind not in options.WITH_OPTIONS:
        value, wanted = str(value or "").casefold(), wanted.casefold()
    if how in ("equals", "does_not_equal"):
        return bool(value == wanted) == (how == "equals")
    return value is not None and _COMPARISONS[how](value, wanted)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, wanted: wanted in value,
    "does_not_contain": lambda value, wanted: wanted not in value,
    "starts_with": lambda value, wanted: value.startswith(wanted),
    "ends_with": lambda value, wanted: value.endswith(wanted),
    "greater_than": lambda value, wanted: value > wanted,
    "less_than": lambda value, wanted: value < wanted,
    "greater_than_or_equal_to": lambda value, wanted: value >= wanted,
    "less_than_or_equal_to": lambda value, wanted: value <= wanted,
}


def _date_holds(now: datetime, value: str, how: str, wanted: Any) -> bool:
    if how in _periods:
        first, last = _period(now.date(), how)
        return first <= _aware(value).date() <= last
    # Assumed: a date without a time is compared by the day in UTC. If wrong: rows at the edge of a window are read
    # twice or a sweep later. Check: none.
    whole_days = "T" not in wanted
    here: Any = _aware(value).date() if whole_days else _aware(value)
    there: Any = _aware(wanted).date() if whole_days else _aware(wanted)
    results: dict[str, bool] = {
        "equals": here == there,
        "before": here < there,
        "after": here > there,
        "on_or_before": here <= there,
        "on_or_after": here >= there,
    }
    return results[how]


def _aware(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _period(today: date, name: str) -> tuple[date, date]:
    if name == "this_week":
        # Assumed: a week begins on Sunday. If wrong: nothing, the product asks for no week. Check: none.
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday, sunday + timedelta(days=6)
    days = {"week": 7, "month": 30, "year": 365}[name.split("_")[1]]
    span = timedelta(days=days)
    return (today - span, today) if name.startswith("past") else (today, today + span)


def _sort_key(session: Session, page: Record, column: Json) -> Any:
    """What a row is sorted by in a column; None for an empty cell. Options sort in the order of the column."""
    kind = column["type"]
    kept = values.kept_value(page, column) if kind not in columns.READ_ONLY else None
    if kind in ("select", "status"):
        order = [known["id"] for known in options.of(column)]
        return order.index(kept) if kept in order else None
    if kind in ("number", "checkbox"):
        return kept
    if kind == "date":
        return _aware(kept["start"]) if kept else None
    if kind == "unique_id":
        return page.body["cells"].get(column["id"])
    if kind == "created_time":
        return page.created_time
    if kind == "last_edited_time":
        return page.edited_time
    return values.text(session, page, column).casefold() or None
