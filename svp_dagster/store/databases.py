"""Registered databases: the Link Database of a connection and its Content Databases by tag."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, Engine, and_, case, delete, literal, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from svp_dagster.models import Value
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.store.polling.parts import ALL, Part
from svp_dagster.store.tables import ConnectionRow, ContentDatabaseRow, LinkDatabaseRow

REQUESTED_SHARE = 0.5
"""The share of a tick that Link Databases have which somebody asked for, so that the others have theirs."""


AWAY = timedelta(days=1)
"""Who opens the app after less than that isn't noted: it would be a write for each page that is shown."""


class TagTaken(Exception):
    """The connection has a Content Database for this tag already."""


class LinkDatabase(Value):
    """A registered Link Database. `poll_problem` is the sentence of the last poll that failed, else empty.

    `requested_at` is when a person last asked for a poll, None once it was polled since. `active_at` is when a person
    last asked or opened the app, or a poll found a change. `changed_at` is the poll before the one that last found a
    change, so that the change came after it. `webhook_at` is when Notion last announced one.
    """

    connection_id: str
    database_id: str
    data_source_id: str
    url: str
    data_schema: DataSourceSchema
    due_at: datetime
    requested_at: datetime | None
    polled_at: datetime | None
    active_at: datetime
    changed_at: datetime
    webhook_at: datetime | None
    backlog: int
    poll_failures: int
    poll_problem: str

    @property
    def has_leftovers(self) -> bool:
        """Whether the last poll left rows for another one, so that what is new to the store may be older than it."""
        return self.backlog > 0 or (self.polled_at is not None and self.due_at <= self.polled_at)

    @property
    def has_webhook(self) -> bool:
        """Whether Notion's webhook works for it: the last change that a poll found was announced.

        An event of before the change says nothing. One that comes after the poll was slow and counts.
        """
        return self.webhook_at is not None and self.webhook_at >= self.changed_at


class ContentDatabase(Value):
    """A registered Content Database."""

    id: str
    connection_id: str
    tag: str
    database_id: str
    data_source_id: str
    url: str
    data_schema: DataSourceSchema
    prompt: str
    created_at: datetime
    updated_at: datetime


