"""Databases: containers of data sources."""

from flask import Blueprint

from sandbox.notion import checks
from sandbox.notion.content import columns, files, rich_text
from sandbox.notion.endpoints import data_sources, incoming
from sandbox.notion.errors import validation
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

routes = Blueprint("databases", __name__, url_prefix="/v1/databases")

# Source: error texts quoted in outline/outline, NotionAPIImportTask.skippableErrorMessages (PR 9429, PR 10018).
LINKED_VIEW_REFUSALS = {
    "linked": "Database with ID {id} is a linked database. Database retrievals do not support linked databases.",
    "no_sources": "Database with ID {id} does not contain any data sources accessible by this API bot.",
}

_parent = checks.variant(
    {"page_id": checks.identifier, "workspace": checks.choice(True)},
    required={"type": checks.choice("page_id", "workspace")},
)
_looks = {
    "title": rich_text.rich_text,
    "description": rich_text.rich_text,
    "is_inline": checks.boolean,
    "icon": files.icon,
    "cover": files.cover,
}
_new = checks.record(
    {"parent": _parent},
    _looks | {"initial_data_source": checks.record(optional={"properties": columns.new_columns})},
)
_change = checks.record(optional=_looks | {"parent": _parent, "in_trash": checks.boolean, "is_locked": checks.boolean})


@routes.post("")
def create_database() -> Json:
    """POST /v1/databases, with one data source."""
    session = incoming.session()
    return shown(session, create(session, incoming.body(_new)))


@routes.get("/<database_id>")
def retrieve_database(database_id: str) -> Json:
    """GET /v1/databases/{id}."""
    session = incoming.session()
    return shown(session, _readable(session, database_id))


@routes.patch("/<database_id>")
def update_database(database_id: str) -> Json:
    """PATCH /v1/databases/{id}: how it looks, where it hangs, whether it is in the trash."""
    session = incoming.session()
    database = _readable(session, database_id)
    asked = incoming.body(_change)
    if asked.get("in_trash") is not False or not database.in_trash:
        session.must_be_alive(database)
    if "parent" in asked:
        parent = _home(session, asked["parent"])
        database.parent_id = parent.id if parent is not None else None
    _dress(session, database, asked)
    trashed, database.in_trash = database.in_trash, asked.get("in_trash", database.in_trash)
    session.save(database)
    if database.in_trash != trashed:
        session.emit("database.deleted" if database.in_trash else "database.undeleted", database)
    return shown(session, database)


def create(session: Session, asked: Json) -> Record:
    """Makes the database and the data source of a checked request."""
    parent = _home(session, asked["parent"])
    if parent is not None:
        session.must_be_alive(parent)
    database = bare(session, parent, asked)
    # Source: developers.notion.com/docs/upgrade-guide-2025-09-03: the schema is in `initial_data_source`.
    wanted = asked.get("initial_data_source", {}).get("properties", {"Name": {"title": {}}})
    data_sources.create(session, database, wanted, asked.get("title", []))
    return database


def bare(session: Session, parent: Record | None, looks: Json) -> Record:
    """Makes a database that has no data source yet; `looks` as in a checked request."""
    empty: Json = {"title": [], "description": [], "icon": None, "cover": None, "is_inline": False, "is_locked": False}
    database = session.add("database", parent.id if parent is not None else None, empty)
    _dress(session, database, looks)
    session.store.save(database)
    session.emit("database.created", database)
    return database


def shown(session: Session, database: Record) -> Json:
    """A database as answers have it."""
    # Source: developers.notion.com/reference/database: `data_sources` with id and name.
    # Assumed: data sources in the trash are not in `data_sources`. If wrong: people are asked to choose between one
    # that is there and one that is not. Check: none.
    sources = [s for s in session.store.children(database.id, ["data_source"]) if not s.in_trash]
    return {
        "object": "database",
        "id": database.id,
        **session.stamps(database),
        "title": database.body["title"],
        "description": database.body["description"],
        "icon": files.shown(session, database.body["icon"]),
        "cover": files.shown(session, database.body["cover"]),
        "is_inline": database.body["is_inline"],
        "is_locked": database.body["is_locked"],
        "parent": session.parent(database),
        "data_sources": [{"id": s.id, "name": rich_text.plain(s.body["title"])} for s in sources],
        "url": session.url(database),
        "public_url": None,
        **session.trash(database),
    }


def _readable(session: Session, database_id: str) -> Record:
    """The database, unless it is a linked view, which the API doesn't give."""
    database = session.find("database", database_id)
    refusal = database.body.get("linked")
    if refusal:
        raise validation(LINKED_VIEW_REFUSALS[refusal].format(id=database.id))
    return database


def _home(session: Session, parent: Json) -> Record | None:
    return None if "workspace" in parent else session.find("page", parent["page_id"])


def _dress(session: Session, database: Record, asked: Json) -> None:
    for part in ("title", "description"):
        if part in asked:
            database.body[part] = rich_text.kept(asked[part])
    for part in ("icon", "cover"):
        if part in asked:
            database.body[part] = files.kept(session, asked[part])
    for part in ("is_inline", "is_locked"):
        if part in asked:
            database.body[part] = asked[part]
