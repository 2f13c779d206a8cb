"""The sensor `pending_links`, and further ones that share its connections (`SVP_POLL_SENSORS`)."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.defs.jobs import process_link
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.polling.look import look
from svp_dagster.defs.watch.starts import report_starts
from svp_dagster.defs.watch.ticks import measured
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.rows import polling
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pacing.shares import priority
from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.rows.sources.work import wait_for_work
from svp_dagster.settings import Settings


@dg.definitions
def pending_links() -> dg.Definitions:
    """Define `pending_links`, `pending_links_2` and so on."""
    return dg.Definitions(sensors=[_sensor(number) for number in range(1, Settings().poll_sensors + 1)])


def _sensor(number: int) -> dg.SensorDefinition:
    name = "pending_links" if number == 1 else f"pending_links_{number}"

    @dg.sensor(
        name=name,
        job=process_link,
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ask the Link Databases that are due for pending rows, and start a run for each that can be worked "
        "on. So too for uploads, and links that were added in the app. Stop it to let no new run start, before "
        "maintenance for example; rows stay pending in Notion until you start it.",
    )
    def tick(
        context: dg.SensorEvaluationContext,
        link_rows: dg.ResourceParam[LinkRows],
        polling_rules: dg.ResourceParam[PollingRules],
        site_rules: dg.ResourceParam[SiteRules],
        kept_media: dg.ResourceParam[KeptMedia],
    ) -> dg.SensorResult | dg.SkipReason:
        """Look for pending rows, until there is one to start or the time of a tick is over.

        Dagster's daemon comes round every 5 s. What a person asks for meanwhile, or Notion announces, is found by the
        tick that waits for it.
        """
        part, wait_until_s = polling_rules.part(number), time.monotonic() + polling_rules.wait_s
        while True:
            mark = link_rows.store.sweep.direct_mark(now=datetime.now(UTC), part=part)
            with measured(name):
                found = look(context.instance, link_rows, polling_rules, site_rules, kept_media, part=part)
            if found.requests:
                return _launch(link_rows, found.requests, at=found.read_at)
            left_s = wait_until_s - time.monotonic()
            if not wait_for_work(link_rows.store, part=part, direct_mark=mark, limit_s=left_s):
                return dg.SkipReason(found.why_nothing)

    return tick


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
