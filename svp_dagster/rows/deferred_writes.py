"""Writes that must not be lost while the store is unreachable for a moment."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from svp_dagster.causes import as_failure
from svp_dagster.errors import Code

logger = logging.getLogger(__name__)

Write = Callable[[], None]


class DeferredWrites:
    """A queue of writes that the store refused, kept in memory and repeated in order. Safe to use from threads.

    A write is repeated if its commit wasn't confirmed, so it may reach the store twice.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Write]] = deque()
        self._lock = Lock()

    def write(self, description: str, write: Write) -> None:
        """Write now, or later if the store is unreachable. Raises SQLAlchemyError for a write that can't succeed."""
        with self._lock:
            self._waiting.append((description, write))
            try:
                self._repeat()
            except SQLAlchemyError as error:
                if not _is_outage(error):
                    raise
                logger.warning("the store is unreachable, written later: %s", description)

    def retry(self) -> None:
        """Repeat the writes that wait. Raises SQLAlchemyError if the store still refuses one."""
        with self._lock:
            self._repeat()

    def settle(self) -> None:
        """Repeat the writes that wait, and log those that still can't be written as errors."""
        try:
            self.retry()
        except SQLAlchemyError as error:
            with self._lock:
                for description, _ in self._waiting:
                    logger.error("not written to the store (%s): %s", type(error).__name__, description)

    def _repeat(self) -> None:
        while self._waiting:
            description, write = self._waiting[0]
            try:
                write()
            except SQLAlchemyError as error:
                if not _is_outage(error):
                    self._waiting.popleft()
                    logger.error("can't be written to the store (%s): %s", type(error).__name__, description)
                raise
            self._waiting.popleft()


def _is_outage(error: SQLAlchemyError) -> bool:
    """Return whether repeating the write may help."""
    return as_failure(error).code is not Code.INTERNAL
