"""The keys of an identity provider on a socket: kept, rotated, revoked, and out of reach."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from oauth_app.provider import keys as keys_module
from oauth_app.provider.keys import (
    FETCH_EVERY_S,
    FIRST_FETCH_EVERY_S,
    KEPT_S,
    MAX_BYTES,
    UNREACHABLE_KEPT_S,
    KeysUnavailable,
    RemoteKeys,
    UnknownKey,
)
from tests.oauth_app.identity_provider import Provider, ec_key, provider, published, rsa_key
from tests.store.examples import all_at_once


class Clock:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def serving() -> Iterator[Provider]:
    with provider() as found:
        found.publish(rsa_key(1))
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(serving: Provider, clock: Clock) -> RemoteKeys:
    return RemoteKeys(serving.url, clock=clock)


def test_keys_are_fetched_once_and_pinned_to_the_algorithm_of_their_type(serving: Provider, keys: RemoteKeys) -> None:
    serving.publish(rsa_key(1), ec_key(1))
    assert [keys.find("rsa-1").algorithm, keys.find("ec-1").algorithm] == ["RS256", "ES256"]
    assert serving.fetches == 1


def test_a_new_key_is_fetched_when_a_token_names_it(serving: Provider, keys: RemoteKeys, clock: Clock) -> None:
    keys.find("rsa-1")
    serving.publish(ec_key(1), rsa_key(1))
    clock.now += FETCH_EVERY_S
    assert keys.find("ec-1").algorithm == "ES256"
    assert serving.fetches == 2


def test_a_flood_of_unknown_keys_is_no_flood_of_fetches(serving: Provider, keys: RemoteKeys, clock: Clock) -> None:
    keys.find("rsa-1")
    for number in range(200):
        with pytest.raises(UnknownKey):
            keys.find(f"made-up-{number}")
    assert serving.fetches == 1
    clock.now += FETCH_EVERY_S
    for number in range(200):
        with pytest.raises(UnknownKey):
            keys.find(f"made-up-{number}")
    assert serving.fetches == 2


def test_a_revoked_key_serves_for_ten_minutes_at_most(serving: Provider, keys: RemoteKeys, clock: Clock) -> None:
    keys.find("rsa-1")
    serving.publish(ec_key(1))
    clock.now += KEPT_S
    keys.find("rsa-1")
    clock.now += 1
    with pytest.raises(UnknownKey):
        keys.find("rsa-1")


@pytest.mark.parametrize("broken", ["status", "no json", "no set", "a list", "too large", "deep"])
def test_old_keys_serve_while_the_provider_is_broken_but_not_for_good(
    serving: Provider, keys: RemoteKeys, clock: Clock, broken: str
) -> None:
    keys.find("rsa-1")
    bodies = {
        "no json": b"<html>",
        "no set": b'{"keys": {}}',
        "a list": b"[1]",
        "too large": b" " * (MAX_BYTES + 1),
        "deep": b"[" * 100_000,
    }
    serving.status, serving.body = (503 if broken == "status" else 200), bodies.get(broken)
    clock.now += KEPT_S + 1
    assert keys.find("rsa-1").algorithm == "RS256"
    clock.now += UNREACHABLE_KEPT_S
    with pytest.raises(KeysUnavailable):
        keys.find("rsa-1")
    serving.status, serving.body = 200, None
    clock.now += FETCH_EVERY_S
    assert keys.find("rsa-1").algorithm == "RS256"


def test_there_are_no_keys_before_the_provider_answered(clock: Clock) -> None:
    keys = RemoteKeys("http://127.0.0.1:9/jwks.json", clock=clock)
    with pytest.raises(KeysUnavailable):
        keys.find("rsa-1")


def test_a_provider_that_was_down_at_the_start_is_asked_again_soon(
    serving: Provider, keys: RemoteKeys, clock: Clock
) -> None:
    serving.status = 500
    for _ in range(9):
        with pytest.raises(KeysUnavailable):
            keys.find("rsa-1")
    assert serving.fetches == 1
    serving.status = 200
    clock.now += FIRST_FETCH_EVERY_S
    assert keys.find("rsa-1").algorithm == "RS256"


def test_a_slow_provider_keeps_only_one_thread_waiting_while_keys_are_there(
    serving: Provider, keys: RemoteKeys, clock: Clock
) -> None:
    keys.find("rsa-1")
    serving.delay_s = 0.5
    clock.now += KEPT_S + 1

    def seconds(_: int) -> float:
        begun = time.monotonic()
        keys.find("rsa-1")
        return time.monotonic() - begun

    took = sorted(all_at_once(seconds, times=4))
    assert took[2] < 0.4 < took[3]
    assert serving.fetches == 2


def test_first_requests_at_once_wait_for_one_fetch(serving: Provider, keys: RemoteKeys) -> None:
    serving.delay_s = 0.2
    assert {found.algorithm for found in all_at_once(lambda _: keys.find("rsa-1"), times=6)} == {"RS256"}
    assert serving.fetches == 1


def test_no_redirect_leads_elsewhere(serving: Provider, keys: RemoteKeys) -> None:
    serving.status = 302
    with pytest.raises(KeysUnavailable):
        keys.find("rsa-1")


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "HS256"},
        {"key_ops": ["encrypt"]},
        {"n": "AQAB"},
        {"n": None},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kid": ""},
        {"kid": 1},
    ],
    ids=str,
)
def test_a_key_that_is_not_meant_to_verify_is_passed_over(
    serving: Provider, keys: RemoteKeys, changed: dict[str, Any]
) -> None:
    serving.keys = [published(rsa_key(1)) | changed, published(ec_key(1))]
    assert keys.find("ec-1").algorithm == "ES256"
    for kid in ("rsa-1", "", 1, None, ["ec-1"]):
        with pytest.raises(UnknownKey):
            keys.find(kid)


def test_symmetric_keys_and_other_curves_are_passed_over(serving: Provider, keys: RemoteKeys) -> None:
    secret = OctKey.import_key(b"x" * 32, parameters={"kid": "secret"}).as_dict(private=True)
    other_curve = ECKey.generate_key("P-384", parameters={"kid": "p384"}).as_dict(private=False)
    serving.keys = [secret, other_curve, published(rsa_key(1))]
    assert keys.find("rsa-1").algorithm == "RS256"
    for kid in ("secret", "p384"):
        with pytest.raises(UnknownKey):
            keys.find(kid)


def test_a_private_key_that_was_published_is_not_kept(serving: Provider, keys: RemoteKeys) -> None:
    serving.keys = [rsa_key(1).as_dict(private=True)]
    assert not keys.find("rsa-1").key.is_private


def test_a_provider_without_asymmetric_keys_is_one_whose_keys_are_missing(serving: Provider, keys: RemoteKeys) -> None:
    serving.keys = []
    with pytest.raises(KeysUnavailable):
        keys.find("rsa-1")


def test_no_answer_takes_longer_than_the_limit(
    serving: Provider, keys: RemoteKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "TIMEOUT_S", 0.2)
    serving.delay_s = 1.0
    begun = time.monotonic()
    with pytest.raises(KeysUnavailable):
        keys.find("rsa-1")
    assert time.monotonic() - begun < 0.9
