"""The id of each request: taken from `X-Request-ID` or made, in each line that is logged meanwhile, and answered.

A run doesn't know the request that a person sent. The line about a requested row has both the id of the request and
that of the row's trace, which every line of its run has too.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from flask import Flask, Response, g, request

from oauth_app import identity
from oauth_app.services import services
from svp_dagster.telemetry import traces
from svp_dagster.telemetry.context import bind, current, facts

logger = logging.getLogger(__name__)

HEADER: Final = "X-Request-ID"
_ENVIRON: Final = "HTTP_X_REQUEST_ID"
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What proxies make; anything else a client may have made up, to have it in the log."""
_CHANGES: Final = ("POST", "PATCH", "PUT", "DELETE")

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def init_app(app: Flask) -> None:
    """Give each request its id, and report those that change an entry."""
    app.wsgi_app = _Identified(app.wsgi_app)  # type: ignore[method-assign]
    app.before_request(_begin)  # the last one: who may not do this was refused before
    app.after_request(_report)


class _Identified:
    """Binds the id of a request around the app."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = environ.get(_ENVIRON, "")
        request_id = given if _GOOD_ID.fullmatch(given) else secrets.token_hex(8)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *error)

        with bind(request=request_id):
            return self._app(environ, start)


def _begin() -> None:
    g.began_ns = time.time_ns()


def _report(answer: Response) -> Response:
    entry_id = (request.view_args or {}).get("entry_id") or (request.view_args or {}).get("page_id")
    if "began_ns" in g and entry_id and request.method in _CHANGES and answer.status_code < 400:
        _report_change(entry_id, answer.status_code)
    return answer


def _report_change(entry_id: str, status: int) -> None:
    found, caller = services().store.entries.get(entry_id), identity.caller()
    if found is None or caller is None or found.link.connection_id != caller.connection.id:
        return
    trace = traces.trace_of(found)
    extra = facts(entry=entry_id, connection=caller.connection.id, trace=trace.hex_id, status=status)
    logger.info("%s of entry %s", request.endpoint, entry_id, extra=extra)
    traces.record(
        "request",
        parent=trace,
        started_ns=g.began_ns,
        attributes={
            "svp.request": current().get("request", ""),
            "svp.entry": entry_id,
            "http.route": str(request.url_rule),
        },
    )
