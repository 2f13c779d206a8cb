"""Rows that wait to be tried again, that are asked for again, or that end. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from svp_dagster.errors import ClaimLost, Code, failure, failure_of
from svp_dagster.models import Status
from svp_dagster.rows.waiting import MAX_WAITS, failure_rule, final_outcome, waiting_outcome
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store
from tests.store.examples import link, record_poll, schema, sign_in

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BUSY = failure(Code.RATE_LIMITED, retry_after_s=900.0)


def is_over(_run_id: str) -> bool:
    return True


@pytest.fixture
def connection_id(store: Store, now: datetime) -> str:
    return sign_in(store, now=now).id


@pytest.fixture
def waiting(store: Store, connection_id: str, now: datetime) -> Entry:
    """The row "row" that the run "first" put back to wait, and of which Notion was told in the same minute."""
    claim(store, connection_id, "first", now=now)
    left = store.entries.fail("row", "first", failure_rule(BUSY), now=now)
    store.entries.synced("row", left.version, now=now, edited_at=now)
    return again(store)


def claim(store: Store, connection_id: str, run_id: str, *, now: datetime) -> Entry:
    store.entries.request(link(connection_id, at=now), now=now)
    return store.entries.claim("row", run_id, may_take_over=is_over, now=now)


def again(store: Store) -> Entry:
    found = store.entries.get("row")
    assert found is not None
    return found


def test_a_row_that_waits_is_pending_and_says_until_when_and_why(waiting: Entry, now: datetime) -> None:
    assert (waiting.status, waiting.holder, waiting.failure_code) == (Status.PENDING, None, Code.RATE_LIMITED)
    assert (waiting.retry_at, waiting.waits, waiting.waiting_since) == (now + 15 * MINUTE, 1, now)
    assert waiting.sentence is not None
    assert waiting.sentence.endswith("tried again at 2026-11-20 09:45 UTC.")
    assert waiting.is_waiting
    assert waiting.attempts == 0


def test_the_worker_of_a_run_that_put_its_row_back_writes_nothing_more(
    store: Store, waiting: Entry, now: datetime
) -> None:
    with pytest.raises(ClaimLost):
        store.entries.complete("row", "first", now=now)
    with pytest.raises(ClaimLost):
        store.entries.claim("row", "first", may_take_over=is_over, now=now)
    assert again(store) == waiting


def test_the_next_run_forgets_the_reason_and_remembers_the_wait(store: Store, waiting: Entry, now: datetime) -> None:
    store.entries.claim("row", "second", may_take_over=is_over, now=now + HOUR)
    running = store.entries.set_status("row", "second", Status.DOWNLOADING, now=now + HOUR)
    assert (running.sentence, running.failure_code, running.retry_at) == (None, None, None)
    assert (running.waits, running.waiting_since, running.attempts) == (1, now, 1)


def test_a_row_that_waited_often_enough_has_failed_for_good_with_the_last_reason(
    store: Store, connection_id: str, now: datetime
) -> None:
    outage = failure(Code.NOTION_UNREACHABLE)
    for number in range(MAX_WAITS + 1):
        claim(store, connection_id, f"run-{number}", now=now)
        left = store.entries.fail("row", f"run-{number}", failure_rule(outage), now=now)
    assert (left.status, left.failure_code, left.retry_at) == (Status.FAILED, Code.NOTION_UNREACHABLE, None)
    assert left.sentence is not None
    assert "tried 7 times" in left.sentence
    fresh = store.entries.request(link(connection_id, at=now), now=now)
    assert (fresh.waits, fresh.tries, fresh.waiting_since) == (0, 0, None)


def test_waits_for_a_throttle_use_up_no_try_and_each_run_still_has_a_key_of_its_own(
    store: Store, connection_id: str, now: datetime
) -> None:
    for number in range(2 * MAX_WAITS):
        claim(store, connection_id, f"run-{number}", now=now)
        left = store.entries.fail("row", f"run-{number}", failure_rule(BUSY), now=now)
    assert (left.status, left.waits, left.tries) == (Status.PENDING, 2 * MAX_WAITS, 0)

    later = now + 30 * HOUR
    store.entries.claim("row", "broke", may_take_over=is_over, now=later)
    failed = store.entries.fail("row", "broke", failure_rule(failure(Code.SITE_CHANGED)), now=later)
    assert (failed.status, failed.tries, failed.waiting_since) == (Status.PENDING, 1, later)


def test_a_poll_before_its_time_changes_nothing(
    store: Store, waiting: Entry, connection_id: str, now: datetime
) -> None:
    assert store.entries.request(link(connection_id, at=now), now=now + MINUTE) == waiting


def test_an_edit_of_a_row_that_waits_is_a_new_request(
    store: Store, waiting: Entry, connection_id: str, now: datetime
) -> None:
    edited = link(connection_id, at=now + MINUTE, tag="Places")
    asked = store.entries.request(edited, now=now + MINUTE)
    assert (asked.requests, asked.waits, asked.retry_at, asked.link.tag) == (2, 0, None, "Places")
    assert not asked.is_unsynced


def test_only_a_row_that_failed_or_waits_can_be_asked_for_again(
    store: Store, waiting: Entry, connection_id: str, now: datetime
) -> None:
    asked = store.entries.request_again("row", now=now)
    assert asked is not None
    assert (asked.requests, asked.waits, asked.is_unsynced) == (2, 0, False)
    assert store.entries.request_again("row", now=now) is None  # it is asked for already
    claim(store, connection_id, "second", now=now)
    assert store.entries.request_again("row", now=now) is None
    assert store.entries.request_again("nowhere", now=now) is None


def test_a_row_that_no_run_is_spent_on_waits_uncounted(store: Store, connection_id: str, now: datetime) -> None:
    paused = failure(Code.PLATFORM_PAUSED, platform="TikTok")
    entry = store.entries.postpone(link(connection_id, at=now), waiting_outcome(paused, until=now + HOUR), now=now)
    assert (entry.status, entry.waits, entry.retry_at) == (Status.PENDING, 0, now + HOUR)
    assert (entry.sentence, entry.is_unsynced) == (paused.sentence, True)


def test_a_row_that_a_run_works_on_is_not_postponed(store: Store, connection_id: str, now: datetime) -> None:
    held = claim(store, connection_id, "first", now=now)
    paused = failure(Code.PLATFORM_PAUSED, platform="TikTok")
    assert (
        store.entries.postpone(link(connection_id, at=now), waiting_outcome(paused, until=now + HOUR), now=now) == held
    )


def test_what_is_written_into_a_row_while_a_run_works_on_it_waits_for_the_next(
    store: Store, connection_id: str, now: datetime
) -> None:
    held = claim(store, connection_id, "first", now=now)
    assert store.entries.request(link(connection_id, at=now + MINUTE, tag="Places"), now=now).link == held.link


def test_a_run_that_ended_unclaimed_lets_its_row_wait(store: Store, connection_id: str, now: datetime) -> None:
    store.entries.request(link(connection_id, at=now), now=now)
    left = store.entries.fail_unclaimed("row", "never-claimed", failure_rule(failure(Code.INTERRUPTED)), now=now)
    assert left is not None
    assert (left.status, left.waits) == (Status.PENDING, 1)


def test_a_late_word_of_a_run_that_gave_its_row_up_changes_nothing(store: Store, waiting: Entry, now: datetime) -> None:
    for moment in (now, now + HOUR):
        assert store.entries.fail_unclaimed("row", "first", failure_rule(failure(Code.INTERRUPTED)), now=moment) is None
    assert store.entries.fail_unclaimed("row", "other", failure_rule(failure(Code.INTERRUPTED)), now=now) is None
    assert again(store) == waiting


def test_a_row_that_was_deleted_while_it_waited_owes_nothing(store: Store, waiting: Entry, now: datetime) -> None:
    store.entries.mark_unsynced("row", now=now)
    assert again(store).is_unsynced
    store.entries.row_gone("row", now=now)
    gone = again(store)
    assert (gone.status, gone.failure_code, gone.is_unsynced) == (Status.FAILED, Code.ROW_GONE, False)


def test_a_row_that_was_deleted_under_a_run_is_the_runs_to_end(store: Store, connection_id: str, now: datetime) -> None:
    held = claim(store, connection_id, "first", now=now)
    store.entries.row_gone("row", now=now)
    store.entries.mark_unsynced("row", now=now)
    assert again(store) == held


def test_the_sweep_sees_rows_held_or_left_alone_for_long(store: Store, waiting: Entry, now: datetime) -> None:
    def stale_pending(before: datetime, *, also_paused: bool = True) -> list[str]:
        found = store.sweep.stale_pending(before=before, backlog_before=now, limit=9, also_paused=also_paused)
        return [entry.link.page_id for entry in found]

    connection_id = waiting.link.connection_id
    for page_id in ("asked", "held", "done"):
        store.entries.request(link(connection_id, at=now, page_id=page_id), now=now)
    for page_id in ("held", "done"):
        store.entries.claim(page_id, f"run of {page_id}", may_take_over=is_over, now=now)
    store.entries.complete("done", "run of done", now=now)
    paused = failure(Code.PLATFORM_PAUSED, platform="TikTok")
    store.entries.postpone(link(connection_id, at=now, page_id="paused"), waiting_outcome(paused, until=now), now=now)

    assert [entry.link.page_id for entry in store.sweep.held(before=now + MINUTE, limit=9)] == ["held"]
    assert store.sweep.held(before=now, limit=9) == []
    assert sorted(stale_pending(now + MINUTE)) == ["asked", "paused"]
    assert sorted(stale_pending(now + MINUTE, also_paused=False)) == ["asked"]
    assert sorted(stale_pending(now + HOUR)) == ["asked", "paused", "row"]
    store.connections.end(connection_id, now=now)
    assert stale_pending(now + HOUR) == []


def test_the_sweep_leaves_a_row_of_a_backlog_to_the_runs_before_it_for_longer(
    store: Store, connection_id: str, now: datetime
) -> None:
    def stale_pending(*, backlog_before: datetime) -> list[str]:
        found = store.sweep.stale_pending(before=now + HOUR, backlog_before=backlog_before, limit=9, also_paused=True)
        return [entry.link.page_id for entry in found]

    store.entries.request(link(connection_id, at=now), now=now)
    store.databases.set_link_database(connection_id, schema=schema(), url="", now=now)
    (seen,) = store.databases.due(now=now, limit=1)
    assert stale_pending(backlog_before=now) == ["row"]
    record_poll(store, seen, next_due_at=now, now=now, backlog=1)
    assert stale_pending(backlog_before=now) == []
    assert stale_pending(backlog_before=now + MINUTE) == ["row"]


def test_a_row_that_waited_long_has_its_time_in_a_backlog_too(store: Store, waiting: Entry, now: datetime) -> None:
    store.databases.set_link_database(waiting.link.connection_id, schema=schema(), url="", now=now)
    (seen,) = store.databases.due(now=now, limit=1)
    record_poll(store, seen, next_due_at=now, now=now, backlog=1)
    due_at = waiting.retry_at or now

    def stale_pending(*, backlog_before: datetime) -> list[str]:
        found = store.sweep.stale_pending(before=now + HOUR, backlog_before=backlog_before, limit=9, also_paused=True)
        return [entry.link.page_id for entry in found]

    assert stale_pending(backlog_before=due_at) == []
    assert stale_pending(backlog_before=due_at + MINUTE) == ["row"]


def test_the_next_time_that_each_connections_rows_wait_for(store: Store, waiting: Entry, now: datetime) -> None:
    connection_id = waiting.link.connection_id
    both = [connection_id, "other"]
    assert store.sweep.next_retries(both, after=now) == {connection_id: waiting.retry_at}
    assert store.sweep.next_retries(both, after=now + HOUR) == {}


def test_rows_are_found_by_what_they_wait_for(store: Store, waiting: Entry) -> None:
    assert store.sweep.waiting({Code.RATE_LIMITED}, limit=9) == [waiting]
    assert store.sweep.waiting({Code.SITE_CHANGED}, limit=9) == []


def test_rows_that_failed_for_good_are_listed_the_latest_first(store: Store, connection_id: str, now: datetime) -> None:
    for minutes, code in enumerate((Code.GONE, Code.PRIVATE, Code.ROW_GONE)):
        at = now + minutes * MINUTE
        store.entries.reject(
            link(connection_id, at=at, page_id=code), final_outcome(failure_of(code, {}), waits=0), now=at
        )
    assert [entry.link.page_id for entry in store.sweep.failed(code=None, limit=9)] == ["private", "gone"]
    assert [entry.link.page_id for entry in store.sweep.failed(code="gone", limit=9)] == ["gone"]
