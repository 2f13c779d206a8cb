"""HTTP/1.1 as uvicorn speaks it, with the deadlines that uvicorn lacks (0.54: it has one for idle connections only)."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from oauth_app.serving.deadlines import Deadlines


class DeadlineProtocol(H11Protocol):
    """Closes a connection whose request head doesn't arrive in time, or whose answer isn't read in time."""

    def __init__(self, *, deadlines: Deadlines, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._deadlines = deadlines
        self._head: asyncio.TimerHandle | None = None
        self._piece: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        # Zero: `pause_writing` is called as soon as anything waits to be read by the client.
        transport.set_write_buffer_limits(high=0)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_awaiting_head()
        self._stop_awaiting_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent. Its first byte starts the deadline of a request, a complete head ends it."""
        super().data_received(data)
        if self._is_working():
            self._stop_awaiting_head()
        elif self._head is None:
            self._await_head()

    def pause_writing(self) -> None:
        """Start the deadline of a client that has something to read."""
        super().pause_writing()
        self._piece = self.loop.call_later(self._deadlines.piece_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop it: the client has read everything."""
        self._stop_awaiting_reader()
        super().resume_writing()

    def _await_head(self) -> None:
        self._head = self.loop.call_later(self._deadlines.head_s, self.transport.abort)

    def _stop_awaiting_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _stop_awaiting_reader(self) -> None:
        if self._piece is not None:
            self._piece.cancel()
            self._piece = None

    def _is_working(self) -> bool:
        """Return whether the head of a request is complete and its answer isn't."""
        return self.cycle is not None and not self.cycle.response_complete
