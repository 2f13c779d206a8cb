"""Registered databases: the Link Database of a connection and its Content Databases by tag."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Engine, and_, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from svp_dagster.models import Value
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.store.tables import ConnectionRow, ContentDatabaseRow, LinkDatabaseRow


class TagTaken(Exception):
    """The connection has a Content Database for this tag already."""


class LinkDatabase(Value):
    """A registered Link Database. `poll_problem` is the sentence of the last read that failed, else empty."""

    connection_id: str
    database_id: str
    data_source_id: str
    url: str
    data_schema: DataSourceSchema
    due_at: datetime
    polled_at: datetime | None
    poll_failures: int
    poll_problem: str


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
            row.schema, row.due_at = schema.model_dump(mode="json"), now
            row.polled_at, row.poll_failures, row.poll_problem = None, 0, ""

    def link_database(self, connection_id: str) -> LinkDatabase | None:
        """Return the connection's Link Database."""
        with Session(self._engine) as session:
            row = session.get(LinkDatabaseRow, connection_id)
            return _link_database(row) if row else None

    def due(self, *, now: datetime, limit: int) -> list[LinkDatabase]:
        """Return the Link Databases of active connections that are due to be polled, the longest due first."""
        query = (
            select(LinkDatabaseRow)
            .join(ConnectionRow, ConnectionRow.id == LinkDatabaseRow.connection_id)
            .where(ConnectionRow.active, LinkDatabaseRow.due_at <= now)
            .order_by(LinkDatabaseRow.due_at, LinkDatabaseRow.connection_id)
            .limit(limit)
        )
        with Session(self._engine) as session:
            return [_link_database(row) for row in session.scalars(query)]

    def poll_now(self, connection_id: str, *, now: datetime) -> None:
        """Make the connection due at once."""
        with self._engine.begin() as connection:
            connection.execute(
                update(LinkDatabaseRow).where(LinkDatabaseRow.connection_id == connection_id).values(due_at=now)
            )

    def poll_by(self, connection_id: str, *, at: datetime) -> None:
        """Make the connection due at this time at the latest."""
        row = LinkDatabaseRow
        with self._engine.begin() as connection:
            connection.execute(update(row).where(row.connection_id == connection_id, row.due_at > at).values(due_at=at))

    def poll_all_now(self, *, now: datetime) -> None:
        """Make every connection due at once."""
        with self._engine.begin() as connection:
            connection.execute(update(LinkDatabaseRow).where(LinkDatabaseRow.due_at > now).values(due_at=now))

    def poll_source_now(self, data_source_id: str, *, now: datetime) -> int:
        """Make the connections whose Link Database this is due at once; returns how many there are."""
        with self._engine.begin() as connection:
            return connection.execute(
                update(LinkDatabaseRow).where(LinkDatabaseRow.data_source_id == data_source_id).values(due_at=now)
            ).rowcount

    def polled(self, seen: LinkDatabase, *, next_due_at: datetime, now: datetime) -> None:
        """Record a read that succeeded. A "poll now" that came while it went on is kept."""
        self._after_poll(seen, next_due_at=next_due_at, now=now, failures=0, problem="")

    def poll_failed(self, seen: LinkDatabase, *, problem: str, next_due_at: datetime, now: datetime) -> None:
        """Record a read that failed, with a sentence for the owner."""
        self._after_poll(seen, next_due_at=next_due_at, now=now, failures=seen.poll_failures + 1, problem=problem)

    def _after_poll(
        self, seen: LinkDatabase, *, next_due_at: datetime, now: datetime, failures: int, problem: str
    ) -> None:
        row = LinkDatabaseRow
        # Another Link Database may have been registered while this one was read.
        is_seen = and_(row.connection_id == seen.connection_id, row.data_source_id == seen.data_source_id)
        with self._engine.begin() as connection:
            connection.execute(
                update(row).where(is_seen).values(polled_at=now, poll_failures=failures, poll_problem=problem)
            )
            connection.execute(update(row).where(is_seen, row.due_at == seen.due_at).values(due_at=next_due_at))

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
        polled_at=row.polled_at,
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
