"""Sign-ins, sessions and personal API tokens, on both databases."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from svp_dagster.store.connections import Tokens
from svp_dagster.store.store import Store
from svp_dagster.store.web.callers import ApiToken, Scope, SignInEnd

LIFE, SECOND = timedelta(days=30), timedelta(seconds=1)


def connect(store: Store, now: datetime, *, bot: str = "bot-1") -> str:
    return store.connections.save(
        bot_id=bot,
        workspace_id="workspace",
        workspace_name="Home",
        workspace_icon="",
        owner_id="ada",
        owner_name="Ada",
        tokens=Tokens(access=f"access-{bot}", refresh=None),
        now=now,
    ).id


def add_token(
    store: Store,
    connection_id: str,
    now: datetime,
    *,
    scopes: Collection[Scope] = (Scope.READ,),
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    return store.web.add_api_token(connection_id, name="Phone", scopes=scopes, expires_at=expires_at, now=now)


def test_a_sign_in_is_good_once(store: Store, now: datetime) -> None:
    state = store.web.begin_sign_in(browser="mine", now=now)
    assert store.web.end_sign_in(state=state, browser="mine", now=now).end is SignInEnd.GOOD
    assert store.web.end_sign_in(state=state, browser="mine", now=now).end is SignInEnd.UNKNOWN


def test_a_sign_in_is_good_for_five_minutes(store: Store, now: datetime) -> None:
    in_time, late = (store.web.begin_sign_in(browser="mine", now=now) for _ in range(2))
    just_before, just_after = now + timedelta(minutes=4, seconds=59), now + timedelta(minutes=5)
    assert store.web.end_sign_in(state=in_time, browser="mine", now=just_before).end is SignInEnd.GOOD
    assert store.web.end_sign_in(state=late, browser="mine", now=just_after).end is SignInEnd.EXPIRED


def test_another_browser_cannot_end_a_sign_in_nor_use_it_up(store: Store, now: datetime) -> None:
    state = store.web.begin_sign_in(browser="mine", now=now)
    assert store.web.end_sign_in(state=state, browser="theirs", now=now).end is SignInEnd.UNKNOWN
    assert store.web.end_sign_in(state=state, browser="mine", now=now).end is SignInEnd.GOOD


def test_of_many_who_end_a_sign_in_at_once_one_is_let_in(store: Store, now: datetime) -> None:
    state = store.web.begin_sign_in(browser="mine", now=now)
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda _: store.web.end_sign_in(state=state, browser="mine", now=now).end, range(8)))
    assert sorted(ends) == [SignInEnd.GOOD] + [SignInEnd.UNKNOWN] * 7


def test_sign_ins_of_long_ago_are_forgotten(store: Store, now: datetime) -> None:
    store.web.begin_sign_in(browser="mine", now=now)
    store.web.begin_sign_in(browser="mine", now=now + timedelta(days=2))
    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sign_ins")) == 1


def test_an_api_token_speaks_for_its_connection(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    token, secret = add_token(store, connection_id, now)
    used = store.web.use_api_token(secret, now=now)
    assert used is not None
    assert (used.id, used.connection_id) == (token.id, connection_id)
    assert store.web.use_api_token(secret + "x", now=now) is None


def test_an_api_token_is_nowhere_in_the_database(store: Store, now: datetime) -> None:
    _, secret = add_token(store, connect(store, now), now)
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM api_tokens")).all()
    assert len(rows) == 1
    assert secret not in repr(rows)
    assert secret.removeprefix("svp_") not in repr(rows)


def test_a_revoked_api_token_is_nobodys(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    token, secret = add_token(store, connection_id, now)
    assert store.web.revoke_api_token(connection_id, token.id)
    assert store.web.use_api_token(secret, now=now) is None
    assert not store.web.revoke_api_token(connection_id, token.id)


def test_nobody_revokes_anothers_api_token(store: Store, now: datetime) -> None:
    mine, theirs = connect(store, now), connect(store, now, bot="bot-2")
    token, secret = add_token(store, theirs, now)
    assert not store.web.revoke_api_token(mine, token.id)
    assert store.web.use_api_token(secret, now=now) is not None
    assert store.web.api_tokens(mine) == []


def test_the_api_tokens_of_an_ended_connection_are_refused(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    _, secret = add_token(store, connection_id, now)
    store.connections.end(connection_id, now=now)
    assert store.web.use_api_token(secret, now=now) is None


def test_the_last_use_of_an_api_token_is_noted_once_a_minute(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    _, secret = add_token(store, connection_id, now)
    for later_s in (0, 30, 90):
        store.web.use_api_token(secret, now=now + timedelta(seconds=later_s))
        seen = store.web.api_tokens(connection_id)[0].last_used_at
        assert seen == now + timedelta(seconds=0 if later_s < 60 else later_s)


@pytest.mark.parametrize(("later", "is_good"), [(timedelta(0), True), (LIFE - SECOND, True), (LIFE, False)])
def test_a_session_is_good_until_it_expires(store: Store, now: datetime, later: timedelta, is_good: bool) -> None:
    connection_id = connect(store, now)
    store.web.begin_session("secret", connection_id=connection_id, expires_at=now + LIFE, now=now)
    found = store.web.session("secret", now=now + later)
    assert (found is not None and found.connection_id == connection_id) is is_good
    assert store.web.session("secreT", now=now + later) is None


def test_the_operators_session_is_no_connections(store: Store, now: datetime) -> None:
    store.web.begin_session("secret", connection_id=None, expires_at=now + LIFE, now=now)
    store.web.end_sessions(connect(store, now))
    found = store.web.session("secret", now=now)
    assert found is not None
    assert found.connection_id is None


def test_a_session_that_was_ended_is_gone_and_others_go_on(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    for secret in ("mine", "phone's"):
        store.web.begin_session(secret, connection_id=connection_id, expires_at=now + LIFE, now=now)
    store.web.end_session("mine")
    assert store.web.session("mine", now=now) is None
    assert store.web.session("phone's", now=now) is not None


def test_all_sessions_of_a_connection_end_together(store: Store, now: datetime) -> None:
    mine, theirs = connect(store, now), connect(store, now, bot="bot-2")
    for secret, connection_id in (("mine", mine), ("phone's", mine), ("theirs", theirs)):
        store.web.begin_session(secret, connection_id=connection_id, expires_at=now + LIFE, now=now)
    store.web.end_sessions(mine)
    assert [store.web.session(secret, now=now) is None for secret in ("mine", "phone's", "theirs")] == [
        True,
        True,
        False,
    ]


def test_the_end_of_a_connection_is_the_end_of_its_sessions_and_tokens(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    _, token = add_token(store, connection_id, now)
    store.web.begin_session("secret", connection_id=connection_id, expires_at=now + LIFE, now=now)
    store.connections.end(connection_id, now=now)
    connect(store, now)
    assert store.web.session("secret", now=now) is None
    assert store.web.use_api_token(token, now=now) is None
    assert store.web.api_tokens(connection_id) == []


def test_a_session_is_nowhere_in_the_database_and_expired_ones_are_forgotten(store: Store, now: datetime) -> None:
    store.web.begin_session("first-secret", connection_id=None, expires_at=now + LIFE, now=now)
    store.web.begin_session("second-secret", connection_id=None, expires_at=now + 2 * LIFE, now=now + LIFE)
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM sessions")).all()
    assert len(rows) == 1
    assert "secret" not in repr(rows)


@pytest.mark.parametrize(("later", "is_good"), [(LIFE - SECOND, True), (LIFE, False)])
def test_an_api_token_is_good_until_it_expires(store: Store, now: datetime, later: timedelta, is_good: bool) -> None:
    _, secret = add_token(store, connect(store, now), now, expires_at=now + LIFE)
    assert (store.web.use_api_token(secret, now=now + later) is not None) is is_good


def test_an_api_token_has_the_scopes_that_it_was_made_with(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    _, secret = add_token(store, connection_id, now, scopes={Scope.READ, Scope.ADD_LINKS})
    used = store.web.use_api_token(secret, now=now)
    assert used is not None
    assert used.scopes == {Scope.READ, Scope.ADD_LINKS}
    assert store.web.api_tokens(connection_id)[0].scopes == {Scope.READ, Scope.ADD_LINKS}


@pytest.mark.parametrize("secret", ["", "svp_", "x" * 10_000, "svp_\x00\ud800"])
def test_no_odd_text_is_an_api_token(store: Store, now: datetime, secret: str) -> None:
    assert store.web.use_api_token(secret, now=now) is None
