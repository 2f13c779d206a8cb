"""Unknown answers, kept in the store."""

from __future__ import annotations

from datetime import UTC, datetime

from svp_dagster.store.store import Store
from svp_dagster.unknown_answers import UnknownAnswer


class StoredUnknownAnswers:
    """Implements `svp_dagster.unknown_answers.Recorder` with the store."""

    def __init__(self, store: Store) -> None:
        self._answers = store.unknown_answers

    def record(self, answer: UnknownAnswer) -> None:
        """Keep the first answer of a kind, and count the others."""
        self._answers.record(answer, now=datetime.now(UTC))
