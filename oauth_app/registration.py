"""Databases of a connection: found at Notion, checked, registered, made. Pages and API call the same functions.

All raise a `Refusal` for what the person can put right, and failures of the table for what Notion answers.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import NoReturn

from oauth_app.errors import Choice, Refusal, require_notion
from oauth_app.services import services
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.notion import templates
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.ids import object_id
from svp_dagster.notion.rows import TAG, check_columns
from svp_dagster.notion.schema import DataSourceSchema, differences, fillable_columns
from svp_dagster.rows.redos.requests import Offer, offer_redo, request_redo
from svp_dagster.store.connections import Connection
from svp_dagster.store.databases import ContentDatabase, LinkDatabase, TagTaken
from svp_dagster.store.redos.redos import Progress, Redo
from svp_dagster.store.redos.selection import RedoFilter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A data source at Notion, and the address at which a person opens its database."""

    schema: DataSourceSchema
    url: str


def find(connection: Connection, reference: str) -> Found:
    """Return the data source of a link or id of a database or data source.

    Refuses a database with several. Raises `linked_view` for one without any.
    """
    require_notion(connection, "use a database of yours")
    found_id = object_id(reference)
    if found_id is None:
        raise Refusal(
            422,
            "no_database_link",
            "That is no link of a Notion database. Open the database as a page and copy its link.",
        )
    workspace = services().workspace(connection)
    try:
        database = workspace.database(found_id)
    except SvpError as error:
        if error.code is not Code.DATABASE_NOT_SHARED:
            raise
        schema = workspace.schema(found_id)
        return Found(schema=schema, url=workspace.database(schema.database_id).url)
    if not database.data_sources:
        raise failure(Code.LINKED_VIEW, detail="no data sources")
    if len(database.data_sources) == 1:
        return Found(schema=workspace.schema(database.data_sources[0].data_source_id), url=database.url)
    raise Refusal(
        409,
        "several_data_sources",
        f"“{database.title}” has several data sources. Choose one of them.",
        choices=tuple(
            Choice(data_source_id=source.data_source_id, title=source.name) for source in database.data_sources
        ),
    )


def register_link_database(connection: Connection, reference: str) -> LinkDatabase:
    """Register a data source as the connection's Link Database, replacing the one before."""
    found = find(connection, reference)
    problems = check_columns(found.schema)
    if problems:
        raise Refusal(
            422,
            "columns_unfit",
            "This database can't be the Link Database yet. Put these columns right in Notion and try again.",
            details=tuple(problems),
        )
    return _keep_link_database(connection, found)


def make_link_database(connection: Connection, parent_page: str) -> LinkDatabase:
    """Make a Link Database with every column and option below a page, and register it."""
    tags = [database.tag for database in services().store.databases.content_databases(connection.id)]
    template = templates.link_database(tags or templates.CONTENT_TEMPLATES)
    return _keep_link_database(connection, _make(connection, template, parent_page))


def register_content_database(connection: Connection, reference: str, *, tag: str, prompt: str) -> ContentDatabase:
    """Register a data source as the Content Database of a tag."""
    _require_free(connection, tag)
    found = find(connection, reference)
    _require_not_link_database(connection, found.schema)
    return _keep_content_database(connection, found, tag=tag, prompt=prompt)


def make_content_database(
    connection: Connection, template_name: str, parent_page: str, *, tag: str | None = None
) -> ContentDatabase:
    """Make a ready-made Content Database below a page, and register it by its tag."""
    tag = tag or template_name
    _require_free(connection, tag)
    template = templates.CONTENT_TEMPLATES[template_name]
    found = _make(connection, template, parent_page)
    return _keep_content_database(connection, found, tag=tag, prompt=template.prompt)


def change_content_database(
    connection: Connection, database_id: str, *, tag: str | None, prompt: str | None
) -> ContentDatabase:
    """Change the tag or the schema prompt."""
    found = services()
    try:
        changed = found.store.databases.update_content_database(
            connection.id, database_id, tag=tag, prompt=prompt, now=found.now()
        )
    except TagTaken:
        raise _tag_taken(tag or "") from None
    if changed and tag:
        _offer_tags(connection)
    return changed or _raise_unknown()


def refresh_schema(connection: Connection, database_id: str) -> ContentDatabase:
    """Read the columns again."""
    found, database = services(), content_database(connection, database_id)
    schema = _live(found.workspace(connection), database)
    _require_fillable(schema)
    changed = found.store.databases.update_content_database(connection.id, database_id, schema=schema, now=found.now())
    return changed or _raise_unknown()


def forget_content_database(connection: Connection, database_id: str) -> None:
    """Delete the registration of a Content Database. Notion's stays as it is."""
    if not services().store.databases.delete_content_database(connection.id, database_id):
        _raise_unknown()


def offer_redo_of(database: ContentDatabase) -> Offer:
    """Return how many pages were made for other columns or another prompt than a database has now."""
    found = services()
    return offer_redo(found.store, database.connection_id, _changed(database), now=found.now())


