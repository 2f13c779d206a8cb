"""Connections and their tokens. Each test runs on both databases."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import make_url, text

from svp_dagster.store.connections import REFRESH_LEASE, Tokens
from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.engine import make_engine
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once, schema, sign_in

SECOND = timedelta(seconds=1)
FIRST = Tokens(access="ntn_first_access", refresh="nrt_first_refresh")
SECOND_PAIR = Tokens(access="ntn_second_access", refresh="nrt_second_refresh")


def test_a_sign_in_is_kept(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now, tokens=FIRST)
    assert store.connections.get(connection.id) == connection
    assert (connection.workspace_name, connection.owner_name, connection.active) == ("Kitchen", "Ada", True)
    assert (connection.output_language, connection.monthly_budget_usd) == ("", None)
    assert store.connections.tokens(connection.id) == FIRST


def test_an_unknown_connection_is_none(store: Store) -> None:
    assert store.connections.get("nobody") is None
    assert store.connections.tokens("nobody") is None


def test_connections_are_listed_oldest_first(store: Store, now: datetime) -> None:
    newer, older = sign_in(store, now=now, bot_id="newer"), sign_in(store, now=now - SECOND, bot_id="older")
    assert store.connections.all() == [older, newer]


def test_signing_in_again_keeps_id_databases_and_preferences(store: Store, now: datetime) -> None:
    first = sign_in(store, now=now, tokens=FIRST)
    store.databases.set_link_database(first.id, schema=schema(), url="", now=now)
    store.connections.set_preferences(first.id, output_language="de", monthly_budget_usd=2.5, now=now)
    store.connections.end(first.id, now=now)

    again = sign_in(store, now=now + SECOND, tokens=SECOND_PAIR)
    assert (again.id, again.active, again.created_at) == (first.id, True, now)
    assert (again.output_language, again.monthly_budget_usd) == ("de", 2.5)
    assert store.databases.link_database(first.id) is not None
    assert store.connections.tokens(first.id) == SECOND_PAIR


def test_one_bot_signing_in_twice_at_once_is_one_connection(store: Store, now: datetime) -> None:
    ids = {connection.id for connection in all_at_once(lambda _: sign_in(store, now=now), times=4)}
    assert ids == {connection.id for connection in store.connections.all()}
    assert len(ids) == 1


def test_a_connection_that_was_removed_and_added_again_finds_its_set_up(store: Store, now: datetime) -> None:
    first = sign_in(store, now=now, bot_id="first")
    store.databases.set_link_database(first.id, schema=schema(), url="", now=now)
    store.connections.end(first.id, now=now)

    again = sign_in(store, now=now + SECOND, bot_id="second", tokens=SECOND_PAIR)

    assert (again.id, again.bot_id, again.active) == (first.id, "second", True)
    assert store.databases.link_database(again.id) is not None
    assert store.connections.tokens(again.id) == SECOND_PAIR
    assert store.connections.all() == [again]


@pytest.mark.parametrize(
    ("ends", "owner_id", "workspace_id"),
    [(False, "ada", "workspace"), (True, "bea", "workspace"), (True, "ada", "another workspace")],
    ids=["it still works", "of another person", "of another workspace"],
)
def test_no_other_connection_is_taken_over(
    store: Store, now: datetime, ends: bool, owner_id: str, workspace_id: str
) -> None:
    first = sign_in(store, now=now, bot_id="first")
    if ends:
        store.connections.end(first.id, now=now)
    other = sign_in(store, now=now, bot_id="second", owner_id=owner_id, workspace_id=workspace_id)
    assert other.id != first.id


def test_an_owner_that_notion_does_not_name_takes_nothing_over(store: Store, now: datetime) -> None:
    first = sign_in(store, now=now, bot_id="first", owner_id="")
    store.connections.end(first.id, now=now)
    assert sign_in(store, now=now, bot_id="second", owner_id="").id != first.id


def test_of_several_connections_that_ended_the_last_one_is_taken_over(store: Store, now: datetime) -> None:
    older, newer = (sign_in(store, now=now, bot_id=bot_id) for bot_id in ("older", "newer"))
    store.connections.end(older.id, now=now)
    store.connections.end(newer.id, now=now + SECOND)
    assert sign_in(store, now=now + 2 * SECOND, bot_id="third").id == newer.id


def test_a_connection_without_refresh_token_has_none(store: Store, now: datetime) -> None:
    tokens = Tokens(access="ntn_access", refresh=None)
    assert store.connections.tokens(sign_in(store, now=now, tokens=tokens).id) == tokens


def test_an_ended_connection_has_no_tokens_left_in_the_database(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    store.connections.end(connection.id, now=now)
    ended = store.connections.get(connection.id)
    assert ended is not None
    assert not ended.active
    assert store.connections.tokens(connection.id) is None
    assert _stored_tokens(store) == [(None, None)]


def test_a_refresh_that_ends_after_the_connection_leaves_no_tokens(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    assert store.connections.lease_refresh(connection.id, now=now)
    store.connections.end(connection.id, now=now)
    store.connections.replace_tokens(connection.id, SECOND_PAIR, now=now)
    assert _stored_tokens(store) == [(None, None)]


def test_one_of_many_may_refresh(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    leases = all_at_once(lambda _: store.connections.lease_refresh(connection.id, now=now), times=6)
    assert sorted(leases) == [False] * 5 + [True]


@pytest.mark.parametrize("is_given_back_by", ["success", "failure", "time", "sign-in"])
def test_a_lease_is_given_back(store: Store, now: datetime, is_given_back_by: str) -> None:
    connections, later = store.connections, now
    connection = sign_in(store, now=now)
    assert connections.lease_refresh(connection.id, now=now)
    assert not connections.lease_refresh(connection.id, now=now + REFRESH_LEASE)
    if is_given_back_by == "success":
        connections.replace_tokens(connection.id, SECOND_PAIR, now=now)
        assert connections.tokens(connection.id) == SECOND_PAIR
    elif is_given_back_by == "failure":
        connections.release_refresh(connection.id)
    elif is_given_back_by == "time":
        later = now + REFRESH_LEASE + SECOND
    else:
        sign_in(store, now=now)
    assert connections.lease_refresh(connection.id, now=later)


def test_an_ended_or_unknown_connection_is_not_refreshed(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    store.connections.end(connection.id, now=now)
    assert not store.connections.lease_refresh(connection.id, now=now)
    assert not store.connections.lease_refresh("nobody", now=now)


def test_preferences_are_kept_and_taken_back(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    for language, budget in (("fr", 0.0), ("", None)):
        store.connections.set_preferences(connection.id, output_language=language, monthly_budget_usd=budget, now=now)
        kept = store.connections.get(connection.id)
        assert kept is not None
        assert (kept.output_language, kept.monthly_budget_usd) == (language, budget)


def test_rotation_leaves_the_new_key_alone_in_use(database_url: str, now: datetime) -> None:
    old, new = new_key(), new_key()
    engine = make_engine(database_url)
    connection = sign_in(Store(engine, TokenCipher(old)), now=now, tokens=FIRST)
    ended = sign_in(Store(engine, TokenCipher(old)), now=now, bot_id="ended")
    Store(engine, TokenCipher(old)).connections.end(ended.id, now=now)

    assert Store(engine, TokenCipher(f"{new},{old}")).connections.rotate_keys() == 1
    assert Store(engine, TokenCipher(new)).connections.tokens(connection.id) == FIRST
    engine.dispose()


def test_a_token_refreshed_during_a_rotation_is_not_lost(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now, tokens=FIRST)
    cipher: TokenCipher = store.connections._cipher
    with ThreadPoolExecutor(1) as thread, store.engine.begin() as refreshing:
        values = {"access": cipher.encrypt(SECOND_PAIR.access), "refresh": cipher.encrypt(SECOND_PAIR.refresh or "")}
        refreshing.execute(text("UPDATE connections SET access_token = :access, refresh_token = :refresh"), values)
        rotation = thread.submit(store.connections.rotate_keys)
        with pytest.raises(TimeoutError):
            rotation.result(timeout=0.3)  # it waits for the refresh to be over
        refreshing.commit()
        assert rotation.result(timeout=20) == 1
    assert store.connections.tokens(connection.id) == SECOND_PAIR


def test_no_token_is_to_be_read_in_the_database(store: Store, now: datetime) -> None:
    sign_in(store, now=now, tokens=FIRST)
    kept = [value for row in _stored_tokens(store) for value in row]
    assert len(kept) == 2
    assert all(value and "first" not in value for value in kept)


def test_no_token_is_to_be_read_in_the_database_file(new_sqlite: Callable[[], str], now: datetime) -> None:
    url = new_sqlite()
    store = Store(make_engine(url), TokenCipher(new_key()))
    connection = sign_in(store, now=now, tokens=FIRST)
    store.connections.replace_tokens(connection.id, SECOND_PAIR, now=now)
    path = Path(make_url(url).database or "")
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())  # with its write-ahead log
    store.engine.dispose()
    assert b"Kitchen" in files
    for token in (FIRST.access, FIRST.refresh, SECOND_PAIR.access, SECOND_PAIR.refresh):
        assert token is not None
        assert token.encode() not in files


def test_tokens_are_not_shown_by_whatever_prints_them() -> None:
    out = io.StringIO()
    Console(file=out, width=200).print(FIRST, [FIRST])
    shown = f"{FIRST!r} {FIRST} {[FIRST]} {out.getvalue()}"
    assert "Tokens" in shown
    assert "first" not in shown


def _stored_tokens(store: Store) -> list[tuple[str | None, str | None]]:
    with store.engine.begin() as connection:
        rows = connection.execute(text("SELECT access_token, refresh_token FROM connections"))
        return [(access, refresh) for access, refresh in rows]
