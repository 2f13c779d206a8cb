"""What each connection gets of the runs: how many it may have, and which of all queued runs starts first. Pure.

Dagster starts the queued run with the highest priority. Here the priority is the time at which a run was requested,
delayed by `DELAY` for each run that its connection had at that moment. So a first link starts before somebody else's
tenth that came earlier, and no run is overtaken for ever: what comes later has a later time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

DELAY = timedelta(minutes=5)
"""By how much later than its request a run is treated, for each run that its connection has already."""

REDO_DELAY = timedelta(days=1)
"""By how much later than its request a run of a redo is treated: links that come within a day start before it."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """The share of one connection: how many runs it has, queued or going on, and how many it may have."""

    runs: int
    limit: int

    @property
    def room(self) -> int:
        """How many more it may have."""
        return max(self.limit - self.runs, 0)


def priority(*, runs_before: int, requested_at: datetime) -> int:
    """Return a run's priority in Dagster's queue, given the runs that its connection had when it was requested."""
    return -int((requested_at + runs_before * DELAY).timestamp())


def redo_priority(*, requested_at: datetime) -> int:
    """Return the priority of all runs of a redo. Nobody waits for these pages: they are there already."""
    return -int((requested_at + REDO_DELAY).timestamp())
