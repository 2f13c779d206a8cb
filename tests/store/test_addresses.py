"""Requests to Instagram, counted across processes. Each test runs on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest

from svp_dagster.download.instagram import CHALLENGED
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Visit
from svp_dagster.rows.pacing import turns
from svp_dagster.rows.pacing.pace import SitePace, waits_turn
from svp_dagster.rows.pacing.turns import Limit
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.installation.addresses import Address
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once

LIMIT = Limit(requests=5, window=timedelta(minutes=10))
WAYS_OUT = ["instagram direct"]
VISIT = Visit(token="t", cookies={"csrftoken": "c"})


def pace(store: Store) -> SitePace:
    return SitePace(store, SiteRules(instagram_requests=LIMIT.requests, addresses=WAYS_OUT))


def test_many_at_once_take_no_more_than_the_limit(store: Store, now: datetime) -> None:
    def take(number: int) -> Address | None:
        change = partial(turns.take, row=("ada", f"row-{number}"), limit=LIMIT, now=now)
        return store.addresses.change(WAYS_OUT, change, now=now)

    taken = all_at_once(take, times=12)

    assert sum(each is not None for each in taken) == LIMIT.requests
    (known,) = store.addresses.get(WAYS_OUT)
    assert len(known.requests) == LIMIT.requests


def test_an_address_that_was_never_used_is_empty(store: Store, now: datetime) -> None:
    assert store.addresses.get(["b", "a"]) == [Address(name="b"), Address(name="a")]
    assert store.addresses.all() == []

    def nothing(addresses: Sequence[Address]) -> None:
        assert [each.name for each in addresses] == ["b", "a"]

    assert store.addresses.change(["b", "a"], nothing, now=now) is None


def test_a_row_that_finds_no_room_is_told_when_there_is_some(store: Store) -> None:
    for number in range(LIMIT.requests):
        pace(store).of_row("ada", f"row-{number}").take(WAYS_OUT)
    with pytest.raises(SvpError) as caught:
        pace(store).of_row("bob", "row").take(WAYS_OUT)
    assert caught.value.code is Code.WAITS_TURN
    assert 590 <= (caught.value.retry_after_s or 0) <= 630


def test_a_visit_is_kept_until_the_address_is_throttled(store: Store) -> None:
    mine = pace(store).of_row("ada", "row")
    assert mine.visit("instagram direct") is None
    mine.keep_visit("instagram direct", VISIT)
    assert pace(store).of_row("bob", "other").visit("instagram direct") == VISIT
    mine.throttled("instagram direct", failure(Code.RATE_LIMITED))
    assert mine.visit("instagram direct") is None


def test_a_throttled_address_rests_ever_longer_and_several_runs_that_meet_one_throttle_count_once(
    store: Store, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    mine = pace(store).of_row("ada", "row")
    for _ in range(3):
        mine.throttled("instagram direct", failure(Code.RATE_LIMITED, detail="require_login"))
    (resting,) = store.addresses.get(WAYS_OUT)
    assert (resting.throttles, resting.problem) == (1, "require_login")
    with pytest.raises(SvpError) as caught:
        mine.take(WAYS_OUT)
    assert caught.value.code is Code.WAITS_TURN

    woken = resting.model_copy(update={"rests_until": now - timedelta(days=400)})
    store.addresses.change(WAYS_OUT, lambda _: woken, now=now)
    mine.throttled("instagram direct", failure(Code.RATE_LIMITED, detail=CHALLENGED, retry_after_s=7200))
    (flagged,) = store.addresses.get(WAYS_OUT)
    assert (flagged.throttles, flagged.problem) == (2, CHALLENGED)
    assert [record.levelname for record in caplog.records][-1] == "ERROR"

    mine.answered("instagram direct")
    assert store.addresses.get(WAYS_OUT) == [flagged]  # the answer is to a request of before the throttle
    woken = flagged.model_copy(update={"rests_until": now - timedelta(days=400)})
    store.addresses.change(WAYS_OUT, lambda _: woken, now=now)
    mine.answered("instagram direct")
    (well,) = store.addresses.get(WAYS_OUT)
    assert (well.throttles, well.problem, well.rests_until) == (0, "", None)


def test_the_sentence_of_a_turn_names_the_time(now: datetime) -> None:
    error = waits_turn(now + timedelta(minutes=40), now=now)
    assert "starts by itself at about 2026-11-20 10:10 UTC" in error.sentence
    assert error.retry_after_s == 2400
