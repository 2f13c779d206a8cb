"""Where a row's page goes."""

from __future__ import annotations

from svp_dagster.errors import Code, failure
from svp_dagster.models import Value
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.column_digest import column_digest
from svp_dagster.notion.schema import DataSourceSchema, differences, hidden_relations
from svp_dagster.store.databases import ContentDatabase
from svp_dagster.summary import show_notes


class Destination(Value):
    """The Content Database of a row's tag, with its columns as they were read before anything was paid.

    For an entry without a tag it has the columns of the show notes, and no page is made (`publishes`).

    `made_for` is a digest of the registered columns and the prompt: a page that was made for others is out of date.
    `hidden_relations` are columns that stay blank because Notion no longer shows them.
    """

    database_id: str
    tag: str
    prompt: str
    columns: DataSourceSchema
    hidden_relations: tuple[str, ...]
    made_for: str
    publishes: bool = True


def show_notes_destination() -> Destination:
    """Return where an entry without a Content Database goes. Nothing is asked of Notion."""
    return Destination(
        database_id="",
        tag="",
        prompt=show_notes.PROMPT,
        columns=show_notes.SCHEMA,
        hidden_relations=(),
        made_for=column_digest(show_notes.SCHEMA, show_notes.PROMPT),
        publishes=False,
    )


def read_destination(database: ContentDatabase, workspace: Workspace) -> Destination:
    """Read a Content Database as it is now. Raises `database_not_shared`, `schema_changed`.

    A database in the trash still shows its columns, so it is read itself too.
    """
    live = workspace.schema(database.data_source_id)
    if changes := differences(database.data_schema, live):
        name = f"Content Database of the tag “{database.tag}”"
        raise failure(Code.SCHEMA_CHANGED, database=name, reason=" ".join(changes))
    workspace.database(database.database_id)
    return Destination(
        database_id=database.database_id,
        tag=database.tag,
        prompt=database.prompt,
        columns=live,
        hidden_relations=hidden_relations(database.data_schema, live),
        made_for=column_digest(database.data_schema, database.prompt),
    )
