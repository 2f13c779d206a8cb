"""What stands in the cells: how a request sets it, how it is kept, how answers show it.

A page keeps its cells under the column's id, in the barest form: option ids, user ids, page ids, kept rich text.
What nobody may write (created_time, formula, …) is made when it is shown.
"""

from datetime import datetime
from typing import Any

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.content import columns, computed, files, options, rich_text
from sandbox.notion.content.cell_text import as_text
from sandbox.notion.errors import failed, not_found, validation
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

# Source: developers.notion.com/reference/retrieve-a-page: at most 25 references in a page object.
RELATION_ITEMS_SHOWN = 25
_USER = (
    "SELECT id FROM (SELECT id, workspace_id FROM people UNION SELECT id, workspace_id FROM bots)"
    " WHERE id=? AND workspace_id=?"
)
_empty_lists = ("title", "rich_text", "multi_select", "people", "relation", "files")

_by_id = checks.record({"id": checks.identifier}, {"object": checks.choice("user")})
_file_name = checks.text(shortest=1, longest=100)
_file = checks.either(
    checks.variant({"file_upload": files.upload}, {"name": _file_name}),
    checks.variant({"external": files.external}, required={"name": _file_name}),
)
_place = checks.record(
    {"lat": checks.number, "lon": checks.number},
    dict.fromkeys(("name", "address", "aws_place_id", "google_place_id"), checks.nullable(checks.text())),
)


def _date(value: Any, path: str) -> None:
    rich_text.date(value, path)
    start, end = checks.parsed_moment(value["start"]), checks.parsed_moment(value.get("end") or value["start"])
    if ("T" in value["start"]) != ("T" in (value.get("end") or value["start"])):
        raise validation(f"{path}.start and {path}.end must both be dates or both have a time.")
    if value.get("time_zone") and (start is None or start.tzinfo or "T" not in value["start"]):
        raise failed(f"{path}.start", "a time without an offset where time_zone is given", value["start"])
    if start is not None and end is not None and end.replace(tzinfo=None) < start.replace(tzinfo=None):
        raise failed(f"{path}.end", f"on or after `{value['start']}`", value["end"])


# Source: developers.notion.com/reference/page-property-values; Notion's OpenAPI description of 2026-03.
writable: dict[str, Check] = {
    "title": rich_text.rich_text,
    "rich_text": rich_text.rich_text,
    "number": checks.nullable(checks.number),
    "url": checks.nullable(files.url),
    "select": checks.nullable(options.option),
    "multi_select": checks.array(options.option),
    "people": checks.array(_by_id),
    "email": checks.nullable(checks.text(shortest=1, longest=200)),
    "phone_number": checks.nullable(checks.text(shortest=1, longest=200)),
    "date": checks.nullable(_date),
    "checkbox": checks.boolean,
    "relation": checks.array(checks.record({"id": checks.identifier})),
    "files": checks.array(_file),
    "status": checks.nullable(options.option),
    "place": checks.nullable(_place),
}
properties: Check = checks.mapping(checks.variant(writable))
"""The `properties` of a request that makes or changes a page."""


def matched(data_source: Record, requested: dict[str, Json]) -> list[tuple[Json, Any]]:
    """(column, value) of each cell that a checked request sets.

    Raises a validation error that names every unknown column and every value of the wrong type.
    """
    pairs: list[tuple[Json, Any]] = []
    complaints: list[str] = []
    for name, value in requested.items():
        column = columns.find(data_source, name)
        kind = checks.kind_of(value, writable)
        if column is None:
            # Source: error texts quoted in public issue threads, as denkiwakame/arxiv2notion issue 1: "Title is
            # expected to be rich_text.".
            complaints.append(f"{name} is not a property that exists.")
        elif column["type"] != kind:
            complaints.append(f"{name} is expected to be {column['type']}.")
        else:
            pairs.append((column, value[column["type"]]))
    if complaints:
        raise validation(" ".join(complaints))
    return pairs


def written(session: Session, data_source: Record, requested: dict[str, Json]) -> Json:
    """The cells that a checked request sets, as they are kept, by column id. Unknown select options are made.

    Raises a validation error for what does not fit the columns, `object_not_found` for people and pages that
    are not there.
    """
    known = len(str(data_source.body["columns"]))
    cells = {column["id"]: _kept(session, column, value) for column, value in matched(data_source, requested)}
    if len(str(data_source.body["columns"])) != known:  # an option was made
        session.store.save(data_source)
    return cells


def shown(session: Session, page: Record, data_source: Record) -> dict[str, Json]:
    """The `properties` of a page's answer, all columns, by name."""
    return {
        str(column["name"]): {"id": column["id"], "type": column["type"]} | cell(session, page, column)
        for column in data_source.body["columns"].values()
    }


def cell(session: Session, page: Record, column: Json) -> Json:
    """One cell as answers have it: its value under the name of its type."""
    kind: str = column["type"]
    if kind in columns.READ_ONLY:
        return {kind: computed.value(session, page, column, cell)}
    value = kept_value(page, column)
    if kind in ("select", "status"):
        value = _option(column, value)
    elif kind == "multi_select":
        value = [chip for chip in (_option(column, key) for key in value) if chip]
    elif kind == "people":
        value = [{"object": "user", "id": key} for key in value]
    elif kind == "relation":
        items = [{"id": key} for key in value]
        return {"relation": items[:RELATION_ITEMS_SHOWN], "has_more": len(items) > RELATION_ITEMS_SHOWN}
    elif kind == "files":
        value = [files.shown(session, entry) for entry in value]
    return {kind: value}


