"""Rows that failed, asked for again all at once. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from svp_dagster.errors import Code, failure, failure_of
from svp_dagster.models import Status
from svp_dagster.rows.retry import retry_rows
from svp_dagster.rows.waiting import final_outcome, waiting_outcome
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once, link, record_poll, schema, sign_in

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def connection_id(store: Store, now: datetime) -> str:
    return connected(store, now=now)


def connected(store: Store, *, now: datetime, bot_id: str = "bot") -> str:
    """A connection with a Link Database that is due in an hour."""
    connection_id = sign_in(store, now=now, bot_id=bot_id).id
    store.databases.set_link_database(connection_id, schema=schema(bot_id), url="", now=now)
    found = store.databases.link_database(connection_id)
    assert found is not None
    record_poll(store, found, next_due_at=now + HOUR, now=now)
    return connection_id


def fail(
    store: Store, connection_id: str, page_id: str, *, now: datetime, code: Code = Code.GONE, tag: str = "a"
) -> None:
    store.entries.reject(
        link(connection_id, at=now, page_id=page_id, tag=tag), final_outcome(failure_of(code, {}), waits=0), now=now
    )
    told(store, page_id, now=now)


def told(store: Store, page_id: str, *, now: datetime) -> None:
    entry = store.entries.get(page_id)
    assert entry is not None
    store.entries.synced(page_id, entry.version, now=now)


def statuses(store: Store, *page_ids: str) -> list[Status]:
    known = store.entries.known(page_ids)
    return [known[page_id].status for page_id in page_ids]


def test_rows_that_failed_or_wait_are_retried_and_unsynced(store: Store, connection_id: str, now: datetime) -> None:
    for page_id in ("one", "two"):
        fail(store, connection_id, page_id, now=now)
    outcome = waiting_outcome(failure(Code.RATE_LIMITED), until=now + HOUR)
    store.entries.postpone(link(connection_id, at=now, page_id="waits"), outcome, now=now)
    told(store, "waits", now=now)

    asked = retry_rows(store, ["two", "one", "waits", "nowhere"], now=now + MINUTE)

    assert sorted(entry.link.page_id for entry in asked) == ["one", "two", "waits"]
    for entry in asked:
        assert (entry.status, entry.requests, entry.retry_at, entry.sentence) == (Status.PENDING, 2, None, None)
        assert entry.is_unsynced
        assert entry == store.entries.get(entry.link.page_id)
    assert len(store.entries.unsynced(before=now + HOUR, per_connection=9, limit=9)) == 3


def test_rows_that_nobody_may_ask_for_again_are_left_as_they_are(
    store: Store, connection_id: str, now: datetime
) -> None:
    for page_id in ("asked", "held", "done"):
        store.entries.request(link(connection_id, at=now, page_id=page_id), now=now)
    for page_id in ("held", "done"):
        store.entries.claim(page_id, f"run of {page_id}", may_take_over=lambda _: True, now=now)
    store.entries.complete("done", "run of done", now=now)
    before = store.entries.known(["asked", "held", "done"])

    assert retry_rows(store, list(before), now=now + MINUTE) == []

    assert store.entries.known(before) == before
    assert store.databases.due(now=now + MINUTE, limit=9) == []


def test_what_can_not_be_told_to_notion_is_left_as_it_is(store: Store, connection_id: str, now: datetime) -> None:
    fail(store, connection_id, "ended", now=now)
    store.connections.end(connection_id, now=now)
    unregistered = sign_in(store, now=now, bot_id="unregistered", workspace_id="another").id
    fail(store, unregistered, "unregistered", now=now)
    assert retry_rows(store, ["ended", "unregistered"], now=now) == []
    assert statuses(store, "ended", "unregistered") == [Status.FAILED, Status.FAILED]


def test_two_who_ask_at_the_same_time_ask_once(store: Store, connection_id: str, now: datetime) -> None:
    page_ids = [f"row-{number:02d}" for number in range(20)]
    for page_id in page_ids:
        fail(store, connection_id, page_id, now=now)
    orders = [page_ids, page_ids[::-1], page_ids]
    asked = all_at_once(lambda number: retry_rows(store, orders[number], now=now + MINUTE), times=3)
    assert sorted(entry.link.page_id for found in asked for entry in found) == page_ids
    assert {entry.requests for entry in store.entries.known(page_ids).values()} == {2}


def test_the_failed_rows_of_a_connection_are_its_own(store: Store, connection_id: str, now: datetime) -> None:
    other = connected(store, now=now, bot_id="other")
    fail(store, other, "others", now=now)
    for minutes, (page_id, code, tag) in enumerate(
        [("gone", Code.GONE, "a"), ("private", Code.PRIVATE, "b"), ("deleted", Code.ROW_GONE, "a")]
    ):
        fail(store, connection_id, page_id, now=now + minutes * MINUTE, code=code, tag=tag)

    def found(*, tag: str | None = None, code: str | None = None, limit: int = 9) -> tuple[list[str], int]:
        entries, total = store.sweep.failed_of(connection_id, tag=tag, code=code, limit=limit)
        return [entry.link.page_id for entry in entries], total

    assert found() == (["private", "gone"], 2)
    assert found(limit=1) == (["private"], 2)
    assert found(limit=0) == ([], 2)
    assert found(tag="a") == (["gone"], 1)
    assert found(code="private") == (["private"], 1)
    assert found(tag="a", code="private") == ([], 0)
