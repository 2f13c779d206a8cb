"""What each connection gets of the runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.rows.pacing.shares import DELAY, Share, priority

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
COUNTS = st.integers(0, 50)


def test_a_connection_has_room_up_to_its_limit_and_none_beyond() -> None:
    assert [Share(runs=runs, limit=10).room for runs in (0, 9, 10, 11)] == [10, 1, 0, 0]


@given(COUNTS, COUNTS)
def test_of_two_runs_requested_at_once_the_one_whose_connection_has_fewer_comes_first(one: int, other: int) -> None:
    first, second = (priority(runs_before=runs, requested_at=NOW) for runs in (one, other))
    assert (first > second) == (one < other)


@given(COUNTS)
def test_a_run_is_overtaken_only_for_so_long(runs: int) -> None:
    waits = priority(runs_before=runs, requested_at=NOW)
    assert waits == priority(runs_before=0, requested_at=NOW + runs * DELAY)
    assert waits > priority(runs_before=0, requested_at=NOW + runs * DELAY + SECOND)
