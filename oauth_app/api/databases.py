"""Link Database and Content Databases by API."""

from __future__ import annotations

from flask import Blueprint

from oauth_app import identity, registration
from oauth_app.api.guard import operation
from oauth_app.api.redo_schemas import RedoAnswer, RedosAnswer
from oauth_app.api.schemas import (
    ChangeContentDatabase,
    ContentDatabaseAnswer,
    ContentDatabases,
    LinkDatabaseAnswer,
    MakeContentDatabase,
    MakeLinkDatabase,
    PreflightAnswer,
    RegisterContentDatabase,
    RegisterLinkDatabase,
)
from oauth_app.description import answers
from oauth_app.security import WRITE_LIMIT, limiter
from oauth_app.services import services
from svp_dagster.store.redos.redos import Progress
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("api_databases", __name__, url_prefix="/api")

LINK, CONTENT = "Link Database", "Content Databases"
AT_NOTION = (401, 404, 409, 422)
"""Errors of operations that ask Notion."""


@blueprint.get("/link-database")
@operation(Scope.READ, resp=answers(200, LinkDatabaseAnswer, 401, 404), tags=[LINK])
def show_link_database() -> LinkDatabaseAnswer:
    """The registered Link Database."""
    return LinkDatabaseAnswer.of(registration.link_database(identity.connection()))


@blueprint.post("/link-database/register")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(200, LinkDatabaseAnswer, *AT_NOTION), tags=[LINK])
def register_link_database(json: RegisterLinkDatabase) -> LinkDatabaseAnswer:
    """Register a database as the Link Database.

    Columns that are missing or of a wrong type are named one by one in `details`. A database with several data
    sources is answered with the `choices`.
    """
    return LinkDatabaseAnswer.of(registration.register_link_database(identity.connection(), json.database))


@blueprint.post("/link-database/make")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(201, LinkDatabaseAnswer, *AT_NOTION), tags=[LINK])
def make_link_database(json: MakeLinkDatabase) -> tuple[LinkDatabaseAnswer, int]:
    """Make a Link Database with every column and option, and register it."""
    made = registration.make_link_database(identity.connection(), json.parent_page)
    return LinkDatabaseAnswer.of(made), 201


@blueprint.post("/link-database/check")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(200, PreflightAnswer, *AT_NOTION), tags=[LINK])
def check_link_database() -> PreflightAnswer:
    """Ask Notion whether links can be read now."""
    problems = registration.check_link_database(identity.connection())
    return PreflightAnswer(ready=not problems, problems=tuple(problems))


@blueprint.get("/databases")
@operation(Scope.READ, resp=answers(200, ContentDatabases, 401), tags=[CONTENT])
def list_content_databases() -> ContentDatabases:
    """The registered Content Databases, by tag."""
    found = services().store.databases.content_databases(identity.connection().id)
    return ContentDatabases(databases=tuple(ContentDatabaseAnswer.of(database) for database in found))


@blueprint.post("/databases/register")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(201, ContentDatabaseAnswer, *AT_NOTION), tags=[CONTENT])
def register_content_database(json: RegisterContentDatabase) -> tuple[ContentDatabaseAnswer, int]:
    """Register a database as the Content Database of a tag.

    A database with several data sources is answered with the `choices`.
    """
    made = registration.register_content_database(
        identity.connection(), json.database, tag=json.tag, prompt=json.prompt
    )
    return ContentDatabaseAnswer.of(made), 201


@blueprint.post("/databases/make")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(201, ContentDatabaseAnswer, *AT_NOTION), tags=[CONTENT])
def make_content_database(json: MakeContentDatabase) -> tuple[ContentDatabaseAnswer, int]:
    """Make a ready-made Content Database and register it."""
    made = registration.make_content_database(identity.connection(), json.template, json.parent_page, tag=json.tag)
    return ContentDatabaseAnswer.of(made), 201


@blueprint.get("/databases/<database_id>")
@operation(Scope.READ, resp=answers(200, ContentDatabaseAnswer, 401, 404), tags=[CONTENT])
def show_content_database(database_id: str) -> ContentDatabaseAnswer:
    """One Content Database."""
    return ContentDatabaseAnswer.of(registration.content_database(identity.connection(), database_id))


@blueprint.patch("/databases/<database_id>")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(200, ContentDatabaseAnswer, 401, 404, 409, 422), tags=[CONTENT])
def change_content_database(database_id: str, json: ChangeContentDatabase) -> ContentDatabaseAnswer:
    """Change the tag or the schema prompt."""
    changed = registration.change_content_database(identity.connection(), database_id, tag=json.tag, prompt=json.prompt)
    return ContentDatabaseAnswer.of(changed)


@blueprint.delete("/databases/<database_id>")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(204, None, 401, 404), tags=[CONTENT])
def forget_content_database(database_id: str) -> tuple[str, int]:
    """Forget a Content Database. The one at Notion stays as it is."""
    registration.forget_content_database(identity.connection(), database_id)
    return "", 204


@blueprint.post("/databases/<database_id>/refresh")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(200, ContentDatabaseAnswer, *AT_NOTION), tags=[CONTENT])
def refresh_schema(database_id: str) -> ContentDatabaseAnswer:
    """Read the columns from Notion again."""
    return ContentDatabaseAnswer.of(registration.refresh_schema(identity.connection(), database_id))


@blueprint.post("/databases/<database_id>/check")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(200, PreflightAnswer, *AT_NOTION), tags=[CONTENT])
def check_content_database(database_id: str) -> PreflightAnswer:
    """Ask Notion whether pages can be written now."""
    problems = registration.check_content_database(identity.connection(), database_id)
    return PreflightAnswer(ready=not problems, problems=tuple(problems))


@blueprint.get("/databases/<database_id>/redo")
@operation(Scope.READ, resp=answers(200, RedosAnswer, 401, 404), tags=[CONTENT])
def show_redos(database_id: str) -> RedosAnswer:
    """How many pages are out of date, and how far the last redos are."""
    database = registration.content_database(identity.connection(), database_id)
    offer = registration.offer_redo_of(database)
    redos = tuple(RedoAnswer.of(redo, progress) for redo, progress in registration.redos_of(database))
    return RedosAnswer(outdated=offer.rows, usd=offer.usd, redos=redos)


@blueprint.post("/databases/<database_id>/redo")
@limiter.limit(WRITE_LIMIT)
@operation(Scope.MANAGE, resp=answers(202, RedoAnswer, 401, 404, 409), tags=[CONTENT])
def redo_changed(database_id: str) -> tuple[RedoAnswer, int]:
    """Make the pages again that were made for other columns or another prompt. It pays for their summaries."""
    made = registration.redo_changed(identity.connection(), database_id)
    return RedoAnswer.of(made, Progress(open=made.total)), 202
