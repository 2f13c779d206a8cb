"""Operations that speak for a connection."""

from __future__ import annotations

from flask import Blueprint, request

from oauth_app import identity
from oauth_app.errors import Refusal
from oauth_app.security import csrf


def guarded(blueprint: Blueprint) -> Blueprint:
    """Refuse callers without a connection, forged requests of signed-in browsers, and bodies that are no JSON."""
    csrf.exempt(blueprint)
    blueprint.before_request(_refuse_strangers)
    blueprint.before_request(_refuse_other_bodies)
    return blueprint


def _refuse_strangers() -> None:
    identity.connection()
    if not identity.has_api_token() and request.method not in ("GET", "HEAD", "OPTIONS"):
        # No browser adds an API token by itself, so a request with one can't be forged.
        csrf.protect()


def _refuse_other_bodies() -> None:
    # The schemas would read an invalid body as an empty object.
    if request.get_data() and not isinstance(request.get_json(silent=True), dict):
        raise Refusal(400, "no_json", "The body must be a JSON object, sent as application/json.")
