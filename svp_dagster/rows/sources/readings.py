"""What a tick of the sensor reads: the pending rows of Link Databases, and direct entries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from svp_dagster.errors import BUDGET_CODES, Code, SvpError, failure
from svp_dagster.models import LinkEntry
from svp_dagster.notion.rows import status_type
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.parsing import Row
from svp_dagster.rows.pauses import SITE_FAULTS
from svp_dagster.rows.spending.caps import known_entries
from svp_dagster.rows.waiting import PAUSE_LIMIT
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.polling.parts import Part

MAX_THROTTLE_WAIT_S = 5.0
"""How long a read waits while Notion asks its connection to slow down: other connections wait for the same threads."""
ANSWER_S = 10.0
"""How long a tick waits for its last answers: one Link Database that is slow must not hold up the others' next tick."""
LOOK_S = 0.5
WAITING_LOOKED_AT = 500
"""Direct entries that wait for money, of which a tick looks whether it is there again."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The pending rows of one Link Database, or why they could not be read. Never both, never neither.

    Without a Link Database, the rows are direct entries of the connection.
    """

    connection_id: str
    link_database: LinkDatabase | None
    rows: tuple[Row, ...] = ()
    problem: SvpError | None = None


def read_due(
    link_rows: LinkRows, due: Sequence[LinkDatabase], *, workers: int, budget_s: float
) -> tuple[list[Reading], int]:
    """Read several Link Databases at once. Return the readings and how many were not begun.

    Those that were not begun in the first two thirds of the budget stay due, and are read at the next tick. One that
    was begun and has no answer `ANSWER_S` after the last one began, or at the end of the budget, has a problem: if it
    stayed due, it would slow down each tick.
    """
    reader = _Reader(link_rows, [database.connection_id for database in due], begin_for_s=budget_s * 2 / 3)
    pool, ends_at = ThreadPoolExecutor(workers, "poll"), time.monotonic() + budget_s
    futures = [pool.submit(reader.read, database) for database in due]
    pending = set(futures)
    try:
        while pending and (left_s := min(ends_at, reader.last_begun_at + ANSWER_S) - time.monotonic()) > 0:
            _, pending = wait(pending, timeout=min(left_s, LOOK_S))
        problem = failure(Code.NOTION_UNREACHABLE, detail=f"no answer within {min(budget_s, ANSWER_S):.0f} s")
        readings = [
            future.result() if future.done() else _reading(database, problem=problem)
            for future, database in zip(futures, due, strict=True)
            if future.done() or not future.cancel()
        ]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    read = [reading for reading in readings if reading is not None]
    return read, len(due) - len(read)


class _Reader:
    """Reads Link Databases, as long as there is time to begin."""

    def __init__(self, link_rows: LinkRows, connection_ids: Sequence[str], *, begin_for_s: float) -> None:
        self._link_rows = link_rows
        self._tokens = link_rows.tokens.read_at_once(connection_ids)
        self.last_begun_at = time.monotonic()
        self._begin_by = self.last_begun_at + begin_for_s

    def read(self, database: LinkDatabase) -> Reading | None:
        """Return the pending rows of one, or why they can't be read. None where it is too late to begin."""
        begun_at = time.monotonic()
        if begun_at > self._begin_by:
            return None
        self.last_begun_at = begun_at
        try:
            workspace = self._link_rows.workspace(
                database.connection_id, max_throttle_wait_s=MAX_THROTTLE_WAIT_S, tokens=self._tokens
            )
            rows = workspace.pending_rows(database.data_source_id, status_type(database.data_schema))
        except SvpError as error:
            return _reading(database, problem=error)
        return _reading(database, rows=tuple(rows))


def _reading(database: LinkDatabase, *, rows: tuple[Row, ...] = (), problem: SvpError | None = None) -> Reading:
    return Reading(connection_id=database.connection_id, link_database=database, rows=rows, problem=problem)


def read_direct(link_rows: LinkRows, *, per_connection: int, part: Part, now: datetime) -> list[Reading]:
    """Read the direct entries whose time has come, a few of each connection. Notion isn't asked."""
    store = link_rows.store
    waiting = store.sweep.waiting_direct(BUDGET_CODES, after=now, limit=WAITING_LOOKED_AT, part=part)
    for connection_id, page_ids in waiting.items():
        known_entries(store, connection_id, page_ids, link_rows.caps, now=now)  # a cap may have been raised
    found = store.sweep.pending_direct(
        now=now,
        platforms=store.platforms.all().values(),
        site_faults=SITE_FAULTS,
        paused_before=now - PAUSE_LIMIT,
        per_connection=per_connection,
        part=part,
    )
    rows: dict[str, list[LinkEntry]] = {}
    for entry in found:
        rows.setdefault(entry.link.connection_id, []).append(entry.link)
    return [Reading(connection_id=each, link_database=None, rows=tuple(links)) for each, links in rows.items()]
