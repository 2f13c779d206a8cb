"""How many requests Instagram takes from one address, and what it answers to one more."""

import json
import threading
import time
from collections import defaultdict, deque
from typing import Any, Literal, get_args

from flask import Response, redirect
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from werkzeug.wrappers import Response as BaseResponse

Answer = Literal["require_login", "empty_shell", "challenge_required", "execution_error", "guard_prefix", "no_token"]
Route = Literal["home", "ruling", "graphql", "page"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)

# Source: recorded logged-out answers, instaloader issue 2425: 401 "Please wait a few minutes".
_REQUIRE_LOGIN = {
    "message": "Please wait a few minutes before you try again.",
    "require_login": True,
    "igweb_rollout": True,
    "status": "fail",
}
# Source: error bodies that instagrapi and other clients of the private API classify: 400 challenge_required.
_CHALLENGE = {"message": "challenge_required", "challenge": {"url": "/challenge/x/", "lock": True}, "status": "fail"}
# Source: instaloader issue 2307: 200 with `errors` and `data: null`.
_EXECUTION_ERROR = {
    "errors": [{"message": "execution error", "path": ["xig_polaris_media"], "severity": "CRITICAL"}],
    "data": None,
    "extensions": {"is_final": True},
    "status": "ok",
}
# Source: recorded GraphQL answers of Facebook's platform in public test suites: an error envelope after the guard.
_GUARDED = "for (;;);" + json.dumps(
    {
        "__ar": 1,
        "error": 1357004,
        "errorSummary": "Sorry, something went wrong",
        "errorDescription": "Please try closing and re-opening your browser window.",
        "payload": None,
    }
)
_SHELL = "<!doctype html><html><head><title>Instagram</title></head><body></body></html>"
_LOGIN = "https://www.instagram.com/accounts/login/"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Limit:
    """At most `requests` in `window_s` seconds from one address; `answer` is what one more gets."""

    # Source: luojiahai/archiver issues 27 and 33: 401 after 17 requests in 10 minutes, once after 3.
    requests: int = Field(default=17, ge=0)
    window_s: float = Field(default=600, gt=0)
    answer: Answer = "require_login"


class Throttle:
    """Counts the requests of each address. Off until a limit is set. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limit: Limit | None = None
        self._taken: dict[str, deque[float]] = defaultdict(deque)
        self._counts: dict[str, dict[str, int]] = {}

    def set(self, limit: Limit | None) -> None:
        """Begin anew with this limit, or without one."""
        with self._lock:
            self._limit = limit
            self._taken.clear()
            self._counts.clear()

    def take(self, address: str) -> Answer | None:
        """Count one request of an address; what it gets instead of the true answer, None where it is within bounds."""
        with self._lock:
            counts = self._counts.setdefault(address, {"taken": 0, "refused": 0})
            if self._limit is None:
                counts["taken"] += 1
                return None
            now, taken = time.monotonic(), self._taken[address]
            while taken and now - taken[0] >= self._limit.window_s:
                taken.popleft()
            # Assumed: a request that is refused doesn't count towards the next window. If wrong: rows wait longer, as
            # each retry renews the throttle. Check: instagram: video.
            if len(taken) >= self._limit.requests:
                counts["refused"] += 1
                return self._limit.answer
            taken.append(now)
            counts["taken"] += 1
            return None

    def counts(self) -> dict[str, dict[str, int]]:
        """`{address: {"taken": n, "refused": n}}` since the limit was set."""
        with self._lock:
            return {address: dict(counts) for address, counts in self._counts.items()}


def refusal(answer: Answer, route: Route) -> BaseResponse | None:
    """Return what a throttled address gets on a route, None where that is the true answer."""
    if route == "home":
        # Source: yt-dlp, extractor/instagram.py, InstagramIE._real_initialize: "LSD token" is looked for in this page.
        return Response(_SHELL) if answer == "no_token" else None
    if answer in ("require_login", "no_token"):
        # Source: yt-dlp, extractor/instagram.py: the post's page redirects to the login, "exceeded the rate-limit".
        return _json(401, _REQUIRE_LOGIN) if route != "page" else redirect(_LOGIN)
    if route == "page":
        # Source: yt-dlp, extractor/instagram.py: the post's page without its data is the "empty media response".
        return Response(_SHELL)
    if answer == "challenge_required":
        return _json(400, _CHALLENGE)
    if route == "ruling":
        # Assumed: the ruling answers truly while GraphQL gives nothing. If wrong: nothing, a failed ruling is not fatal
        # to yt-dlp. Check: none.
        return None
    if answer == "execution_error":
        return _json(200, _EXECUTION_ERROR)
    if answer == "guard_prefix":
        return Response(_GUARDED, mimetype="application/x-javascript")
    return _json(200, {"data": {"xig_polaris_media": None}, "status": "ok"})


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")
