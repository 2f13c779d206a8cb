"""The columns of a data source: what a schema request may hold, what is kept, how it is shown and changed.

A column is kept under its id as `{"id", "name", "type", "description", <type>: configuration}`. The configuration
of select, multi-select and status holds the options; cells refer to them by id, so renaming one renames all.
"""

import secrets
from typing import Any
from urllib.parse import unquote

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.content import options
from sandbox.notion.errors import failed, validation
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

# Source: developers.notion.com/reference/request-limits and developers.notion.com/reference/property-object, Select:
# 100 characters and no comma.
# Source: developers.notion.com/reference/page-property-values: what the API does not write.
READ_ONLY = (
    "formula", "rollup", "created_time", "created_by", "last_edited_time", "last_edited_by", "unique_id", "button",
    "verification",
)  # fmt: skip
# Source: Notion's OpenAPI description of 2026-03, propertyConfigurationRequest; a status takes no options there.
_WITHOUT_SETTINGS = (
    "title", "rich_text", "url", "people", "files", "email", "phone_number", "date", "checkbox", "created_by",
    "created_time", "last_edited_by", "last_edited_time", "button", "verification", "place", "status",
)  # fmt: skip
_NUMBER_FORMATS = (
    "number", "number_with_commas", "percent", "dollar", "canadian_dollar", "euro", "pound", "yen", "ruble", "rupee",
    "won", "yuan", "real", "lira", "rupiah", "franc", "hong_kong_dollar", "new_zealand_dollar", "krona",
    "norwegian_krone", "mexican_peso", "rand", "new_taiwan_dollar", "danish_krone", "zloty", "baht", "forint",
    "koruna", "shekel", "chilean_peso", "philippine_peso", "dirham", "colombian_peso", "riyal", "ringgit", "leu",
    "argentine_peso", "uruguayan_peso", "singapore_dollar",
)  # fmt: skip
_ROLLUP_FUNCTIONS = (
    "count", "count_values", "empty", "not_empty", "unique", "show_unique", "percent_empty", "percent_not_empty",
    "sum", "average", "median", "min", "max", "range", "earliest_date", "latest_date", "date_range", "checked",
    "unchecked", "percent_checked", "percent_unchecked", "count_per_group", "percent_per_group", "show_original",
)  # fmt: skip
_ROLLUP_COLUMNS = ("relation_property_name", "relation_property_id", "rollup_property_name", "rollup_property_id")

_options = checks.record(optional={"options": checks.array(options.option)})
_rollup = checks.record(
    {"function": checks.choice(*_ROLLUP_FUNCTIONS)}, dict.fromkeys(_ROLLUP_COLUMNS, checks.text(shortest=1))
)
_kinds: dict[str, Check] = dict.fromkeys(_WITHOUT_SETTINGS, checks.empty) | {
    "number": checks.record(optional={"format": checks.choice(*_NUMBER_FORMATS)}),
    "formula": checks.record(optional={"expression": checks.text()}),
    "select": _options,
    "multi_select": _options,
    "relation": checks.variant({"single_property": checks.empty}, required={"data_source_id": checks.identifier}),
    "rollup": _rollup,
    "unique_id": checks.record(optional={"prefix": checks.nullable(checks.text())}),
}
_extras: dict[str, Check] = {"description": checks.nullable(checks.text(shortest=1, longest=280))}
new_columns: Check = checks.mapping(checks.variant(_kinds, _extras))
"""The `properties` of a new data source."""


def changes(value: Any, path: str) -> None:
    """The `properties` of a data source's update: a configuration, a new `name`, both, or null to remove."""
    if not isinstance(value, dict):
        raise failed(path, "an object", value)
    # Source: developers.notion.com/reference/update-property-schema-object: null removes, `name` renames.
    renaming = checks.record({"name": checks.text(shortest=1)}, _extras)
    retyping = checks.variant(_kinds, _extras | {"name": checks.text(shortest=1)})
    for name, change in value.items():
        where = f"{path}.{name}"
        if change is not None:
            (retyping if isinstance(change, dict) and set(change) - {"name", "description"} else renaming)(
                change, where
            )


def find(data_source: Record, name_or_id: str) -> Json | None:
    """The column of this name or id (ids come percent-encoded or not), or None."""
    columns: dict[str, Json] = data_source.body["columns"]
    for column in columns.values():
        if column["name"] == name_or_id:
            return column
    return columns.get(name_or_id) or next(
        (column for key, column in columns.items() if unquote(key) == unquote(name_or_id)), None
    )


def title(data_source: Record) -> Json:
    """The one title column."""
    return next(column for column in data_source.body["columns"].values() if column["type"] == "title")


def made(session: Session, requested: dict[str, Json]) -> dict[str, Json]:
    """The columns that a checked request for a new data source describes.

    Raises a validation error unless exactly one of them is the title.
    """
    titles = [name for name, column in requested.items() if checks.kind_of(column, _kinds) == "title"]
    # Source: developers.notion.com/reference/property-object, Title: each data source has one title.
    if len(titles) != 1:
        raise validation("Title is not provided" if not titles else "Only one title property is allowed.")
    columns: dict[str, Json] = {}
    for name, request in requested.items():
        column = _column(session, name, request, columns)
        columns[column["id"]] = column
    return columns


