"""The way of every run into Dagster's queue: here a run gets the tags of the row that it works on.

A sensor, a backfill, a re-execution, the launchpad, GraphQL and a retry all end in `submit_run`, so the limits of
`dagster.yaml`, which count runs by tag, hold for each of them. A coordinator of one's own that adds tags is Dagster's
documented way: docs/content/guides/dagster/run-attribution.mdx in https://github.com/dagster-io/dagster.

`dagster.yaml` names the class. It works in the processes that submit runs, the web server and the daemon, which have
the same settings as the code location.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from svp_dagster.causes import as_failure
from svp_dagster.defs.run_queue.tags import row_tags
from svp_dagster.defs.runs import PARTITION_TAG, PRIORITY_TAG, runs_of_connection
from svp_dagster.rows.pacing.shares import priority
from svp_dagster.settings import Settings
from svp_dagster.store.engine import process_engine
from svp_dagster.store.entries import Entries, Entry

_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class RunRefused(Exception):
    """A run that is not queued. Dagster marks it as failed, and shows the sentence to whoever launched it."""


class RowRunCoordinator(dg.QueuedRunCoordinator):
    """Dagster's queue, for runs that carry the tags of their row."""

    def submit_run(self, context: Any) -> dg.DagsterRun:
        """Tag and queue a run. Raises `RunRefused` for one whose row can't be told, since no limit would count it."""
        run: dg.DagsterRun = context.dagster_run
        if run.status is dg.DagsterRunStatus.NOT_STARTED:
            entry = _entry(run)
            if entry is not None:
                self._instance.add_run_tags(run.run_id, self._tags(run, entry))
        return super().submit_run(context)

    def _tags(self, run: dg.DagsterRun, entry: Entry) -> dict[str, str]:
        """Return the tags of the row as it is now. They replace those that a re-execution copied from its parent."""
        tags = row_tags(entry, app_url=Settings().app_url)
        if PRIORITY_TAG not in run.tags:  # the sensor's have one
            runs_before = runs_of_connection(self._instance, entry.link.connection_id)
            tags[PRIORITY_TAG] = str(priority(runs_before=runs_before, requested_at=datetime.now(UTC)))
        return tags


def _entry(run: dg.DagsterRun) -> Entry | None:
    """Return the entry of the row that a run works on. None for a run that works on no row, or on an unknown one.

    The job ends a run of an unknown row before it spends anything.
    """
    named = [run.tags[tag] for tag in (PARTITION_TAG, *_RANGE_TAGS) if tag in run.tags]
    if not named:
        return None
    found = _entries(named)
    if found and PARTITION_TAG not in run.tags:
        raise RunRefused("A run works on one row. Launch a backfill, which makes a run for each, or choose one row.")
    return found.get(run.tags.get(PARTITION_TAG, ""))


def _entries(keys: list[str]) -> dict[str, Entry]:
    try:
        return Entries(process_engine(Settings().resolved_database_url)).of_partitions(keys)
    except SQLAlchemyError as error:
        sentence = as_failure(error).sentence
        raise RunRefused(f"{sentence} It says which limits the run must keep. Launch the run again later.") from None
