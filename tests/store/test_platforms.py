"""Sites that break for everybody: paused, tried with a canary, resumed. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

from svp_dagster.errors import Code
from svp_dagster.store.installation.platforms import FIRST_CANARY, LONGEST_CANARY, FailedPost, Platform
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once

MINUTE = timedelta(minutes=1)
VERSIONS = "yt-dlp 1, curl_cffi 2"


def fail(store: Store, post: str, *, now: datetime) -> Platform:
    failed = FailedPost(connection_id="ada", post=post)
    return store.platforms.failed(
        "tiktok", failed=failed, code=Code.SITE_CHANGED, rows_to_pause=3, downloader=VERSIONS, now=now
    )


def work(store: Store, *, now: datetime, by_canary: bool = False) -> Platform:
    return store.platforms.worked("tiktok", by_canary=by_canary, downloader=VERSIONS, now=now)


def paused(store: Store, *, now: datetime) -> Platform:
    return [fail(store, post, now=now) for post in "abc"][-1]


def test_a_platform_is_known_from_its_first_download_on(store: Store, now: datetime) -> None:
    assert store.platforms.get("tiktok") is None
    made = work(store, now=now)
    assert (made.good_at, made.downloader, made.is_paused) == (now, VERSIONS, False)
    assert store.platforms.all() == {"tiktok": made}


def test_several_posts_in_a_row_pause_their_platform(store: Store, now: datetime) -> None:
    assert not fail(store, "a", now=now).is_paused
    assert not fail(store, "b", now=now).is_paused
    made = fail(store, "c", now=now)
    assert (made.paused_since, made.canary_at, made.failure_code) == (now, now + FIRST_CANARY, Code.SITE_CHANGED)


def test_one_post_that_fails_often_pauses_nothing(store: Store, now: datetime) -> None:
    for _ in range(5):
        made = fail(store, "a", now=now)
    assert (made.is_paused, made.failing_posts) == (False, 1)


def test_a_row_that_works_begins_the_count_anew(store: Store, now: datetime) -> None:
    fail(store, "a", now=now)
    fail(store, "b", now=now)
    work(store, now=now)
    assert not fail(store, "c", now=now).is_paused


def test_rows_that_fail_at_the_same_time_are_all_counted(store: Store, now: datetime) -> None:
    all_at_once(lambda number: fail(store, f"post-{number}", now=now), times=3)
    found = store.platforms.get("tiktok")
    assert found is not None
    assert len(found.failing) == 3
    assert found.is_paused


def test_the_canaries_of_a_paused_platform_come_when_it_is_time_ever_less_often_and_to_one(
    store: Store, now: datetime
) -> None:
    paused(store, now=now)
    assert store.platforms.begin_canaries(now=now) == []
    gaps = []
    for number in range(1, 6):
        found = store.platforms.get("tiktok")
        assert found is not None
        assert found.canary_at is not None
        (begun,) = store.platforms.begin_canaries(now=found.canary_at)
        assert store.platforms.begin_canaries(now=found.canary_at) == []
        assert begun.canaries == number
        assert begun.canary_at is not None
        gaps.append(begun.canary_at - found.canary_at)
    assert gaps == [FIRST_CANARY * 2, FIRST_CANARY * 4, LONGEST_CANARY, LONGEST_CANARY, LONGEST_CANARY]


def test_a_canary_that_works_resumes_the_platform_on_trial(store: Store, now: datetime) -> None:
    paused(store, now=now)
    store.platforms.canary_failed("tiktok", problem="It is broken.", now=now)
    made = work(store, by_canary=True, now=now + MINUTE)
    assert (made.is_paused, made.on_trial, made.resumed_at, made.failing) == (False, True, now + MINUTE, ())
    assert (made.canary_at, made.canary_problem) == (None, "")
    assert store.platforms.begin_canaries(now=now + 24 * 60 * MINUTE) == []


def test_on_trial_the_first_row_decides(store: Store, now: datetime) -> None:
    paused(store, now=now)
    work(store, by_canary=True, now=now)
    assert fail(store, "d", now=now).is_paused
    store.platforms.resume("tiktok", now=now)
    assert not work(store, now=now).on_trial
    assert not fail(store, "d", now=now).is_paused


def test_a_row_that_works_while_its_platform_is_paused_resumes_it(store: Store, now: datetime) -> None:
    paused(store, now=now)
    made = work(store, now=now)
    assert (made.is_paused, made.on_trial, made.resumed_at) == (False, False, now)


def test_the_browser_that_a_platform_answers_is_kept_for_all_runs(store: Store, now: datetime) -> None:
    assert store.platforms.browser("tiktok") is None
    store.platforms.remember_browser("tiktok", "chrome-146:macos-26", now=now)
    work(store, now=now)
    assert store.platforms.browser("tiktok") == "chrome-146:macos-26"
    assert store.platforms.browser("instagram") is None
