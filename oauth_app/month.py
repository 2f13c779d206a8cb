"""A month's outcomes and cost, as a small chart that the server draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from svp_dagster.store.history import Day

CHART_HEIGHT, BAR_WIDTH, GAP = 60, 8, 2
_BASE = 2


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day's bar: heights from the bottom, in the chart's units."""

    x: int
    completed: int
    failed: int
    words: str

    @property
    def completed_y(self) -> int:
        """Return the top of the part for completed rows."""
        return CHART_HEIGHT - _BASE - self.completed

    @property
    def failed_y(self) -> int:
        """Return the top of the part for failed rows, which stands on the other."""
        return self.completed_y - self.failed


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month in sums and bars."""

    name: str
    completed: int
    failed: int
    usd: float
    calls_of_unknown_price: int
    bars: tuple[Bar, ...]

    width: int
    height: int = CHART_HEIGHT

    @property
    def is_empty(self) -> bool:
        """Return whether no row ended and nothing was paid."""
        return not (self.completed or self.failed or self.usd or self.calls_of_unknown_price)


def draw(days: list[Day], *, now: datetime) -> Month:
    """Return the chart of a month's days."""
    highest = max((day.completed + day.failed for day in days), default=0) or 1
    return Month(
        name=f"{now:%B}",
        completed=sum(day.completed for day in days),
        failed=sum(day.failed for day in days),
        usd=sum(day.usd for day in days),
        calls_of_unknown_price=sum(day.calls_of_unknown_price for day in days),
        bars=tuple(_bar(at, day, highest) for at, day in enumerate(days)),
        width=len(days) * (BAR_WIDTH + GAP) - GAP,
    )


def _bar(at: int, day: Day, highest: int) -> Bar:
    room = CHART_HEIGHT - _BASE
    return Bar(
        x=at * (BAR_WIDTH + GAP),
        completed=round(room * day.completed / highest),
        failed=round(room * day.failed / highest),
        words=f"{day.day.day} {day.day:%b}: {day.completed} completed, {day.failed} failed, ${day.usd:.2f}",
    )
