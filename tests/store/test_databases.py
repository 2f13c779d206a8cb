"""Registered databases, and when a Link Database is asked next. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import NoResultFound

from svp_dagster.store.databases import ContentDatabase, LinkDatabase, TagTaken
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once, record_poll, schema, sign_in

MINUTE = timedelta(minutes=1)


@pytest.fixture
def connection_id(store: Store, now: datetime) -> str:
    return sign_in(store, now=now).id


@pytest.fixture
def polled_now(store: Store, connection_id: str, now: datetime) -> LinkDatabase:
    """A Link Database as the sensor sees it when its poll begins."""
    store.databases.set_link_database(connection_id, schema=schema(), url="https://notion.so/links", now=now)
    (seen,) = store.databases.due(now=now, limit=10)
    return seen


def add(store: Store, connection_id: str, tag: str, *, now: datetime) -> ContentDatabase:
    return store.databases.add_content_database(
        connection_id, tag=tag, schema=schema(tag), url=f"https://notion.so/{tag}", prompt="Be brief.", now=now
    )


def current(store: Store, connection_id: str) -> LinkDatabase:
    database = store.databases.link_database(connection_id)
    assert database is not None
    return database


def test_a_registered_link_database_is_due_at_once(polled_now: LinkDatabase, now: datetime) -> None:
    assert (polled_now.due_at, polled_now.polled_at, polled_now.poll_failures) == (now, None, 0)
    assert (polled_now.data_source_id, polled_now.database_id) == ("source", "source-db")
    assert (polled_now.url, polled_now.data_schema) == ("https://notion.so/links", schema())


def test_no_link_database_is_none(store: Store, connection_id: str) -> None:
    assert store.databases.link_database(connection_id) is None


def test_a_link_database_needs_a_connection(store: Store, now: datetime) -> None:
    with pytest.raises(NoResultFound):
        store.databases.set_link_database("nobody", schema=schema(), url="", now=now)


def test_registering_twice_at_once_leaves_one(store: Store, connection_id: str, now: datetime) -> None:
    def register(number: int) -> None:
        store.databases.set_link_database(connection_id, schema=schema(f"source-{number}"), url="", now=now)

    all_at_once(register, times=4)
    assert len(store.databases.due(now=now, limit=10)) == 1


def test_the_longest_due_come_first_and_only_so_many(store: Store, now: datetime) -> None:
    for minutes in (3, 1, 2, 5):
        connection = sign_in(store, now=now, bot_id=f"bot-{minutes}")
        store.databases.set_link_database(
            connection.id, schema=schema(f"source-{minutes}"), url="", now=now + minutes * MINUTE
        )

    def due(limit: int) -> list[str]:
        return [seen.data_source_id for seen in store.databases.due(now=now + 3 * MINUTE, limit=limit)]

    assert due(10) == ["source-1", "source-2", "source-3"]
    assert due(2) == ["source-1", "source-2"]


def test_an_ended_connection_is_not_asked(store: Store, polled_now: LinkDatabase, now: datetime) -> None:
    store.connections.end(polled_now.connection_id, now=now)
    assert store.databases.due(now=now, limit=10) == []


def test_after_a_poll_the_next_is_due_in_its_time(store: Store, polled_now: LinkDatabase, now: datetime) -> None:
    record_poll(store, polled_now, next_due_at=now + MINUTE, now=now)
    assert store.databases.due(now=now + MINUTE - timedelta(microseconds=1), limit=10) == []
    (seen,) = store.databases.due(now=now + MINUTE, limit=10)
    assert (seen.polled_at, seen.due_at) == (now, now + MINUTE)


def test_a_poll_now_is_due_before_its_time(store: Store, polled_now: LinkDatabase, now: datetime) -> None:
    record_poll(store, polled_now, next_due_at=now + MINUTE, now=now)
    store.databases.poll_now(polled_now.connection_id, now=now)
    (seen,) = store.databases.due(now=now, limit=10)
    assert (seen.due_at, seen.requested_at) == (now, now)


def test_a_poll_now_leaves_one_that_is_overdue_its_place(store: Store, polled_now: LinkDatabase, now: datetime) -> None:
    store.databases.poll_now(polled_now.connection_id, now=now + MINUTE)
    assert current(store, polled_now.connection_id).due_at == now


def test_what_a_person_asked_for_comes_first_and_the_longest_not_polled_of_it(store: Store, now: datetime) -> None:
    for name, polled_at in (("never", None), ("late", now), ("early", now - MINUTE), ("overdue", now - 2 * MINUTE)):
        connection = sign_in(store, now=now, bot_id=name)
        store.databases.set_link_database(connection.id, schema=schema(name), url="", now=now - MINUTE)
        if polled_at is not None:
            record_poll(store, current(store, connection.id), next_due_at=polled_at - MINUTE, now=polled_at)
        if name != "overdue":
            store.databases.poll_now(connection.id, now=now)

    def due(limit: int) -> list[str]:
        return [seen.data_source_id for seen in store.databases.due(now=now, limit=limit)]

    assert due(8) == ["never", "early", "late", "overdue"]
    assert due(3) == ["never", "overdue", "early"]


def test_a_run_that_ended_makes_a_connection_due_that_has_a_backlog(
    store: Store, polled_now: LinkDatabase, now: datetime
) -> None:
    def is_due() -> bool:
        store.databases.poll_backlog(polled_now.connection_id, now=now)
        return bool(store.databases.due(now=now, limit=1))

    record_poll(store, polled_now, next_due_at=now + MINUTE, now=now)
    assert not is_due()
    seen = current(store, polled_now.connection_id)
    record_poll(store, seen, next_due_at=now + MINUTE, now=now, backlog=3)
    assert is_due()


@pytest.mark.parametrize("fails", [False, True])
def test_a_poll_now_during_a_poll_is_kept(store: Store, polled_now: LinkDatabase, now: datetime, fails: bool) -> None:
    second = timedelta(seconds=1)
    store.databases.poll_now(polled_now.connection_id, now=now + second)
    if fails:
        record_poll(store, polled_now, problem="No answer.", next_due_at=now + MINUTE, now=now + 2 * second)
    else:
        record_poll(store, polled_now, next_due_at=now + MINUTE, now=now + 2 * second)
    left = current(store, polled_now.connection_id)
    assert (left.requested_at, left.due_at) == (now + second, now + 2 * second)


def test_a_webhook_makes_all_connections_of_its_data_source_due(
    store: Store, polled_now: LinkDatabase, now: datetime
) -> None:
    for bot_id, source in (("same", "source"), ("other", "elsewhere")):
        connection = sign_in(store, now=now, bot_id=bot_id)
        store.databases.set_link_database(connection.id, schema=schema(source), url="", now=now + MINUTE)
    assert store.databases.announced("source", now=now) == 2
    assert [seen.data_source_id for seen in store.databases.due(now=now, limit=10)] == ["source", "source"]
    assert store.databases.announced("nowhere", now=now) == 0


def test_failed_polls_are_counted_until_one_succeeds(store: Store, polled_now: LinkDatabase, now: datetime) -> None:
    seen = polled_now
    for failures in (1, 2):
        record_poll(store, seen, problem="Notion didn't answer.", next_due_at=now, now=now)
        seen = current(store, seen.connection_id)
        assert (seen.poll_failures, seen.poll_problem) == (failures, "Notion didn't answer.")
    record_poll(store, seen, next_due_at=now, now=now)
    seen = current(store, seen.connection_id)
    assert (seen.poll_failures, seen.poll_problem) == (0, "")


def test_a_poll_of_the_database_before_says_nothing_about_the_new_one(
    store: Store, polled_now: LinkDatabase, now: datetime
) -> None:
    store.databases.set_link_database(polled_now.connection_id, schema=schema("new"), url="", now=now)
    record_poll(store, polled_now, problem="It was deleted.", next_due_at=now + MINUTE, now=now)
    new = current(store, polled_now.connection_id)
    assert (new.data_source_id, new.due_at, new.polled_at) == ("new", now, None)
    assert (new.poll_failures, new.poll_problem) == (0, "")


def test_a_content_database_is_found_by_id_and_tag(store: Store, connection_id: str, now: datetime) -> None:
    cooking = add(store, connection_id, "Cooking", now=now)
    assert (cooking.data_source_id, cooking.database_id, cooking.prompt) == ("Cooking", "Cooking-db", "Be brief.")
    assert cooking.data_schema == schema("Cooking")
    assert store.databases.content_database(connection_id, cooking.id) == cooking
    assert store.databases.for_tag(connection_id, "Cooking") == cooking
    assert store.databases.for_tag(connection_id, "cooking") is None


def test_content_databases_are_listed_by_tag(store: Store, connection_id: str, now: datetime) -> None:
    tags = ["Places", "Cooking"]
    for tag in tags:
        add(store, connection_id, tag, now=now)
    assert [database.tag for database in store.databases.content_databases(connection_id)] == sorted(tags)


def test_a_tag_is_taken_once_per_connection(store: Store, connection_id: str, now: datetime) -> None:
    add(store, connection_id, "Cooking", now=now)
    with pytest.raises(TagTaken):
        add(store, connection_id, "Cooking", now=now)
    add(store, sign_in(store, now=now, bot_id="other").id, "Cooking", now=now)


def test_a_tag_asked_for_twice_at_once_is_taken_once(store: Store, connection_id: str, now: datetime) -> None:
    def try_to_add(_number: int) -> bool:
        try:
            add(store, connection_id, "Cooking", now=now)
        except TagTaken:
            return False
        return True

    assert sorted(all_at_once(try_to_add, times=4)) == [False, False, False, True]


def test_an_unknown_connection_is_not_a_taken_tag(store: Store, now: datetime) -> None:
    with pytest.raises(NoResultFound):
        add(store, "nobody", "Cooking", now=now)


def test_an_update_changes_what_is_given(store: Store, connection_id: str, now: datetime) -> None:
    was = add(store, connection_id, "Cooking", now=now)
    renamed = schema("Cooking", title="Dishes")
    store.databases.update_content_database(connection_id, was.id, prompt="", now=now)
    store.databases.update_content_database(connection_id, was.id, schema=renamed, now=now)
    changed = store.databases.update_content_database(connection_id, was.id, tag="Food", now=now + MINUTE)
    assert changed is not None
    assert (changed.tag, changed.prompt, changed.data_schema) == ("Food", "", renamed)
    assert (changed.created_at, changed.updated_at) == (now, now + MINUTE)
    assert store.databases.for_tag(connection_id, "Food") == changed


def test_an_update_to_a_taken_tag_changes_nothing(store: Store, connection_id: str, now: datetime) -> None:
    add(store, connection_id, "Cooking", now=now)
    places = add(store, connection_id, "Places", now=now)
    with pytest.raises(TagTaken):
        store.databases.update_content_database(connection_id, places.id, tag="Cooking", prompt="New", now=now)
    assert store.databases.content_database(connection_id, places.id) == places


def test_a_deleted_content_database_frees_its_tag(store: Store, connection_id: str, now: datetime) -> None:
    database = add(store, connection_id, "Cooking", now=now)
    assert store.databases.delete_content_database(connection_id, database.id)
    assert not store.databases.delete_content_database(connection_id, database.id)
    assert store.databases.content_database(connection_id, database.id) is None
    add(store, connection_id, "Cooking", now=now)


def test_anothers_id_gives_and_changes_nothing(store: Store, connection_id: str, now: datetime) -> None:
    mine = add(store, connection_id, "Cooking", now=now)
    other = sign_in(store, now=now, bot_id="other").id
    databases = store.databases
    assert databases.content_database(other, mine.id) is None
    assert databases.update_content_database(other, mine.id, tag="Stolen", prompt="Stolen", now=now) is None
    assert not databases.delete_content_database(other, mine.id)
    assert databases.for_tag(other, "Cooking") is None
    assert databases.content_databases(other) == []
    assert databases.content_database(connection_id, mine.id) == mine
