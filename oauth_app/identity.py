"""The caller of a request: a person signed in on the pages, a person of the identity provider, a script with a personal
API token, or the operator.

Sessions are in the store. The browser's cookie holds only their secrets, signed, so that a copy of it is worth nothing
once the session has ended.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask, current_app, g, request, session

from oauth_app.errors import Refusal
from oauth_app.provider.verification import Claims, InvalidToken, KeysUnavailable
from oauth_app.services import services
from svp_dagster.store.connections import Connection
from svp_dagster.store.store import operator_key
from svp_dagster.store.web.callers import API_TOKEN_PREFIX, Scope

SESSION_LIFE = timedelta(days=30)
OPERATOR_SESSION_LIFE = timedelta(hours=12)

View = TypeVar("View", bound=Callable[..., Any])

_SESSION, _OPERATOR, _BROWSER = "session", "operator", "browser"
_BEARER = "bearer "
_SECRET_BYTES = 32


_NOT_SIGNED_IN = "Connect Notion first, or send a personal API token that is still valid."
_INVALID_TOKEN = "This token isn't valid, or not any more. Sign in again, or send a personal API token."  # noqa: S105
_DELETED = "Your data were deleted here. To begin anew, sign in again in a few minutes."
_NO_KEYS = "Who you are can't be checked at the moment. Try again in a minute."


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The connection that a request speaks for.

    `scopes` are those of an API token. A person has none, since a person needs none. `claims` are there for a person of
    the identity provider, who may use the API and no page.
    """

    connection: Connection
    scopes: frozenset[Scope] | None = None
    claims: Claims | None = None


def init_app(app: Flask) -> None:
    """Give templates the connection that is signed in."""
    app.context_processor(lambda: {"signed_in": person()})


def caller() -> Caller | None:
    """Return the caller, looked up once per request; None for an unknown token, whatever the session says."""
    if "caller" not in g:
        g.caller = _by_token() if has_token() else _by_session()
    found: Caller | None = g.caller
    return found


def has_token() -> bool:
    """Return whether the request has a bearer token, valid or not. Browsers never add one by themselves."""
    return request.headers.get("Authorization", "").lower().startswith(_BEARER)


def connection() -> Connection:
    """Return the connection of the caller.

    Raises a `Refusal` without one, and for an API token without the scope of this operation. Without a scope, as on
    the pages, no API token is accepted.
    """
    found = caller()
    if found is None:
        raise g.get("refusal") or Refusal(401, "not_signed_in", _NOT_SIGNED_IN)
    if found.scopes is not None:
        _require_scope(found.scopes)
    return found.connection


def person() -> Connection | None:
    """Return the connection of who is signed in on the pages; None for a token of any kind."""
    found = None if has_token() else caller()
    return found.connection if found else None


def account_name() -> str:
    """Return what the identity provider calls the caller; the id of the connection where it says nothing."""
    found = caller()
    return (found.claims.name if found and found.claims else "") or connection().id


def open_to_tokens(scope: Scope) -> Callable[[View], View]:
    """Let API tokens with this scope use a view. Without it, a view is for people alone."""

    def mark(view: View) -> View:
        view.scope = scope  # type: ignore[attr-defined]
        return view

    return mark


def mark_browser() -> str:
    """Return a secret that this browser keeps from now on, to tie a sign-in to it."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(_SECRET_BYTES)
    return browser()


def browser() -> str:
    """Return the secret that this browser keeps; '' if it has none."""
    value: str = session.get(_BROWSER, "")
    return value


def sign_in(connection: Connection) -> None:
    """End what this browser was signed in to, and begin a session for this connection."""
    sign_out()
    session.permanent = True
    session[_SESSION] = secrets.token_urlsafe(_SECRET_BYTES)
    now = services().now()
    services().store.web.begin_session(
        session[_SESSION], connection_id=connection.id, expires_at=now + SESSION_LIFE, now=now
    )


def sign_out() -> None:
    """End this browser's sessions, the operator's too, and clear its cookie."""
    sign_out_operator()
    if _SESSION in session:
        services().store.web.end_session(session[_SESSION])
    session.clear()


def is_operator() -> bool:
    """Return whether this browser is signed in as the operator."""
    if _OPERATOR not in session:
        return False
    found = services().store.web.session(_with_operator_key(session[_OPERATOR]), now=services().now())
    return found is not None and found.connection_id is None


def sign_in_operator() -> None:
    """Begin a session of the operator in this browser."""
    sign_out_operator()
    session[_OPERATOR] = secrets.token_urlsafe(_SECRET_BYTES)
    now = services().now()
    secret = _with_operator_key(session[_OPERATOR])
    services().store.web.begin_session(secret, connection_id=None, expires_at=now + OPERATOR_SESSION_LIFE, now=now)


def sign_out_operator() -> None:
    """End the operator's session in this browser."""
    if _OPERATOR in session:
        services().store.web.end_session(_with_operator_key(session.pop(_OPERATOR)))


def _require_scope(scopes: frozenset[Scope]) -> None:
    needed: Scope | None = getattr(current_app.view_functions.get(request.endpoint or ""), "scope", None)
    if needed is None:
        raise Refusal(403, "session_needed", "No API token may do this: sign in on the pages.")
    if needed not in scopes:
        words = f"This API token may not do this: it lacks the scope “{needed}”. Make one that has it, under Settings."
        raise Refusal(403, "scope_missing", words, details=(needed,))


def _by_session() -> Caller | None:
    store = services().store
    kept = store.web.session(session[_SESSION], now=services().now()) if _SESSION in session else None
    found = store.connections.get(kept.connection_id) if kept and kept.connection_id else None
    return Caller(connection=found) if found and found.active else None


def _by_token() -> Caller | None:
    secret = request.headers["Authorization"][len(_BEARER) :].strip()
    if services().jwts is None or secret.startswith(API_TOKEN_PREFIX):
        return _by_api_token(secret)
    try:
        return _by_jwt(secret)
    except Refusal as refused:
        g.refusal = refused  # for `connection`: that there is a caller is also asked for limits
        return None


def _by_api_token(secret: str) -> Caller | None:
    store = services().store
    token = store.web.use_api_token(secret, now=services().now())
    found = store.connections.get(token.connection_id) if token else None
    return Caller(connection=found, scopes=token.scopes) if found and token else None


def _by_jwt(token: str) -> Caller | None:
    found = services()
    if found.jwts is None:
        return None
    try:
        claims = found.jwts.verify(token, now=found.now())
    except InvalidToken:
        raise Refusal(401, "invalid_token", _INVALID_TOKEN) from None
    except KeysUnavailable:
        raise Refusal(503, "identity_provider_unavailable", _NO_KEYS) from None
    connection = found.store.connections.of_subject(
        claims.issuer, claims.subject, issued_at=claims.issued_at, now=found.now()
    )
    if connection is None:
        raise Refusal(401, "account_deleted", _DELETED)
    return Caller(connection=connection, claims=claims)


def _with_operator_key(secret: str) -> str:
    """Return the secret that the store knows an operator's session by: another key makes it another."""
    key = operator_key(services().settings)
    return hmac.new(key.encode(), secret.encode(), hashlib.sha256).hexdigest()
