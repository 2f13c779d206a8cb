"""How the database and Notion last did, for `/health`, which has to answer at once whatever is broken."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final, Literal

from sqlalchemy.exc import SQLAlchemyError

from oauth_app.services import Services
from svp_dagster.errors import SvpError
from svp_dagster.store.installation.figures import last_poll_at
from svp_dagster.telemetry.calls import NO_ANSWER, last_answer

State = Literal["ok", "failed", "unknown"]

KEPT_S: Final = 5.0
LIMIT_S: Final = 1.0
NEWS_FOR: Final = timedelta(minutes=15)
"""How long a call says something about Notion. Each Link Database is polled more often than that."""


class LastKnown:
    """The state of the database, asked at most every `KEPT_S`, and that of Notion by calls that were made anyway."""

    def __init__(self, found: Services) -> None:
        self._services = found
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, "last-known")
        self._asked_at = float("-inf")
        self._database: State = "unknown"
        self._polled_at: datetime | None = None

    def database(self) -> State:
        """Return whether the database answered within a second."""
        with self._lock:
            if time.monotonic() - self._asked_at >= KEPT_S:
                self._ask()
                self._asked_at = time.monotonic()
            return self._database

    def notion(self, *, now: datetime) -> State:
        """Return what the last call to Notion says: of this process, or a poll that the store knows of."""
        last = last_answer("notion")
        called_at = datetime.fromtimestamp(last[0], UTC) if last else None
        polled_at = self._polled_at
        if last and called_at and now - called_at < NEWS_FOR and (polled_at is None or polled_at <= called_at):
            return "failed" if last[1] == NO_ANSWER or last[1].startswith("5") else "ok"
        return "ok" if polled_at and now - polled_at < NEWS_FOR else "unknown"

    def _ask(self) -> None:
        try:
            self._polled_at = self._pool.submit(last_poll_at, self._services.store.engine).result(timeout=LIMIT_S)
        except (SQLAlchemyError, SvpError, OSError):
            self._database = "failed"
        else:
            self._database = "ok"
