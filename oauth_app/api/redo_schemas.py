"""What the API says of redos."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from svp_dagster.models import Value
from svp_dagster.store.redos.redos import Progress, Redo


class RedoAnswer(Value):
    """A redo of a database's pages, and how far it is. `id` is also that of the backfill in Dagster."""

    id: str
    name: str
    total: int
    made: int
    failed: int
    open: int
    requested_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, redo: Redo, progress: Progress) -> Self:
        """The public side of a redo."""
        same = ("id", "name", "total", "requested_at", "finished_at")
        return cls(**{name: getattr(redo, name) for name in same}, **progress.model_dump())


class RedosAnswer(Value):
    """How many pages were made for other columns or another prompt, about what updating them costs, and the last redos.

    `usd` is null where nobody paid for a summary yet.
    """

    outdated: int
    usd: float | None
    redos: tuple[RedoAnswer, ...]
