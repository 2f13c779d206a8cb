"""What a request to the Dagster UI must be before Dagster sees it.

Dagster's web server (1.13) checks neither Host nor Origin, and runs mutations that come by GET, as a form or over a
WebSocket: any page that the operator visits could use it. So requests pass, from the outside in:

    SecurityHeaders         every answer
    TrustedHostMiddleware   Host is one of ours: a foreign name that resolves to us (DNS rebinding) is refused
    SameOrigin              only the UI's own pages ask for anything but the page itself
    SignIn                  in production, the operator's key
    GraphQLMethods          nothing changes by GET, and no POST is one that a browser sends unasked

Clients that are no browsers send neither Origin nor Sec-Fetch-Site and meet the other checks alone.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from svp_dagster.settings import Settings
from svp_dagster.store.store import operator_key
from svp_dagster.webserver.sign_in import SignIn, media_type

PAGES = frozenset({"/", "/{path:path}"})
"""Dagster's routes that answer with the UI's page, which holds no data. A link elsewhere may lead to these alone."""

GRAPHQL = "/graphql"
JSON_TYPES = frozenset({"application/json", "application/graphql"})
"""What Dagster reads a POST from. A browser asks first (CORS preflight) before it sends these to another origin."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",  # the UI shows notebooks in a frame of its own
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ASK_AGAIN = "private, no-cache"
"""A browser may keep an answer, such as the UI's scripts, and asks whether it may show it: not after a sign-out."""
FRAME_POLICY = "frame-ancestors 'self'"

_SAFE_METHODS = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")  # none: typed, or a bookmark


def guarded(dagster: Starlette, settings: Settings) -> ASGIApp:
    """Return Dagster's app behind all checks. Raises `misconfigured` in production without the operator's key."""
    app: ASGIApp = GraphQLMethods(dagster, routes=dagster.routes)
    if settings.production:
        app = SignIn(app, operator_key(settings))
    app = SameOrigin(app, routes=dagster.routes, public_url=settings.dagster_url)
    app = TrustedHostMiddleware(app, allowed_hosts=allowed_hosts(settings), www_redirect=False)
    return SecurityHeaders(app)


def allowed_hosts(settings: Settings) -> list[str]:
    """Return the names under which the UI may be asked for, IPv6 addresses in brackets."""
    configured = [settings.dagster_host, urlsplit(settings.dagster_url).hostname or "", *settings.extra_dagster_hosts]
    return sorted({"localhost", "127.0.0.1", "[::1]", *(_bracketed(name) for name in configured if name)})


def matched_path(routes: list[BaseRoute], scope: Scope) -> str:
    """Return the pattern of the first of Dagster's routes that knows the path, whatever methods it takes.

    By Dagster's own matching: it takes more for `/graphql` than what is spelled so (a newline after it).
    """
    return next((getattr(route, "path", "") for route in routes if route.matches(scope)[0] is not Match.NONE), "")


class SecurityHeaders:
    """Add to every answer what keeps other sites from framing, embedding or sniffing it, and caches from serving it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.setdefault("Cache-Control", ASK_AGAIN)
                # Beside Dagster's own policy: browsers enforce each.
                headers.append("Content-Security-Policy", FRAME_POLICY)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuse what another origin's page makes a browser send, but for following a link to the UI."""

    def __init__(self, app: ASGIApp, *, routes: list[BaseRoute], public_url: str) -> None:
        self._app = app
        self._routes = routes
        public = urlsplit(public_url)
        self._public_origin = f"{public.scheme}://{public.netloc}".lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan" or self._is_allowed(scope):
            await self._app(scope, receive, send)
            return
        await PlainTextResponse("Only the Dagster UI itself may ask for this.", status_code=403)(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if not self._is_own_origin(headers):
            return False
        return headers.get("sec-fetch-site", "none") in _OWN_SITES or self._opens_a_page(scope, headers)

    def _is_own_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return True
        # Host was checked before. A proxy may have rewritten it, so the public address counts too.
        own = {f"{scheme}://{headers['host']}".lower() for scheme in ("http", "https")}
        return origin.lower() in own | {self._public_origin}

    def _opens_a_page(self, scope: Scope, headers: Headers) -> bool:
        return (
            scope.get("method") in _SAFE_METHODS
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
            and matched_path(self._routes, scope) in PAGES
        )


class GraphQLMethods:
    """Refuse GETs that could change something, and POSTs of the kinds that a browser sends without a preflight."""

    def __init__(self, app: ASGIApp, *, routes: list[BaseRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        refusal = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> PlainTextResponse | None:
        if request.method not in _SAFE_METHODS:
            is_json = media_type(request) in JSON_TYPES
            return None if is_json else PlainTextResponse("Send JSON, with its Content-Type.", status_code=415)
        is_graphql = matched_path(self._routes, request.scope) == GRAPHQL
        if not is_graphql or all(map(_only_reads, request.query_params.getlist("query"))):
            return None
        return PlainTextResponse("Send this by POST, as JSON.", status_code=405, headers={"Allow": "POST"})


def _only_reads(document: str) -> bool:
    try:
        definitions = parse(document).definitions
    except (GraphQLError, RecursionError):
        return False
    operations = [found.operation for found in definitions if isinstance(found, OperationDefinitionNode)]
    return all(operation is OperationType.QUERY for operation in operations)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
