"""What a scrape of the metrics asks of the store: a few numbers, each from an index or a small table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, func, select, true

from svp_dagster.models import Status, Value
from svp_dagster.store.tables import ConnectionRow, LedgerRow, LinkDatabaseRow, LinkEntryRow, PlatformRow

_IN_PROGRESS = tuple(status for status in Status if not status.is_final)


class Figures(Value):
    """How the installation stands.

    `rows` are those that are not final, by status; pending ones that wait for a time count as `waiting`. `backlog` are
    rows that a poll found ready and left. `oldest_ready_s` is the age of the oldest row that could be worked on, and
    `poll_lag_s` how late the Link Database is that is due the longest.
    """

    rows: dict[str, int]
    backlog: int
    oldest_ready_s: float
    poll_lag_s: float
    unsynced: int
    paused: dict[str, bool]
    connections: int
    spent_usd: float


def figures(engine: Engine, *, month: datetime, now: datetime) -> Figures:
    """Return how the installation stands. `month` is when the present one began."""
    entry, database = LinkEntryRow, LinkDatabaseRow
    waits = entry.retry_at.is_not(None) & (entry.retry_at > now)
    rows = (
        select(entry.status, waits, func.count(), func.min(entry.updated_at))
        .where(entry.status.in_(_IN_PROGRESS))
        .group_by(entry.status, waits)
    )
    unsynced = select(func.count()).where(entry.is_unsynced == true())  # as the partial index has it
    polled = (
        select(func.min(database.due_at), func.coalesce(func.sum(database.backlog), 0))
        .join(ConnectionRow, ConnectionRow.id == database.connection_id)
        .where(ConnectionRow.active)
    )
    active = select(func.count()).select_from(ConnectionRow).where(ConnectionRow.active)
    spent = select(func.coalesce(func.sum(LedgerRow.cost_usd), 0.0)).where(LedgerRow.at >= month)
    with engine.connect() as connection:
        found = [(status, bool(wait), count, at) for status, wait, count, at in connection.execute(rows)]
        due_at, backlog = connection.execute(polled).one()
        return Figures(
            rows=_by_status(found),
            backlog=backlog,
            oldest_ready_s=_age(
                min((at for status, wait, _, at in found if status == Status.PENDING and not wait), default=None), now
            ),
            poll_lag_s=_age(due_at, now),
            unsynced=connection.scalar(unsynced) or 0,
            paused={
                name: since is not None
                for name, since in connection.execute(select(PlatformRow.name, PlatformRow.paused_since))
            },
            connections=connection.scalar(active) or 0,
            spent_usd=float(connection.scalar(spent) or 0),
        )


def last_poll_at(engine: Engine) -> datetime | None:
    """Return when a Link Database was last read."""
    with engine.connect() as connection:
        return connection.scalar(select(func.max(LinkDatabaseRow.polled_at)))


def _by_status(found: Sequence[tuple[str, bool, int, datetime]]) -> dict[str, int]:
    counts = dict.fromkeys((*map(str, _IN_PROGRESS), "waiting"), 0)
    for status, waits, count, _ in found:
        counts["waiting" if waits and status == Status.PENDING else status] += count
    return counts


def _age(moment: datetime | None, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0) if moment else 0.0
