"""Waiting while Notion asks a connection to slow down, together with all other threads of that connection."""

from __future__ import annotations

import threading
import time

from svp_dagster.errors import Code, failure


class ThrottleGate:
    """Closed for all threads of a connection while Notion asks it to slow down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opens_at = 0.0

    def close_for(self, seconds: float) -> None:
        """Keep the gate closed for at least that long."""
        with self._lock:
            self._opens_at = max(self._opens_at, time.monotonic() + seconds)

    def wait(self, *, at_most_s: float) -> float:
        """Wait until the gate is open, and return for how long. Raises `notion_busy` where it takes longer."""
        waited_s = 0.0
        while (closed_s := self._closed_for_s()) > 0:
            if waited_s + closed_s > at_most_s:
                raise failure(Code.NOTION_BUSY, detail="Notion asks to slow down", retry_after_s=closed_s)
            time.sleep(closed_s)
            waited_s += closed_s
        return waited_s

    def _closed_for_s(self) -> float:
        with self._lock:
            return max(0.0, self._opens_at - time.monotonic())


_gates: dict[tuple[str, str], ThrottleGate] = {}
_gates_lock = threading.Lock()


def throttle_gate(base_url: str, connection_id: str) -> ThrottleGate:
    """Return the one gate that a connection has in this process."""
    with _gates_lock:
        return _gates.setdefault((base_url, connection_id), ThrottleGate())
