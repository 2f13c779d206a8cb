"""Set-up of the Link Database and of the Content Databases by tag."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from oauth_app import identity, registration
from oauth_app.api.schemas import (
    ChangeContentDatabase,
    MakeContentDatabase,
    MakeLinkDatabase,
    RegisterContentDatabase,
    RegisterLinkDatabase,
)
from oauth_app.errors import Refusal
from oauth_app.pages import forms
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.services import services
from svp_dagster.errors import SvpError
from svp_dagster.notion.templates import CONTENT_TEMPLATES

blueprint = Blueprint("databases", __name__, url_prefix="/databases")

MOST_CHOICES = 100
Answer = Response | str | tuple[str, int]


@blueprint.get("")
def show() -> Answer:
    """Show what is registered, and the next step."""
    return _overview()


@blueprint.get("/link")
def replace_link_database() -> Answer:
    """Choose another Link Database."""
    return _link_form()


@blueprint.post("/link/make")
@limiter.limit(WRITE_LIMIT)
def make_link_database() -> Answer:
    """Make the Link Database for the person."""

    def work() -> str:
        asked = forms.read(MakeLinkDatabase, forms.given())
        made = registration.make_link_database(identity.connection(), asked.parent_page)
        return f"“{made.data_schema.title}” is there, in Notion, with every column."

    return _attempt(work, again=_link_form)


@blueprint.post("/link/register")
@limiter.limit(WRITE_LIMIT)
def register_link_database() -> Answer:
    """Register an existing database."""

    def work() -> str:
        asked = forms.read(RegisterLinkDatabase, forms.given())
        taken = registration.register_link_database(identity.connection(), asked.database)
        return f"“{taken.data_schema.title}” is your Link Database now."

    return _attempt(work, again=_link_form)


@blueprint.post("/link/check")
@limiter.limit(WRITE_LIMIT)
def check_link_database() -> Answer:
    """Ask Notion whether links can be read."""
    return _check(lambda: registration.check_link_database(identity.connection()), then=url_for(".show"))


@blueprint.get("/new")
def new() -> Answer:
    """Add a Content Database."""
    return _new_form()


@blueprint.post("/make")
@limiter.limit(WRITE_LIMIT)
def make_content_database() -> Answer:
    """Make a ready-made Content Database."""

    def work() -> str:
        asked = forms.read(MakeContentDatabase, forms.given())
        made = registration.make_content_database(
            identity.connection(), asked.template, asked.parent_page, tag=asked.tag
        )
        return f"“{made.data_schema.title}” is there. Links with the tag “{made.tag}” fill it."

    return _attempt(work, again=_new_form)


@blueprint.post("/register")
@limiter.limit(WRITE_LIMIT)
def register_content_database() -> Answer:
    """Register an existing Content Database."""

    def work() -> str:
        asked = forms.read(RegisterContentDatabase, forms.given())
        made = registration.register_content_database(
            identity.connection(), asked.database, tag=asked.tag, prompt=asked.prompt
        )
        return f"“{made.data_schema.title}” is registered. Links with the tag “{made.tag}” fill it."

    return _attempt(work, again=_new_form)


@blueprint.get("/<database_id>")
def detail(database_id: str) -> Answer:
    """Show one Content Database."""
    return _detail(database_id)


@blueprint.post("/<database_id>")
@limiter.limit(WRITE_LIMIT)
def change(database_id: str) -> Answer:
    """Change the tag or the schema prompt."""

    def work() -> str:
        asked = forms.read(ChangeContentDatabase, {"prompt": "", "tag": ""} | forms.given())
        registration.change_content_database(identity.connection(), database_id, tag=asked.tag, prompt=asked.prompt)
        return "Saved. It counts from the next link on."

    return _attempt(work, again=lambda refused: _detail(database_id, refused))


@blueprint.post("/<database_id>/refresh")
@limiter.limit(WRITE_LIMIT)
def refresh(database_id: str) -> Answer:
    """Read the columns again."""

    def work() -> str:
        registration.refresh_schema(identity.connection(), database_id)
        return "The columns were read again."

    then = url_for(".detail", database_id=database_id)
    return _attempt(work, again=lambda refused: _detail(database_id, refused), then=then)


@blueprint.post("/<database_id>/check")
@limiter.limit(WRITE_LIMIT)
def check(database_id: str) -> Answer:
    """Ask Notion whether pages can be written."""
    then = url_for(".detail", database_id=database_id)
    return _check(lambda: registration.check_content_database(identity.connection(), database_id), then=then)


@blueprint.post("/<database_id>/redo")
@limiter.limit(WRITE_LIMIT)
def redo(database_id: str) -> Answer:
    """Make the pages again that were made for other columns or another prompt."""

    def work() -> str:
        made = registration.redo_changed(identity.connection(), database_id)
        return f"{made.total} pages are made again, one after the other. Links that you add come first."

    then = url_for(".detail", database_id=database_id)
    return _attempt(work, again=lambda refused: _detail(database_id, refused), then=then)


@blueprint.post("/<database_id>/forget")
@limiter.limit(WRITE_LIMIT)
def forget(database_id: str) -> Answer:
    """Delete the registration of a Content Database."""

    def work() -> str:
        registration.forget_content_database(identity.connection(), database_id)
        return "Removed here. The database in Notion stays as it is."

    return _attempt(work, again=_overview)


def _attempt(
    work: Callable[[], str], *, again: Callable[[Refusal], str], then: str | None = None
) -> Response | tuple[str, int]:
    """Do the work and redirect with its sentence, or show the page again with what went wrong."""
    was_set_up = _is_set_up()
    try:
        flash(work(), "good")
    except (Refusal, SvpError) as error:
        refused = forms.as_refusal(error)
        if refused.error == "no_such_database":
            raise refused from error
        return again(refused), refused.status
    onwards = url_for(".show") if was_set_up or not _is_set_up() else url_for("entries.show")
    return redirect(then or onwards)


def _check(find_problems: Callable[[], list[str]], *, then: str) -> Response:
    try:
        problems = find_problems()
    except SvpError as error:
        problems = [error.sentence]
    for problem in problems:
        flash(problem, "bad")
    if not problems:
        flash("All is well: Notion lets the app in, and the columns are as registered.", "good")
    return redirect(then)


def _is_set_up() -> bool:
    databases, connection_id = services().store.databases, identity.connection().id
    return bool(databases.link_database(connection_id) and databases.content_databases(connection_id))


def _overview(refused: Refusal | None = None) -> str:
    connection, databases = identity.connection(), services().store.databases
    return render_template(
        "databases/show.html",
        link_database=databases.link_database(connection.id),
        content_databases=databases.content_databases(connection.id),
        templates=CONTENT_TEMPLATES,
        refused=refused,
        given=forms.given(),
        **({} if _is_set_up() else _choices()),
    )


def _link_form(refused: Refusal | None = None) -> str:
    return render_template("databases/link.html", refused=refused, given=forms.given(), **_choices())


def _new_form(refused: Refusal | None = None) -> str:
    taken = {d.tag for d in services().store.databases.content_databases(identity.connection().id)}
    return render_template(
        "databases/new.html",
        refused=refused,
        given=forms.given(),
        taken=taken,
        templates=CONTENT_TEMPLATES,
        **_choices(),
    )


def _detail(database_id: str, refused: Refusal | None = None) -> str:
    database = registration.content_database(identity.connection(), database_id)
    return render_template(
        "databases/detail.html",
        database=database,
        offer=registration.offer_redo_of(database),
        redos=registration.redos_of(database),
        refused=refused,
        given=forms.given(),
    )


def _choices() -> dict[str, object]:
    """Return the pages and data sources that the connection may see. `problem` says why they could not be listed."""
    workspace = services().workspace(identity.connection())
    try:
        return {
            "pages": workspace.search_pages(limit=MOST_CHOICES),
            "sources": workspace.search_data_sources(limit=MOST_CHOICES),
            "problem": "",
        }
    except SvpError as error:
        return {"pages": [], "sources": [], "problem": error.sentence}
