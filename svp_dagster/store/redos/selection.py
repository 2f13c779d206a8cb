"""Which rows a redo takes: completed ones, whose page is in the database that their tag has now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from svp_dagster.models import Status, Value
from svp_dagster.notion.column_digest import column_digest
from svp_dagster.store.databases import ContentDatabase
from svp_dagster.store.tables import ConnectionRow, LinkEntryRow

_STAGES = ("transcribe", "read_screen", "summarize")
_row = LinkEntryRow


class RedoFilter(Value):
    """What a redo is asked for. Without any field it takes all completed rows.

    `since` and `until` say when a link was saved. `engine` is one that a result was made with, such as `gemini`.
    `schema_changed` takes the pages that were made for other columns or another prompt than their database has now.
    """

    tag: str = ""
    since: datetime | None = None
    until: datetime | None = None
    platform: str = ""
    engine: str = ""
    schema_changed: bool = False


def redoable(connection_id: str, databases: Sequence[ContentDatabase], asked: RedoFilter) -> Select[LinkEntryRow]:
    """Return the query for the rows of a connection that the filter takes, in the order in which they were saved.

    A row in another redo that is open is none of them, nor one that a run works on, nor an entry without a page.
    """
    return (
        select(_row)
        .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
        .where(ConnectionRow.active, ConnectionRow.bot_id.is_not(None), _row.connection_id == connection_id)
        .where(_row.status == Status.COMPLETED, _row.holder.is_(None))
        .where(_row.partition_key.is_not(None), _row.content_page_id.is_not(None))
        .where(or_(_row.redo_id.is_(None), _row.redo_outcome.is_not(None)))
        .where(or_(false(), *(_made_in(database, asked) for database in databases)), *_conditions(asked))
        .order_by(_row.created_at, _row.page_id)
    )


def _made_in(database: ContentDatabase, asked: RedoFilter) -> ColumnElement[bool]:
    """Return the condition for rows with a page in this database."""
    is_there = and_(_row.tag == database.tag, _row.content_data_source_id == database.data_source_id)
    if not asked.schema_changed:
        return is_there
    return and_(is_there, _row.made_for.is_distinct_from(column_digest(database.data_schema, database.prompt)))


def _conditions(asked: RedoFilter) -> Iterator[ColumnElement[bool]]:
    if asked.tag:
        yield _row.tag == asked.tag
    if asked.since is not None:
        yield _row.created_at >= asked.since
    if asked.until is not None:
        yield _row.created_at < asked.until
    if asked.platform:
        yield _row.platform == asked.platform
    if asked.engine:
        yield or_(*(_row.engines[stage].as_string() == asked.engine for stage in _STAGES))
