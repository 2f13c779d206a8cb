"""The weekly digests: a job with a partition per week, and its schedule."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.housekeeping import schedules
from svp_dagster.rows.digests.weekly import Week, make_digests
from svp_dagster.rows.link_rows import LinkRows

weeks = dg.WeeklyPartitionsDefinition(start_date="2026-11-02", day_offset=1)

TAGS = {
    **schedules.TAGS,
    runs.MAX_RETRIES_TAG: "2",  # the next tick is for another week
    "dagster/max_runtime": "10800",
}
BUDGET_S = 9000.0
"""The op begins no digest after so long, so that it ends before its run's `dagster/max_runtime`."""


@dg.op(
    description="Make or update the digest page of each connection that wants one, first those that aren't there yet. "
    "Its metadata says how many were made, failed or are left, and why some can't be made until their owners do "
    "something. Where some failed or are left, run it again."
)
def make_weekly_digests(context: dg.OpExecutionContext, link_rows: dg.ResourceParam[LinkRows]) -> None:
    """Make or update the digest page of each connection that wants one. Run it again for those that failed."""
    made = make_digests(link_rows, Week(context.partition_time_window.start.date()), budget_s=BUDGET_S)
    counts = {"created": made.created, "updated": made.updated, "empty": made.empty, "left": made.left}
    counts |= {"refused": len(made.refused), "failed": len(made.failed)}
    context.log.info("digests: %s", counts)
    context.add_output_metadata({**counts, "reasons": _reasons(made.refused)})
    if made.failed or made.left:
        raise dg.Failure(
            f"{len(made.failed)} digests were not made, and {made.left} are left. Run this partition again.",
            metadata={**counts, "reasons": _reasons(made.failed)},
        )


def _reasons(failures: Mapping[str, str]) -> dg.JsonMetadataValue:
    return dg.MetadataValue.json(sorted(set(failures.values()))[:5])


@dg.job(
    partitions_def=weeks,
    executor_def=dg.in_process_executor,
    tags=TAGS,
    description="Put what was saved in a week on a page in Notion, for the connections that want it. Launch it for a "
    "week to make its digests anew: pages are updated in place.",
)
def weekly_digests() -> None:
    """Make the digests of a week."""
    make_weekly_digests()


@dg.schedule(
    job=weekly_digests,
    cron_schedule="0 6 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Start the job `weekly_digests` for the week that ended, on Monday mornings (UTC). Stop it to make "
    "none; launch the job by hand for a week that was left out.",
)
def weekly_digests_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Start the job for the week that ended."""
    monday = context.scheduled_execution_time.date() - timedelta(days=7)
    return dg.RunRequest(partition_key=Week(monday).name)
