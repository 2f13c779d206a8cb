"""Outcomes and costs per day, for charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, select

from svp_dagster.models import Status, Value
from svp_dagster.store.tables import LedgerRow, LinkEntryRow


class Day(Value):
    """One day in UTC. `usd` leaves out the calls whose price isn't known."""

    day: date
    completed: int
    failed: int
    usd: float
    calls_of_unknown_price: int


@dataclass
class _Sums:
    completed: int = 0
    failed: int = 0
    usd: float = 0.0
    calls_of_unknown_price: int = 0


class History:
    """Sums over entries and paid calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def days(self, connection_id: str, *, since: datetime, until: datetime) -> list[Day]:
        """Return every day from `since` to before `until`: rows by the day on which they ended, and the cost."""
        sums = {day: _Sums() for day in _days(since, until)}
        self._add_outcomes(sums, connection_id, since, until)
        self._add_costs(sums, connection_id, since, until)
        return [Day(day=day, **vars(sum_)) for day, sum_ in sums.items()]

    def _add_outcomes(self, sums: dict[date, _Sums], connection_id: str, since: datetime, until: datetime) -> None:
        # Grouped by day here and not in SQL: the two databases have different functions for it.
        row = LinkEntryRow
        query = select(row.status, row.updated_at).where(
            row.connection_id == connection_id,
            row.status.in_([Status.COMPLETED, Status.FAILED]),
            row.updated_at >= since,
            row.updated_at < until,
        )
        with self._engine.connect() as connection:
            for status, ended_at in connection.execute(query):
                sum_ = sums[ended_at.date()]
                if status == Status.COMPLETED:
                    sum_.completed += 1
                else:
                    sum_.failed += 1

    def _add_costs(self, sums: dict[date, _Sums], connection_id: str, since: datetime, until: datetime) -> None:
        row = LedgerRow
        query = select(row.at, row.cost_usd).where(row.connection_id == connection_id, row.at >= since, row.at < until)
        with self._engine.connect() as connection:
            for at, cost_usd in connection.execute(query):
                sum_ = sums[at.date()]
                if cost_usd is None:
                    sum_.calls_of_unknown_price += 1
                else:
                    sum_.usd += cost_usd


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day = since.date()
    while day < until.date():
        yield day
        day += timedelta(days=1)
