"""The sweeps: sensors that watch for unsynced statuses and orphaned rows."""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.failures import failure_of_run
from svp_dagster.errors import SvpError
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.waiting import interruption
from svp_dagster.store.entries import Entry

RUNNING = dg.DefaultSensorStatus.RUNNING

UNSYNCED_FOR = timedelta(seconds=30)
UNSYNCED_BATCH = 500
UNSYNCED_PER_CONNECTION = 15
"""A tick every 30 seconds with so many writes takes a sixth of what Notion allows a connection (3 calls a second)."""
BUDGET_S = 20.0
"""A tick begins no write after so long. Dagster ends a tick that takes 60 seconds."""

GRACE = timedelta(minutes=5)
"""How long the failure sensors and Dagster's own retries have before a row counts as orphaned."""
STALE_AFTER = timedelta(minutes=30)
STALE_IN_BACKLOG_AFTER = timedelta(days=1)
"""After so long without a run a row is looked at. In a backlog it may just wait for the rows before it."""
BATCH = 50


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=RUNNING,
    description="Write the statuses to Notion that could not be written when they changed, a few of each connection at "
    "a time. A tick says how many were written. Stop it while nothing may be written to Notion.",
)
def unsynced_statuses(link_rows: dg.ResourceParam[LinkRows]) -> dg.SkipReason:
    """Write the statuses to Notion that could not be written when they changed.

    This work doesn't wait while Notion is busy, and leaves most of what Notion allows to publishing.
    """
    unsynced = link_rows.store.entries.unsynced(
        before=datetime.now(UTC) - UNSYNCED_FOR, per_connection=UNSYNCED_PER_CONNECTION, limit=UNSYNCED_BATCH
    )
    ends_at, busy, written = time.monotonic() + BUDGET_S, set[str](), 0
    for entry in unsynced:
        if time.monotonic() > ends_at:
            break
        if entry.link.connection_id in busy:
            continue
        if link_rows.sync_status(entry.link.page_id, max_throttle_wait_s=0):
            written += 1
        else:
            busy.add(entry.link.connection_id)
    return dg.SkipReason(f"{len(unsynced)} statuses were unsynced, {written} were written.")


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=RUNNING,
    description="Give rows whose run is over, and rows that got no run for half an hour, another one, or end them. The "
    "tick's log names them with the failure of their run. Leave it running: without it a row can wait for ever.",
)
def orphaned_rows(context: dg.SensorEvaluationContext, link_rows: dg.ResourceParam[LinkRows]) -> dg.SkipReason:
    """Deal with rows that are unfinished though no run works on them, so that none waits for ever."""
    now, store = datetime.now(UTC), link_rows.store
    is_paused = any(platform.is_paused for platform in store.platforms.all().values())
    held = store.sweep.held(before=now - GRACE, limit=BATCH)
    stale = store.sweep.stale_pending(
        before=now - STALE_AFTER,
        backlog_before=now - STALE_IN_BACKLOG_AFTER,
        limit=BATCH,
        also_paused=not is_paused,
    )
    busy = runs.rows_in_progress(context.instance, (*held, *stale))
    for entry in held:
        if entry.link.page_id not in busy:
            _release_orphaned_row(context, link_rows, entry, now=now)
    for entry in stale:
        if entry.link.page_id not in busy:
            _requeue_stale_row(context, link_rows, entry)
    return dg.SkipReason(f"{len(held)} held and {len(stale)} stale rows were looked at; {len(busy)} have a run.")


def _release_orphaned_row(
    context: dg.SensorEvaluationContext, link_rows: LinkRows, entry: Entry, *, now: datetime
) -> None:
    """Requeue or fail a row whose run is over: as the run recorded, else as one that died."""
    run_id = entry.holder or ""
    ended_at = runs.ended_at(context.instance, run_id)
    if ended_at is None or ended_at >= now - GRACE:
        return
    recorded = failure_of_run(context.instance, run_id)
    error = recorded or interruption(attempts=entry.attempts, detail=f"run {run_id}")
    context.log.warning("row %s: its run %s is over: %s", entry.link.page_id, run_id, error.code)
    link_rows.fail(run_id, error)


def _requeue_stale_row(context: dg.SensorEvaluationContext, link_rows: LinkRows, entry: Entry) -> None:
    """Give a row that should have had a run a new key for one, complete it as shown, or write its status again."""
    page_id = entry.link.page_id
    run = runs.last_run(context.instance, entry)
    context.log.warning("row %s: no run came since %s", page_id, entry.updated_at)
    if run is not None and run.run_id != entry.run_id:
        link_rows.fail_unclaimed(page_id, run.run_id, interruption(attempts=0, detail=f"run {run.run_id}"))
    elif not _is_completed_as_shown(context, link_rows, entry):
        # It isn't among the pending rows of Notion: somebody changed its status, or deleted it.
        link_rows.store.entries.mark_unsynced(page_id, now=datetime.now(UTC))


def _is_completed_as_shown(context: dg.SensorEvaluationContext, link_rows: LinkRows, entry: Entry) -> bool:
    try:
        completed = link_rows.complete_as_shown(entry)
    except SvpError as error:
        context.log.warning("row %s: Notion doesn't tell its status: %s", entry.link.page_id, error.code)
        return False  # the sweep of statuses deals with whatever is wrong
    if completed:
        context.log.info("row %s: its row shows that it was completed", entry.link.page_id)
    return completed
