"""Databases that a person can make in Notion and the API can't.

POST /_sandbox/databases {"parent_page_id", "title", "kind", …} → database_id, data_source_ids

`kind` "sources": with the data sources named in `data_sources`, none for an empty list. "linked": a linked view,
whose retrieval is refused in the words that `refusal` chooses ("linked", "no_sources"), or has no data sources
("empty"). "wiki": one data source with rows, and one more database inside for each name in `data_sources`.
"""

from flask import Blueprint, request

from sandbox.notion import checks
from sandbox.notion.endpoints import data_sources, databases
from sandbox.notion.endpoints.incoming import made
from sandbox.notion.errors import not_found
from sandbox.notion.state import workspaces
from sandbox.notion.state.app_state import state
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

routes = Blueprint("odd_databases", __name__, url_prefix="/_sandbox")

_asked = checks.record(
    {
        "parent_page_id": checks.identifier,
        "title": checks.text(shortest=1),
        "kind": checks.choice("sources", "linked", "wiki"),
    },
    {
        "data_sources": checks.array(checks.text(shortest=1)),
        "refusal": checks.choice(*databases.LINKED_VIEW_REFUSALS, "empty"),
    },
)
_SCHEMA: dict[str, Json] = {"Name": {"title": {}}}
# Source: developers.notion.com/docs/working-with-databases, "Wiki databases": pages have a verification property.
_WIKI_SCHEMA = _SCHEMA | {"Owner": {"people": {}}, "Verification": {"verification": {}}}


@routes.post("/databases")
def make_database() -> Json:
    """Make a database of an odd kind under a page."""
    asked = request.get_json(silent=True) or {}
    _asked(asked, "body")
    session, page = _home(asked["parent_page_id"])
    database = databases.bare(session, page, _looks(asked["title"]))
    names = asked.get("data_sources", [])
    if asked["kind"] == "linked":
        _link(session, database, asked.get("refusal", "linked"))
    elif asked["kind"] == "wiki":
        _fill_wiki(session, database, asked["title"], names)
    else:
        for name in names:
            data_sources.create(session, database, _SCHEMA, _text(name))
    found = session.store.children(database.id, ["data_source"])
    return {"database_id": database.id, "data_source_ids": [source.id for source in found]}


def _link(session: Session, database: Record, refusal: str) -> None:
    # Assumed: a linked view may also answer 200 with `data_sources: []`, as one public importer says. If wrong: nothing
    # breaks, a database without data sources can't be used either. Check: none.
    database.body["linked"] = "" if refusal == "empty" else refusal
    session.store.save(database)


def _fill_wiki(session: Session, database: Record, title: str, names: list[str]) -> None:
    data_sources.create(session, database, _WIKI_SCHEMA, _text(title))
    for name in names:
        # Source: Notion's OpenAPI description 2026-03, DatabaseObjectResponse.parent: "another database in the case of
        # wikis".
        inside = databases.bare(session, database, _looks(name))
        data_sources.create(session, inside, _SCHEMA, _text(name))


def _home(page_id: str) -> tuple[Session, Record]:
    page = state().store.get(checks.dashed(page_id) or "")
    workspace = None if page is None else workspaces.get(state().store, page.workspace_id)
    if page is None or page.kind != "page" or workspace is None:
        raise not_found("page", page_id)
    return made(state(), workspace_id=workspace.id, actor_id=workspace.owner_id, is_bot=False), page


def _looks(title: str) -> Json:
    return {"title": _text(title)}


def _text(content: str) -> list[Json]:
    return [{"type": "text", "text": {"content": content}}]
