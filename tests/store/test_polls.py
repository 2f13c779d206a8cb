"""How it is known which connections have a working webhook, are idle, or belong to which sensor. On both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from svp_dagster.errors import Code
from svp_dagster.models import Status
from svp_dagster.store.connections import Tokens
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.polling.parts import DIGITS, Part
from svp_dagster.store.polling.polls import Poll
from svp_dagster.store.store import Store
from svp_dagster.store.tables import ConnectionRow
from tests.store.examples import insert_connections, link, record_poll, schema, sign_in, use_webhook_token

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def registered(store: Store, name: str, *, now: datetime) -> LinkDatabase:
    """A connection's Link Database."""
    connection = sign_in(store, now=now, bot_id=name, owner_id=name)
    store.databases.set_link_database(connection.id, schema=schema(name), url="", now=now)
    return current(store, connection.id)


def current(store: Store, connection_id: str) -> LinkDatabase:
    database = store.databases.link_database(connection_id)
    assert database is not None
    return database


@pytest.fixture
def seen(store: Store, now: datetime) -> LinkDatabase:
    """A Link Database that was polled once."""
    made = registered(store, "source", now=now)
    record_poll(store, made, next_due_at=now + MINUTE, now=now)
    return current(store, made.connection_id)


def find_change(store: Store, seen: LinkDatabase, *, at: datetime) -> LinkDatabase:
    """A poll that finds a new row."""
    before = current(store, seen.connection_id)
    record_poll(store, before, next_due_at=at + MINUTE, now=at, found_change=True)
    return current(store, seen.connection_id)


def test_a_webhook_works_once_a_change_that_was_found_had_been_announced(
    store: Store, seen: LinkDatabase, now: datetime
) -> None:
    assert not seen.has_webhook
    store.databases.announced("source", now=now + 20 * SECOND)
    assert find_change(store, seen, at=now + 25 * SECOND).has_webhook


def test_a_webhook_whose_event_came_after_the_poll_works(store: Store, seen: LinkDatabase, now: datetime) -> None:
    assert not find_change(store, seen, at=now + 25 * SECOND).has_webhook
    store.databases.announced("source", now=now + 30 * SECOND)
    assert current(store, seen.connection_id).has_webhook


def test_a_change_that_nobody_announced_ends_a_webhook(store: Store, seen: LinkDatabase, now: datetime) -> None:
    store.databases.announced("source", now=now + 20 * SECOND)
    find_change(store, seen, at=now + 25 * SECOND)
    assert not find_change(store, seen, at=now + 16 * MINUTE).has_webhook


def test_starting_over_with_webhooks_ends_all(store: Store, seen: LinkDatabase, now: datetime) -> None:
    use_webhook_token(store, "a-secret-of-notion", now=now)
    store.databases.announced("source", now=now)
    assert current(store, seen.connection_id).has_webhook
    store.webhook_tokens.clear()
    assert not current(store, seen.connection_id).has_webhook


def test_rows_that_the_last_poll_left_are_known_from_new_ones(store: Store, seen: LinkDatabase, now: datetime) -> None:
    assert not seen.has_leftovers
    record_poll(store, seen, next_due_at=now + MINUTE, now=now, backlog=3)
    assert current(store, seen.connection_id).has_leftovers
    record_poll(store, seen, next_due_at=now, now=now)
    assert current(store, seen.connection_id).has_leftovers


def test_a_change_a_click_and_a_visit_end_idleness(store: Store, seen: LinkDatabase, now: datetime) -> None:
    assert seen.active_at == now
    record_poll(store, seen, next_due_at=now + 9 * DAY, now=now + DAY)
    assert current(store, seen.connection_id).active_at == now
    found_at = now + DAY + SECOND
    assert find_change(store, seen, at=found_at).active_at == found_at
    store.databases.poll_now(seen.connection_id, now=found_at + SECOND)
    assert current(store, seen.connection_id).active_at == found_at + SECOND
    visited_at = found_at + 2 * DAY
    store.databases.opened(seen.connection_id, now=visited_at)
    visited = current(store, seen.connection_id)
    assert (visited.active_at, visited.due_at <= visited_at) == (visited_at, True)


