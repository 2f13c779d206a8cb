"""`svp doctor` on what keeps strangers out: the keys, and whose word counts for a client's address."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import SecretStr

from svp_dagster.commands.findings import Finding
from svp_dagster.errors import SvpError
from svp_dagster.settings import Settings
from svp_dagster.store.crypto import TokenCipher
from svp_dagster.store.store import app_secret_key, encryption_keys, operator_key


def _encryption(settings: Settings) -> Finding:
    return _key("Encryption key", lambda: TokenCipher(encryption_keys(settings)), settings.encryption_keys)


def _cookies(settings: Settings) -> Finding:
    return _key("Key of cookies", lambda: app_secret_key(settings), settings.app_secret_key)


def _operator(settings: Settings) -> Finding:
    return _key("Operator's key", lambda: operator_key(settings), settings.operator_key)


def _key(subject: str, read: Callable[[], object], given: SecretStr | None) -> Finding:
    try:
        read()
    except SvpError as error:
        return Finding(subject=subject, state="wrong", words=error.sentence)
    words = "set" if given else "in the home folder, for this machine alone"
    return Finding(subject=subject, state="ok", words=words)


def _identity_provider(settings: Settings) -> Finding:
    if problem := settings.jwt_problem:
        return Finding(subject="Identity provider", state="wrong", words=problem)
    if not settings.takes_jwts:
        return Finding(subject="Identity provider", state="ok", words="none: people come with Notion alone")
    how = "with a secret" if settings.jwt_secret else f"with the keys at {settings.jwt_jwks_url}"
    words = f"tokens of {settings.jwt_issuer} for {settings.jwt_audience}, {how}"
    return Finding(subject="Identity provider", state="ok", words=words)


def _proxies(settings: Settings) -> Finding:
    if settings.production and not settings.proxies:
        words = (
            "none is trusted: behind one, all people count as one address in the limits; "
            "set SVP_PROXIES to how many stand before the app"
        )
        return Finding(subject="Reverse proxies", state="missing", words=words)
    return Finding(subject="Reverse proxies", state="ok", words=f"{settings.proxies} trusted")


ACCESS_CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _encryption,
    _cookies,
    _operator,
    _identity_provider,
    _proxies,
)