def kept_value(page: Record, column: Json) -> Any:
    """What a page keeps in a column, or what an untouched cell of its type holds."""
    if column["id"] in page.body["cells"]:
        return page.body["cells"][column["id"]]
    if column["type"] in _empty_lists:
        return []
    if column["type"] == "status":
        # Assumed: an untouched status has the first option. If wrong: a row without a status is taken for one that
        # waits, or not. Check: none.
        first = options.of(column)
        return first[0]["id"] if first else None
    return False if column["type"] == "checkbox" else None


def text(session: Session, page: Record, column: Json) -> str:
    """A cell as one line of text."""
    return as_text(cell(session, page, column), column["type"])


def converted(session: Session, page: Record, before: Json, after: Json) -> Any:
    """A cell of a column that changed its type, as far as its text allows it; None where it does not."""
    kind, words = after["type"], text(session, page, before)
    if not words:
        return None
    if kind == "rich_text":
        return rich_text.from_text(words)
    if kind in ("url", "email", "phone_number"):
        return words
    if kind == "number":
        try:
            return float(words)
        except ValueError:
            return None
    if kind in ("select", "status"):
        known = options.option_named(after, words)
        return known["id"] if known else None
    if kind == "multi_select":
        names = [name.strip() for name in words.split(",")]
        return [known["id"] for known in (options.option_named(after, name) for name in names) if known] or None
    return words == "Yes" if kind == "checkbox" else None


def _option(column: Json, option_id: str | None) -> Json | None:
    found = next((known for known in options.of(column) if known["id"] == option_id), None)
    return found and {key: found[key] for key in ("id", "name", "color")}


def _kept(session: Session, column: Json, value: Any) -> Any:
    if value is None:
        return None
    match column["type"]:
        case "title" | "rich_text":
            return rich_text.kept(value)
        case "select" | "status":
            return _kept_option(column, value)
        case "multi_select":
            return list(dict.fromkeys(_kept_option(column, entry) for entry in value))
        case "people":
            return _kept_people(session, value)
        case "relation":
            return _kept_relation(session, column, value)
        case "files":
            return _kept_files(session, value)
        case "date":
            return _kept_date(value)
        case _:
            return value


def _kept_option(column: Json, value: Json) -> str:
    name, option_id = value.get("name"), value.get("id")
    found = next((known for known in options.of(column) if option_id == known["id"]), None)
    if found is None and name is not None:
        found = options.option_named(column, name)
    # Source: developers.notion.com/reference/page-property-values, Select and Status: an unknown select option is made,
    # an unknown status is refused.
    if found is None and name is not None and column["type"] != "status":
        found = options.add_option(column, name, color=value.get("color"))
    if found is None and column["type"] == "status":
        raise validation(f'Invalid status option. Status option "{name or option_id}" does not exist.')
    if found is None:
        raise validation(f'{column["name"]} is an invalid select option "{option_id}".')
    # Assumed: the words that refuse another colour for an option. If wrong: nothing, the product names no colour in a
    # cell. Check: none.
    if value.get("color", found["color"]) != found["color"]:
        raise validation("Select option color doesn't match existing.")
    return str(found["id"])


def _kept_people(session: Session, value: list[Json]) -> list[str]:
    for entry in value:
        person = checks.dashed(entry["id"]) or ""
        if not session.store.row(_USER, person, session.workspace_id):
            raise not_found("user", person)
    return list(dict.fromkeys(checks.dashed(entry["id"]) or "" for entry in value))


def _kept_relation(session: Session, column: Json, value: list[Json]) -> list[str]:
    pages = [session.find("page", entry["id"]) for entry in value]
    if any(page.parent_id != column["relation"]["data_source_id"] for page in pages):
        raise validation(f"{column['name']} relates to pages of another data source.")
    return list(dict.fromkeys(page.id for page in pages))


def _kept_files(session: Session, value: list[Json]) -> list[Json]:
    kept: list[Json] = []
    for entry in value:
        stored = files.kept(session, entry) or {}
        if stored["type"] == "file":
            upload = session.store.get(stored["file"]["upload_id"])
            name = entry.get("name") or (upload.body["filename"] if upload else None)
        else:
            name = entry["name"]
        kept.append({"name": name or "file"} | stored)
    return kept


def _kept_date(value: Json) -> Json:
    """Times lose their seconds and gain their offset, as Notion's do."""
    # Assumed: times lose their seconds and gain their offset. If wrong: nothing, the product compares to the minute.
    # Check: none.
    zone = value.get("time_zone")

    def norm(written_time: str | None) -> str | None:
        if written_time is None or "T" not in written_time:
            return written_time
        moment = datetime.fromisoformat(written_time)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=rich_text.zone_or_none(zone or "UTC"))
        return moment.replace(second=0, microsecond=0).isoformat(timespec="milliseconds")

    return {"start": norm(value["start"]), "end": norm(value.get("end")), "time_zone": zone}
