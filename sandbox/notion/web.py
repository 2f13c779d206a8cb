"""The pages on which a person sees a workspace's databases and pages, adds rows, and sets a status by hand."""

import hashlib
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.notion import view
from sandbox.notion.checks import dashed
from sandbox.notion.content import columns, rich_text, values
from sandbox.notion.endpoints import pages
from sandbox.notion.endpoints.incoming import made
from sandbox.notion.errors import NotionError
from sandbox.notion.state import workspaces
from sandbox.notion.state.app_state import state
from sandbox.notion.state.session import Session
from sandbox.notion.state.store import Json, Record

routes = Blueprint("web", __name__)

ROWS_SHOWN = 200
_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "audio/mpeg", "audio/mp4", "text/plain")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: http: https:;"
    " media-src 'self' http: https:; base-uri 'none'; frame-ancestors 'none'"
)


@routes.app_template_filter("href")
def safe_href(address: str | None) -> str:
    """The address where a link may lead there, else ""; contents are hostile."""
    return address if address and rich_text.urlsplit_scheme(address) in ("http", "https", "mailto") else ""


@routes.after_app_request
def protect(answer: Response) -> Response:
    """Nothing on a page may run or load but the sandbox's own; uploaded files keep their stricter policy."""
    answer.headers.setdefault("Content-Security-Policy", _POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@routes.get("/")
def home() -> str:
    """The workspaces with their databases and top pages."""
    store = state().store
    shelves = []
    for workspace in workspaces.every(store):
        session = _person(workspace.id, workspace.owner_id)
        alive = [
            record
            for record in store.all_of(workspace.id, ["database", "page"])
            if not record.in_trash and not session.ancestor_in_trash(record)
        ]
        shelves.append(
            {
                "workspace": workspace,
                "databases": [_database_card(record) for record in alive if record.kind == "database"],
                "pages": [
                    {"title": pages.title(record) or "Untitled", "url": session.url(record, pages.title(record))}
                    for record in alive
                    if record.kind == "page" and record.parent_id is None
                ],
            }
        )
    return render_template("home.html", shelves=shelves)


@routes.get("/d/<object_id>")
def show_database(object_id: str) -> str:
    """A database (or one of its data sources) as a table, with a form for a new row."""
    session, data_source = _data_source(object_id)
    return _database_page(session, data_source)


@routes.get("/d/<object_id>/rows")
def show_rows(object_id: str) -> AnyResponse:
    """The rows alone, for the script that keeps the page up to date; 304 where nothing changed."""
    session, data_source = _data_source(object_id)
    return _fragment(render_template("rows.html", **_table(session, data_source)))


@routes.post("/d/<object_id>/rows")
def add_row(object_id: str) -> AnyResponse | tuple[str, int]:
    """Adds the row that the form describes."""
    _must_be_own_form()
    session, data_source = _data_source(object_id)
    requested = view.form_values(data_source, request.form)
    try:
        with state().store.attempt():
            values.properties(requested, "body.properties")
            pages.create(session, {"parent": {"data_source_id": data_source.id}, "properties": requested})
    except NotionError as error:
        return _database_page(session, data_source, problem=error.message, typed=request.form), 400
    return redirect(url_for("web.show_database", object_id=object_id), 303)


@routes.post("/p/<page_id>/cell")
def set_cell(page_id: str) -> AnyResponse:
    """Sets a select, status or checkbox by hand."""
    _must_be_own_form()
    session, page = _page(page_id)
    data_source = session.parent_of(page)
    column = columns.find(data_source, request.form.get("column", "")) if data_source is not None else None
    if data_source is None or column is None or column["type"] not in ("select", "status", "checkbox"):
        abort(404)
    chosen = request.form.get("value", "")
    kind = column["type"]
    value = chosen == "yes" if kind == "checkbox" else ({"id": chosen} if chosen else None)
    pages.update(session, page, {"properties": {column["id"]: {kind: value}}})
    return redirect(_back(data_source), 303)


@routes.post("/p/<page_id>/trash")
def trash_page(page_id: str) -> AnyResponse:
    """Moves a row to the trash."""
    _must_be_own_form()
    session, page = _page(page_id)
    if not page.in_trash:
        pages.update(session, page, {"in_trash": True})
    return redirect(_back(session.parent_of(page)), 303)


@routes.get("/p/<page_id>")
def show_page(page_id: str) -> str:
    """A page: its properties, contents and comments."""
    session, page = _page(page_id)
    return render_template("page.html", **_page_parts(session, page))


@routes.get("/p/<page_id>/content")
def show_content(page_id: str) -> AnyResponse:
    """The page without its frame, for the script that keeps it up to date."""
    session, page = _page(page_id)
    return _fragment(render_template("page_content.html", **_page_parts(session, page)))


@routes.get("/files/<upload_id>/<name>")
def send_file(upload_id: str, name: str) -> Response:
    """An uploaded file. What a browser could run is handed out for saving only."""
    store = state().store
    upload = store.get(dashed(upload_id) or "")
    parts = store.rows("SELECT data FROM file_parts WHERE upload_id=? ORDER BY part", dashed(upload_id))
    if upload is None or not parts:
        abort(404)
    kind = upload.body["content_type"] or "application/octet-stream"
    shown = kind if kind in _INLINE else "application/octet-stream"
    answer = Response(b"".join(row["data"] for row in parts), content_type=shown)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if kind not in _INLINE:
        answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _person(workspace_id: str, owner_id: str) -> Session:
    g.session = made(state(), workspace_id=workspace_id, actor_id=owner_id, is_bot=False)
    return g.session  # type: ignore[no-any-return]


def _found(object_id: str) -> tuple[Session, Record]:
    """The object whose id ends the address (titles may stand before it), seen by its workspace's person."""
    record = state().store.get(dashed(object_id[-36:]) or dashed(object_id[-32:]) or "")
    workspace = None if record is None else workspaces.get(state().store, record.workspace_id)
    if record is None or workspace is None:
        abort(404)
    return _person(workspace.id, workspace.owner_id), record


def _data_source(object_id: str) -> tuple[Session, Record]:
    session, record = _found(object_id)
    if record.kind == "database":
        sources = session.store.children(record.id, ["data_source"])
        record = next((source for source in sources if not source.in_trash), record)
    if record.kind != "data_source":
        abort(404)
    return session, record


def _page(page_id: str) -> tuple[Session, Record]:
    session, record = _found(page_id)
    if record.kind != "page":
        abort(404)
    return session, record


def _database_page(session: Session, data_source: Record, *, problem: str = "", typed: Json | None = None) -> str:
    database = session.parent_of(data_source)
    sources = session.store.children(database.id, ["data_source"]) if database is not None else []
    return render_template(
        "database.html",
        title=rich_text.plain(data_source.body["title"]) or "Untitled",
        trail=_trail(session, data_source),
        sources=[
            {
                "url": url_for("web.show_database", object_id=source.id),
                "title": rich_text.plain(source.body["title"]),
                "here": source.id == data_source.id,
            }
            for source in sources
            if not source.in_trash
        ],
        fields=view.form_fields(data_source, typed or {}),
        problem=problem,
        **_table(session, data_source),
    )


def _table(session: Session, data_source: Record) -> Json:
    rows = [row for row in session.store.children(data_source.id, ["page"]) if not row.in_trash]
    ordered = view.ordered_columns(data_source)
    return {
        "data_source": data_source,
        "columns": ordered,
        "total": len(rows),
        "rows": [
            {
                "id": row.id,
                "url": session.url(row, pages.title(row)),
                "icon": (row.body["icon"] or {}).get("emoji", ""),
                "cells": [view.cell(session, row, column) for column in ordered],
            }
            for row in reversed(rows[-ROWS_SHOWN:])
        ],
    }


def _page_parts(session: Session, page: Record) -> Json:
    parent = session.parent_of(page)
    in_table = parent is not None and parent.kind == "data_source"
    shown = pages.shown(session, page)
    return {
        "page": page,
        "title": pages.title(page) or "Untitled",
        "trail": _trail(session, page),
        "icon": (page.body["icon"] or {}).get("emoji", ""),
        "cover": view.file_address(shown["cover"]),
        "cells": [
            (column, view.cell(session, page, column))
            for column in (view.ordered_columns(parent) if in_table and parent is not None else [])
            if column["type"] != "title"
        ],
        "blocks": view.blocks(session, page),
        "comments": [
            {"text": comment.body["rich_text"], "time": session.time(comment.created_time)}
            for comment in session.store.children(page.id, ["comment"])
        ],
    }


def _trail(session: Session, record: Record) -> list[Json]:
    """The way down to an object, from the top of its workspace."""
    steps: list[Json] = []
    above = session.parent_of(record)
    if record.kind == "data_source" and above is not None:
        above = session.parent_of(above)
    while above is not None:
        if above.kind in ("page", "database"):
            title = pages.title(above) if above.kind == "page" else rich_text.plain(above.body["title"])
            steps.insert(0, {"title": title or "Untitled", "url": session.url(above, title)})
        above = session.parent_of(above)
    return steps


def _database_card(database: Record) -> Json:
    sources = state().store.children(database.id, ["data_source"])
    rows = sum(state().store.count_alive(source.id) for source in sources if not source.in_trash)
    title = rich_text.plain(database.body["title"]) or "Untitled"
    return {"title": title, "rows": rows, "url": url_for("web.show_database", object_id=database.id.replace("-", ""))}


def _fragment(html: str) -> AnyResponse:
    answer = Response(html, mimetype="text/html")
    answer.set_etag(hashlib.sha256(html.encode()).hexdigest())
    answer.headers["Cache-Control"] = "no-cache"
    return answer.make_conditional(request)


def _back(data_source: Record | None) -> str:
    """Where a form was sent from, if that was here; else the table."""
    sent_from = request.form.get("back", "")
    if sent_from.startswith(("/p/", "/d/")):
        return sent_from
    return url_for("web.show_database", object_id=data_source.id) if data_source is not None else "/"


def _must_be_own_form() -> None:
    origin = request.headers.get("Origin")
    if origin not in (None, "null") and urlsplit(origin or "").netloc != request.host:
        abort(403)