class Databases:
    """Queries over registered databases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def set_link_database(self, connection_id: str, *, schema: DataSourceSchema, url: str, now: datetime) -> None:
        """Register the connection's Link Database, replacing the one before. It is due at once."""
        with Session(self._engine) as session, session.begin():
            _lock_connection(session, connection_id)
            row = session.get(LinkDatabaseRow, connection_id)
            if row is None:
                row = LinkDatabaseRow(connection_id=connection_id)
                session.add(row)
            row.database_id, row.data_source_id, row.url = schema.database_id, schema.data_source_id, url
            row.schema, row.due_at, row.requested_at = schema.model_dump(mode="json"), now, now
            row.polled_at, row.poll_failures, row.poll_problem, row.backlog = None, 0, "", 0
            row.active_at, row.changed_at, row.webhook_at = now, now, None

    def link_database(self, connection_id: str) -> LinkDatabase | None:
        """Return the connection's Link Database."""
        with Session(self._engine) as session:
            row = session.get(LinkDatabaseRow, connection_id)
            return _link_database(row) if row else None

    def due(self, *, now: datetime, limit: int, part: Part = ALL) -> list[LinkDatabase]:
        """Return the Link Databases of active connections that are due to be polled.

        Those that a person asked for come first, up to `REQUESTED_SHARE` of the limit, and among them the longest not
        polled: who asks often is polled no more often than others who ask. Then come the longest due.
        """
        row = LinkDatabaseRow
        active = (
            select(row)
            .join(ConnectionRow, ConnectionRow.id == row.connection_id)
            .where(ConnectionRow.active, ConnectionRow.bot_id.is_not(None), part.has(row.connection_id))
        )
        requested = active.where(row.requested_at <= now).order_by(
            row.polled_at.nulls_first(), row.requested_at, row.connection_id
        )
        longest_due = active.where(row.due_at <= now).order_by(row.due_at, row.connection_id)
        queries = (requested.limit(max(1, int(limit * REQUESTED_SHARE))), longest_due.limit(limit))
        with Session(self._engine) as session:
            found = {each.connection_id: each for query in queries for each in session.scalars(query)}
            return [_link_database(each) for each in islice(found.values(), limit)]

    def poll_now(self, connection_id: str, *, now: datetime) -> None:
        """Make the connection due at once and before others, since a person asked for it."""
        self._request(LinkDatabaseRow.connection_id == connection_id, now=now)

    def announced(self, data_source_id: str, *, now: datetime) -> int:
        """Do the same for the connections of whose Link Database Notion announced a change. Return how many."""
        return self._request(LinkDatabaseRow.data_source_id == data_source_id, now=now, webhook_at=now)

    def opened(self, connection_id: str, *, now: datetime) -> None:
        """Poll the connection as an active one again: its owner opened the app. It is due at once if it was idle."""
        row = LinkDatabaseRow
        was_away = and_(row.connection_id == connection_id, row.active_at < now - AWAY)
        with self._engine.begin() as connection:
            connection.execute(update(row).where(was_away).values(active_at=now, due_at=_at_the_latest(now)))

    def poll_by(self, connection_id: str, *, at: datetime) -> None:
        """Make the connection due at this time at the latest."""
        self._make_due(LinkDatabaseRow.connection_id == connection_id, at=at)

    def poll_backlog(self, connection_id: str, *, now: datetime) -> None:
        """Make the connection due if its last poll left rows that were ready: a run of it has ended."""
        row = LinkDatabaseRow
        self._make_due(and_(row.connection_id == connection_id, row.backlog > 0), at=now)

    def poll_all_now(self, *, now: datetime) -> None:
        """Make every connection due at once."""
        self._make_due(true(), at=now)

    def _request(self, which: ColumnElement[bool], *, now: datetime, **also: datetime) -> int:
        values = {"requested_at": now, "active_at": now, "due_at": _at_the_latest(now), **also}
        with self._engine.begin() as connection:
            return connection.execute(update(LinkDatabaseRow).where(which).values(values)).rowcount

    def _make_due(self, which: ColumnElement[bool], *, at: datetime) -> None:
        row = LinkDatabaseRow
        with self._engine.begin() as connection:
            connection.execute(update(row).where(which, row.due_at > at).values(due_at=at))

    def add_content_database(
        self, connection_id: str, *, tag: str, schema: DataSourceSchema, url: str, prompt: str, now: datetime
    ) -> ContentDatabase:
        """Register a Content Database. Raises `TagTaken`."""
        row = ContentDatabaseRow(
            id=uuid.uuid4().hex,
            connection_id=connection_id,
            tag=tag,
            database_id=schema.database_id,
            data_source_id=schema.data_source_id,
            url=url,
            schema=schema.model_dump(mode="json"),
            prompt=prompt,
            created_at=now,
            updated_at=now,
        )
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                _lock_connection(session, connection_id)
                session.add(row)
        except IntegrityError as error:
            raise TagTaken(tag) from error
        return _content_database(row)

    def content_databases(self, connection_id: str) -> list[ContentDatabase]:
        """Return the connection's Content Databases, by tag."""
        query = (
            select(ContentDatabaseRow)
            .where(ContentDatabaseRow.connection_id == connection_id)
            .order_by(ContentDatabaseRow.tag)
        )
        with Session(self._engine) as session:
            return [_content_database(row) for row in session.scalars(query)]

    def content_database(self, connection_id: str, database_id: str) -> ContentDatabase | None:
        """Return a Content Database by our id, if it is this connection's."""
        with Session(self._engine) as session:
            row = session.get(ContentDatabaseRow, database_id)
            return _content_database(row) if row and row.connection_id == connection_id else None

    def for_tag(self, connection_id: str, tag: str) -> ContentDatabase | None:
        """Return the Content Database of a tag."""
        query = select(ContentDatabaseRow).where(
            ContentDatabaseRow.connection_id == connection_id, ContentDatabaseRow.tag == tag
        )
        with Session(self._engine) as session:
            row = session.scalar(query)
            return _content_database(row) if row else None

    def update_content_database(
        self,
        connection_id: str,
        database_id: str,
        *,
        now: datetime,
        tag: str | None = None,
        prompt: str | None = None,
        schema: DataSourceSchema | None = None,
    ) -> ContentDatabase | None:
        """Change what is given. Return None if it isn't this connection's. Raises `TagTaken`."""
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                row = session.get(ContentDatabaseRow, database_id)
                if row is None or row.connection_id != connection_id:
                    return None
                row.tag = tag if tag is not None else row.tag
                row.prompt = prompt if prompt is not None else row.prompt
                row.schema = schema.model_dump(mode="json") if schema is not None else row.schema
                row.updated_at = now
        except IntegrityError as error:
            raise TagTaken(tag) from error
        return _content_database(row)

    def delete_content_database(self, connection_id: str, database_id: str) -> bool:
        """Delete the registration of a Content Database (Notion's stays as it is). Return whether there was one."""
        with self._engine.begin() as connection:
            result = connection.execute(
                delete(ContentDatabaseRow).where(
                    ContentDatabaseRow.id == database_id, ContentDatabaseRow.connection_id == connection_id
                )
            )
        return result.rowcount == 1


def _at_the_latest(moment: datetime) -> ColumnElement[datetime]:
    """Return when a Link Database is due that is to be due by then. One that is overdue keeps its place."""
    row = LinkDatabaseRow
    return case((row.due_at > moment, literal(moment, row.due_at.type)), else_=row.due_at)


def _lock_connection(session: Session, connection_id: str) -> None:
    # Serializes the registrations of one connection. Raises for an unknown one.
    session.get_one(ConnectionRow, connection_id, with_for_update=True)


def _link_database(row: LinkDatabaseRow) -> LinkDatabase:
    return LinkDatabase(
        connection_id=row.connection_id,
        database_id=row.database_id,
        data_source_id=row.data_source_id,
        url=row.url,
        data_schema=DataSourceSchema.model_validate(row.schema),
        due_at=row.due_at,
        requested_at=row.requested_at,
        polled_at=row.polled_at,
        active_at=row.active_at,
        changed_at=row.changed_at,
        webhook_at=row.webhook_at,
        backlog=row.backlog,
        poll_failures=row.poll_failures,
        poll_problem=row.poll_problem,
    )


def _content_database(row: ContentDatabaseRow) -> ContentDatabase:
    return ContentDatabase(
        id=row.id,
        connection_id=row.connection_id,
        tag=row.tag,
        database_id=row.database_id,
        data_source_id=row.data_source_id,
        url=row.url,
        data_schema=DataSourceSchema.model_validate(row.schema),
        prompt=row.prompt,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
