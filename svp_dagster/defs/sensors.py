"""What starts runs, and what cleans up behind those that ended badly."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import dagster as dg

from svp_dagster import polling
from svp_dagster.defs.jobs import process_link
from svp_dagster.defs.partitions import link_entries
from svp_dagster.errors import Code, failure
from svp_dagster.resources.link_rows import LinkRows
from svp_dagster.resources.polling_rules import PollingRules
from svp_dagster.resources.work_folder import WorkFolder

RUNNING = dg.DefaultSensorStatus.RUNNING
PARTITION_TAG = "dagster/partition"
CONNECTION_TAG = "svp/connection"
IN_PROGRESS = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
SWEEP_LIMIT = 50
OWED_FOR = timedelta(seconds=30)


@dg.sensor(job=process_link, minimum_interval_seconds=5, default_status=RUNNING)
def pending_links(
    context: dg.SensorEvaluationContext, link_rows: LinkRows, polling_rules: PollingRules
) -> dg.SensorResult | dg.SkipReason:
    """Ask the Link Databases that are due for pending rows, and start a run for each that can be worked on."""
    read_at = datetime.now(UTC)
    due = link_rows.store.databases.due(now=read_at, limit=polling_rules.connections_per_tick)
    if not due:
        return dg.SkipReason("No Link Database is due.")
    readings, unanswered = polling.read_due(
        link_rows, due, workers=polling_rules.workers, budget_s=polling_rules.budget_s
    )
    decisions: list[polling.Decision] = []
    for reading in readings:
        left = polling_rules.rows_per_tick - sum(len(made.requests) for made in decisions)
        limit = min(left, polling_rules.rows_per_connection)
        decisions.append(_decide(context.instance, link_rows, reading, read_at=read_at, limit=limit))
        polling.settle(
            link_rows, reading, interval=polling_rules.interval, more=decisions[-1].more, now=datetime.now(UTC)
        )
    requests = [request for decision in decisions for request in decision.requests]
    context.log.info("asked %d of %d Link Databases: %d rows to start", len(readings), len(due), len(requests))
    if not requests:
        return dg.SkipReason(_why_nothing(readings, decisions, unanswered))
    return dg.SensorResult(
        run_requests=[_run_request(request) for request in requests],
        dynamic_partitions_requests=[link_entries.build_add_request([r.link.page_id for r in requests])],
    )


def _decide(
    instance: dg.DagsterInstance, link_rows: LinkRows, reading: polling.Reading, *, read_at: datetime, limit: int
) -> polling.Decision:
    page_ids = [row.page_id for row in reading.rows]
    content_databases = link_rows.store.databases.content_databases(reading.link_database.connection_id)
    decision = polling.decide(
        reading.rows,
        known=link_rows.store.entries.known(page_ids),
        in_progress=_in_progress(instance, page_ids),
        tags={database.tag for database in content_databases},
        read_at=read_at,
        limit=limit,
    )
    polling.keep(link_rows, decision, now=datetime.now(UTC))
    return decision


def _in_progress(instance: dg.DagsterInstance, page_ids: Collection[str]) -> set[str]:
    if not page_ids:
        return set()
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: list(page_ids)}, statuses=IN_PROGRESS))
    return {run.tags[PARTITION_TAG] for run in runs}


def _run_request(request: polling.Request) -> dg.RunRequest:
    link = request.link
    return dg.RunRequest(
        run_key=request.run_key,
        partition_key=link.page_id,
        tags={CONNECTION_TAG: link.connection_id, "svp/tag": link.tag},
    )


def _why_nothing(readings: list[polling.Reading], decisions: list[polling.Decision], unanswered: int) -> str:
    problems = sorted({reading.problem.sentence for reading in readings if reading.problem})
    skipped = [f"row {page_id}: {reason}" for decision in decisions for page_id, reason in decision.skipped.items()]
    rejected = sum(len(decision.rejections) for decision in decisions)
    parts = [
        f"{len(readings)} Link Databases asked, no row to start.",
        f"{rejected} ended as failed." if rejected else "",
        f"{unanswered} didn't answer in time and are asked again." if unanswered else "",
        *problems[:3],
        *sorted(skipped)[:5],
    ]
    return " ".join(part for part in parts if part)


@dg.run_failure_sensor(monitored_jobs=[process_link], default_status=RUNNING, minimum_interval_seconds=5)
def killed_runs(context: dg.RunFailureSensorContext, link_rows: LinkRows, work_folder: WorkFolder) -> None:
    """End the rows of runs whose process was killed, unless the run is started again."""
    if context.dagster_run.tags.get("dagster/will_retry") != "true":
        _end(context, link_rows, Code.INTERRUPTED)
    work_folder.remove(context.dagster_run.run_id)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    monitored_jobs=[process_link],
    default_status=RUNNING,
    minimum_interval_seconds=5,
)
def cancelled_runs(context: dg.RunStatusSensorContext, link_rows: LinkRows, work_folder: WorkFolder) -> None:
    """End the rows of runs that an operator stopped."""
    _end(context, link_rows, Code.CANCELLED)
    work_folder.remove(context.dagster_run.run_id)


def _end(context: dg.RunStatusSensorContext, link_rows: LinkRows, code: Code) -> None:
    run = context.dagster_run
    error = failure(code, detail=f"run {run.run_id}")
    page_id = run.tags.get(PARTITION_TAG, "")
    if link_rows.fail(run.run_id, error) is None and not _in_progress(context.instance, [page_id]):
        # The run ended before it could claim its row: nobody else will end it.
        link_rows.fail_unclaimed(page_id, error)


@dg.sensor(minimum_interval_seconds=30, default_status=RUNNING)
def owed_statuses(link_rows: LinkRows) -> dg.SkipReason:
    """Tell Notion the statuses that it could not be told when they changed."""
    before = datetime.now(UTC) - OWED_FOR
    owed = link_rows.store.entries.owed(before=before, limit=SWEEP_LIMIT)
    for entry in owed:
        link_rows.show(entry.link.page_id)
    return dg.SkipReason(f"{len(owed)} statuses were owed.")
