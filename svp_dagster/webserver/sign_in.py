"""The operator's sign-in to the Dagster UI, and the sign-out.

The key is exchanged for a session, whose token the browser keeps in a cookie. Programs send the key itself as a bearer
token, which no browser adds by itself.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from svp_dagster.webserver.sessions import Session, Sessions

logger = logging.getLogger(__name__)

COOKIE = "__Host-svp_dagster"
"""The prefix makes browsers insist on Secure, and on no other host having set it."""
SIGN_OUT = "/sign-out"
FAILURES = RateLimitItemPerMinute(10)
"""Wrong keys that one address may give."""
LONGEST_FORM_BYTES = 4096

_FORM = Path(__file__).with_name("sign_in.html")
_SIGN_OUT_PAGE = Path(__file__).with_name("sign_out.html")
_FORM_TYPE = "application/x-www-form-urlencoded"
_FORM_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_PAGE_HEADERS = {"Content-Security-Policy": _FORM_POLICY, "Cache-Control": "no-store"}
_COOKIE_RULES: Any = {"path": "/", "secure": True, "httponly": True, "samesite": "strict"}
_BEARER = "bearer "
_POLICY_VIOLATION = 1008
"""RFC 6455, 7.4.1."""
_SENTENCES = {
    HTTPStatus.UNAUTHORIZED: "Sign in with the operator's key.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many wrong keys. Try again in a minute.",
}


class SignIn:
    """Let only the operator through, pages and WebSockets alike."""

    def __init__(self, app: ASGIApp, key: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._key = key
        self._sessions = Sessions(clock)
        self._failures = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        session = self._sessions.find(connection.cookies.get(COOKIE, ""))
        if session is None:
            answer = await self._answer_stranger(connection, receive)
        elif scope["type"] == "websocket":
            answer = self._until_the_end_of(session)
        elif scope["path"] == SIGN_OUT:
            answer = self._sign_out(connection)
        else:
            answer = self._app
        await answer(scope, receive, send)

    async def _answer_stranger(self, connection: HTTPConnection, receive: Receive) -> ASGIApp:
        """Return the app for a program that sends the key, the form's answer, or the form."""
        scope, bearer = connection.scope, connection.headers.get("authorization", "")
        if bearer.lower().startswith(_BEARER):
            status = self._verify(bearer[len(_BEARER) :].strip(), connection)
            return self._app if status == HTTPStatus.OK else _form(connection, status)
        if scope["type"] == "http" and scope["method"] == "POST" and media_type(connection) == _FORM_TYPE:
            return await self._enter(Request(scope, receive))
        return _form(connection, HTTPStatus.UNAUTHORIZED)

    async def _enter(self, request: Request) -> Response:
        """Answer the form: a session and the page that was asked for, or the form again."""
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LONGEST_FORM_BYTES:
            return PlainTextResponse("This form is too long.", status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        fields = parse_qs((await request.body()).decode(errors="replace"))
        status = self._verify(fields.get("key", [""])[0].strip(), request)
        if status != HTTPStatus.OK:
            return _form(request, status)
        answer = RedirectResponse(_same_page(request), status_code=HTTPStatus.SEE_OTHER)
        answer.set_cookie(COOKIE, self._sessions.begin(), **_COOKIE_RULES)
        return answer

    def _sign_out(self, connection: HTTPConnection) -> Response:
        """Answer the page with the button, and the button."""
        if connection.scope["method"] != "POST":
            return HTMLResponse(_SIGN_OUT_PAGE.read_text(), headers=_PAGE_HEADERS)
        self._sessions.end(connection.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, **_COOKIE_RULES)
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def _until_the_end_of(self, session: Session) -> ASGIApp:
        """Return the app for a WebSocket, which is closed when its session ends or expires."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            serving = asyncio.ensure_future(self._app(scope, receive, send))
            ended = asyncio.ensure_future(session.ended.wait())
            left_s = self._sessions.left_s(session)
            try:
                await asyncio.wait({serving, ended}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    await serving
                else:
                    await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            finally:
                serving.cancel()
                ended.cancel()

        return serve

    def _verify(self, given: str, connection: HTTPConnection) -> HTTPStatus:
        address = connection.client.host if connection.client else ""
        if not self._failures.test(FAILURES, address):
            return HTTPStatus.TOO_MANY_REQUESTS
        if hmac.compare_digest(given.encode(), self._key.encode()):
            return HTTPStatus.OK
        self._failures.hit(FAILURES, address)
        logger.warning("a wrong operator's key was given from %s", address)
        return HTTPStatus.UNAUTHORIZED


def media_type(connection: HTTPConnection) -> str:
    """Return the Content-Type without its parameters, in which Dagster would find `application/json` too."""
    return connection.headers.get("content-type", "").partition(";")[0].strip().lower()


def _form(connection: HTTPConnection, status: HTTPStatus) -> Response:
    """Return the form to sign in where a person looks, else a sentence."""
    sentence = _SENTENCES[status]
    if connection.scope["type"] == "http" and "text/html" in connection.headers.get("accept", ""):
        page = _FORM.read_text().replace("{sentence}", sentence)
        return HTMLResponse(page, status_code=status, headers=_PAGE_HEADERS)
    return PlainTextResponse(sentence, status_code=status)


def _same_page(request: Request) -> str:
    # One slash: two would begin the name of another host.
    path = "/" + quote(request.scope["path"].lstrip("/"))
    return f"{path}?{request.url.query}" if request.url.query else path
