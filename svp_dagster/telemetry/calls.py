"""Calls to services outside: a line of the log, a tally and a span for each.

The clients report them through hooks of their own libraries (`bounded_http`, `download.yt_dlp_network`), so nothing is
patched. What is said of a call is its service, method, host, status and time; never its path, which may hold a secret.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from svp_dagster.telemetry import traces
from svp_dagster.telemetry.context import current, facts
from svp_dagster.telemetry.tallies import CALL_SECONDS, tallies

logger = logging.getLogger(__name__)

NO_ANSWER: Final = "none"
"""The status of a call that nobody answered."""
_OPEN_CALL: Final = "svp_call"
_FAILED: Final = ".failed"

_last_lock = Lock()
_last: dict[str, tuple[float, str]] = {}


class OpenCall:
    """A call that is under way. It ends once; later ends are ignored."""

    def __init__(self, service: str, method: str) -> None:
        self._service, self._method = service, method
        self._began_s, self._began_ns = time.monotonic(), time.time_ns()
        self._lock = Lock()
        self._is_open = True

    def end(self, status: int | None) -> None:
        """Report the call. None where no answer came."""
        with self._lock:
            was_open, self._is_open = self._is_open, False
        if not was_open:
            return
        latency_s, said = time.monotonic() - self._began_s, str(status or NO_ANSWER)
        with _last_lock:
            _last[self._service] = (time.time(), said)
        tallies.observe(CALL_SECONDS, latency_s, service=self._service, status=said)
        has_failed = status is None or status >= 400
        # A poll asks all Link Databases, again and again: only what is done for a row or a person is worth a line.
        level = logging.INFO if has_failed or current() else logging.DEBUG
        extra = facts(service=self._service, status=said, latency_s=round(latency_s, 3))
        logger.log(level, "%s %s: %s in %.3f s", self._service, self._method, said, latency_s, extra=extra)
        traces.record_call(
            f"{self._service} {self._method}",
            started_ns=self._began_ns,
            attributes={"svp.service": self._service, "http.request.method": self._method, "svp.status": said},
            failed=has_failed,
        )


def last_answer(service: str) -> tuple[float, str] | None:
    """Return when this process last called a service (seconds since the epoch), and the status."""
    with _last_lock:
        return _last.get(service)


def began(service: str) -> Callable[[Any], None]:
    """Return the request hook for a client of httpx or httpx2.

    A hook runs before a request and after an answer. That no answer came is heard through the extension `trace` of the
    same libraries: https://www.python-httpx.org/advanced/extensions/#trace
    """

    def hook(request: Any) -> None:
        call = OpenCall(service, request.method)
        request.extensions = {**request.extensions, _OPEN_CALL: call, "trace": _listener(call)}

    return hook


def ended(answer: Any) -> None:
    """End the call of an answer of httpx or httpx2."""
    call = answer.request.extensions.get(_OPEN_CALL)
    if isinstance(call, OpenCall):
        call.end(answer.status_code)


def _listener(call: OpenCall) -> Callable[[str, Any], None]:
    def listen(event: str, _info: Any) -> None:
        if event.endswith(_FAILED):
            call.end(None)

    return listen
