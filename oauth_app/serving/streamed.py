"""Bodies that the app reads while they arrive: files that are too large to be kept beside their place meanwhile.

The thread asks for each piece, and nothing is read from the client's socket before (but what fills one buffer). So a
client is never faster than the storage, and a request that is refused by its headers alone has no byte read.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import time
from typing import Any, Final

from starlette.types import Message, Receive
from werkzeug.exceptions import ClientDisconnected, RequestTimeout

PROGRESS_BYTES: Final = 65_536
"""What must arrive within `Deadlines.progress_s`. With 30 seconds that is 17 kbit/s: less than 2G gives."""
_MARGIN_S: Final = 5.0


class StreamedBody(io.RawIOBase):
    """A WSGI input that takes its bytes from the event loop, for one thread that isn't the loop's.

    Raises `ClientDisconnected`, and `RequestTimeout` for a client that stalls. Only the time spent waiting for the
    client counts.
    """

    def __init__(self, receive: Receive, *, progress_s: float) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._progress_s = progress_s
        self._left_s, self._arrived = progress_s, 0
        self._piece = memoryview(b"")
        self.is_complete = False
        self.client_left = False

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has arrived, or wait for it. Return 0 at the end of the body."""
        while not self._piece and not self.is_complete:
            self._take(self._wait())
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def _take(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.client_left = True
            raise ClientDisconnected
        self._piece = memoryview(message.get("body", b""))
        self.is_complete = not message.get("more_body", False)
        self._arrived += len(self._piece)
        if self._arrived >= PROGRESS_BYTES:
            self._left_s, self._arrived = self._progress_s, 0

    def _wait(self) -> Message:
        began = time.monotonic()
        waiting = asyncio.run_coroutine_threadsafe(self._next(self._left_s), self._loop)
        try:
            # The loop keeps the time. It may also end, at the stop of the server, without a word to this thread.
            message = waiting.result(self._left_s + _MARGIN_S)
        except TimeoutError:
            raise RequestTimeout from None
        except concurrent.futures.CancelledError:
            self.client_left = True
            raise ClientDisconnected from None
        self._left_s -= time.monotonic() - began
        return message

    async def _next(self, limit_s: float) -> Message:
        async with asyncio.timeout(max(limit_s, 0)):
            return await self._receive()
