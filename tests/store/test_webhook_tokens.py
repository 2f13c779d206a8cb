"""Verification tokens of Notion's webhooks, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from svp_dagster.store.crypto import TokenCipher, secret_hash
from svp_dagster.store.store import Store
from svp_dagster.store.web.webhook_tokens import MAX_OFFERS, MAX_OFFERS_OF_AN_ADDRESS, OFFER_LIFE
from tests.store.examples import all_at_once, use_webhook_token

NOTION = "192.0.2.1"
SECOND = timedelta(seconds=1)


def waiting(store: Store, now: datetime) -> list[str]:
    """Return the tokens that wait for the operator."""
    return [offer.token for offer in store.webhook_tokens.offers(now=now)]


def test_offers_stand_side_by_side_newest_first(store: Store, now: datetime) -> None:
    for number in range(3):
        assert store.webhook_tokens.offer(f"token {number}", address=NOTION, now=now + number * SECOND)
    assert waiting(store, now) == ["token 2", "token 1", "token 0"]
    newest = store.webhook_tokens.offers(now=now)[0]
    assert (newest.id, newest.address, newest.offered_at) == (secret_hash("token 2"), NOTION, now + 2 * SECOND)
    assert store.webhook_tokens.in_use() is None


def test_a_token_is_encrypted(store: Store, now: datetime) -> None:
    store.webhook_tokens.offer("a-plain-token", address=NOTION, now=now)
    with store.engine.connect() as connection:
        assert "a-plain-token" not in repr(connection.execute(text("SELECT * FROM webhook_tokens")).all())
    assert "a-plain-token" not in repr(store.webhook_tokens.offers(now=now))


def test_the_same_token_twice_is_one_offer_of_the_first_time(store: Store, now: datetime) -> None:
    for address, at in ((NOTION, now), ("198.51.100.1", now + SECOND)):
        assert store.webhook_tokens.offer("token", address=address, now=at)
    (offer,) = store.webhook_tokens.offers(now=now)
    assert (offer.address, offer.offered_at) == (NOTION, now)


def test_the_same_token_many_times_at_once_is_one_offer(store: Store, now: datetime) -> None:
    all_at_once(lambda _: store.webhook_tokens.offer("token", address=NOTION, now=now), times=4)
    assert waiting(store, now) == ["token"]


def test_an_address_and_all_together_may_offer_only_so_much(store: Store, now: datetime) -> None:
    taken = [store.webhook_tokens.offer(f"token {number}", address=NOTION, now=now) for number in range(10)]
    assert taken.count(True) == MAX_OFFERS_OF_AN_ADDRESS
    for number in range(20):
        store.webhook_tokens.offer(f"other {number}", address=f"198.51.100.{number}", now=now)
    assert len(waiting(store, now)) == MAX_OFFERS
    assert store.webhook_tokens.offer("late", address=NOTION, now=now + OFFER_LIFE)
    assert waiting(store, now + OFFER_LIFE) == ["late"]


def test_the_one_that_is_confirmed_is_in_use_and_the_others_are_gone(store: Store, now: datetime) -> None:
    for token in ("notion's", "forged"):
        store.webhook_tokens.offer(token, address=NOTION, now=now)
    assert store.webhook_tokens.confirm(secret_hash("notion's"), now=now)
    used = store.webhook_tokens.in_use()
    assert used is not None
    assert (used.token, used.confirmed_at) == ("notion's", now)
    assert waiting(store, now) == []
    assert not store.webhook_tokens.confirm(secret_hash("forged"), now=now)
    assert not store.webhook_tokens.confirm(secret_hash("notion's"), now=now)
    store.webhook_tokens.discard(secret_hash("notion's"))
    assert store.webhook_tokens.in_use() == used
    store.webhook_tokens.clear()
    assert store.webhook_tokens.in_use() is None


@pytest.mark.parametrize(("later", "is_there"), [(OFFER_LIFE - SECOND, True), (OFFER_LIFE, False)])
def test_an_offer_waits_for_a_day(store: Store, now: datetime, later: timedelta, is_there: bool) -> None:
    store.webhook_tokens.offer("token", address=NOTION, now=now)
    assert bool(waiting(store, now + later)) is is_there
    assert store.webhook_tokens.confirm(secret_hash("token"), now=now + later) is is_there


def test_the_token_in_use_stays(store: Store, now: datetime) -> None:
    use_webhook_token(store, "token", now=now)
    store.webhook_tokens.offer("another", address=NOTION, now=now + 100 * OFFER_LIFE)
    assert store.webhook_tokens.in_use() is not None


def test_tokens_survive_the_end_of_the_key_they_were_kept_with(store: Store, now: datetime) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    use_webhook_token(Store(store.engine, TokenCipher(old)), "kept", now=now)
    assert Store(store.engine, TokenCipher(f"{new},{old}")).webhook_tokens.rotate_keys() == 1
    used = Store(store.engine, TokenCipher(new)).webhook_tokens.in_use()
    assert used is not None
    assert used.token == "kept"
