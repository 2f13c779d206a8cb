"""One look at what is due: read its pending rows, decide about them, and keep the decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from svp_dagster.defs import runs
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.errors import EntryGone
from svp_dagster.models import Link
from svp_dagster.rows import polling
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pacing.pace import SitePace
from svp_dagster.rows.pacing.shares import Share
from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.rows.sources.readings import Reading, read_direct, read_due
from svp_dagster.rows.spending.caps import known_entries
from svp_dagster.store.polling.parts import Part


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was read and decided. `asked` Link Databases answered in time, and `unanswered` didn't."""

    read_at: datetime
    asked: int
    unanswered: int
    made: Sequence[tuple[Reading, polling.Decision]]

    @property
    def requests(self) -> list[polling.Start]:
        """Return the rows to start."""
        return [request for _, decision in self.made for request in decision.requests]

    @property
    def why_nothing(self) -> str:
        """Return why no row starts, for the tick in the Dagster UI."""
        if not self.made and not self.unanswered:
            return "No Link Database is due."
        decisions = [decision for _, decision in self.made]
        problems = sorted({reading.problem.sentence for reading, _ in self.made if reading.problem})
        skipped = [f"row {page_id}: {reason}" for decision in decisions for page_id, reason in decision.skipped.items()]
        rejected = sum(len(decision.rejections) for decision in decisions)
        postponed = sum(len(decision.postponements) for decision in decisions)
        parts = [
            f"{self.asked} Link Databases asked, no row to start.",
            f"{rejected} ended as failed." if rejected else "",
            f"{postponed} wait for their platform or their turn." if postponed else "",
            f"{self.unanswered} didn't answer in time and are asked again." if self.unanswered else "",
            *problems[:3],
            *sorted(skipped)[:5],
        ]
        return " ".join(part for part in parts if part)


def look(
    instance: dg.DagsterInstance,
    link_rows: LinkRows,
    polling_rules: PollingRules,
    site_rules: SiteRules,
    kept_media: KeptMedia,
    *,
    part: Part,
) -> Look:
    """Look at the Link Databases that are due and at the direct entries, as far as the time of a tick allows."""
    read_at = datetime.now(UTC)
    due = link_rows.store.databases.due(now=read_at, limit=polling_rules.connections_per_tick, part=part)
    direct = read_direct(link_rows, per_connection=polling_rules.direct_per_connection, part=part, now=read_at)
    readings, unanswered = read_due(link_rows, due, workers=polling_rules.workers, budget_s=polling_rules.budget_s)
    is_kept = kept_media.lookup()
    decide = partial(_decide, instance, link_rows, polling_rules, site_rules, is_kept, read_at=read_at)
    made: list[tuple[Reading, polling.Decision]] = []
    started, decide_by = Counter[str](), read_at + timedelta(seconds=polling_rules.decide_by_s)
    for reading in sorted([*readings, *direct], key=lambda reading: len(reading.rows)):  # a bulk gets what is left
        if datetime.now(UTC) > decide_by:
            break  # what is left is due still
        limit = min(polling_rules.starts - started.total(), polling_rules.rows_per_connection)
        made.append((reading, decide(reading, started=started[reading.connection_id], limit=limit)))
        started[reading.connection_id] += len(made[-1][1].requests)
    polling.settle(link_rows, made, rules=polling_rules, now=datetime.now(UTC))
    return Look(read_at=read_at, asked=len(readings), unanswered=unanswered, made=made)


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
