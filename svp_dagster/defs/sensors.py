"""What starts runs, and what deals with the rows of those that failed or were cancelled."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.failures import failure_of_run, lost_claim, recorded_failure
from svp_dagster.defs.jobs import process_link
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.watch.starts import report_starts
from svp_dagster.defs.watch.ticks import timed
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.errors import Code, EntryGone, SvpError, failure
from svp_dagster.models import Link
from svp_dagster.rows import polling
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.pacing.shares import Share, priority
from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.rows.retry import retry_rows
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.rows.sources.readings import Reading, read_direct, read_due
from svp_dagster.rows.spending.caps import known_entries
from svp_dagster.rows.waiting import interruption

RUNNING = dg.DefaultSensorStatus.RUNNING


def pending_links_sensor(number: int) -> dg.SensorDefinition:
    """Return the sensor with this number, from 1 on, of those that share the connections (`SVP_POLL_SENSORS`)."""
    name = "pending_links" if number == 1 else f"pending_links_{number}"

    def tick(
        context: dg.SensorEvaluationContext,
        link_rows: dg.ResourceParam[LinkRows],
        polling_rules: dg.ResourceParam[PollingRules],
        site_rules: dg.ResourceParam[SiteRules],
        kept_media: dg.ResourceParam[KeptMedia],
    ) -> dg.SensorResult | dg.SkipReason:
        return _tick(context, number, link_rows, polling_rules, site_rules, kept_media)

    tick.__name__ = name
    return dg.sensor(
        job=process_link,
        minimum_interval_seconds=5,
        default_status=RUNNING,
        description="Ask the Link Databases that are due for pending rows, and start a run for each that can be worked "
        "on. So too for uploads, and links that were added in the app. Stop it to let no new run start, before "
        "maintenance for example; rows stay pending in Notion until you start it.",
    )(timed(tick))


pending_links = pending_links_sensor(1)


def _tick(
    context: dg.SensorEvaluationContext,
    number: int,
    link_rows: LinkRows,
    polling_rules: PollingRules,
    site_rules: SiteRules,
    kept_media: KeptMedia,
) -> dg.SensorResult | dg.SkipReason:
    """Read the pending rows of the Link Databases that are due and the direct entries, and start runs for them."""
    read_at, part = datetime.now(UTC), polling_rules.part(number)
    due = link_rows.store.databases.due(now=read_at, limit=polling_rules.connections_per_tick, part=part)
    direct = read_direct(link_rows, per_connection=polling_rules.direct_per_connection, part=part, now=read_at)
    if not due and not direct:
        return dg.SkipReason("No Link Database is due.")
    readings, unanswered = read_due(link_rows, due, workers=polling_rules.workers, budget_s=polling_rules.budget_s)
    asked = len(readings)
    readings += direct
    is_kept = kept_media.lookup()
    decide = partial(_decide, context.instance, link_rows, polling_rules, site_rules, is_kept, read_at=read_at)
    made: list[tuple[Reading, polling.Decision]] = []
    started, decide_by = Counter[str](), read_at + timedelta(seconds=polling_rules.decide_by_s)
    for reading in sorted(readings, key=lambda reading: len(reading.rows)):  # a bulk takes what the others leave
        if datetime.now(UTC) > decide_by:
            break  # what is left is due still
        limit = min(polling_rules.starts - started.total(), polling_rules.rows_per_connection)
        made.append((reading, decide(reading, started=started[reading.connection_id], limit=limit)))
        started[reading.connection_id] += len(made[-1][1].requests)
    polling.settle(link_rows, made, rules=polling_rules, now=datetime.now(UTC))
    decisions = [decision for _, decision in made]
    requests = [request for decision in decisions for request in decision.requests]
    context.log.info("asked %d of %d Link Databases: %d rows to start", asked, len(due), len(requests))
    if not requests:
        return dg.SkipReason(_why_nothing(readings, decisions, asked=asked, unanswered=unanswered))
    return _launch(link_rows, requests, at=read_at)


def _decide(
    instance: dg.DagsterInstance,
    link_rows: LinkRows,
    polling_rules: PollingRules,
    rules: SiteRules,
    is_kept: Callable[[Link], bool],
    reading: Reading,
    *,
    read_at: datetime,
    started: int,
    limit: int,
) -> polling.Decision:
    """Decide about the rows of a reading, and keep it. `started` rows of its connection start in this tick already."""
    if not reading.rows:
        return polling.Decision()
    connection_id, pace = reading.connection_id, SitePace(link_rows.store, rules)
    page_ids = [row.page_id for row in reading.rows]
    running = runs.rows_of_connection(instance, connection_id)
    known = known_entries(link_rows.store, connection_id, {*page_ids, *running}, link_rows.caps, now=read_at)
    ended = {page_id for page_id in running if page_id in known and known[page_id].status.is_final}
    content_databases = link_rows.store.databases.content_databases(connection_id)
    queue = pace.queue(is_kept=is_kept, now=read_at)
    decision = polling.decide(
        reading.rows,
        known=known,
        in_progress=runs.rows_in_progress(instance, known.values()),
        platforms=link_rows.store.platforms.all(),
        queue=queue,
        tags={database.tag for database in content_databases},
        extra_hosts=rules.extra_hosts,
        share=Share(runs=len(running - ended) + started, limit=polling_rules.runs_per_connection),
        read_at=read_at,
        limit=limit,
    )
    try:
        polling.keep(link_rows, decision, now=datetime.now(UTC))
    except EntryGone:
        return polling.Decision()  # the owner deleted the connection's data while its rows were read
    for start in decision.requests:
        if queue.needs_turn(start.link):
            pace.reserve(start.link, now=datetime.now(UTC))
    return decision


def _launch(link_rows: LinkRows, requests: Sequence[polling.Start], *, at: datetime) -> dg.SensorResult:
    """Ask for a run for each row in its partition. A row whose owner's data were deleted meanwhile has none."""
    known = link_rows.store.entries.known(request.link.page_id for request in requests)
    report_starts(known.values(), read_at=at)
    keys = {page_id: entry.partition_key for page_id, entry in known.items() if entry.partition_key}
    return dg.SensorResult(
        run_requests=[
            _run_request(request, keys[request.link.page_id], at=at)
            for request in requests
            if request.link.page_id in keys
        ],
        dynamic_partitions_requests=[link_entries.build_add_request(list(keys.values()))],
    )


def _run_request(request: polling.Start, key: str, *, at: datetime) -> dg.RunRequest:
    """Return the request for a run. Whatever its tags say about the row is added where every run is queued."""
    rank = priority(runs_before=request.runs_before, requested_at=at)
    return dg.RunRequest(run_key=request.run_key, partition_key=key, tags={runs.PRIORITY_TAG: str(rank)})


def _why_nothing(readings: list[Reading], decisions: list[polling.Decision], *, asked: int, unanswered: int) -> str:
    problems = sorted({reading.problem.sentence for reading in readings if reading.problem})
    skipped = [f"row {page_id}: {reason}" for decision in decisions for page_id, reason in decision.skipped.items()]
    rejected = sum(len(decision.rejections) for decision in decisions)
    postponed = sum(len(decision.postponements) for decision in decisions)
    parts = [
        f"{asked} Link Databases asked, no row to start.",
        f"{rejected} ended as failed." if rejected else "",
        f"{postponed} wait for their platform or their turn." if postponed else "",
        f"{unanswered} didn't answer in time and are asked again." if unanswered else "",
        *problems[:3],
        *sorted(skipped)[:5],
    ]
    return " ".join(part for part in parts if part)


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
