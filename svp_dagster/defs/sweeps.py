"""The sweeps: unsynced statuses, orphaned rows and folders, and what is older than it is kept."""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.failures import failure_of_run
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.retention import Retention
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
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

FOLDERS_KEPT = timedelta(hours=24)
PRUNED_PER_TICK = 100


@dg.sensor(minimum_interval_seconds=30, default_status=RUNNING)
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


@dg.sensor(minimum_interval_seconds=60, default_status=RUNNING)
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
    """Give a row that should have had a run a new key for one, or have its status written again."""
    page_id = entry.link.page_id
    run = runs.last_run(context.instance, entry)
    context.log.warning("row %s: no run came since %s", page_id, entry.updated_at)
    if run is not None and run.run_id != entry.run_id:
        link_rows.fail_unclaimed(page_id, run.run_id, interruption(attempts=0, detail=f"run {run.run_id}"))
    else:
        # It isn't among the pending rows of Notion: somebody changed its status, or deleted it.
        link_rows.store.entries.mark_unsynced(page_id, now=datetime.now(UTC))


@dg.sensor(minimum_interval_seconds=24 * 3600, default_status=RUNNING)
def orphaned_folders(context: dg.SensorEvaluationContext, work_folder: dg.ResourceParam[WorkFolder]) -> dg.SkipReason:
    """Remove the work folders of killed runs, daily."""
    removed = 0
    for run_id in work_folder.older_than(datetime.now(UTC) - FOLDERS_KEPT):
        if runs.ended_at(context.instance, run_id) is not None:
            context.log.info("removed the work folder of run %s", run_id)
            work_folder.remove(run_id)
            removed += 1
    return dg.SkipReason(f"{removed} work folders were removed.")


@dg.sensor(minimum_interval_seconds=600, default_status=RUNNING)
def retention_limits(
    context: dg.SensorEvaluationContext,
    link_rows: dg.ResourceParam[LinkRows],
    retention: dg.ResourceParam[Retention],
    kept_media: dg.ResourceParam[KeptMedia],
) -> dg.SensorResult | dg.SkipReason:
    """Remove old runs, partitions of finished rows and results by content, a few at a time; old media and answers."""
    now = datetime.now(UTC)
    partitions, cursor = _prune_partitions(
        context, link_rows, before=now - timedelta(days=retention.partitions_kept_days)
    )
    old_runs = _prune_runs(context.instance, link_rows, before=now - timedelta(days=retention.runs_kept_days))
    contents = link_rows.store.contents.forget_before(now - timedelta(days=retention.contents_kept_days))
    link_rows.store.unknown_answers.forget_before(now - timedelta(days=retention.runs_kept_days))
    media = kept_media.prune()
    reason = f"Removed {partitions} partitions, {old_runs} runs, {contents} results by content and {media} kept posts."
    return dg.SensorResult(skip_reason=reason, cursor=cursor)


def _prune_partitions(context: dg.SensorEvaluationContext, link_rows: LinkRows, *, before: datetime) -> tuple[int, str]:
    """Delete the partitions of rows that ended before this time, beyond the cursor. Return how many, and the cursor."""
    ended, _, page_id = (context.cursor or "").partition(" ")
    after = (datetime.fromisoformat(ended), page_id) if ended else (datetime.fromtimestamp(0, UTC), "")
    finished = link_rows.store.sweep.finished(after=after, before=before, limit=PRUNED_PER_TICK)
    busy = runs.rows_in_progress(context.instance, finished)
    for entry in finished:
        if entry.partition_key and entry.link.page_id not in busy:  # else its run ends it anew; a later tick prunes it
            context.instance.delete_dynamic_partition(str(link_entries.name), entry.partition_key)
    if finished:
        last = finished[-1]
        return len(finished), f"{last.updated_at.isoformat()} {last.link.page_id}"
    return 0, context.cursor or ""


def _prune_runs(instance: dg.DagsterInstance, link_rows: LinkRows, *, before: datetime) -> int:
    """Delete finished runs that were made before this time, the oldest first. Never one that holds a row."""
    too_old = dg.RunsFilter(statuses=runs.FINISHED, created_before=before)
    records = instance.get_run_records(too_old, limit=PRUNED_PER_TICK, order_by="id", ascending=True)
    free = [record for record in records if link_rows.store.entries.held_by(record.dagster_run.run_id) is None]
    for record in free:
        runs.delete(instance, record.dagster_run.run_id)
    return len(free)
