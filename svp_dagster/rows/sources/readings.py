"""What a tick of the sensor reads: the pending rows of Link Databases, and direct entries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime

from svp_dagster.errors import BUDGET_CODES, Code, SvpError, failure
from svp_dagster.models import LinkEntry
from svp_dagster.notion.client.http import Tokens
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
    """Read several Link Databases at once. Return the readings and how many did not answer within the budget.

    Those that were not begun in the first two thirds stay due, and are read at the next tick. One that was begun and
    has no answer at the end has a problem: if it stayed due, it would slow down each tick.
    """
    tokens = link_rows.tokens.read_at_once([database.connection_id for database in due])
    pool, begin_by = ThreadPoolExecutor(workers, "poll"), time.monotonic() + budget_s * 2 / 3
    futures = [pool.submit(_read, link_rows, database, tokens, begin_by=begin_by) for database in due]
    readings: list[Reading] = []
    try:
        answers = (future.result() for future in as_completed(futures, timeout=budget_s))
        readings.extend(answer for answer in answers if answer is not None)
    except TimeoutError:
        problem = failure(Code.NOTION_UNREACHABLE, detail=f"no answer within the {budget_s:.0f} s of a tick")
        slow = (each for future, each in zip(futures, due, strict=True) if not (future.done() or future.cancel()))
        readings.extend(_reading(each, problem=problem) for each in slow)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return readings, len(due) - len(readings)


def _read(link_rows: LinkRows, database: LinkDatabase, tokens: Tokens, *, begin_by: float) -> Reading | None:
    if time.monotonic() > begin_by:
        return None
    try:
        workspace = link_rows.workspace(database.connection_id, max_throttle_wait_s=MAX_THROTTLE_WAIT_S, tokens=tokens)
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
