"""Operations that speak for a connection."""

from __future__ import annotations

from flask import Blueprint, request

from oauth_app import identity
from oauth_app.security import csrf


def guarded(blueprint: Blueprint) -> Blueprint:
    """Refuse callers without a connection, and forged requests of signed-in browsers."""
    csrf.exempt(blueprint)
    blueprint.before_request(_refuse_strangers)
    return blueprint


def _refuse_strangers() -> None:
    identity.connection()
    if not identity.brings_token() and request.method not in ("GET", "HEAD", "OPTIONS"):
        # No browser adds an API token by itself, so a request that brings one can't be forged.
        csrf.protect()