def test_who_has_the_app_open_all_day_is_not_written_for_each_page(
    store: Store, seen: LinkDatabase, now: datetime
) -> None:
    store.databases.opened(seen.connection_id, now=now + MINUTE / 2)
    again = current(store, seen.connection_id)
    assert (again.active_at, again.due_at) == (seen.active_at, seen.due_at)


def test_the_polls_of_a_tick_are_recorded_each_with_its_own_outcome(store: Store, now: datetime) -> None:
    good, bad, asked = (registered(store, name, now=now) for name in ("good", "bad", "asked"))
    store.databases.poll_now(asked.connection_id, now=now + SECOND)
    later = now + 2 * SECOND
    store.polls.record(
        [
            Poll(seen=good, next_due_at=now + MINUTE, backlog=2),
            Poll(seen=bad, next_due_at=now + 2 * MINUTE, problem="It was deleted."),
            Poll(seen=asked, next_due_at=now + MINUTE),
        ],
        now=later,
    )
    good, bad, asked = (current(store, each.connection_id) for each in (good, bad, asked))
    assert (good.due_at, good.polled_at, good.backlog, good.poll_problem) == (now + MINUTE, later, 2, "")
    assert (bad.due_at, bad.poll_failures, bad.poll_problem) == (now + 2 * MINUTE, 1, "It was deleted.")
    assert (asked.due_at, asked.requested_at) == (later, now + SECOND)


def test_no_polls_are_recorded_without_a_complaint(store: Store, now: datetime) -> None:
    store.polls.record([], now=now)


@pytest.mark.parametrize("total", [1, 2, 4, 8, 16])
def test_each_connection_is_in_one_part(store: Store, now: datetime, total: int) -> None:
    names = [*(f"{digit}0" for digit in DIGITS), "zebra"]
    insert_connections(store, names, due_at=now)
    parts = [Part(number=number, total=total) for number in range(total)]
    found = [
        [database.connection_id for database in store.databases.due(now=now, limit=99, part=part)] for part in parts
    ]
    assert sorted(each for part in found for each in part) == sorted(names)
    assert max(map(len, found)) <= len(DIGITS) // total + 1


def test_direct_entries_are_read_by_the_sensor_of_their_connection(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    entry = link(connection.id, at=now, page_id="direct").model_copy(update={"has_row": False})
    store.entries.request(entry, now=now)
    mine = DIGITS.index(connection.id[0]) % 2

    def pending(number: int) -> list[str]:
        found = store.sweep.pending_direct(
            now=now,
            platforms=(),
            site_faults=(Code.RATE_LIMITED,),
            paused_before=now,
            per_connection=9,
            part=Part(number=number, total=2),
        )
        return [each.link.page_id for each in found]

    assert (pending(mine), pending(1 - mine)) == (["direct"], [])
    assert store.entries.known(["direct"])["direct"].status is Status.PENDING


def test_the_tokens_of_several_connections_are_read_at_once(store: Store, now: datetime) -> None:
    ada = sign_in(store, now=now, bot_id="ada", tokens=Tokens(access="ntn_ada", refresh=None))
    bob = sign_in(store, now=now, bot_id="bob", owner_id="bob", tokens=Tokens(access="ntn_bob", refresh=None))
    gone = sign_in(store, now=now, bot_id="gone", owner_id="gone")
    store.connections.end(gone.id, now=now)
    asked = [ada.id, bob.id, gone.id, "nobody"]
    assert store.connections.access_tokens(asked) == {ada.id: "ntn_ada", bob.id: "ntn_bob"}
    assert store.connections.bots(["ada", "nobody"]) == {"ada"}


def test_a_token_that_cannot_be_decrypted_hides_no_other(store: Store, now: datetime) -> None:
    ada, bob = (sign_in(store, now=now, bot_id=name, owner_id=name) for name in ("ada", "bob"))
    with store.engine.begin() as connection:
        connection.execute(update(ConnectionRow).where(ConnectionRow.id == ada.id).values(access_token="no Fernet"))
    assert store.connections.access_tokens([ada.id, bob.id]) == {bob.id: "ntn_access"}
