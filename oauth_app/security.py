"""Rules for every request and answer: headers, CSRF protection, rate limits, CORS."""

from __future__ import annotations

import re
import threading
from collections import Counter
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address

from flask import Flask, Response, g, make_response, request
from flask_limiter import Limiter
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError, validate_csrf

from oauth_app import identity
from oauth_app.errors import Refusal
from svp_dagster.settings import Settings

csrf = CSRFProtect()
"""Checks that what changes something comes from a page of ours, where `rules` asks for it."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: no inline script or style; pictures within styles are data URLs."""

HSTS = "max-age=31536000"

OVERALL_LIMIT = "600 per minute"
"""An open dashboard asks about 30 times a minute."""
SIGN_IN_LIMIT = "30 per minute"
WRITE_LIMIT = "120 per minute"

_WITH_PORT = re.compile(r"(?:\[(.*)\]|([\d.]+)):\d+")
"""An address as Azure's Application Gateway forwards it.

Source: azure.microsoft.com/en-us/blog/rewrite-http-headers-with-azure-application-gateway
"""


def rate_limit_key() -> str:
    """Return the key that a rate limit counts by: a connection, with all its sessions and API tokens, or an address."""
    found = identity.caller()
    return f"connection:{found.connection.id}" if found else f"address:{client_network()}"


def client_network() -> str:
    """Return the part of the client's address that belongs to one household: of IPv6 the first 64 bits, else all."""
    address = request.remote_addr or ""
    with_port = _WITH_PORT.fullmatch(address)
    try:
        parsed = ip_address(with_port[1] or with_port[2] if with_port else address)
    except ValueError:
        return address  # a proxy's own way to say who asks
    found: IPv4Address | IPv6Address = (parsed.ipv4_mapped or parsed) if parsed.version == 6 else parsed
    return f"{IPv6Address(int(found) >> 64 << 64)}/64" if found.version == 6 else str(found)


def _limited_route() -> str:
    # Without a name, requests for paths that aren't there would not be counted.
    return request.endpoint or "nothing"


limiter = Limiter(
    rate_limit_key,
    application_limits=[OVERALL_LIMIT],
    storage_uri="memory://",
    headers_enabled=True,
    request_identifier=_limited_route,
)
"""Counts in the memory of the process, of which the app has one (`oauth_app.serving`)."""


_UNCOUNTED = (
    "static",
    "entries.thumbnail",
    "api_entries.show_thumbnail",
    "api_media.show",
    "api_videos.upload",
    "uploads.add",
)
"""Small and quick, or sent in small pieces: a browser asks for all that a page shows at the same time. Uploads have a
count of their own (`videos/slots.py`)."""


class Shares:
    """How many requests each connection has at work: one alone must not take all threads while Notion is slow."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._at_work: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Count the request for its connection. Raises a `Refusal` where it has its share at work already."""
        found = identity.caller()
        if found is None or request.endpoint in _UNCOUNTED:
            return
        with self._lock:
            if self._at_work[found.connection.id] >= self._most:
                raise Refusal(429, "too_many_at_once", "Too many of your requests are at work. Try again in a moment.")
            self._at_work[found.connection.id] += 1
        g.at_work_for = found.connection.id

    def leave(self, _error: BaseException | None = None) -> None:
        """Take the request off its connection's count, if it was counted."""
        connection_id = g.pop("at_work_for", None)
        if connection_id is not None:
            self._take_off(connection_id)

    def stay_until_sent(self, answer: Response) -> Response:
        """Count a request whose answer is made while it is sent until that is done. It outlives the request."""
        if answer.is_streamed and (connection_id := g.pop("at_work_for", None)) is not None:
            answer.call_on_close(partial(self._take_off, connection_id))
        return answer

    def _take_off(self, connection_id: str) -> None:
        with self._lock:
            self._at_work[connection_id] -= 1
            if not self._at_work[connection_id]:
                del self._at_work[connection_id]


def require_form_token(token: str) -> None:
    """Refuse a form that a view has read by itself and that doesn't come from a page of ours."""
    try:
        validate_csrf(token)
    except ValueError as error:  # WTForms' `ValidationError`
        raise CSRFError(str(error)) from error


def init_app(app: Flask, settings: Settings) -> None:
    """Apply the rules to this app."""
    csrf.init_app(app)
    limiter.init_app(app)
    shares = Shares(most=max(settings.app_threads // 2, 1))
    app.before_request(shares.enter)
    app.after_request(shares.stay_until_sent)  # registered first, so called last: nothing of ours fails after it
    app.teardown_request(shares.leave)
    origins = frozenset(origin.strip().rstrip("/") for origin in settings.cors_origins.split(",") if origin.strip())
    app.before_request(_refuse_nul)
    app.before_request(lambda: _preflight(origins))
    app.after_request(lambda answer: _share(answer, origins))
    app.after_request(lambda answer: _protect(answer, hsts=settings.production))


def _protect(answer: Response, *, hsts: bool) -> Response:
    headers = answer.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = (
        "same-origin"  # a sibling host's page would be sent pictures with the cookie
    )
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if hsts:
        headers["Strict-Transport-Security"] = HSTS
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")
    return answer


def _refuse_nul() -> None:
    # NUL is in no text that people write, and PostgreSQL refuses it.
    given = (*request.args.items(multi=True), *request.form.items(multi=True))
    if "\x00" in request.path or any("\x00" in value for _, value in given):
        raise Refusal(400, "invalid_text", "The request holds characters that no text has.")


def _preflight(origins: frozenset[str]) -> Response | None:
    """Answer a browser's preflight request for another origin."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not (asks and _is_shared(origins)):
        return None
    answer = make_response("", 204)
    answer.headers["Access-Control-Allow-Methods"] = "GET, POST, PATCH, DELETE"
    answer.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    answer.headers["Access-Control-Max-Age"] = "600"
    return answer


def _share(answer: Response, origins: frozenset[str]) -> Response:
    # Without Allow-Credentials: another origin needs an API token, a person's cookie is of no use to it.
    if _is_shared(origins):
        answer.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
    if request.path.startswith("/api/"):
        answer.headers.add("Vary", "Origin")
    return answer


def _is_shared(origins: frozenset[str]) -> bool:
    return request.path.startswith("/api/") and request.headers.get("Origin") in origins
