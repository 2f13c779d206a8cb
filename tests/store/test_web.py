"""Sign-ins, personal API tokens and installation secrets, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from svp_dagster.store.connections import Tokens
from svp_dagster.store.crypto import TokenCipher
from svp_dagster.store.store import Store
from svp_dagster.store.web import SignInEnd
from tests.store.examples import all_at_once


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


def test_a_sign_in_is_good_once(store: Store, now: datetime) -> None:
    state = store.web.begin_sign_in(browser="mine", now=now)
    assert store.web.end_sign_in(state=state, browser="mine", now=now) is SignInEnd.GOOD
    assert store.web.end_sign_in(state=state, browser="mine", now=now) is SignInEnd.UNKNOWN


def test_a_sign_in_is_good_for_five_minutes(store: Store, now: datetime) -> None:
    in_time, late = (store.web.begin_sign_in(browser="mine", now=now) for _ in range(2))
    just_before, just_after = now + timedelta(minutes=4, seconds=59), now + timedelta(minutes=5)
    assert store.web.end_sign_in(state=in_time, browser="mine", now=just_before) is SignInEnd.GOOD
    assert store.web.end_sign_in(state=late, browser="mine", now=just_after) is SignInEnd.EXPIRED


def test_another_browser_cannot_end_a_sign_in_nor_use_it_up(store: Store, now: datetime) -> None:
    state = store.web.begin_sign_in(browser="mine", now=now)
    assert store.web.end_sign_in(state=state, browser="theirs", now=now) is SignInEnd.UNKNOWN
    assert store.web.end_sign_in(state=state, browser="mine", now=now) is SignInEnd.GOOD


def test_of_many_who_end_a_sign_in_at_once_one_is_let_in(store: Store, now: datetime) -> None:
    state = store.web.begin_sign_in(browser="mine", now=now)
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda _: store.web.end_sign_in(state=state, browser="mine", now=now), range(8)))
    assert sorted(ends) == [SignInEnd.GOOD] + [SignInEnd.UNKNOWN] * 7


def test_sign_ins_of_long_ago_are_forgotten(store: Store, now: datetime) -> None:
    store.web.begin_sign_in(browser="mine", now=now)
    store.web.begin_sign_in(browser="mine", now=now + timedelta(days=2))
    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sign_ins")) == 1


def test_an_api_token_speaks_for_its_connection(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    token, secret = store.web.add_api_token(connection_id, name="Phone", now=now)
    used = store.web.use_api_token(secret, now=now)
    assert used is not None
    assert (used.id, used.connection_id) == (token.id, connection_id)
    assert store.web.use_api_token(secret + "x", now=now) is None


def test_an_api_token_is_nowhere_in_the_database(store: Store, now: datetime) -> None:
    _, secret = store.web.add_api_token(connect(store, now), name="Phone", now=now)
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM api_tokens")).all()
    assert len(rows) == 1
    assert secret not in repr(rows)
    assert secret.removeprefix("svp_") not in repr(rows)


def test_a_revoked_api_token_is_nobodys(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    token, secret = store.web.add_api_token(connection_id, name="Phone", now=now)
    assert store.web.revoke_api_token(connection_id, token.id)
    assert store.web.use_api_token(secret, now=now) is None
    assert not store.web.revoke_api_token(connection_id, token.id)


def test_nobody_revokes_anothers_api_token(store: Store, now: datetime) -> None:
    mine, theirs = connect(store, now), connect(store, now, bot="bot-2")
    token, secret = store.web.add_api_token(theirs, name="Phone", now=now)
    assert not store.web.revoke_api_token(mine, token.id)
    assert store.web.use_api_token(secret, now=now) is not None
    assert store.web.api_tokens(mine) == []


def test_the_api_tokens_of_an_ended_connection_are_refused(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    _, secret = store.web.add_api_token(connection_id, name="Phone", now=now)
    store.connections.end(connection_id, now=now)
    assert store.web.use_api_token(secret, now=now) is None


def test_the_last_use_of_an_api_token_is_noted_once_a_minute(store: Store, now: datetime) -> None:
    connection_id = connect(store, now)
    _, secret = store.web.add_api_token(connection_id, name="Phone", now=now)
    for later_s in (0, 30, 90):
        store.web.use_api_token(secret, now=now + timedelta(seconds=later_s))
        seen = store.web.api_tokens(connection_id)[0].last_used_at
        assert seen == now + timedelta(seconds=0 if later_s < 60 else later_s)


def test_a_secret_of_the_installation_is_encrypted_and_replaced(store: Store, now: datetime) -> None:
    store.web.set_secret("webhook", "first", now=now)
    store.web.set_secret("webhook", "second", now=now + timedelta(hours=1))
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM installation_secrets")).all()
    assert len(rows) == 1
    assert "second" not in repr(rows)
    assert store.web.secret("webhook") == ("second", now + timedelta(hours=1))
    store.web.forget_secret("webhook")
    assert store.web.secret("webhook") is None


def test_a_secret_that_several_set_at_once_is_one_of_theirs(store: Store, now: datetime) -> None:
    all_at_once(lambda number: store.web.set_secret("webhook", f"secret {number}", now=now), times=4)
    assert store.web.secret("webhook") in [(f"secret {number}", now) for number in range(4)]


def test_secrets_survive_the_end_of_the_key_they_were_kept_with(store: Store, now: datetime) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    Store(store.engine, TokenCipher(old)).web.set_secret("webhook", "kept", now=now)
    assert Store(store.engine, TokenCipher(f"{new},{old}")).web.rotate_keys() == 1
    assert Store(store.engine, TokenCipher(new)).web.secret("webhook") == ("kept", now)


@pytest.mark.parametrize("secret", ["", "svp_", "x" * 10_000, "svp_\x00\ud800"])
def test_no_odd_text_is_an_api_token(store: Store, now: datetime, secret: str) -> None:
    assert store.web.use_api_token(secret, now=now) is None
