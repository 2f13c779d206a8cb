"""Whether a row that failed is tried again, and what its owner reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.errors import BUDGET_CODES, TABLE, Code, Retry, SvpError, failure, failure_of
from svp_dagster.rows.waiting import (
    ATTEMPTS,
    FIRST_OP_WAIT_S,
    FIRST_WAIT_S,
    MAX_CRASHES,
    MAX_OP_WAIT_S,
    MAX_WAITS,
    PAUSE_LIMIT,
    WAITING_LIMIT,
    failure_rule,
    interruption,
    next_attempt_s,
    next_try,
    sentence_of_a_wait,
    sentence_of_the_end,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def busy(retry_after_s: float | None = None) -> SvpError:
    return failure(Code.NOTION_BUSY, retry_after_s=retry_after_s)


def wait_s(error: SvpError, *, waits: int = 0, waited: timedelta = timedelta()) -> float | None:
    until = next_try(error, waits=waits, waiting_since=NOW - waited if waited or waits else None, now=NOW)
    return (until - NOW).total_seconds() if until else None


def test_an_op_tries_again_after_ever_longer_waits_where_the_service_says_nothing() -> None:
    outage = failure(Code.SITE_UNREACHABLE)
    waits = [next_attempt_s(outage, attempt=attempt) for attempt in range(1, ATTEMPTS + 1)]
    assert waits == [FIRST_OP_WAIT_S, 2 * FIRST_OP_WAIT_S, None]


def test_an_op_waits_as_long_as_the_service_asks_but_no_longer_than_it_may() -> None:
    asked = [0.0, 7.5, MAX_OP_WAIT_S, MAX_OP_WAIT_S + 0.1]
    outages = [failure(Code.SITE_UNREACHABLE, retry_after_s=asked_s) for asked_s in asked]
    assert [next_attempt_s(outage, attempt=2) for outage in outages] == [0.0, 7.5, MAX_OP_WAIT_S, None]


@pytest.mark.parametrize("error", [busy(1.0), failure(Code.PRIVATE)])
def test_an_op_tries_nothing_again_that_repeating_now_does_not_help(error: SvpError) -> None:
    assert next_attempt_s(error, attempt=1) is None


def test_what_repeating_can_not_change_has_failed_for_good() -> None:
    assert wait_s(failure(Code.PRIVATE)) is None


def test_a_row_waits_as_long_as_the_service_asks() -> None:
    assert wait_s(busy(3000.0)) == 3000.0


def test_a_row_waits_as_long_as_the_table_says_where_the_service_says_nothing() -> None:
    assert wait_s(failure(Code.SITE_CHANGED)) == TABLE[Code.SITE_CHANGED].later_s


def test_a_failure_that_outlasts_the_attempts_of_now_waits_ever_longer() -> None:
    outage = failure(Code.NOTION_UNREACHABLE)
    waits = [wait_s(outage, waits=waits) for waits in range(MAX_WAITS)]
    assert waits == [FIRST_WAIT_S * 2**waits for waits in range(MAX_WAITS)]


def test_a_service_that_asks_for_too_little_again_and_again_is_not_believed() -> None:
    assert wait_s(busy(1.0), waits=3) == FIRST_WAIT_S * 8


def test_after_the_last_wait_or_a_day_the_row_has_failed_for_good() -> None:
    assert wait_s(busy(), waits=MAX_WAITS) is None
    assert wait_s(busy(), waits=1, waited=WAITING_LIMIT) is None
    assert wait_s(busy(), waits=1, waited=WAITING_LIMIT - timedelta(seconds=1)) is not None


def test_a_row_whose_platform_is_paused_waits_for_a_week_whatever_it_waited_for_before() -> None:
    paused = failure(Code.PLATFORM_PAUSED, platform="TikTok")
    assert wait_s(paused, waits=MAX_WAITS, waited=PAUSE_LIMIT - timedelta(seconds=1)) is not None
    assert wait_s(paused, waits=1, waited=PAUSE_LIMIT) is None


def test_a_row_that_waits_its_turn_waits_as_long_as_it_takes() -> None:
    turn = failure(Code.WAITS_TURN, when="soon", retry_after_s=90.0)
    assert wait_s(turn, waits=MAX_WAITS, waited=10 * PAUSE_LIMIT) == 90.0


def test_a_row_without_a_budget_waits_for_the_next_month_however_often() -> None:
    month_s = 31 * 24 * 3600.0
    for code in BUDGET_CODES:
        error = failure_of(code, {"budget": "$1"}, retry_after_s=month_s)
        assert wait_s(error, waits=MAX_WAITS, waited=10 * PAUSE_LIMIT) == month_s


def test_a_throttled_row_waits_ever_longer_and_for_a_week_at_most() -> None:
    throttled = failure(Code.RATE_LIMITED, retry_after_s=1.0)
    waits = [wait_s(throttled, waits=1, waited=timedelta(hours=waited_h)) for waited_h in (0, 4, 24, 200)]
    assert waits == [FIRST_WAIT_S, 3600, 6 * 3600, None]


@pytest.mark.parametrize(
    "error",
    [
        failure(Code.RATE_LIMITED),
        failure(Code.PLATFORM_PAUSED, platform="TikTok"),
        failure(Code.WAITS_TURN, when="soon"),
        *(failure_of(code, {"budget": "$1"}) for code in sorted(BUDGET_CODES)),
    ],
)
def test_a_wait_that_no_row_is_to_blame_for_uses_up_no_try(error: SvpError) -> None:
    assert not failure_rule(error)(waits=0, waiting_since=None, now=NOW).uses_try
    assert failure_rule(busy())(waits=0, waiting_since=None, now=NOW).uses_try


def test_a_row_that_waited_long_for_its_turn_still_has_its_day() -> None:
    assert wait_s(busy(), waits=0, waited=3 * WAITING_LIMIT) is not None


def test_a_row_that_was_edited_starts_again_at_once() -> None:
    assert wait_s(failure(Code.ROW_CHANGED, column="tag", retry_after_s=0.0), waits=2) == 0
    assert wait_s(failure(Code.RESULTS_GONE, retry_after_s=0.0), waits=2) == 0


@given(
    code=st.sampled_from([code for code in Code if "{" not in TABLE[code].sentence and code not in BUDGET_CODES]),
    asked_s=st.none() | st.floats(0, 1e9),
    waits=st.integers(0, 20),
    waited_h=st.integers(0, 400),
)
def test_no_wait_is_endless_and_none_lies_behind(code: Code, asked_s: float | None, waits: int, waited_h: int) -> None:
    error = failure_of(code, {}, retry_after_s=asked_s)
    until = next_try(error, waits=waits, waiting_since=NOW - timedelta(hours=waited_h), now=NOW)
    if until is None:
        return
    assert NOW <= until <= NOW + timedelta(days=1)
    if code is Code.RATE_LIMITED:
        assert waited_h < 7 * 24
    else:
        assert waits < MAX_WAITS
        assert waited_h < 24 or waits == 0


def test_a_row_that_waits_says_until_when() -> None:
    sentence = sentence_of_a_wait(busy(), until=NOW)
    assert sentence == "Notion asks this connection to slow down. It is tried again at 2026-11-20 12:00 UTC."


@pytest.mark.parametrize(
    "error",
    [
        failure(Code.PLATFORM_PAUSED, platform="TikTok"),
        failure(Code.WAITS_TURN, when="soon"),
        failure(Code.ROW_CHANGED, column="tag", retry_after_s=0.0),
    ],
)
def test_what_starts_by_itself_names_no_time(error: SvpError) -> None:
    assert sentence_of_a_wait(error, until=NOW) == error.sentence


def test_a_row_that_failed_after_waits_says_how_often_it_was_tried_and_what_to_do() -> None:
    sentence = sentence_of_the_end(busy(), waits=6)
    assert (
        sentence
        == "Notion asks this connection to slow down. It was tried 7 times. Set the status to pending to try it again."
    )
    assert sentence_of_the_end(failure(Code.PRIVATE), waits=6) == failure(Code.PRIVATE).sentence


def test_a_row_whose_runs_vanish_again_and_again_is_not_tried_for_ever() -> None:
    assert interruption(attempts=1, detail="").retry is Retry.LATER
    assert interruption(attempts=MAX_CRASHES, detail="").retry is Retry.NEVER
    assert "Set the status to pending" in sentence_of_the_end(interruption(attempts=3, detail=""), waits=0)


@pytest.mark.parametrize("code", list(Code))
def test_no_sentence_of_the_table_promises_what_only_a_wait_can(code: Code) -> None:
    assert "tried again" not in TABLE[code].sentence
