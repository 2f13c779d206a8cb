"""Operations that speak for a connection, and the scope that an API token needs for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from pydantic import BaseModel
from spectree import Response as Answers

from oauth_app import identity
from oauth_app.api.bodies import require_json_object
from oauth_app.description import spec
from oauth_app.errors import Problem
from oauth_app.security import csrf
from oauth_app.videos.streaming import is_streamed
from svp_dagster.store.web.callers import Scope


def require_connection() -> None:
    """Refuse callers without a connection, forged requests of signed-in browsers, and bodies that are no JSON."""
    identity.connection()
    if not identity.has_token():
        # No browser adds a token by itself, so a request with one can't be forged.
        csrf.protect()
    if not is_streamed(request):
        require_json_object()


def operation(
    scope: Scope, *, resp: Answers, tags: list[str], form: type[BaseModel] | None = None, validates: bool = True
) -> Callable[[Callable[..., Any]], Any]:
    """Validate and describe a view, and let API tokens with this scope use it (`identity.connection`).

    A view that reads a `form` by itself, or whose answer is a file, is only described (`validates`).
    """
    resp.add_model(403, Problem)

    def describe(view: Callable[..., Any]) -> Any:
        security = [{"token": [scope.value]}, {"jwt": []}, {"session": []}]
        described = spec.validate(resp=resp, tags=tags, security=security, form=form, skip_validation=not validates)
        return identity.open_to_tokens(scope)(described(view))

    return describe


def operation_of_people(*, resp: Answers, tags: list[str]) -> Callable[[Callable[..., Any]], Any]:
    """Validate and describe a view that no API token may use, only a person with a JWT or a session."""
    resp.add_model(403, Problem)

    def describe(view: Callable[..., Any]) -> Any:
        return spec.validate(resp=resp, tags=tags, security=[{"jwt": []}, {"session": []}])(view)

    return describe
