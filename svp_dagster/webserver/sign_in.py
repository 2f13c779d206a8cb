"""The operator's sign-in to the Dagster UI.

The key is exchanged for a session: a token in a cookie, encrypted and dated under the key. Nothing is stored, and
another key ends all sessions. Programs send the key itself as a bearer token, which no browser adds by itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, quote

from cryptography.fernet import Fernet, InvalidToken
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

COOKIE = "__Host-svp_dagster"
"""The prefix makes browsers insist on Secure, and on no other host having set it."""
SESSION_S = 12 * 3600
FAILURES = RateLimitItemPerMinute(10)
"""Wrong keys that one address may give."""
LONGEST_FORM_BYTES = 4096

_FORM = Path(__file__).with_name("sign_in.html")
_FORM_TYPE = "application/x-www-form-urlencoded"
_FORM_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_BEARER = "bearer "
_SENTENCES = {
    HTTPStatus.UNAUTHORIZED: "Sign in with the operator's key.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many wrong keys. Try again in a minute.",
}


def sessions(key: str) -> Fernet:
    """Return what makes and reads session tokens under this operator's key."""
    derived = hashlib.sha256(b"session of the Dagster UI\0" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(derived))


class SignIn:
    """Let only the operator through, pages and WebSockets alike."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key
        self._sessions = sessions(key)
        self._failures = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        bearer = connection.headers.get("authorization", "")
        if self._has_session(connection):
            answer: ASGIApp = self._app
        elif bearer.lower().startswith(_BEARER):
            status = self._verify(bearer[len(_BEARER) :].strip(), connection)
            answer = self._app if status == HTTPStatus.OK else _refused(connection, status)
        elif scope["type"] == "http" and scope["method"] == "POST" and media_type(connection) == _FORM_TYPE:
            answer = await self._enter(Request(scope, receive))
        else:
            answer = _refused(connection, HTTPStatus.UNAUTHORIZED)
        await answer(scope, receive, send)

    def _has_session(self, connection: HTTPConnection) -> bool:
        try:
            self._sessions.decrypt(connection.cookies.get(COOKIE, "").encode(), ttl=SESSION_S)
        except InvalidToken:
            return False
        return True

    async def _enter(self, request: Request) -> Response:
        """Answer the form: a session and the page that was asked for, or the form again."""
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LONGEST_FORM_BYTES:
            return PlainTextResponse("This form is too long.", status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        fields = parse_qs((await request.body()).decode(errors="replace"))
        status = self._verify(fields.get("key", [""])[0].strip(), request)
        if status != HTTPStatus.OK:
            return _refused(request, status)
        answer = RedirectResponse(_same_page(request), status_code=HTTPStatus.SEE_OTHER)
        token = self._sessions.encrypt(b"").decode()
        answer.set_cookie(COOKIE, token, path="/", secure=True, httponly=True, samesite="strict")
        return answer

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


def _refused(connection: HTTPConnection, status: HTTPStatus) -> Response:
    """Return the form where a person looks, else a sentence."""
    sentence = _SENTENCES[status]
    if connection.scope["type"] == "http" and "text/html" in connection.headers.get("accept", ""):
        headers = {"Content-Security-Policy": _FORM_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(_FORM.read_text().replace("{sentence}", sentence), status_code=status, headers=headers)
    return PlainTextResponse(sentence, status_code=status)


def _same_page(request: Request) -> str:
    # One slash: two would begin the name of another host.
    path = "/" + quote(request.scope["path"].lstrip("/"))
    return f"{path}?{request.url.query}" if request.url.query else path
