"""The rows that a poll starts, as the log and the traces of the rows see them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime

from svp_dagster.store.entries import Entry
from svp_dagster.telemetry import traces
from svp_dagster.telemetry.context import facts

logger = logging.getLogger(__name__)


def report_starts(entries: Iterable[Entry], *, read_at: datetime) -> None:
    """Report that a run was asked for each of these rows, after Notion was read at `read_at`."""
    for entry in entries:
        link, trace = entry.link, traces.trace_of(entry)
        extra = facts(entry=link.page_id, connection=link.connection_id, trace=trace.hex_id)
        logger.info("row %s: a run is asked for", link.page_id, extra=extra)
        traces.record(
            "poll",
            parent=trace,
            started_ns=int(read_at.timestamp() * 1_000_000_000),
            ended_ns=time.time_ns(),
            attributes={"svp.entry": link.page_id, "svp.connection": link.connection_id},
        )
