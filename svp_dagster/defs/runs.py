"""What Dagster knows about the runs of rows.

Dagster knows a row by its partition key (`Entry.partition_key`), and everything else by its page id.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import text

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.store.entries import Entry
from svp_dagster.store.my_data.deletion import Deletion

logger = logging.getLogger(__name__)

PARTITION_TAG = "dagster/partition"
MAX_RETRIES_TAG = "dagster/max_retries"
CONNECTION_TAG = "svp/connection"
ROW_TAG = "svp/row"
PRIORITY_TAG = "dagster/priority"
KIND_TAG = "svp/kind"
"""`dagster.yaml` bounds how many runs of rows, and of housekeeping, go on at a time."""
ROW, HOUSEKEEPING = "row", "housekeeping"
REDO_TAG = "svp/redo"
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

KEYS_AT_ONCE = 500
_REASON_TAG = "dagster/failure_reason"
_INIT_FAILURES = ("RUN_EXCEPTION", "JOB_INITIALIZATION_FAILURE")


def rows_in_progress(instance: dg.DagsterInstance, entries: Iterable[Entry]) -> set[str]:
    """Return the page ids of those rows that have a run queued or going on."""
    page_ids = {entry.partition_key: entry.link.page_id for entry in entries if entry.partition_key}
    return {page_ids[key] for key in keys_in_progress(instance, page_ids)}


def keys_in_progress(instance: dg.DagsterInstance, keys: Collection[str]) -> set[str]:
    """Return those partition keys that have a run queued or going on."""
    return {
        run.tags[PARTITION_TAG]
        for some in batches(keys)
        for run in instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: some}, statuses=IN_PROGRESS))
    }


def rows_of_connection(instance: dg.DagsterInstance, connection_id: str) -> set[str]:
    """Return the page ids of a connection's rows that have a run queued or going on, whoever launched it.

    Runs of a redo aside: they start after all others, and take nothing of their connection's share.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={CONNECTION_TAG: connection_id}, statuses=IN_PROGRESS))
    return {run.tags[ROW_TAG] for run in runs if ROW_TAG in run.tags and REDO_TAG not in run.tags}


def runs_of_connection(instance: dg.DagsterInstance, connection_id: str) -> int:
    """Return how many runs of a connection are queued or go on. Each run of a backfill asks, so none is loaded."""
    return instance.get_runs_count(dg.RunsFilter(tags={CONNECTION_TAG: connection_id}, statuses=IN_PROGRESS))


def last_run(instance: dg.DagsterInstance, entry: Entry) -> dg.DagsterRun | None:
    """Return the latest run of a row."""
    if entry.partition_key is None:
        return None
    return next(iter(instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: entry.partition_key}), limit=1)), None)


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


def of_deleted(instance: dg.DagsterInstance, deletion: Deletion) -> list[dg.DagsterRun]:
    """Return the runs of a connection whose data were deleted.

    A run that never came to the queue has no tag but its partition. One made after the deletion may be of who connected
    again and has the same rows.
    """
    found = {run.run_id: run for run in instance.get_runs(dg.RunsFilter(tags={CONNECTION_TAG: deletion.connection_id}))}
    for keys in batches(deletion.partition_keys):
        untagged = dg.RunsFilter(tags={PARTITION_TAG: keys}, created_before=deletion.requested_at)
        found |= {run.run_id: run for run in instance.get_runs(untagged) if CONNECTION_TAG not in run.tags}
    return list(found.values())


def cancel(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Ask Dagster to stop a run that is queued or going on, once, and not to start it again."""
    if run.status is dg.DagsterRunStatus.CANCELING:
        return
    # A run that is stopped while it starts ends as one that crashed, which Dagster repeats.
    instance.add_run_tags(run.run_id, {MAX_RETRIES_TAG: "0"})
    try:
        instance.run_coordinator.cancel_run(run.run_id)
    except Exception as error:  # noqa: BLE001 (launchers of any kind raise what they like, and the run ends without it)
        logger.warning("run %s was not cancelled: %s", run.run_id, type(error).__name__)


def delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run that is over, with its events and what it printed.

    `delete_run` of dagster 1.13 leaves what the run printed, the results of its checks, and on SQLite the emptied file
    of its events.
    """
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    instance.delete_run(run_id)
    _delete_checks(instance, run_id)
    for path in (Path(instance.root_directory) / "history" / "runs").glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)


def _delete_checks(instance: dg.DagsterInstance, run_id: str) -> None:
    storage: Any = instance.event_log_storage  # SQLite or PostgreSQL
    with storage.index_connection() as connection:
        connection.execute(text("DELETE FROM asset_check_executions WHERE run_id = :run_id"), {"run_id": run_id})


def batches(keys: Collection[str]) -> Iterator[list[str]]:
    """Yield partition keys in parts that fit into a query."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), KEYS_AT_ONCE):
        yield ordered[start : start + KEYS_AT_ONCE]
