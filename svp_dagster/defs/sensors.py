"""What starts runs, and what deals with the rows of those that failed or were cancelled."""

from datetime import UTC, datetime

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.failures import failure_of_run, lost_claim, recorded_failure
from svp_dagster.defs.watch.ticks import timed
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.retry import retry_rows
from svp_dagster.rows.waiting import interruption

RUNNING = dg.DefaultSensorStatus.RUNNING


@dg.run_failure_sensor(
    default_status=RUNNING,
    minimum_interval_seconds=5,
    description="Let the row of a failed run wait, or fail it for good, as the run recorded. Leave it running: without "
    "it rows wait minutes longer, for `orphaned_rows`.",
)
@timed
def failed_runs(
    context: dg.RunFailureSensorContext,
    link_rows: dg.ResourceParam[LinkRows],
    work_folder: dg.ResourceParam[WorkFolder],
) -> None:
    """Let the rows of failed runs wait or fail, unless Dagster starts the run again or another works on the row.

    It watches all jobs: *Materialize* and backfills of assets run one of Dagster's own.
    """
    run, event = context.dagster_run, context.failure_event
    if lost_claim(event):
        work_folder.remove(run.run_id)  # its row is gone, or another run's: nobody goes on from here
        return
    if run.tags.get("dagster/will_retry") != "true":
        _end_row(context, link_rows, recorded_failure(event))
    work_folder.clear(run.run_id)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    default_status=RUNNING,
    minimum_interval_seconds=5,
    description="Fail the row of a run that you terminated; its owner reads that an operator stopped it. Set the row "
    "to pending, or press Try again in the app, to start it once more.",
)
def cancelled_runs(
    context: dg.RunStatusSensorContext, link_rows: dg.ResourceParam[LinkRows], work_folder: dg.ResourceParam[WorkFolder]
) -> None:
    """End the rows of runs that an operator stopped."""
    _end_row(context, link_rows, failure(Code.CANCELLED, detail=f"run {context.dagster_run.run_id}"))
    work_folder.clear(context.dagster_run.run_id)


def _end_row(context: dg.RunStatusSensorContext, link_rows: LinkRows, error: SvpError | None) -> None:
    """Let the row of a run that ended wait or fail. Without an error the run died, or failed before its first op."""
    run, instance = context.dagster_run, context.instance
    key = run.tags.get(runs.PARTITION_TAG, "")
    entry = link_rows.store.entries.of_partitions([key]).get(key)
    if entry is None:
        return
    page_id, holder = entry.link.page_id, entry.holder
    known = error or (runs.resource_init_error(run) if holder != run.run_id else None)
    known = known or interruption(attempts=entry.attempts if holder else 0, detail=f"run {run.run_id}")
    if link_rows.fail(run.run_id, known) is not None or runs.rows_in_progress(instance, [entry]):
        return
    if known.code is Code.RESULTS_GONE and retry_rows(link_rows.store, [page_id], now=datetime.now(UTC)):
        link_rows.sync_status(page_id, max_throttle_wait_s=0)
        return
    # The run ended before it could claim its row: nobody else will deal with it, nor with a dead run that holds it.
    if holder is None:
        link_rows.fail_unclaimed(page_id, run.run_id, known)
    elif runs.ended_at(instance, holder) is not None:
        link_rows.fail(holder, failure_of_run(instance, holder) or known)
