"""Removes what Dagster and the disk still hold of connections whose data were deleted.

The store forgets a connection at once (`store/my_data/deletion.py`). Its runs are cancelled here, and deleted once they
are over, with its partitions, its media and its grant at Notion. A connection is looked at until nothing can come any
more: a tick or a run that began before the deletion may still leave something.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TypeVar

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.assets import RESULTS
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.redos import backfills
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.errors import SvpError
from svp_dagster.library.files import delete_entry_files
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.store.my_data.deletion import Deletion

T = TypeVar("T")
logger = logging.getLogger(__name__)

BUDGET_S = 20.0
"""A tick begins nothing new after so long. Dagster ends a tick that takes 60 seconds."""
SETTLES = timedelta(minutes=1)
"""How long after its end a run may still write events, and the sensors of ended runs read them."""
FILES_GO_WITHIN = timedelta(minutes=2)
"""How long each tick lists all files to find those that nobody has; once more is at the end of the deletion."""
WATCHED_FOR = timedelta(minutes=15)
"""How long a tick or a run that began before the deletion may leave something."""
REVOKED_WITHIN = timedelta(days=1)
"""How long the grant is tried to be revoked while Notion doesn't answer."""


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Remove the runs, partitions, media and grants of connections whose data were deleted, in the app or "
    "with `svp forget`. Their files in the storage go too. A tick says how many deletions are over. Leave it running: "
    "people were promised that.",
)
def deleted_connections(
    context: dg.SensorEvaluationContext,
    link_rows: dg.ResourceParam[LinkRows],
    kept_media: dg.ResourceParam[KeptMedia],
    work_folder: dg.ResourceParam[WorkFolder],
) -> dg.SkipReason:
    """Remove the runs, partitions, media and grants of connections whose data were deleted."""
    store, instance = link_rows.store, context.instance
    pending = store.deletions.pending()
    if not pending:
        return dg.SkipReason("Nobody's data are left to be removed.")
    ends_at = time.monotonic() + BUDGET_S
    clean = {
        each.connection_id
        for each in _in_time(pending, ends_at)
        if not _remove_traces(instance, link_rows, work_folder, each, ends_at=ends_at)
    }
    revoked = {
        each.connection_id
        for each in _in_time(pending, ends_at)
        if each.is_revoked or link_rows.tokens.revoke_deleted(each.connection_id)
    }
    over = [
        each.connection_id
        for each in pending
        if each.connection_id in clean and _is_over(each, is_revoked=each.connection_id in revoked)
    ]
    _clean_catalogue(instance)
    files = _remove_shared_files(link_rows, kept_media) if over or _has_new(pending) else 0
    for connection_id in over:
        store.deletions.finish(connection_id)
    return dg.SkipReason(f"{len(over)} of {len(pending)} deletions are over. {files} posts and pictures were removed.")


def _has_new(pending: Iterable[Deletion]) -> bool:
    """Return whether there is a deletion of which no tick may have removed the files yet."""
    return any(datetime.now(UTC) - each.requested_at < FILES_GO_WITHIN for each in pending)


def _remove_shared_files(link_rows: LinkRows, kept_media: KeptMedia) -> int:
    """Remove kept posts and pictures that no row has. Return how many."""
    media_keys = link_rows.store.entries.media_keys
    return kept_media.keep_only(media_keys) + link_rows.thumbnails.keep_only(media_keys)


def _in_time(found: Iterable[T], ends_at: float) -> Iterator[T]:
    """Yield what can be begun before the tick's time is over."""
    return takewhile(lambda _: time.monotonic() < ends_at, found)


def _is_over(deletion: Deletion, *, is_revoked: bool) -> bool:
    """Return whether nothing can come any more of a connection of which nothing is left."""
    age = datetime.now(UTC) - deletion.requested_at
    return age > WATCHED_FOR and (is_revoked or age > REVOKED_WITHIN)


def _remove_traces(
    instance: dg.DagsterInstance,
    link_rows: LinkRows,
    work_folder: WorkFolder,
    deletion: Deletion,
    *,
    ends_at: float,
) -> int:
    """Remove what is left of a connection. Return how many runs, partitions and the like still are."""
    link_rows.store.deletions.delete_leftovers(deletion)
    left = backfills.forget(instance, {runs.CONNECTION_TAG: deletion.connection_id})
    left += _remove_runs(instance, work_folder, deletion, ends_at=ends_at)
    left += _remove_partitions(instance, link_rows, deletion, ends_at=ends_at)
    return left + _remove_files_of_rows(link_rows, deletion, ends_at=ends_at)


def _remove_runs(instance: dg.DagsterInstance, work_folder: WorkFolder, deletion: Deletion, *, ends_at: float) -> int:
    """Cancel the runs that go on, and delete those that are over. Return how many are left."""
    found = runs.of_deleted(instance, deletion)
    left = len(found)
    for run in _in_time(found, ends_at):
        ended_at = runs.ended_at(instance, run.run_id)
        if ended_at is None:
            runs.cancel(instance, run)
        elif ended_at < datetime.now(UTC) - SETTLES:
            work_folder.remove(run.run_id)
            runs.delete(instance, run.run_id)
            left -= 1
    return left


def _remove_partitions(instance: dg.DagsterInstance, link_rows: LinkRows, deletion: Deletion, *, ends_at: float) -> int:
    """Delete the partitions of the rows, but of those registered again. Return how many are left."""
    name = str(link_entries.name)
    found = set(deletion.partition_keys).intersection(instance.get_dynamic_partitions(name))
    for some in runs.batches(found):
        found -= link_rows.store.entries.of_partitions(some).keys()
    left = len(found)
    for key in _in_time(sorted(found), ends_at):
        instance.delete_dynamic_partition(name, key)
        left -= 1
    return left


def _remove_files_of_rows(link_rows: LinkRows, deletion: Deletion, *, ends_at: float) -> int:
    """Delete the files of the rows from the storage, but of those that were registered again. Return how many are left.

    A storage that doesn't answer is asked again by the next tick. What a run leaves meanwhile is an orphan, which a
    schedule removes.
    """
    store = link_rows.store
    again = {page_id for some in runs.batches(deletion.page_ids) for page_id in store.entries.known(some)}
    done = set(again)
    try:
        for page_id in _in_time((each for each in deletion.page_ids if each not in again), ends_at):
            delete_entry_files(link_rows.storage.quick, page_id)
            done.add(page_id)
    except SvpError as error:
        logger.warning("files of deleted rows are left: %s", error.code)
    store.deletions.files_removed(deletion.connection_id, done)
    return len(deletion.page_ids) - len(done)


def _clean_catalogue(instance: dg.DagsterInstance) -> None:
    """Remove the copies that Dagster keeps beside the events of a run.

    These are each asset's last materialization, and the cached keys of those that are materialized.
    """
    for key in map(dg.AssetKey, RESULTS):
        instance.wipe_asset_cached_status([key])
        last = instance.get_latest_materialization_event(key)
        if last is not None and last.run_id and not instance.has_run(last.run_id):
            words = "The last result belonged to a row that is gone."
            instance.report_runless_asset_event(dg.AssetMaterialization(key, description=words))
