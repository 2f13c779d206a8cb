"""How many uploads go on at once: of one connection, and of all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 16
MOST_OF_ONE = 3
THREADS = MOST + 4
"""Of the server, for requests with streamed bodies. Those beyond `MOST` refuse whatever may not begin."""


class NoSlotError(Exception):
    """It would be one upload too many: of all, or (`of_one`) of this connection."""

    def __init__(self, *, of_one: bool) -> None:
        super().__init__(of_one)
        self.of_one = of_one


class Slots:
    """The uploads that go on."""

    def __init__(self, *, most: int = MOST, most_of_one: int = MOST_OF_ONE) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, connection_id: str) -> Iterator[None]:
        """Count an upload while it goes on. Raises `NoSlotError`."""
        with self._lock:
            self._require_room(connection_id)
            self._taken[connection_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[connection_id] -= 1
                if not self._taken[connection_id]:
                    del self._taken[connection_id]

    def _require_room(self, connection_id: str) -> None:
        if self._taken[connection_id] >= self._most_of_one:
            raise NoSlotError(of_one=True)
        if self._taken.total() >= self._most:
            raise NoSlotError(of_one=False)
