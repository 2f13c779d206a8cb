"""How often, and how many at once, Link Databases are read.

| a connection | is read |
|---|---|
| that has a pending row, or whose last poll failed | each `interval_s`; after failures ever later (`polling.settle`) |
| whose webhook works (`LinkDatabase.has_webhook`) | each `webhook_interval_s`, and at once after an event |
| where nothing happened for `IDLE_AFTER` | later by twice `interval_s` for each such time, up to `webhook_interval_s` |
| any other | each `interval_s` |

Nothing happened where no poll found a new or changed request, nobody asked to look, and nobody opened the app. Each of
these ends it at once. So whoever used the product within a week waits no longer than anybody else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from svp_dagster.component import Component
from svp_dagster.settings import Settings
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.polling.parts import Part

WAIT_S: Final = 4.5
"""The daemon looks for ticks that ended every 5 s (`MIN_INTERVAL_LOOP_TIME` of its sensors in dagster 1.13)."""
IDLE_AFTER: Final = timedelta(days=7)
"""After how long without any sign of life a connection is idle. Few people save no link for a week and then wait."""


class PollingRules(Component):
    """Limits of one tick of the sensor. A tick longer than Dagster's sensor timeout (60 s) fails as a whole.

    A tick asks as many Link Databases as it can begin in two thirds of `budget_s`, has their answers by its end, and
    decides about their rows until `decide_by_s`. What is left is due still, and is asked first by the next tick.
    """

    interval_s: int = Field(default=60, description="How often each Link Database is read.")
    webhook_interval_s: int = Field(default=900, description="How often one is read whose webhook works, at least.")
    connections_per_tick: int = Field(
        default=4000, description="Link Databases read in one tick: more than two cores can ask in its time."
    )
    runs_per_connection: int = Field(default=10, description="Runs one connection may have, queued or going on.")
    rows_per_connection: int = Field(default=25, description="Rows dealt with for one connection in one tick.")
    rows_per_tick: int = Field(default=100, description="Runs started in one tick of all sensors.")
    workers: int = Field(default=128, description="Link Databases read at the same time.")
    budget_s: float = Field(default=24.0, description="Seconds after which a tick stops waiting for answers.")
    decide_by_s: float = Field(default=40.0, description="Seconds after which a tick decides about no more rows.")
    wait_s: float = Field(default=0.0, description="How long a tick waits for work before it ends without any.")
    sensors: int = Field(default=1, description="Sensors that share the connections among them.")

    @property
    def direct_per_connection(self) -> int:
        """Direct entries read for one connection in one tick: more than may be queued, so that these hide no other."""
        return self.runs_per_connection + self.rows_per_connection

    @property
    def starts(self) -> int:
        """Runs started in one tick of one sensor."""
        return max(1, self.rows_per_tick // self.sensors)

    def part(self, number: int) -> Part:
        """Return the connections of a sensor, which is numbered from 1 on."""
        return Part(number=number - 1, total=self.sensors)

    def next_read(self, database: LinkDatabase, *, has_rows: bool, now: datetime) -> datetime:
        """Return when a Link Database is read again. `has_rows`: some of its rows are pending."""
        interval, longest = timedelta(seconds=self.interval_s), timedelta(seconds=self.webhook_interval_s)
        if has_rows:
            return now + interval
        if database.has_webhook:
            return now + max(interval, longest)
        idle = max(1, 2 * ((now - database.active_at) // IDLE_AFTER))
        return now + max(interval, min(interval * idle, longest))


def polling_rules(settings: Settings) -> PollingRules:
    """Return the rules of this installation."""
    return PollingRules(
        interval_s=settings.poll_interval_s,
        runs_per_connection=settings.runs_per_connection,
        sensors=settings.poll_sensors,
        wait_s=WAIT_S,
    )
