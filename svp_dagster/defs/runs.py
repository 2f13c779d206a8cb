"""What Dagster knows about the runs of rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import dagster as dg

from svp_dagster.errors import Code, SvpError, failure

PARTITION_TAG = "dagster/partition"
CONNECTION_TAG = "svp/connection"
PRIORITY_TAG = "dagster/priority"
VIDEO_TAG = "svp/video"
"""`dagster.yaml` allows one run per value at a time, so that the second finds what the first paid for."""
IN_PROGRESS = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

_REASON_TAG = "dagster/failure_reason"
_INIT_FAILURES = ("RUN_EXCEPTION", "JOB_INITIALIZATION_FAILURE")


def rows_in_progress(instance: dg.DagsterInstance, page_ids: Collection[str]) -> set[str]:
    """Return those of the rows that have a run queued or going on."""
    if not page_ids:
        return set()
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: list(page_ids)}, statuses=IN_PROGRESS))
    return {run.tags[PARTITION_TAG] for run in runs}


def rows_of_connection(instance: dg.DagsterInstance, connection_id: str) -> set[str]:
    """Return the rows of a connection that have a run queued or going on. Runs that an operator started don't count."""
    runs = instance.get_runs(dg.RunsFilter(tags={CONNECTION_TAG: connection_id}, statuses=IN_PROGRESS))
    return {run.tags[PARTITION_TAG] for run in runs}


def last_run(instance: dg.DagsterInstance, page_id: str) -> dg.DagsterRun | None:
    """Return the latest run of a row."""
    return next(iter(instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: page_id}), limit=1)), None)


def ended_at(instance: dg.DagsterInstance, run_id: str) -> datetime | None:
    """Return when a run ended. None while it is queued or goes on. One that is unknown ended long ago."""
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return datetime.fromtimestamp(0, UTC)
    if not record.dagster_run.is_finished:
        return None
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp


def resource_init_error(run: dg.DagsterRun) -> SvpError | None:
    """Return the error of a run that failed before its first op, in making its resources. None for a killed run."""
    if run.tags.get(_REASON_TAG) not in _INIT_FAILURES:
        return None
    reason = "a part of it could not be made ready; the run's log says which"
    return failure(Code.MISCONFIGURED, reason=reason, detail=f"run {run.run_id}")
