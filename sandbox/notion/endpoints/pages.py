"""Pages: rows of data sources, and pages under pages."""

from collections.abc import Sequence
from urllib.parse import unquote

from flask import Blueprint, request

from sandbox.notion import checks
from sandbox.notion.content import files, markdown, rich_text, values
from sandbox.notion.endpoints import blocks, incoming
from sandbox.notion.errors import failed, mismatch, not_found, validation
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

routes = Blueprint("pages", __name__, url_prefix="/v1/pages")

# Source: developers.notion.com/reference/post-page; Notion's OpenAPI description of 2026-03.
_parent = checks.variant(
    {
        "page_id": checks.identifier,
        "database_id": checks.identifier,
        "data_source_id": checks.identifier,
        "workspace": checks.choice(True),
    }
)
_position = checks.either(
    checks.record({"type": checks.choice("page_start", "page_end")}),
    checks.record(
        {"type": checks.choice("after_block"), "after_block": checks.record({"id": checks.identifier})},
    ),
)
_looks = {"properties": values.properties, "icon": checks.nullable(files.icon), "cover": checks.nullable(files.cover)}
_new_page = checks.record(
    {"parent": _parent},
    _looks
    | {
        "children": blocks.children,
        "content": blocks.children,
        "markdown": checks.text(),
        "template": checks.record({"type": checks.choice("none")}),
        "position": _position,
    },
)
_page_change = checks.record(
    optional=_looks | {"in_trash": checks.boolean, "is_locked": checks.boolean, "erase_content": checks.boolean}
)
# Source: developers.notion.com/reference/retrieve-a-page-property: title, rich_text, people and relation come as lists.
_listed_items = ("title", "rich_text", "people", "relation")


@routes.post("")
def create_page() -> Json:
    """POST /v1/pages."""
    session = incoming.session()
    return shown(session, create(session, incoming.body(_new_page)))


@routes.get("/<page_id>")
def retrieve_page(page_id: str) -> Json:
    """GET /v1/pages/{id}."""
    session = incoming.session()
    return shown(session, session.find("page", page_id), only=request.args.getlist("filter_properties"))


@routes.patch("/<page_id>")
def update_page(page_id: str) -> Json:
    """PATCH /v1/pages/{id}."""
    session = incoming.session()
    page = session.find("page", page_id)
    update(session, page, incoming.body(_page_change))
    return shown(session, page)


@routes.get("/<page_id>/properties/<property_id>")
def retrieve_property(page_id: str, property_id: str) -> Json:
    """GET /v1/pages/{id}/properties/{id}: a single item, or a list of them for what can be long."""
    session = incoming.session()
    page = session.find("page", page_id)
    cells = shown(session, page)["properties"]
    cell = next((cell for cell in cells.values() if unquote(cell["id"]) == unquote(property_id)), None)
    if cell is None:
        raise not_found("property", property_id)
    kind = cell["type"]
    if kind not in _listed_items:
        return {"object": "property_item", **cell}
    cursor, size = incoming.page_asked()
    return _item_list(page, cell, cursor=cursor, size=size or 100)


def create(session: Session, request_body: Json) -> Record:
    """Makes the page that a checked request describes, with its cells and blocks, and tells the webhooks."""
    parent = _home(session, request_body["parent"])
    if parent is not None:
        session.must_be_alive(parent)
    if "children" in request_body and "markdown" in request_body:
        # Source: Notion's OpenAPI description of 2026-03: children and markdown exclude each other.
        raise failed("body.markdown", "not present", request_body["markdown"])
    contents = request_body.get("children") or request_body.get("content") or []
    if "markdown" in request_body:
        contents = markdown.blocks(request_body["markdown"])
    blocks.must_be_few(contents)
    page = session.add("page", parent.id if parent is not None else None, {"cells": {}, "icon": None, "cover": None})
    page.body["cells"] = _cells(session, parent, request_body.get("properties", {}))
    _number(session, parent, page)
    _dress(session, page, request_body)
    session.store.save(page)
    if parent is not None and parent.kind == "page" and request_body.get("position", {}).get("type") == "after_block":
        blocks.place_after(session, page, request_body["position"]["after_block"]["id"])
    blocks.append(session, page, contents, quietly=True)
    session.emit("page.created", page)
    return page


