"""Watches redos: launches their backfills, starts rows again that waited, and ends what is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.jobs import process_link
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.redos import backfills
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pacing.shares import redo_priority
from svp_dagster.rows.redos.requests import cancelled, due_again
from svp_dagster.rows.waiting import interruption
from svp_dagster.store.entries import Entry
from svp_dagster.store.redos.redos import Redo

REQUESTS_PER_TICK = 20
GRACE = timedelta(minutes=10)
"""How long a row may be without a run that it should have: Dagster and its failure sensors need some time."""


@dg.sensor(
    job=process_link,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Launch a backfill for each redo that was asked for in the app or with `svp redo`, and start those of "
    "its rows again that waited. Cancel the backfill to stop a redo. While the sensor is off, redos wait.",
)
def redo_requests(
    context: dg.SensorEvaluationContext, link_rows: dg.ResourceParam[LinkRows]
) -> dg.SensorResult | dg.SkipReason:
    """Bring each unfinished redo a step further."""
    unfinished = link_rows.store.redos.unfinished()
    if not unfinished:
        return dg.SkipReason("No redo is going on.")
    requests: list[dg.RunRequest] = []
    for redo in unfinished:
        if redo.launched_at is None:
            _launch(context, link_rows, redo)
        else:
            requests += _requests(context.instance, link_rows, redo)
    if not requests:
        return dg.SkipReason(f"{len(unfinished)} redos are going on; no row of theirs waited to be started again.")
    some = requests[:REQUESTS_PER_TICK]
    keys = [request.partition_key for request in some if request.partition_key]
    return dg.SensorResult(
        run_requests=some, dynamic_partitions_requests=[link_entries.build_add_request(sorted(keys))]
    )


def _launch(context: dg.SensorEvaluationContext, link_rows: LinkRows, redo: Redo) -> None:
    """Launch the backfill of a redo, with the partitions that were removed meanwhile.

    The backfill has the redo's id, so a tick that ended before it could record the launch makes no second one.
    """
    store, now = link_rows.store, datetime.now(UTC)
    entries = [entry for entry in store.redos.open_entries(redo.id) if entry.is_in_redo]
    keys = [entry.partition_key for entry in entries if entry.partition_key]
    if keys:
        context.instance.add_dynamic_partitions(str(link_entries.name), keys)
        tags = _tags(redo) | {runs.CONNECTION_TAG: redo.connection_id}
        backfills.launch(
            context,
            backfill_id=redo.id,
            job=process_link.name,
            keys=keys,
            title=f"Make again: {redo.name}",
            tags=tags,
            at=now,
        )
    store.redos.launched(redo.id, now=now)
    context.log.info("redo %s: a backfill of %d rows was launched", redo.id, len(keys))


def _tags(redo: Redo) -> dict[str, str]:
    return {runs.REDO_TAG: redo.id, runs.PRIORITY_TAG: str(redo_priority(requested_at=redo.requested_at))}


def _requests(instance: dg.DagsterInstance, link_rows: LinkRows, redo: Redo) -> list[dg.RunRequest]:
    """Return the runs for the rows of a redo that waited. End rows that will have none, and the redo with the last."""
    store, now = link_rows.store, datetime.now(UTC)
    entries = store.redos.open_entries(redo.id)
    if not entries:
        store.redos.finish(redo.id, now=now)
        return []
    idle = _without_run(instance, entries)
    match backfills.state(instance, redo.id):
        case backfills.State.CANCELLED:
            store.redos.end([entry.link.page_id for entry in idle], cancelled(), now=now)
            return []
        case backfills.State.OVER:
            _retry_lost_rows(link_rows, idle, now=now)
    due = due_again(store, redo.connection_id, idle, link_rows.caps, now=now)
    return [_run_request(redo, entry) for entry in due]


def _without_run(instance: dg.DagsterInstance, entries: Sequence[Entry]) -> list[Entry]:
    """Return the rows that no run holds or is queued for. A row that was requested anew is left to the poll."""
    free = [entry for entry in entries if entry.is_in_redo and entry.holder is None]
    busy = runs.rows_in_progress(instance, free)
    return [entry for entry in free if entry.link.page_id not in busy]


def _retry_lost_rows(link_rows: LinkRows, idle: Sequence[Entry], *, now: datetime) -> None:
    """Let those rows wait, and so have another run, whose run was deleted or never came."""
    for entry in idle:
        if max(entry.updated_at, entry.retry_at or entry.updated_at) < now - GRACE:
            link_rows.fail_unclaimed(entry.link.page_id, None, interruption(attempts=0, detail="no run of its redo"))


def _run_request(redo: Redo, entry: Entry) -> dg.RunRequest:
    """Return the request for a run that belongs to the redo's backfill, in the UI too."""
    return dg.RunRequest(
        run_key=f"redo:{redo.id}:{entry.link.page_id}:{entry.waits}",
        partition_key=entry.partition_key,
        tags=_tags(redo) | {backfills.BACKFILL_TAG: redo.id},
    )
