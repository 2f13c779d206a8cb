"""The schedules: they remove what is older than it is kept, each with a small job whose runs say what was removed.

A schedule is for what has no condition to watch; what has one is a sensor (`sweeps.py`, `deletions.py`). Each run of a
job is a process of its own, which takes some seconds of CPU, so nothing here is more frequent than hourly. A run does
all there is to do within its budget of time, and the next one does the rest.

The jobs' runs don't compete with those of rows: `dagster.yaml` keeps a slot for them by `runs.KIND_TAG`, one at a time.
After a pause of the daemon a schedule has missed many ticks, and runs once: Dagster 1.13 doesn't catch up for jobs
without partitions (`launch_scheduled_runs_for_schedule_iterator` in dagster/_scheduler/scheduler.py).
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile
from typing import TypeVar

import dagster as dg
from pydantic import Field

from svp_dagster.component import Component
from svp_dagster.defs import runs
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.library.files import OUTCOMES, UPLOADS, delete_files, entries_with_files
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.settings import Settings
from svp_dagster.store.entries import Entry

T = TypeVar("T")

RUNNING = dg.DefaultScheduleStatus.RUNNING
TAGS = {
    runs.KIND_TAG: runs.HOUSEKEEPING,
    runs.PRIORITY_TAG: "10",  # those of rows are negative
    runs.MAX_RETRIES_TAG: "0",  # the next tick does what a run that died left
    "dagster/max_runtime": "900",
}

BUDGET_S = 240.0
"""An op begins nothing new after so long. With all its ops a run ends before its `dagster/max_runtime`."""
FOLDERS_KEPT = timedelta(hours=24)
OUTCOMES_AT_ONCE = 100


class Retention(Component):
    """Ages in days. The store's history of rows and costs stays for good."""

    partitions_kept_days: int = Field(default=14, ge=1, description="Dagster's partitions of finished rows.")
    runs_kept_days: int = Field(default=30, ge=1, description="Dagster's finished runs.")
    contents_kept_days: int = Field(default=365, ge=1, description="Results by content.")
    library_kept_days: int | None = Field(default=None, ge=1, description="Outcomes; None: for good.")


def retention(settings: Settings) -> Retention:
    """Return the ages of this installation."""
    return Retention(
        partitions_kept_days=settings.partitions_kept_days,
        runs_kept_days=settings.runs_kept_days,
        contents_kept_days=settings.contents_kept_days,
        library_kept_days=settings.library_kept_days,
    )


@dg.op(
    description="Remove the partitions of rows that ended before SVP_PARTITIONS_KEPT_DAYS from Dagster, and of uploads "
    "that were deleted. The rows stay in the app, and one that is started again gets its partition back."
)
def remove_old_partitions(
    context: dg.OpExecutionContext, link_rows: dg.ResourceParam[LinkRows], retention: dg.ResourceParam[Retention]
) -> None:
    """Delete the partitions of rows that ended long ago, or are gone, and have no run.

    A row is in the store before its partition is in Dagster, so the partitions are listed first.
    """
    instance, before = context.instance, _days_ago(retention.partitions_kept_days)
    old: list[str] = []
    for keys in runs.batches(instance.get_dynamic_partitions(str(link_entries.name))):
        rows = link_rows.store.entries.of_partitions(keys)
        old += [key for key in keys if _may_go(rows.get(key), before=before)]
    removed = sum(_remove_partition(instance, link_rows, key, before=before) for key in _in_time(old))
    _report(context, "partitions", removed=removed, left=len(old) - removed)


def _may_go(entry: Entry | None, *, before: datetime) -> bool:
    """Return whether the partition of a row can go. None is a row that was deleted."""
    return entry is None or _has_ended(entry, before=before)


def _has_ended(entry: Entry, *, before: datetime) -> bool:
    return entry.status.is_final and not entry.is_in_redo and entry.updated_at < before


