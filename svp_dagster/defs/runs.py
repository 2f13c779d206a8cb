"""What Dagster knows about the runs of rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import dagster as dg

from svp_dagster.errors import Code, SvpError, failure, recalled

PARTITION_TAG = "dagster/partition"
CONNECTION_TAG = "svp/connection"
VIDEO_TAG = "svp/video"
"""`dagster.yaml` has one run for each value at a time: the second finds what the first paid for."""
IN_PROGRESS = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

_REASON_TAG = "dagster/failure_reason"
_BY_ITSELF = ("RUN_EXCEPTION", "JOB_INITIALIZATION_FAILURE")


def rows_in_progress(instance: dg.DagsterInstance, page_ids: Collection[str]) -> set[str]:
    """Those of the rows that have a run queued or going on."""
    if not page_ids:
        return set()
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: list(page_ids)}, statuses=IN_PROGRESS))
    return {run.tags[PARTITION_TAG] for run in runs}


def last_run(instance: dg.DagsterInstance, page_id: str) -> dg.DagsterRun | None:
    """The latest run of a row."""
    return next(iter(instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: page_id}), limit=1)), None)


def ended_at(instance: dg.DagsterInstance, run_id: str) -> datetime | None:
    """When a run ended; None while it is queued or goes on. One that is unknown ended long ago."""
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return datetime.fromtimestamp(0, UTC)
    if not record.dagster_run.is_finished:
        return None
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


def resource_init_error(run: dg.DagsterRun) -> SvpError | None:
    """The failure of a run of which no op ran, because its resources could not be made ready; None if it was killed."""
    if run.tags.get(_REASON_TAG) not in _BY_ITSELF:
        return None
    reason = "a part of it could not be made ready; the run's log says which"
    return failure(Code.MISCONFIGURED, reason=reason, detail=f"run {run.run_id}")


def failed_step(event: dg.DagsterEvent) -> tuple[bool, SvpError | None]:
    """Whether the run ended because an op failed, and the failure that the op raised, where it was of the table."""
    # A run that was declared failed from outside has no failure data.
    step = event.job_failure_data.first_step_failure_event if event.event_specific_data else None
    if step is None:
        return False, None
    raised = step.step_failure_data.user_failure_data
    told = {name: value.value for name, value in raised.metadata.items()} if raised else {}
    if raised is None or "code" not in told:
        return True, None
    return True, recalled(
        code=str(told["code"]),
        sentence=raised.description or "",
        retry=str(told["retry"]),
        retry_after_s=float(str(told["retry_after_s"])) or None,
    )