def update(session: Session, page: Record, request_body: Json) -> None:
    """Carries out a checked change of a page and tells the webhooks."""
    # Source: 1,860 recorded exchanges compared in November 2026: a page in the trash takes no change.
    if request_body.get("in_trash") is not False or not page.in_trash:
        session.must_be_alive(page)
    if request_body.get("erase_content"):
        blocks.erase(session, page)
    requested = request_body.get("properties", {})
    cells = _cells(session, session.parent_of(page), requested)
    page.body["cells"] |= cells
    _dress(session, page, request_body)
    page.body["is_locked"] = request_body.get("is_locked", page.body.get("is_locked", False))
    trashed, page.in_trash = page.in_trash, request_body.get("in_trash", page.in_trash)
    page.body["updates"] = page.body.get("updates", 0) + 1
    session.save(page)
    if cells:
        session.emit("page.properties_updated", page, updated_properties=sorted(cells))
    if page.in_trash != trashed:
        session.emit("page.deleted" if page.in_trash else "page.undeleted", page)


def shown(session: Session, page: Record, *, only: Sequence[str] = ()) -> Json:
    """A page as answers have it; `only` names the properties wanted, all of them for none."""
    parent = session.parent_of(page)
    if parent is not None and parent.kind == "data_source":
        properties = values.shown(session, page, parent)
    else:
        properties = {"title": {"id": "title", "type": "title", "title": page.body["cells"].get("title", [])}}
    # Source: developers.notion.com/reference/retrieve-a-page: filter_properties by id or name.
    if only:
        wanted = {unquote(name) for name in only}
        properties = {
            name: cell for name, cell in properties.items() if name in wanted or unquote(cell["id"]) in wanted
        }
    return {
        "object": "page",
        "id": page.id,
        **session.stamps(page),
        "cover": files.shown(session, page.body["cover"]),
        "icon": files.shown(session, page.body["icon"]),
        "parent": session.parent(page),
        **session.trash(page),
        "is_locked": page.body.get("is_locked", False),
        "properties": properties,
        "url": session.url(page, title(page)),
        "public_url": None,
    }


def title(page: Record) -> str:
    """The page's title as plain text; "" where it has none."""
    return rich_text.plain(page.body["cells"].get("title", []))


def _home(session: Session, parent: Json) -> Record | None:
    if "workspace" in parent:
        return None
    if "page_id" in parent:
        return session.find("page", parent["page_id"])
    if "data_source_id" in parent:
        return session.find("data_source", parent["data_source_id"])
    database = session.find("database", parent["database_id"])
    sources = [s for s in session.store.children(database.id, ["data_source"]) if not s.in_trash]
    # Source: developers.notion.com/docs/upgrade-guide-2025-09-03: a database with several data sources is no parent;
    # its words in langgenius/dify-official-plugins issue 2167.
    if len(sources) != 1:
        raise validation("Databases with multiple data sources are not supported in this API version.")
    return sources[0]


def _cells(session: Session, parent: Record | None, requested: dict[str, Json]) -> Json:
    if parent is not None and parent.kind == "data_source":
        return values.written(session, parent, requested)
    for name, value in requested.items():
        if name != "title" or "title" not in value:
            raise validation(mismatch(f"body.properties.{name}", "not present", value))
    return {"title": rich_text.kept(requested["title"]["title"])} if requested else {}


def _number(session: Session, parent: Record | None, page: Record) -> None:
    """Gives a new row its place in each column that Notion counts."""
    if parent is None or parent.kind != "data_source":
        return
    # Source: developers.notion.com/reference/page-property-values, Unique ID: counted by Notion.
    counted = [column for column in parent.body["columns"].values() if column["type"] == "unique_id"]
    for column in counted:
        last = parent.body.setdefault("counters", {}).get(column["id"], 0)
        parent.body["counters"][column["id"]] = page.body["cells"][column["id"]] = last + 1
    if counted:
        session.store.save(parent)


def _dress(session: Session, page: Record, request_body: Json) -> None:
    for part in ("icon", "cover"):
        if part in request_body:
            page.body[part] = files.kept(session, request_body[part])


def _item_list(page: Record, cell: Json, *, cursor: str | None, size: int) -> Json:
    kind = cell["type"]
    entries = page.body["cells"].get(cell["id"], []) if kind == "relation" else cell[kind]
    entries = [{"id": entry} for entry in entries] if kind == "relation" else entries
    start = int(cursor[:8], 16) if cursor else 0
    stop = min(start + size, len(entries))
    more = stop < len(entries)
    return {
        "object": "list",
        "results": [
            {"object": "property_item", "id": cell["id"], "type": kind, kind: entry} for entry in entries[start:stop]
        ],
        "next_cursor": f"{stop:08x}-0000-4000-a000-000000000000" if more else None,
        "has_more": more,
        "type": "property_item",
        "property_item": {"id": cell["id"], "next_url": None, "type": kind, kind: {}},
    }
