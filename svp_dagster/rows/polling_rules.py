"""How often, and how many at once, Link Databases are read."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from svp_dagster.component import Component


class PollingRules(Component):
    """Limits of one tick of the sensor. A tick longer than Dagster's sensor timeout (60 s) fails as a whole."""

    interval_s: int = Field(default=60, description="How often each Link Database is read.")
    connections_per_tick: int = Field(default=100, description="Link Databases read in one tick.")
    runs_per_connection: int = Field(default=10, description="Runs one connection may have, queued or going on.")
    rows_per_connection: int = Field(default=25, description="Rows dealt with for one connection in one tick.")
    rows_per_tick: int = Field(default=100, description="Runs started in one tick.")
    workers: int = Field(default=8, description="Link Databases read at the same time.")
    budget_s: float = Field(default=30.0, description="Seconds after which a tick stops waiting for answers.")

    @property
    def direct_per_connection(self) -> int:
        """Direct entries read for one connection in one tick: more than may be queued, so that these hide no other."""
        return self.runs_per_connection + self.rows_per_connection

    @property
    def interval(self) -> timedelta:
        """The poll interval."""
        return timedelta(seconds=self.interval_s)