def _remove_partition(instance: dg.DagsterInstance, link_rows: LinkRows, key: str, *, before: datetime) -> bool:
    """Delete a row's partition, unless the row was started again meanwhile."""
    entry = link_rows.store.entries.of_partitions([key]).get(key)
    if not _may_go(entry, before=before) or runs.keys_in_progress(instance, [key]):
        return False
    instance.delete_dynamic_partition(str(link_entries.name), key)
    return True


@dg.op(
    description="Remove finished runs of every job that were made before SVP_RUNS_KEPT_DAYS, with their events and "
    "logs. A run that a row still counts as its own stays."
)
def remove_old_runs(
    context: dg.OpExecutionContext, link_rows: dg.ResourceParam[LinkRows], retention: dg.ResourceParam[Retention]
) -> None:
    """Delete finished runs that were made long ago, the oldest first."""
    too_old = dg.RunsFilter(statuses=runs.FINISHED, created_before=_days_ago(retention.runs_kept_days))
    old = [*reversed(context.instance.get_run_ids(too_old))]
    removed = 0
    for run_id in _in_time(old):
        if link_rows.store.entries.held_by(run_id) is None:
            runs.delete(context.instance, run_id)
            removed += 1
    _report(context, "runs", removed=removed, left=len(old) - removed)


@dg.op(
    description="Remove results by content of SVP_CONTENTS_KEPT_DAYS, after which the same video is paid for again, "
    "and answers of services that no rule knows and that didn't come for SVP_RUNS_KEPT_DAYS."
)
def remove_old_results(
    context: dg.OpExecutionContext, link_rows: dg.ResourceParam[LinkRows], retention: dg.ResourceParam[Retention]
) -> None:
    """Delete old results and old unknown answers."""
    store = link_rows.store
    store.deletions.forget_subjects(now=datetime.now(UTC))
    results = store.contents.forget_before(_days_ago(retention.contents_kept_days))
    answers = store.unknown_answers.forget_before(_days_ago(retention.runs_kept_days))
    _report(context, "results and unknown answers", removed=results + answers)


@dg.op(
    description="Remove media that were downloaded before SVP_MEDIA_KEPT_HOURS. A post that is needed again is "
    "downloaded again."
)
def remove_old_media(context: dg.OpExecutionContext, kept_media: dg.ResourceParam[KeptMedia]) -> None:
    """Remove the media of posts that are older than they are kept."""
    _report(context, "kept posts", removed=kept_media.prune())


@dg.op(
    description="Remove what came out of videos from the library SVP_LIBRARY_KEPT_DAYS after it was made, with its "
    "files. Nothing is removed where the setting is empty. The rows and their pages stay."
)
def remove_old_outcomes(
    context: dg.OpExecutionContext, link_rows: dg.ResourceParam[LinkRows], retention: dg.ResourceParam[Retention]
) -> None:
    """Delete old outcomes with their files."""
    removed = 0
    if retention.library_kept_days is not None:
        before = _days_ago(retention.library_kept_days)
        for _ in _in_time(count()):
            page_ids = link_rows.store.library.forget_before(before, limit=OUTCOMES_AT_ONCE)
            for page_id in page_ids:
                delete_files(link_rows.storage, OUTCOMES, page_id)
            removed += len(page_ids)
            if not page_ids:
                break
    link_rows.store.library.forget_words()  # also those of uploads that their owners deleted
    _report(context, "outcomes", removed=removed)


@dg.op(
    description="Remove the folders of temporary files that killed runs left a day ago or earlier, on the machine on "
    "which this runs. The log names the runs."
)
def remove_orphaned_folders(context: dg.OpExecutionContext, work_folder: dg.ResourceParam[WorkFolder]) -> None:
    """Remove the work folders of runs that are over."""
    old = work_folder.older_than(datetime.now(UTC) - FOLDERS_KEPT)
    orphaned = [run_id for run_id in old if runs.ended_at(context.instance, run_id) is not None]
    for run_id in orphaned:
        work_folder.remove(run_id)
        context.log.info("removed the work folder of run %s", run_id)
    _report(context, "work folders", removed=len(orphaned))


