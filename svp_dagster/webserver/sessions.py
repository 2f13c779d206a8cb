"""The operator's sessions in the Dagster UI.

They are in the memory of the web server's one process: a restart ends them all, and a change of the key needs one.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

SESSION_S = 12 * 3600


@dataclass(frozen=True)
class Session:
    """A sign-in. `expires_at` is on the monotonic clock."""

    expires_at: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """The sign-ins that haven't ended. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_token: dict[str, Session] = {}

    def begin(self) -> str:
        """Return the token of a new session."""
        self._by_token = {token: session for token, session in self._by_token.items() if self.left_s(session) > 0}
        token = secrets.token_urlsafe(32)
        self._by_token[token] = Session(self._clock() + SESSION_S)
        return token

    def find(self, token: str) -> Session | None:
        """Return the session of this token; None if it ended or expired."""
        session = self._by_token.get(token)
        return session if session and self.left_s(session) > 0 else None

    def end(self, token: str) -> None:
        """End the session of this token, and what is open in it."""
        session = self._by_token.pop(token, None)
        if session:
            session.ended.set()

    def left_s(self, session: Session) -> float:
        """Return the seconds until it expires."""
        return session.expires_at - self._clock()
