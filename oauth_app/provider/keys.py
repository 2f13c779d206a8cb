"""The keys that tokens of the identity provider are verified with, each pinned to its algorithm.

A token says which key it was signed with, but never how: that is decided by the configuration and by the key's type.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

from svp_dagster import bounded_http

logger = logging.getLogger(__name__)

# Source: supabase.com/docs/guides/auth/jwts: Supabase's edge caches the key set for 10 minutes, and asks not to keep it
# longer, since that would delay the revocation of a key. A new key is in the set before it signs.
KEPT_S = 600.0
UNREACHABLE_KEPT_S = 86_400.0
"""How long keys serve while the provider doesn't answer. Without an end, a revoked key could serve for good."""
FETCH_EVERY_S = 60.0
"""However many tokens name unknown keys, the set is fetched once in this time at most."""
FIRST_FETCH_EVERY_S = 5.0
"""The same as long as there is no key at all."""

TIMEOUT_S = 5.0
MAX_BYTES = 256_000
SHORTEST_RSA_BITS = 2048


class UnknownKey(Exception):
    """No key has the id that a token names."""


class KeysUnavailable(Exception):
    """There is no key, since the provider didn't answer yet."""


@dataclass(frozen=True)
class PinnedKey:
    """A key, and the one algorithm that it is used with."""

    algorithm: str
    key: Key


class Keys(Protocol):
    """Where keys are from."""

    def find(self, kid: object) -> PinnedKey:
        """Return the key of an id. Raises `UnknownKey`, `KeysUnavailable`."""


class SecretKey:
    """The one secret of HS256. An id that a token names is ignored: whoever knows the secret is the provider."""

    def __init__(self, secret: str) -> None:
        """Raise `ValueError` for what is no secret, such as a public key."""
        self._pinned = PinnedKey("HS256", OctKey.import_key(secret.encode()))

    def find(self, kid: object) -> PinnedKey:  # noqa: ARG002 (the protocol's)
        """Return the secret."""
        return self._pinned


class RemoteKeys:
    """The public keys at an address (JWKS), fetched when they are needed and kept for `KEPT_S`."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._keys: Mapping[str, PinnedKey] = {}
        self._fetched_at = self._tried_at = float("-inf")

    def find(self, kid: object) -> PinnedKey:
        """Return the public key of an id. Raises `UnknownKey`, `KeysUnavailable`."""
        if not isinstance(kid, str):
            raise UnknownKey
        if self._age() > KEPT_S:
            self._refresh(wait=self._age() > UNREACHABLE_KEPT_S)
        if kid not in self._keys:
            self._refresh(wait=True)
        if not self._keys or self._age() > UNREACHABLE_KEPT_S:
            raise KeysUnavailable
        if kid not in self._keys:
            raise UnknownKey
        return self._keys[kid]

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _refresh(self, *, wait: bool) -> None:
        """Fetch the set, unless that was tried lately. One thread does, and the others wait for it if they have to."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if self._may_fetch():
                self._tried_at = self._clock()
                self._fetch()
        finally:
            self._lock.release()

    def _may_fetch(self) -> bool:
        return self._clock() - self._tried_at >= (FETCH_EVERY_S if self._keys else FIRST_FETCH_EVERY_S)

    def _fetch(self) -> None:
        try:
            answer = bounded_http.get(
                self._url, service="identity_provider", timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES, max_s=TIMEOUT_S
            )
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            keys = _pinned(answer.json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            # The answer isn't quoted: it is from outside.
            logger.warning("the identity provider's keys could not be fetched: %s", type(error).__name__)
            return
        if not keys:
            logger.warning("the identity provider publishes no RS256 or ES256 key that can be used")
        self._keys, self._fetched_at = keys, self._clock()


def _pinned(document: Any) -> dict[str, PinnedKey]:
    """Return the usable keys of a set by their ids. Raises `ValueError` for what is no set."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no key set")
    found = {each["kid"]: _public_key(each) for each in listed if isinstance(each, dict) and _has_id(each)}
    return {kid: key for kid, key in found.items() if key is not None}


def _has_id(jwk: Mapping[str, Any]) -> bool:
    return isinstance(jwk.get("kid"), str) and bool(jwk["kid"])


def _public_key(jwk: Mapping[str, Any]) -> PinnedKey | None:
    """Return a key that is meant to verify RS256 or ES256; None for any other, symmetric ones among them.

    Only the members of a public key are taken: a private one that was published by mistake is not kept here.
    """
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(str(jwk.get("kty")))
    is_meant = jwk.get("use", "sig") == "sig" and "verify" in jwk.get("key_ops", ["verify"])
    if algorithm is None or jwk.get("alg", algorithm) != algorithm or not is_meant:
        return None
    try:
        if algorithm == "RS256":
            return PinnedKey(algorithm, _rsa_key(jwk))
        if jwk["crv"] != "P-256":
            return None
        return PinnedKey(algorithm, ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
    except (JoseError, KeyError, TypeError, ValueError) as error:
        logger.warning("a key of the identity provider can't be read: %s", type(error).__name__)
        return None


def _rsa_key(jwk: Mapping[str, Any]) -> RSAKey:
    modulus = jwk["n"]
    if int.from_bytes(base64.urlsafe_b64decode(modulus + "==")).bit_length() < SHORTEST_RSA_BITS:
        raise ValueError("short")
    return RSAKey.import_key({"kty": "RSA", "n": modulus, "e": jwk["e"]})
