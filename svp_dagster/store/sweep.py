"""What a sweep and an operator look for: entries that nobody works on, that wait, or that ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Engine, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from svp_dagster.errors import Code
from svp_dagster.models import Status
from svp_dagster.store.entries import Entry, to_entry
from svp_dagster.store.tables import ConnectionRow, LinkEntryRow

_FINAL = (Status.COMPLETED, Status.FAILED)
_row = LinkEntryRow


class Sweep:
    """Queries across all connections."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def held(self, *, before: datetime, limit: int) -> list[Entry]:
        """Entries that a run holds and that nothing changed since `before`, the oldest first."""
        query = select(_row).where(_row.holder.is_not(None), _row.updated_at < before)
        return self._entries(query.order_by(_row.updated_at).limit(limit))

    def left_alone(self, *, before: datetime, limit: int, also_paused: bool) -> list[Entry]:
        """Entries of active connections that no run holds and that could have had one since `before`.

        Those that wait for a paused platform are among them only with `also_paused`.
        """
        query = (
            select(_row)
            .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
            .where(ConnectionRow.active, _row.holder.is_(None), _row.status.not_in(_FINAL))
            .where(_row.updated_at < before, or_(_row.retry_at.is_(None), _row.retry_at < before))
        )
        if not also_paused:
            query = query.where(or_(_row.failure_code.is_(None), _row.failure_code != Code.PLATFORM_PAUSED))
        return self._entries(query.order_by(_row.updated_at).limit(limit))

    def next_retry_at(self, connection_id: str, *, after: datetime) -> datetime | None:
        """When the next of a connection's entries that wait is to be tried again."""
        query = select(func.min(_row.retry_at)).where(
            _row.connection_id == connection_id, _row.status == Status.PENDING, _row.retry_at > after
        )
        with Session(self._engine) as session:
            return session.scalar(query)

    def waiting(self, codes: Collection[Code], *, limit: int) -> list[Entry]:
        """Entries that wait because of one of these failures, those that wait longest first."""
        query = select(_row).where(
            _row.status == Status.PENDING, _row.retry_at.is_not(None), _row.failure_code.in_(codes)
        )
        return self._entries(query.order_by(_row.waiting_since, _row.page_id).limit(limit))

    def failed(self, *, code: str | None, limit: int) -> list[Entry]:
        """Entries of active connections that failed for good and whose row is still there, the latest first."""
        query = (
            select(_row)
            .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
            .where(ConnectionRow.active, _row.status == Status.FAILED, _row.failure_code != Code.ROW_GONE)
        )
        if code is not None:
            query = query.where(_row.failure_code == code)
        return self._entries(query.order_by(_row.updated_at.desc(), _row.page_id).limit(limit))

    def finished(self, *, after: tuple[datetime, str], before: datetime, limit: int) -> list[Entry]:
        """Entries that ended before `before`, in the order of their ends, beyond the end and page id `after`."""
        query = select(_row).where(
            _row.status.in_(_FINAL), _row.updated_at < before, tuple_(_row.updated_at, _row.page_id) > after
        )
        return self._entries(query.order_by(_row.updated_at, _row.page_id).limit(limit))

    def _entries(self, query: Select[LinkEntryRow]) -> list[Entry]:
        with Session(self._engine) as session:
            return [to_entry(row) for row in session.scalars(query)]
