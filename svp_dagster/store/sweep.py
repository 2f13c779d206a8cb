"""What a sweep and an operator look for: entries that nobody works on, that wait, or that ended. Retries several.

Also the links of all connections to try a paused platform with.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Select, and_, false, func, not_, or_, select, update
from sqlalchemy.orm import Session

from svp_dagster.errors import Code
from svp_dagster.models import Link, Status, Value
from svp_dagster.store import transitions
from svp_dagster.store.entries import Entry, to_entry
from svp_dagster.store.installation.platforms import Platform
from svp_dagster.store.polling.parts import ALL, Part
from svp_dagster.store.tables import ConnectionRow, LinkDatabaseRow, LinkEntryRow

_UNFINISHED = tuple(status for status in Status if not status.is_final)
"""As a list and not by its opposite, so that an index finds them."""
_row = LinkEntryRow


DirectMark = tuple[int, datetime | None]
"""How many direct entries could start, and when one of them last changed."""


class OwnedLink(Value):
    """A link, and the connection that it is of."""

    connection_id: str
    link: Link


class Sweep:
    """Queries across all connections."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def held(self, *, before: datetime, limit: int) -> list[Entry]:
        """Return entries that a run holds and that have not changed since `before`, the oldest first."""
        query = select(_row).where(_row.holder.is_not(None), _row.updated_at < before)
        return self._entries(query.order_by(_row.updated_at).limit(limit))

    def stale_pending(
        self, *, before: datetime, backlog_before: datetime, limit: int, also_paused: bool
    ) -> list[Entry]:
        """Return unclaimed entries of active connections that have been eligible for a run since `before`.

        Those of connections with a backlog wait for a run to end, and count from `backlog_before`. So do direct
        entries, whose backlog is nowhere. Those that wait for a paused platform are among them only with `also_paused`.
        """
        has_no_backlog = and_(not_(_is_direct()), func.coalesce(LinkDatabaseRow.backlog, 0) == 0)
        query = (
            select(_row)
            .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
            .outerjoin(LinkDatabaseRow, LinkDatabaseRow.connection_id == _row.connection_id)
            .where(ConnectionRow.active, _row.holder.is_(None), _row.status.in_(_UNFINISHED))
            .where(_eligible_since(before))
            .where(or_(has_no_backlog, _eligible_since(backlog_before)))
        )
        if not also_paused:
            query = query.where(or_(_row.failure_code.is_(None), _row.failure_code != Code.PLATFORM_PAUSED))
        return self._entries(query.order_by(_row.updated_at).limit(limit))

    def direct_mark(self, *, now: datetime, part: Part = ALL) -> DirectMark:
        """Return what changes when a direct entry is added, requested again or may be tried again."""
        is_time = or_(_row.retry_at.is_(None), _row.retry_at <= now)
        query = select(func.count(), func.max(_row.updated_at)).where(
            _is_direct(), _row.status == Status.PENDING, _row.holder.is_(None), is_time, part.has(_row.connection_id)
        )
        with self._engine.connect() as connection:
            count, newest = connection.execute(query).one()
        return int(count), newest

    def pending_direct(
        self,
        *,
        now: datetime,
        platforms: Collection[Platform],
        site_faults: Collection[Code],
        paused_before: datetime,
        per_connection: int,
        part: Part = ALL,
    ) -> list[Entry]:
        """Return the unclaimed direct entries of active connections whose time has come, the oldest first.

        Few of each connection. One that waits for a paused platform has its time once that is resumed, or once it has
        waited since before `paused_before`. One that failed with one of `site_faults` has it when its platform is
        resumed, if that is sooner.
        """
        paused = [platform.name for platform in platforms if platform.is_paused]
        waits_for_platform = _row.failure_code == Code.PLATFORM_PAUSED
        is_time = or_(
            _row.retry_at.is_(None),
            and_(not_(waits_for_platform), _row.retry_at <= now),
            and_(waits_for_platform, or_(_row.platform.not_in(paused), _row.waiting_since <= paused_before)),
            *(
                and_(
                    _row.platform == platform.name,
                    _row.failure_code.in_(site_faults),
                    _row.updated_at < platform.resumed_at,
                )
                for platform in platforms
                if platform.resumed_at is not None
            ),
        )
        turn = func.row_number().over(partition_by=_row.connection_id, order_by=(_row.created_at, _row.page_id))
        ranked = (
            select(_row.page_id, turn.label("turn"))
            .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
            .where(_is_direct(), _row.status == Status.PENDING, _row.holder.is_(None), ConnectionRow.active, is_time)
            .where(part.has(_row.connection_id))
            .subquery()
        )
        query = select(_row).join(ranked, ranked.c.page_id == _row.page_id).where(ranked.c.turn <= per_connection)
        return self._entries(query.order_by(_row.created_at, _row.page_id))

    def waiting_direct(
        self, codes: Collection[Code], *, after: datetime, limit: int, part: Part = ALL
    ) -> dict[str, list[str]]:
        """Return the page ids of direct entries that wait beyond `after` because of these failures, by connection."""
        turn = func.row_number().over(partition_by=_row.connection_id, order_by=(_row.created_at, _row.page_id))
        query = (
            select(_row.connection_id, _row.page_id)
            .where(part.has(_row.connection_id))
            .where(_is_direct(), _row.status == Status.PENDING, _row.failure_code.in_(codes), _row.retry_at > after)
            .order_by(turn, _row.connection_id)  # one with many doesn't hide those of the others
        )
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for connection_id, page_id in connection.execute(query.limit(limit)):
                found.setdefault(connection_id, []).append(page_id)
        return found

    def next_retries(self, connection_ids: Collection[str], *, after: datetime) -> dict[str, datetime]:
        """Return when the next waiting entry of each connection is to be tried again. One without any is absent."""
        waits = (
            select(_row.connection_id, func.min(_row.retry_at))
            .where(_row.connection_id.in_(connection_ids), _row.status == Status.PENDING, _row.retry_at > after)
            .group_by(_row.connection_id)
        )
        with self._engine.connect() as connection:
            return {connection_id: retry_at for connection_id, retry_at in connection.execute(waits) if retry_at}

    def waiting(self, codes: Collection[Code], *, limit: int) -> list[Entry]:
        """Return entries that wait because of one of these failures, the longest waiting first."""
        query = select(_row).where(
            _row.status == Status.PENDING, _row.retry_at.is_not(None), _row.failure_code.in_(codes)
        )
        return self._entries(query.order_by(_row.waiting_since, _row.page_id).limit(limit))

    def links_of_each(self, platform: str, codes: Collection[Code], *, since: datetime, limit: int) -> list[OwnedLink]:
        """Return links of every active connection: those completed last since then, and those that wait for `codes`.

        `limit` bounds each of the two for a connection.
        """
        is_completed = _row.status == Status.COMPLETED
        completed_of_late = and_(is_completed, _row.updated_at >= since)
        waits = and_(_row.status == Status.PENDING, _row.retry_at.is_not(None), _row.failure_code.in_(codes))
        rank = func.row_number().over(
            partition_by=(_row.connection_id, is_completed), order_by=(_row.updated_at.desc(), _row.page_id)
        )
        columns = (_row.connection_id, _row.link_url, _row.post_id, is_completed.label("completed"), rank.label("rank"))
        ranked = (
            select(*columns)
            .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
            .where(ConnectionRow.active, _row.platform == platform, or_(completed_of_late, waits))
            .subquery()
        )
        query = (
            select(ranked.c.connection_id, ranked.c.link_url, ranked.c.post_id)
            .where(ranked.c.rank <= limit)
            .order_by(ranked.c.connection_id, ranked.c.completed.desc(), ranked.c.rank)
        )
        with self._engine.connect() as connection:
            return [
                OwnedLink(connection_id=connection_id, link=Link(url=url, platform=platform, post_id=post_id))
                for connection_id, url, post_id in connection.execute(query)
            ]

    def failed(self, *, code: str | None, limit: int) -> list[Entry]:
        """Return entries of active connections that failed for good and whose row still exists, the latest first."""
        return self._entries(_latest_first(_failed(code)).limit(limit))

    def failed_of(
        self, connection_id: str, *, tag: str | None, code: str | None, limit: int
    ) -> tuple[list[Entry], int]:
        """Return the failed entries of one connection, and how many there are in all."""
        query = _failed(code).where(_row.connection_id == connection_id)
        if tag is not None:
            query = query.where(_row.tag == tag)
        with Session(self._engine) as session:
            total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            return [to_entry(row) for row in session.scalars(_latest_first(query).limit(limit))], total

    def retry(self, page_ids: Collection[str], *, now: datetime) -> list[Entry]:
        """Set those of these entries back to pending that failed or wait, all or none. Their statuses are unsynced.

        Entries that can't be synced stay as they are: those of ended connections, or rows without a Link Database.
        """
        query = (
            select(_row)
            .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
            .outerjoin(LinkDatabaseRow, LinkDatabaseRow.connection_id == _row.connection_id)
            .where(ConnectionRow.active, _row.page_id.in_(page_ids))
            .where(or_(LinkDatabaseRow.connection_id.is_not(None), _is_direct()))
            .order_by(_row.page_id)
        )
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            found = session.scalars(query.with_for_update(of=_row))
            rows = [row for row in found if to_entry(row).can_retry]
            for row in rows:
                transitions.reopen(row, now=now)
        return [to_entry(row) for row in rows]

    def make_due(self, page_ids: Collection[str], *, now: datetime) -> None:
        """Let those of these entries that wait be tried again now."""
        waits = (_row.status == Status.PENDING, _row.holder.is_(None), _row.retry_at > now)
        with self._engine.begin() as connection:
            connection.execute(update(_row).where(_row.page_id.in_(page_ids), *waits).values(retry_at=now))

    def late(self, *, before: datetime, apart_from: Collection[Code]) -> tuple[int, datetime | None]:
        """Return how many entries of active connections are unfinished since `before`, and since when the first is.

        An entry that failed counts from its first wait, another from its last change. Those that wait for one of
        `apart_from` don't count.
        """
        since = func.coalesce(_row.waiting_since, _row.updated_at)
        query = (
            select(func.count(), func.min(since))
            .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
            .where(ConnectionRow.active, _row.status.in_(_UNFINISHED), since < before)
            .where(or_(_row.failure_code.is_(None), _row.failure_code.not_in(apart_from)))
        )
        with self._engine.connect() as connection:
            count, first = connection.execute(query.select_from(_row)).one()
        return count, first

    def last_completed_at(self) -> datetime | None:
        """Return when an entry was completed last. None where none ever was."""
        with self._engine.connect() as connection:
            return connection.scalar(select(func.max(_row.updated_at)).where(_row.status == Status.COMPLETED))

    def _entries(self, query: Select[LinkEntryRow]) -> list[Entry]:
        with Session(self._engine) as session:
            return [to_entry(row) for row in session.scalars(query)]


def _is_direct() -> ColumnElement[bool]:
    return _row.has_row == false()  # as the partial index has it


def _eligible_since(moment: datetime) -> ColumnElement[bool]:
    return and_(_row.updated_at < moment, or_(_row.retry_at.is_(None), _row.retry_at < moment))


def _failed(code: str | None) -> Select[LinkEntryRow]:
    query = (
        select(_row)
        .join(ConnectionRow, ConnectionRow.id == _row.connection_id)
        .where(ConnectionRow.active, _row.status == Status.FAILED, _row.failure_code != Code.ROW_GONE)
    )
    return query if code is None else query.where(_row.failure_code == code)


def _latest_first(query: Select[LinkEntryRow]) -> Select[LinkEntryRow]:
    return query.order_by(_row.updated_at.desc(), _row.page_id)
