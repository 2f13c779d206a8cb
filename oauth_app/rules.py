"""Who may call which route: one table, and the check of every request against it. A route without a rule is refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum

from flask import Flask, request
from werkzeug.wrappers import Response

from oauth_app.api.guard import require_connection
from oauth_app.errors import Refusal
from oauth_app.pages.guard import require_session
from oauth_app.pages.operator import require_operator
from oauth_app.security import csrf
from oauth_app.watch.guard import require_monitor

logger = logging.getLogger(__name__)


class Rule(StrEnum):
    """Who may call a route. What changes something must come from a page of ours, unless a rule says otherwise."""

    PUBLIC = "public"
    """Anybody."""
    NOTION = "notion"
    """Notion, or a browser that it sends back. The view itself checks the signature or the state."""
    SESSION = "session"
    """A person who is signed in on the pages."""
    FORM = "form"
    """The same, by a form that is read while it arrives. The view checks the token in it before it keeps anything."""
    API = "api"
    """A connection, by an API token or a JWT, or by a session with the token of a page. A body must be JSON."""
    PEOPLE = "people"
    """The same, but no API token."""
    MONITOR = "monitor"
    """Who has the token of the metrics, or the operator's key."""
    OPERATOR = "operator"
    """Who gave the operator's key."""


RULES = {
    "static": Rule.PUBLIC,
    "start": Rule.PUBLIC,
    "description": Rule.PUBLIC,
    "health": Rule.PUBLIC,
    "webhooks": Rule.NOTION,
    "sign_in": Rule.SESSION,
    "sign_in.login": Rule.PUBLIC,
    "sign_in.callback": Rule.NOTION,
    "sign_in.sign_out": Rule.PUBLIC,
    "connect_notion": Rule.PUBLIC,  # the secret of its link is checked by the view
    "databases": Rule.SESSION,
    "entries": Rule.SESSION,
    "my_data": Rule.SESSION,
    "settings": Rule.SESSION,
    "tokens": Rule.SESSION,
    "api_account": Rule.PEOPLE,
    "uploads": Rule.FORM,
    "api_connection": Rule.API,
    "api_databases": Rule.API,
    "api_entries": Rule.API,
    "api_library": Rule.API,
    "api_media": Rule.API,
    "api_my_data": Rule.API,
    "api_my_data.delete": Rule.PEOPLE,
    "api_videos": Rule.API,
    "metrics": Rule.MONITOR,
    "operator": Rule.OPERATOR,
    "operator.show": Rule.PUBLIC,  # the form that asks for the key
    "operator.enter": Rule.PUBLIC,
}
"""The rule of a blueprint, or of a single endpoint, which comes before its blueprint's."""


def rule_of(endpoint: str) -> Rule | None:
    """Return the rule of a route, if it has one."""
    return RULES.get(endpoint) or RULES.get(endpoint.rpartition(".")[0])


def init_app(app: Flask) -> None:
    """Check every request."""
    app.before_request(_check)


def _check() -> Response | None:
    if request.endpoint is None:
        return None  # there is no such path, or not with this method
    rule = rule_of(request.endpoint)
    if rule is None:
        logger.error("the route %s has no rule", request.endpoint)
        raise Refusal(403, "no_rule", "Nobody may call this: it isn't said who may.")
    return _CHECKS[rule]()


def _check_public() -> None:
    csrf.protect()


def _check_session() -> Response | None:
    refused = require_session()
    if refused is None:
        csrf.protect()
    return refused


def _check_form() -> Response | None:
    refused = require_session()
    if refused is None and request.mimetype != "multipart/form-data":
        csrf.protect()
    return refused


def _check_operator() -> None:
    require_operator()
    csrf.protect()


_CHECKS: dict[Rule, Callable[[], Response | None]] = {
    Rule.PUBLIC: _check_public,
    Rule.NOTION: lambda: None,
    Rule.SESSION: _check_session,
    Rule.FORM: _check_form,
    Rule.API: require_connection,
    Rule.PEOPLE: require_connection,  # which refuses an API token where no scope is said
    Rule.MONITOR: require_monitor,
    Rule.OPERATOR: _check_operator,
}
