"""The caller of a request: a person signed in on the pages, or a script with a personal API token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import Flask, g, request, session

from oauth_app.errors import Refusal
from oauth_app.services import services
from svp_dagster.store.connections import Connection

_CONNECTION, _BROWSER, _OPERATOR = "connection", "browser", "operator"
_BEARER = "bearer "


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The connection that a request speaks for. `token_id` is None for a person on the pages."""

    connection: Connection
    token_id: str | None


def init_app(app: Flask) -> None:
    """Give templates the connection that is signed in."""
    app.context_processor(lambda: {"signed_in": _connection_if_any()})


def caller() -> Caller | None:
    """Return the caller, looked up once per request; None for an unknown API token, whatever the session says."""
    if "caller" not in g:
        g.caller = _by_token() if has_api_token() else _by_session()
    found: Caller | None = g.caller
    return found


def has_api_token() -> bool:
    """Return whether the request has a personal API token, valid or not. Browsers never add one by themselves."""
    return request.headers.get("Authorization", "").lower().startswith(_BEARER)


def connection() -> Connection:
    """Return the connection of the caller. Raises a `Refusal` without one."""
    found = caller()
    if found is None:
        raise Refusal(401, "not_signed_in", "Connect Notion first, or send a valid personal API token.")
    return found.connection


def browser() -> str:
    """Return a secret that this browser keeps, to tie a sign-in to it."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(32)
    value: str = session[_BROWSER]
    return value


def sign_in(connection: Connection) -> None:
    """Begin a fresh session for this connection."""
    session.clear()
    session.permanent = True
    session[_CONNECTION] = connection.id


def sign_out() -> None:
    """Forget who was signed in."""
    session.clear()


def sign_in_operator() -> None:
    """Let this browser see the operator's page."""
    session[_OPERATOR] = True


def is_operator() -> bool:
    """Return whether this browser has opened the operator's page."""
    return session.get(_OPERATOR) is True


def _connection_if_any() -> Connection | None:
    found = caller()
    return found.connection if found else None


def _by_session() -> Caller | None:
    connection_id = session.get(_CONNECTION)
    found = services().store.connections.get(connection_id) if connection_id else None
    return Caller(connection=found, token_id=None) if found and found.active else None


def _by_token() -> Caller | None:
    secret = request.headers["Authorization"][len(_BEARER) :].strip()
    store = services().store
    token = store.web.use_api_token(secret, now=services().now())
    found = store.connections.get(token.connection_id) if token else None
    return Caller(connection=found, token_id=token.id) if found and token else None
