"""Data sources: the schema and the rows of a database."""

from typing import Any

from flask import Blueprint, request

from sandbox.notion import checks
from sandbox.notion.content import columns, files, filters, rich_text, values
from sandbox.notion.endpoints import incoming, pages
from sandbox.notion.errors import not_found
from sandbox.notion.state.session import Session, answer_list
from sandbox.notion.state.store import Json, Record

routes = Blueprint("data_sources", __name__, url_prefix="/v1/data_sources")

_parent = checks.variant({"database_id": checks.identifier})
_new = checks.record(
    {"parent": _parent, "properties": columns.new_columns},
    {"title": rich_text.rich_text, "icon": checks.nullable(files.icon)},
)
_change = checks.record(
    optional={
        "title": rich_text.rich_text,
        "icon": checks.nullable(files.icon),
        "properties": columns.changes,
        "in_trash": checks.boolean,
        "parent": _parent,
    }
)
_query = checks.record(
    optional=incoming.paging
    | {
        "filter": filters.query_filter,
        "sorts": filters.sorts,
        "in_trash": checks.boolean,
        "result_type": checks.choice("page", "data_source"),
    }
)


@routes.post("")
def create_data_source() -> Json:
    """POST /v1/data_sources: one more in a database that exists."""
    session = incoming.session()
    asked = incoming.body(_new)
    database = session.find("database", asked["parent"]["database_id"])
    session.must_be_alive(database)
    return shown(session, create(session, database, asked["properties"], asked.get("title", []), asked.get("icon")))


@routes.get("/<data_source_id>")
def retrieve_data_source(data_source_id: str) -> Json:
    """GET /v1/data_sources/{id}."""
    session = incoming.session()
    return shown(session, session.find("data_source", data_source_id))


@routes.patch("/<data_source_id>")
def update_data_source(data_source_id: str) -> Json:
    """PATCH /v1/data_sources/{id}."""
    session = incoming.session()
    data_source = session.find("data_source", data_source_id)
    update(session, data_source, incoming.body(_change))
    return shown(session, data_source)


@routes.post("/<data_source_id>/query")
def query_data_source(data_source_id: str) -> Json:
    """POST /v1/data_sources/{id}/query."""
    session = incoming.session()
    data_source = session.find("data_source", data_source_id)
    # Assumed: a data source in the trash cannot be queried. If wrong: rows that were thrown away are worked on. Check:
    # none.
    if data_source.in_trash or session.ancestor_in_trash(data_source):
        raise not_found("data_source", data_source.id)
    return query(session, data_source, incoming.body(_query), only=request.args.getlist("filter_properties"))


def create(
    session: Session, database: Record, requested: dict[str, Json], title: list[Json], icon: Json | None = None
) -> Record:
    """Makes a data source with the columns of a checked request."""
    made = session.add(
        "data_source",
        database.id,
        {
            "title": rich_text.kept(title),
            "description": [],
            "icon": files.kept(session, icon),
            "columns": columns.made(session, requested),
        },
    )
    session.emit("data_source.created", made)
    return made


def update(session: Session, data_source: Record, asked: Json) -> None:
    """Carries out a checked change; cells of a column that changes its type keep what their text allows."""
    if asked.get("in_trash") is not False or not data_source.in_trash:
        session.must_be_alive(data_source)
    if "parent" in asked:
        data_source.parent_id = session.find("database", asked["parent"]["database_id"]).id
    if "title" in asked:
        data_source.body["title"] = rich_text.kept(asked["title"])
    if "icon" in asked:
        data_source.body["icon"] = files.kept(session, asked["icon"])
    rows = session.store.children(data_source.id, ["page"])
    before = set(data_source.body["columns"])
    # Assumed: a cell keeps what its text allows when its column changes its type. If wrong: nothing, the product
    # changes no type. Check: none.
    for old, new in columns.changed(session, data_source, asked.get("properties", {})):
        for row in rows:
            row.body["cells"][new["id"]] = values.converted(session, row, old, new)
            session.store.save(row)
    _count_rows(session, data_source, rows, before)
    trashed, data_source.in_trash = data_source.in_trash, asked.get("in_trash", data_source.in_trash)
    session.save(data_source)
    if asked.get("properties"):
        session.emit("data_source.schema_updated", data_source)
    if data_source.in_trash != trashed:
        session.emit("data_source.deleted" if data_source.in_trash else "data_source.undeleted", data_source)


def query(session: Session, data_source: Record, asked: Json, *, only: list[str]) -> Json:
    """One page of the rows that a checked query wants, with `request_status`: incomplete at the query's ceiling."""
    # Source: developers.notion.com/reference/query-a-data-source; Notion's OpenAPI description of 2026-03, result_type:
    # "returning both pages and data sources for wikis".
    matches = filters.compiled(session, data_source, asked.get("filter"))
    in_trash = asked.get("in_trash", False)
    rows = session.store.children(data_source.id, ["page"])
    rows = filters.sorted_rows(session, data_source, rows, asked.get("sorts", []))
    found = rows + _in_wiki(session, data_source)

    # Assumed: data sources in a wiki come whatever the filter says. If wrong: nothing, the product asks for pages only.
    # Check: none.
    def is_wanted(record: Record) -> bool:
        of_type = asked.get("result_type", record.kind) == record.kind
        return of_type and record.in_trash == in_trash and (record.kind == "data_source" or matches(record))

    wanted = [record.id for record in found if is_wanted(record)]
    reachable = set(wanted[: session.query_limit])
    answer = answer_list(
        found,
        keep=lambda record: record.id in reachable,
        show=lambda record: (
            pages.shown(session, record, only=only) if record.kind == "page" else shown(session, record)
        ),
        kind="page_or_data_source",
        cursor=asked.get("start_cursor"),
        size=asked.get("page_size"),
    )
    # Source: developers.notion.com/reference/query-a-data-source: request_status incomplete with
    # query_result_limit_reached, at 10,000 results.
    cut = len(wanted) > len(reachable) and not answer["has_more"]
    reason = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    return answer | {"request_status": reason if cut else {"type": "complete"}}


def shown(session: Session, data_source: Record) -> Json:
    """A data source as answers have it."""
    database = session.parent_of(data_source)
    above: Any = session.parent(database) if database is not None else None
    return {
        "object": "data_source",
        "id": data_source.id,
        **session.stamps(data_source),
        "cover": None,
        "icon": files.shown(session, data_source.body["icon"]),
        "title": data_source.body["title"],
        "description": data_source.body["description"],
        "is_inline": bool(database is not None and database.body["is_inline"]),
        "properties": columns.shown(session, data_source.body["columns"]),
        "parent": {"type": "database_id", "database_id": data_source.parent_id},
        "database_parent": above,
        "url": session.url(database or data_source),
        "public_url": None,
        **session.trash(data_source),
    }


def _in_wiki(session: Session, data_source: Record) -> list[Record]:
    """The data sources of databases inside the database of `data_source`, which is a wiki where there are any."""
    inside = session.store.children(data_source.parent_id, ["database"])
    return [source for database in inside for source in session.store.children(database.id, ["data_source"])]


def _count_rows(session: Session, data_source: Record, rows: list[Record], before: set[str]) -> None:
    """Numbers the rows that were there before a unique_id column was."""
    for key, column in data_source.body["columns"].items():
        if key in before or column["type"] != "unique_id":
            continue
        for number, row in enumerate(rows, start=1):
            row.body["cells"][key] = number
            session.store.save(row)
        data_source.body.setdefault("counters", {})[key] = len(rows)
