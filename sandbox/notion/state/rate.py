"""An optional rate limit per connection: a bucket of `burst` requests that fills at `per_second`."""

import math
import threading
import time

from sandbox.notion.errors import rate_limited


class RateLimit:
    """Off until `set`. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._per_second: float | None = None
        self._burst = 1.0
        self._buckets: dict[str, tuple[float, float]] = {}

    def set(self, *, per_second: float | None, burst: float) -> None:
        """Begins anew with full buckets; None turns it off."""
        with self._lock:
            self._per_second, self._burst = per_second, burst
            self._buckets.clear()

    # Source: developers.notion.com/reference/request-limits: an average of requests per second and connection, some
    # bursts beyond it.
    # Assumed: the budget is a bucket that fills evenly, and a workspace has none of its own. If wrong: writes come
    # later than they could, none is lost. Check: none.
    def spend(self, connection: str) -> None:
        """Takes one request from the connection's bucket; raises `rate_limited` where it is empty."""
        with self._lock:
            if self._per_second is None:
                return
            now = time.monotonic()
            left, since = self._buckets.get(connection, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._per_second)
            if left < 1:
                raise rate_limited(math.ceil((1 - left) / self._per_second))
            self._buckets[connection] = (left - 1, now)
