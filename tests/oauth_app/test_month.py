"""The small chart of a month."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from oauth_app.month import CHART_HEIGHT, draw
from oauth_app.words import ago, duration, usd
from svp_dagster.rows.spending.caps import month_of
from svp_dagster.store.history import Day

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def day(number: int, completed: int = 0, failed: int = 0, cost: float = 0.0) -> Day:
    return Day(day=date(2026, 11, number), completed=completed, failed=failed, usd=cost, calls_of_unknown_price=0)


@pytest.mark.parametrize(
    ("now", "since", "until"),
    [
        (NOW, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (
            datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
            datetime(2026, 12, 1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        (datetime(2028, 1, 31, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_month_is_from_its_first_moment_to_the_next_months(now: datetime, since: datetime, until: datetime) -> None:
    assert month_of(now) == (since, until)


def test_sums_are_of_all_days() -> None:
    month = draw([day(1, 2, 1, 0.25), day(2), day(3, 1, 0, 0.5)], now=NOW)
    assert (month.name, month.completed, month.failed, month.usd) == ("November", 3, 1, 0.75)
    assert not month.is_empty
    assert draw([day(1), day(2)], now=NOW).is_empty


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=31))
def test_bars_stay_within_the_chart(counts: list[tuple[int, int]]) -> None:
    month = draw([day(1, completed, failed) for completed, failed in counts], now=NOW)
    for bar in month.bars:
        assert -1 <= bar.failed_y <= bar.completed_y <= CHART_HEIGHT
        assert 0 <= bar.x < month.width


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (9.96, "10.0 s"), (24.4, "24 s"), (60, "1 min 0 s"), (125, "2 min 5 s")]
)
def test_durations_are_said_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"), [(0, "$0.00"), (0.0061, "$0.0061"), (0.1, "$0.10"), (12.345, "$12.35"), (0.00001, "$0.0000")]
)
def test_sums_below_ten_cents_keep_their_digits(amount: float, words: str) -> None:
    assert usd(amount) == words


def test_moments_are_said_as_people_say_them(app: Flask) -> None:
    with app.app_context():
        assert ago(datetime.now(UTC)) == "just now"
        assert ago(datetime(2026, 1, 2, tzinfo=UTC)) == "2 Jan 2026"