def changed(session: Session, data_source: Record, requested: dict[str, Json | None]) -> list[tuple[Json, Json]]:
    """Carries out a checked update on the columns; (before, after) of each column that changed its type.

    Raises a validation error for an unknown column, or where the title would be removed or retyped.
    """
    columns: dict[str, Json] = data_source.body["columns"]
    retyped: list[tuple[Json, Json]] = []
    for name, request in requested.items():
        column = find(data_source, name)
        if column is None:
            if request is None or checks.kind_of(request, _kinds) is None:
                raise validation(f"Could not find property with name or id: {name}")
            column = _column(session, str(request.get("name", name)), request, columns)
            columns[column["id"]] = column
        elif request is None:
            if column["type"] == "title":
                # Assumed: the words that refuse to delete the title. If wrong: nothing, the product keeps the title.
                # Check: none.
                raise validation("Cannot delete title property.")
            del columns[column["id"]]
        else:
            _rename(columns, column, str(request.get("name", column["name"])))
            column["description"] = request.get("description", column["description"])
            kind = checks.kind_of(request, _kinds)
            if kind is not None and (kind == "title") != (column["type"] == "title"):
                raise validation("Cannot change the type of the title property, nor make another property the title.")
            if kind is not None:
                after = column | _settings(session, kind, request[kind], column, columns)
                if kind != column["type"]:
                    after = {key: value for key, value in after.items() if key != column["type"]}
                    retyped.append((column, after))
                columns[column["id"]] = after
    return retyped


def shown(session: Session, columns: dict[str, Json]) -> dict[str, Json]:
    """The `properties` of a data source's answer: without relations to what is not shared with the caller."""
    return {column["name"]: column for column in columns.values() if _is_shown(session, column)}


def _is_shown(session: Session, column: Json) -> bool:
    if column["type"] != "relation":
        return True
    target = session.store.get(column["relation"]["data_source_id"])
    return target is not None and session.sees(target)


def _column(session: Session, name: str, request: Json, columns: dict[str, Json]) -> Json:
    kind = checks.kind_of(request, _kinds) or "rich_text"
    if kind == "title" and any(other["type"] == "title" for other in columns.values()):
        raise validation("Cannot create new title property. Only one title property is allowed.")
    if any(other["name"] == name for other in columns.values()):
        # Assumed: the words that refuse a second property of a name. If wrong: nothing, the product looks first. Check:
        # none.
        raise validation(f"Property {name} already exists.")
    column: Json = {
        "id": "title" if kind == "title" else _column_id(columns),
        "name": name,
        "description": request.get("description"),
        "type": kind,
    }
    return column | _settings(session, kind, request[kind], column, columns)


def _column_id(columns: dict[str, Json]) -> str:
    """An id that none of the columns has. Notion's own are percent-encoded, and some need it."""
    # Source: developers.notion.com/reference/property-object: ids are short and random, percent-encoded in answers.
    letters = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyzABCDEFGH") for _ in range(3))
    made_id = letters + secrets.choice(("x", "y", "%3A", "%40", "%7B"))
    return made_id if made_id not in columns else _column_id(columns)


def _rename(columns: dict[str, Json], column: Json, name: str) -> None:
    if any(other["name"] == name and other["id"] != column["id"] for other in columns.values()):
        raise validation(f"Property {name} already exists.")
    column["name"] = name


def _settings(session: Session, kind: str, request: Json, column: Json, columns: dict[str, Json]) -> Json:
    """`type` and the configuration under its name; options that were there keep their ids."""
    if kind == "number":
        return {"type": kind, kind: {"format": request.get("format", "number")}}
    if kind == "formula":
        return {"type": kind, kind: {"expression": request.get("expression", "")}}
    if kind == "unique_id":
        return {"type": kind, kind: {"prefix": request.get("prefix")}}
    if kind == "relation":
        target = session.find("data_source", request["data_source_id"])
        settings = {"database_id": target.parent_id, "data_source_id": target.id}
        return {"type": kind, kind: settings | {"type": "single_property", "single_property": {}}}
    if kind == "rollup":
        return {"type": kind, kind: _rollup_settings(session, request, columns)}
    if kind not in options.WITH_OPTIONS:
        return {"type": kind, kind: {}}
    scratch: Json = {"type": kind, kind: {"options": []}}
    before = options.of(column) if column["type"] in options.WITH_OPTIONS and column["type"] in column else []
    if kind == "status":
        scratch["status"] = column.get("status") or {"options": [], "groups": []}
        if not scratch["status"]["options"]:
            options.set_status_options(
                scratch, [known["name"] for known in before] or ["Not started", "In progress", "Done"]
            )
    elif "options" not in request:
        scratch[kind]["options"] = before
    else:
        options.set_options(scratch, before, request["options"])
    return scratch


def _rollup_settings(session: Session, request: Json, columns: dict[str, Json]) -> Json:
    wanted = request.get("relation_property_name") or request.get("relation_property_id")
    relation = next((c for c in columns.values() if wanted in (c["name"], c["id"]) and c["type"] == "relation"), None)
    if relation is None:
        raise validation(f"Could not find relation property with name or id: {wanted}")
    target = session.find("data_source", relation["relation"]["data_source_id"])
    rolled = find(target, request.get("rollup_property_name") or request.get("rollup_property_id") or "")
    if rolled is None:
        raise validation("Could not find the property to roll up.")
    return {
        "function": request["function"],
        "relation_property_name": relation["name"],
        "relation_property_id": relation["id"],
        "rollup_property_name": rolled["name"],
        "rollup_property_id": rolled["id"],
    }