def redo_changed(connection: Connection, database_id: str) -> Redo:
    """Ask for a redo of these pages."""
    database, found = content_database(connection, database_id), services()
    made = request_redo(found.store, connection.id, _changed(database), now=found.now())
    if made is None:
        raise Refusal(409, "nothing_to_redo", "Every page was made for these columns and this prompt already.")
    return made


def redos_of(database: ContentDatabase) -> list[tuple[Redo, Progress]]:
    """Return the latest redos of a database and how far they are."""
    redos = services().store.redos
    latest = [redo for redo in redos.latest(database.connection_id, limit=50) if redo.asked.tag == database.tag][:3]
    progress = redos.progress([redo.id for redo in latest])
    return [(redo, progress[redo.id]) for redo in latest]


def _changed(database: ContentDatabase) -> RedoFilter:
    return RedoFilter(tag=database.tag, schema_changed=True)


def content_database(connection: Connection, database_id: str) -> ContentDatabase:
    """Return a Content Database of this connection. Refuses another's as if there were none."""
    return services().store.databases.content_database(connection.id, database_id) or _raise_unknown()


def link_database(connection: Connection) -> LinkDatabase:
    """Return the connection's Link Database."""
    found = services().store.databases.link_database(connection.id)
    if found is None:
        require_notion(connection, "have a Link Database")
        raise Refusal(404, "no_link_database", "Register a Link Database first.")
    return found


def check_link_database(connection: Connection) -> list[str]:
    """Return a sentence for each thing that prevents reading links: no access, changed columns."""
    return check_columns(_live(services().workspace(connection), link_database(connection)))


def check_content_database(connection: Connection, database_id: str) -> list[str]:
    """Return a sentence for each thing that prevents writing pages: no access, changed columns, no tag option."""
    found, database = services(), content_database(connection, database_id)
    workspace = found.workspace(connection)
    live = _live(workspace, database)
    problems = [f"{words[0].upper()}{words[1:]}." for words in differences(database.data_schema, live)]
    links = found.store.databases.link_database(connection.id)
    if links is not None:
        column = _live(workspace, links).column(TAG)
        if column is None or database.tag not in column.options:
            problems.append(f"The Link Database's tag column doesn't offer “{database.tag}” yet.")
    return problems


def _live(workspace: Workspace, registered: LinkDatabase | ContentDatabase) -> DataSourceSchema:
    """Return the present schema. Raises `database_not_shared`, also where only the database is in the trash."""
    workspace.database(registered.database_id)
    return workspace.schema(registered.data_source_id)


def _make(connection: Connection, template: templates.Template, parent_page: str) -> Found:
    require_notion(connection, "make a database")
    parent_page_id = object_id(parent_page)
    if parent_page_id is None:
        raise Refusal(422, "no_page_link", "Choose a page, or give its link, to make the database below.")
    workspace = services().workspace(connection)
    made = workspace.create_database(template, parent_page_id=parent_page_id)
    return Found(schema=workspace.schema(made.data_sources[0].data_source_id), url=made.url)


def _keep_link_database(connection: Connection, found: Found) -> LinkDatabase:
    databases, now = services().store.databases, services().now()
    databases.set_link_database(connection.id, schema=found.schema, url=found.url, now=now)
    _offer_tags(connection)
    return link_database(connection)


def _keep_content_database(connection: Connection, found: Found, *, tag: str, prompt: str) -> ContentDatabase:
    _require_fillable(found.schema)
    databases, now = services().store.databases, services().now()
    try:
        kept = databases.add_content_database(
            connection.id, tag=tag, schema=found.schema, url=found.url, prompt=prompt, now=now
        )
    except TagTaken:
        raise _tag_taken(tag) from None
    _offer_tags(connection)
    return kept


def _offer_tags(connection: Connection) -> None:
    """Add every tag to the options of the Link Database. Where Notion refuses, *Check now* says what to do."""
    databases = services().store.databases
    links = databases.link_database(connection.id)
    if links is None:
        return
    tags = [database.tag for database in databases.content_databases(connection.id)]
    try:
        services().workspace(connection).offer_options(links.data_source_id, TAG, tags)
    except SvpError as error:
        logger.warning("the tags of connection %s are not offered: %s", connection.id, error.code)


def _require_free(connection: Connection, tag: str) -> None:
    if services().store.databases.for_tag(connection.id, tag) is not None:
        raise _tag_taken(tag)


def _require_not_link_database(connection: Connection, schema: DataSourceSchema) -> None:
    links = services().store.databases.link_database(connection.id)
    if links is not None and links.data_source_id == schema.data_source_id:
        raise Refusal(422, "is_link_database", "That is your Link Database. Pages need a database of their own.")


def _require_fillable(schema: DataSourceSchema) -> None:
    if not fillable_columns(schema):
        raise Refusal(422, "nothing_to_fill", "This database has no column that can be filled.")


def _tag_taken(tag: str) -> Refusal:
    return Refusal(409, "tag_taken", f"The tag “{tag}” has a Content Database already. Choose another tag.")


def _raise_unknown() -> NoReturn:
    raise Refusal(404, "no_such_database", "There is no such Content Database.")
