"""How the databases read what ticks, sweeps, pages and housekeeping ask for: never all of a table that grows.

The tables are filled and analysed, so that PostgreSQL plans as it does for many more rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from benchmarks.scale.filling import add_connections, add_entries
from svp_dagster.errors import BUDGET_CODES, Code
from svp_dagster.models import Status
from svp_dagster.store.installation.figures import figures
from svp_dagster.store.polling.parts import Part
from svp_dagster.store.polling.polls import Poll
from svp_dagster.store.reservations import Cap, Scope
from svp_dagster.store.store import Store
from tests.store.examples import link

pytestmark = pytest.mark.slow

CONNECTIONS, ENTRIES = 200, 10_000
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ENDED_AT, LONG_AGO, MINUTE = NOW - timedelta(days=90), NOW - timedelta(days=900), timedelta(minutes=1)
TABLES = "link_entries|outcomes|contents|content_uses|ledger|uploads"
SMALL = "direct|holder|retry|unsynced"
"""Indexes of the few entries that a sweep looks for. All of one may be read."""
FULL_SCAN = re.compile(
    rf"SCAN ({TABLES})\b(?! USING (COVERING )?INDEX ix_link_entries_({SMALL}))|Seq Scan on ({TABLES})\b"
)
CAP = Cap(code=Code.CONNECTION_BUDGET_REACHED, scope=Scope.CONNECTION, usd=1)
IN_PROGRESS = tuple(status for status in Status if not status.is_final)


def asked(store: Store, ids: list[str]) -> dict[str, Callable[[], object]]:
    """What is asked of the store on the ways that everybody waits for, and by housekeeping."""
    mine, some = ids[0], ids[:100]
    entries, _ = store.entries.page(mine, offset=0, limit=20)
    page_ids, entry = [each.link.page_id for each in entries], entries[0]
    sweep, databases = store.sweep, store.databases
    direct: dict[str, Any] = {"platforms": (), "site_faults": (Code.RATE_LIMITED,), "paused_before": NOW}
    direct |= {"per_connection": 9}
    return {
        "tick: due": lambda: databases.due(now=NOW, limit=100),
        "tick: due of a part": lambda: databases.due(now=NOW, limit=100, part=Part(number=1, total=4)),
        "tick: tokens": lambda: store.connections.access_tokens(some),
        "tick: next retries": lambda: sweep.next_retries(some, after=NOW),
        "tick: direct": lambda: sweep.pending_direct(now=NOW, **direct),
        "tick: direct of a part": lambda: sweep.pending_direct(now=NOW, **direct, part=Part(number=1, total=4)),
        "tick: waiting direct": lambda: sweep.waiting_direct(BUDGET_CODES, after=NOW, limit=9),
        "tick: known": lambda: store.entries.known(page_ids),
        "tick: partitions": lambda: store.entries.of_partitions([entry.partition_key or ""]),
        "tick: request": lambda: store.entries.request(link(mine, at=NOW, page_id="new"), now=NOW),
        "tick: polls": lambda: store.polls.record(
            [Poll(seen=each, next_due_at=NOW + MINUTE) for each in databases.due(now=NOW, limit=9)], now=NOW
        ),
        "click": lambda: databases.poll_now(mine, now=NOW),
        "webhook": lambda: databases.announced("somewhere", now=NOW),
        "webhook: whose": lambda: store.connections.bots([mine]),
        "visit": lambda: databases.opened(mine, now=NOW),
        "run: holder": lambda: store.entries.held_by("run"),
        "run: pages of others": lambda: store.entries.pages_of_others(entry),
        "run: spent": lambda: store.ledger.spent(mine, since=NOW - timedelta(days=19)),
        "run: cap": lambda: store.reservations.used_up([CAP], mine, since=NOW - timedelta(days=19)),
        "run: kept result": lambda: store.contents.latest(entry.media_key or "", "summary", page_id=page_ids[0]),
        "sweep: held": lambda: sweep.held(before=NOW, limit=9),
        "sweep: stale": lambda: sweep.stale_pending(before=NOW, backlog_before=NOW, limit=9, also_paused=False),
        "sweep: unsynced": lambda: store.entries.unsynced(before=NOW, per_connection=9, limit=9),
        "sweep: waiting": lambda: sweep.waiting(BUDGET_CODES, limit=9),
        "sweep: late": lambda: sweep.late(before=NOW, apart_from=BUDGET_CODES),
        "sweep: last completed": sweep.last_completed_at,
        "canary": lambda: sweep.links_of_each("tiktok", [Code.SITE_CHANGED], since=NOW - timedelta(days=30), limit=3),
        "metrics": lambda: figures(store.engine, month=NOW - timedelta(days=19), now=NOW),
        "page": lambda: store.entries.page(mine, offset=0, limit=20),
        "page: in progress": lambda: store.entries.page(mine, statuses=IN_PROGRESS, offset=0, limit=20),
        "page: tag": lambda: store.entries.page(mine, tag="cooking", platform="tiktok", offset=20, limit=20),
        "page: search": lambda: store.entries.page(mine, text="garlic", offset=0, limit=20),
        "page: search of a common word": lambda: store.entries.page(mine, text="common", tag="x", offset=0, limit=20),
        "page: counts": lambda: store.entries.counts(mine),
        "page: costs": lambda: store.entries.costs(page_ids),
        "page: snippets": lambda: store.library.known(page_ids),
        "page: uploads": lambda: store.uploads.page(mine, statuses=IN_PROGRESS, offset=0, limit=20),
        "page: failed": lambda: sweep.failed_of(mine, tag=None, code=None, limit=20),
        "page: month": lambda: store.history.days(mine, since=NOW - timedelta(days=19), until=NOW),
        "retention: outcomes": lambda: store.library.forget_before(LONG_AGO, limit=100),
        "retention: words": store.library.forget_words,
        "retention: results": lambda: store.contents.forget_before(LONG_AGO),
        "deletion of an upload": lambda: store.uploads.delete("upload"),
        "deletion": lambda: store.deletions.delete(ids[-1], now=NOW),
    }


def test_nothing_reads_all_of_a_table_that_grows(store: Store) -> None:
    ids = add_connections(store, CONNECTIONS, now=NOW, over_s=60)
    add_entries(store, ids, ENTRIES, ended_at=ENDED_AT)
    upload = link(ids[0], at=NOW, page_id="upload").model_copy(update={"has_row": False})
    store.entries.request(upload, now=NOW)
    scans = {
        name: found for name, ask in asked(store, ids).items() if (found := FULL_SCAN.findall(plans_of(store, ask)))
    }
    assert scans == {}


def plans_of(store: Store, ask: Callable[[], object]) -> str:
    """Return how the database reads all that is asked, each statement explained before it is executed."""
    plans: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if store.engine.dialect.name == "sqlite" else "EXPLAIN "

    def before(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            one = parameters[0] if isinstance(parameters, list) else parameters
            cursor.execute(explain + statement, one)
            plans.extend(str(line[-1]) for line in cursor.fetchall())

    event.listen(store.engine, "before_cursor_execute", before)
    try:
        ask()
    finally:
        event.remove(store.engine, "before_cursor_execute", before)
    return "\n".join(plans)
