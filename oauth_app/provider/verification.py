"""Tokens of the identity provider (JWTs), verified by joserfc and by what this app asks of their claims.

Source: supabase.com/docs/guides/auth/jwts and .../jwt-fields: a signed-in person's token has `iss`
("https://<project>.supabase.co/auth/v1"), `sub` (the person's id), `aud` ("authenticated"), `exp` and `iat`. The keys
`anon` and `service_role` of a project are signed with the same secret, but have neither `sub` nor `aud`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from pydantic import BaseModel, ConfigDict, Field

from oauth_app.provider.keys import Keys, KeysUnavailable, RemoteKeys, SecretKey, UnknownKey
from svp_dagster.errors import Code, failure
from svp_dagster.models import Value
from svp_dagster.settings import Settings
from svp_dagster.store.accounts.subjects import LONGEST_TOKEN_LIFE

__all__ = ["Claims", "InvalidToken", "KeysUnavailable", "Verifier", "verifier"]

LONGEST_TOKEN_BYTES = 8_192
LONGEST_SUBJECT = 255

# RFC 7515, section 4.1.11: an extension that isn't understood is refused, and none is. `b64` is one of them.
_EXTENSIONS = ("crit", "b64")


class InvalidToken(Exception):
    """The token isn't accepted. The reason is for tests: who sent it isn't told."""


class Claims(Value):
    """Whose token it is, and when it was issued. `name` is what the provider says they are called, or ''."""

    issuer: str
    subject: str
    issued_at: datetime
    name: str


class _Payload(BaseModel):
    """The claims that count, each of the type that RFC 7519 gives it."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    iss: str
    sub: str = Field(min_length=1, max_length=LONGEST_SUBJECT)
    aud: str | list[str]
    exp: int | float
    iat: int | float
    nbf: int | float = 0
    email: Any = None
    phone: Any = None


class Verifier:
    """Verifies the tokens of one issuer for one audience."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str, leeway_s: float) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway_s = leeway_s

    def verify(self, token: str, *, now: datetime) -> Claims:
        """Return the claims of a token. Raises `InvalidToken`, and `KeysUnavailable` while nothing can be verified."""
        try:
            return self._claims(self._signed(token), now=now.timestamp())
        except (JoseError, UnknownKey, ValueError, TypeError, KeyError, RecursionError) as error:
            # `from None`: what parsers say may quote the token.
            raise InvalidToken(type(error).__name__) from None

    def _signed(self, token: str) -> bytes:
        """Return the payload, whose signature was verified."""
        if len(token) > LONGEST_TOKEN_BYTES or not token.isascii():
            raise InvalidToken("size")
        signature = jws.extract_compact(token.encode())
        header = signature.headers()
        if any(name in header for name in _EXTENSIONS):
            raise InvalidToken("extension")
        pinned = self._keys.find(header.get("kid"))
        # Not strict: providers add parameters of their own, which are ignored. None of them leads to another key.
        registry = jws.JWSRegistry(algorithms=[pinned.algorithm], strict_check_header=False)
        if not jws.validate_compact(signature, pinned.key, registry=registry):
            raise InvalidToken("signature")
        return signature.payload

    def _claims(self, signed: bytes, *, now: float) -> Claims:
        found = _Payload.model_validate(json.loads(signed))
        if found.iss != self._issuer:
            raise InvalidToken("issuer")
        if self._audience not in ([found.aud] if isinstance(found.aud, str) else found.aud):
            raise InvalidToken("audience")
        if found.exp <= now - self._leeway_s:
            raise InvalidToken("expired")
        if max(found.nbf, found.iat) > now + self._leeway_s:
            raise InvalidToken("not yet valid")
        if found.exp - found.iat > LONGEST_TOKEN_LIFE.total_seconds():
            raise InvalidToken("lives too long")
        if not found.sub.isprintable():  # the store keeps no NUL, so two subjects could become one
            raise InvalidToken("subject")
        return Claims(
            issuer=found.iss,
            subject=found.sub,
            issued_at=datetime.fromtimestamp(found.iat, UTC),
            name=next((text for text in (found.email, found.phone) if isinstance(text, str) and text), ""),
        )


def verifier(settings: Settings) -> Verifier | None:
    """Return the verifier of this installation; None without an identity provider. Raises `misconfigured`."""
    if problem := settings.jwt_problem:
        raise failure(Code.MISCONFIGURED, reason=problem)
    if not settings.takes_jwts:
        return None
    return Verifier(
        _keys(settings),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        leeway_s=settings.jwt_leeway_s,
    )


def _keys(settings: Settings) -> Keys:
    if settings.jwt_secret is None:
        return RemoteKeys(settings.jwt_jwks_url)
    try:
        return SecretKey(settings.jwt_secret.get_secret_value())
    except ValueError:
        # `from None`: the cause's message could quote the secret.
        raise failure(Code.MISCONFIGURED, reason="SVP_JWT_SECRET is a public key, not a secret") from None
