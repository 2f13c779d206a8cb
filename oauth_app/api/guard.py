"""Operations that speak for a connection, and the scope that an API token needs for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request
from spectree import Response as Answers

from oauth_app import identity
from oauth_app.description import spec
from oauth_app.errors import Problem, Refusal
from oauth_app.security import csrf
from svp_dagster.store.web.callers import Scope


def guarded(blueprint: Blueprint) -> Blueprint:
    """Refuse callers without a connection, forged requests of signed-in browsers, and bodies that are no JSON."""
    csrf.exempt(blueprint)
    blueprint.before_request(_refuse_strangers)
    blueprint.before_request(_refuse_other_bodies)
    return blueprint


def operation(scope: Scope, *, resp: Answers, tags: list[str]) -> Callable[[Callable[..., Any]], Any]:
    """Validate and describe a view, and let API tokens with this scope use it (`identity.connection`)."""
    resp.add_model(403, Problem)

    def describe(view: Callable[..., Any]) -> Any:
        security = [{"token": [scope.value]}, {"session": []}]
        return identity.open_to_tokens(scope)(spec.validate(resp=resp, tags=tags, security=security)(view))

    return describe


def _refuse_strangers() -> None:
    identity.connection()
    if not identity.has_api_token() and request.method not in ("GET", "HEAD", "OPTIONS"):
        # No browser adds an API token by itself, so a request with one can't be forged.
        csrf.protect()


def _refuse_other_bodies() -> None:
    # The schemas would read an invalid body as an empty object.
    if request.get_data() and not isinstance(request.get_json(silent=True), dict):
        raise Refusal(400, "no_json", "The body must be a JSON object, sent as application/json.")