@dg.op(
    description="Remove files of the storage that nothing refers to: of uploads and outcomes that are gone, small "
    "pictures of videos that no row has (any more), and what was left by processes that were killed while they wrote."
)
def remove_orphaned_files(context: dg.OpExecutionContext, link_rows: dg.ResourceParam[LinkRows]) -> None:
    """Remove the files of the storage that nothing refers to. The store knows of an upload after its file is there."""
    storage, store = link_rows.storage, link_rows.store
    unfinished = storage.sweep_unfinished(older_than=FOLDERS_KEPT)
    pictures = link_rows.thumbnails.keep_only(store.entries.media_keys)
    now = datetime.now(UTC)
    rooms = ((OUTCOMES, store.library.known, now), (UPLOADS, store.uploads.of, now - FOLDERS_KEPT))
    orphaned = [
        (room, page_id)
        for room, known, before in rooms
        for page_ids in runs.batches(entries_with_files(storage, room, before=before))
        for page_id in sorted(set(page_ids).difference(known(page_ids)))
    ]
    removed = 0
    for room, page_id in _in_time(orphaned):
        delete_files(storage, room, page_id)
        removed += 1
    _report(context, "files", removed=unfinished + pictures + removed, left=len(orphaned) - removed)


@dg.job(
    name="retention",
    executor_def=dg.in_process_executor,
    tags=TAGS,
    description="Remove what is older than it is kept: partitions, runs, results by content, media and outcomes. It "
    "runs hourly. Launch it by hand to make room at once, after a kept time in the settings was shortened for example. "
    "The metadata of its ops say how much was removed and how much is left to the next run.",
)
def retention_job() -> None:
    """Remove what is older than it is kept."""
    remove_old_partitions()
    remove_old_runs()
    remove_old_results()
    remove_old_media()
    remove_old_outcomes()


@dg.job(
    executor_def=dg.in_process_executor,
    tags=TAGS,
    description="Remove the folders of killed runs, and files of the storage that nothing refers to. It runs daily. "
    "Launch it by hand where the disk is full.",
)
def orphaned_folders() -> None:
    """Remove the folders of killed runs, and orphaned files."""
    remove_orphaned_folders()
    remove_orphaned_files()


@dg.schedule(
    job=retention_job,
    cron_schedule="20 * * * *",
    default_status=RUNNING,
    description="Start the job `retention` every hour. Stop it to keep everything in Dagster for a while, before you "
    "examine old runs for example; what became too old meanwhile goes with the next tick after you start it again.",
)
def hourly_retention(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start the job, unless a run of it goes on."""
    return _one_at_a_time(context, retention_job)


@dg.schedule(
    job=orphaned_folders,
    cron_schedule="40 3 * * *",
    default_status=RUNNING,
    description="Start the job `orphaned_folders` every day. Stop it to keep what killed runs left.",
)
def daily_orphaned_folders(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start the job, unless a run of it goes on."""
    return _one_at_a_time(context, orphaned_folders)


def _one_at_a_time(context: dg.ScheduleEvaluationContext, job: dg.JobDefinition) -> dg.RunRequest | dg.SkipReason:
    going_on = dg.RunsFilter(job_name=job.name, statuses=runs.IN_PROGRESS)
    if context.instance.get_runs(going_on, limit=1):
        return dg.SkipReason(f"A run of {job.name} is queued or goes on.")
    return dg.RunRequest()


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _in_time(found: Iterable[T]) -> Iterator[T]:
    """Yield what can be begun before the op's time is over."""
    ends_at = time.monotonic() + BUDGET_S
    return takewhile(lambda _: time.monotonic() < ends_at, found)


def _report(context: dg.OpExecutionContext, what: str, *, removed: int, left: int = 0) -> None:
    """Show what an op did, in the run's log and as metadata of the op."""
    context.log.info("removed %d %s, %d are left", removed, what, left)
    context.add_output_metadata({"removed": removed, "left": left})
