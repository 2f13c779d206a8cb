"""The frame of every op: holds the row around the one stage call, and turns failures into Dagster's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import dagster as dg

from svp_dagster.causes import as_failure
from svp_dagster.defs.failures import LostClaim, RunHasFailed, StageFailure, has_failed
from svp_dagster.defs.run_queue.tags import links
from svp_dagster.defs.watch.stages import watched
from svp_dagster.errors import ClaimLost, Code, EntryGone
from svp_dagster.models import Status
from svp_dagster.rows.held_row import HeldRow, hold
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.spending.meter import RowMeter
from svp_dagster.rows.waiting import ATTEMPTS, next_attempt_s


class StageRun:
    """A stage at work on a row."""

    def __init__(self, context: dg.OpExecutionContext, row: HeldRow, meter: RowMeter) -> None:
        self.row = row
        self.meter = meter
        self.contents = row.contents()
        self._context = context
        self._started_s = time.monotonic()

    def report(
        self,
        asset: str,
        metadata: Mapping[str, Any],
        *,
        engine: str = "",
        media_key: str | None = None,
        title: str | None = None,
    ) -> None:
        """Record the result: in the store for the dashboard, and with the asset for the Dagster UI.

        What isn't known is left out, so that the UI can plot all values of a key.
        """
        seconds = time.monotonic() - self._started_s
        self.row.note(stage=self._context.op_def.name, seconds=seconds, engine=engine, media_key=media_key, title=title)
        cost = {} if self.meter.spent_usd is None else {"cost_usd": self.meter.spent_usd}
        tokens = {"tokens": self.meter.tokens} if self.meter.tokens else {}
        facts = {**links(self._context.run_tags), **metadata, "seconds": round(seconds, 3), **cost, **tokens}
        self._context.add_output_metadata(facts | ({"engine": engine} if engine else {}), output_name=asset)


@contextmanager
def stage_run(context: dg.OpExecutionContext, rows: LinkRows, status: Status | None) -> Iterator[StageRun]:
    """Hold the row, record the stage that it is at, and turn failures into Dagster's.

    The op is tried again by `RetryRequested`, which can wait as long as the service asks. No op has a `RetryPolicy`:
    its waits are fixed, and it takes an interrupted run for an attempt that failed (`op_execution_error_boundary` in
    dagster 1.13).
    """
    if has_failed(context.instance, context.run_id):
        raise RunHasFailed
    try:
        page_id = _page_id(rows, context.partition_key)
        row = hold(rows, page_id, context.run_id, may_take_over=lambda run_id: _is_over(context, run_id))
        if status is not None and row.entry.status is not status:
            row.enter(status)
        with closing(row.meter()) as meter, watched(context, row, rows.store):
            yield StageRun(context, row, meter)
    except ClaimLost as error:
        raise LostClaim(error) from error
    except Exception as error:  # noqa: BLE001 (the boundary to Dagster: whatever went wrong gets its place in the failure table)
        known = as_failure(error)
        context.log.warning("%s: %s", known.code, known.detail or known.sentence)
        wait_s = next_attempt_s(known, attempt=context.retry_number + 1)
        if wait_s is not None:
            raise dg.RetryRequested(max_retries=ATTEMPTS - 1, seconds_to_wait=wait_s) from StageFailure(known)
        raise StageFailure(known) from (error if known.code is Code.INTERNAL else None)
    finally:
        rows.writes.settle()


def _page_id(rows: LinkRows, key: str) -> str:
    """Return the page id of the row that has this partition. Raises `EntryGone`."""
    entry = rows.store.entries.of_partitions([key]).get(key)
    if entry is None:
        raise EntryGone(key)
    return entry.link.page_id


def _is_over(context: dg.OpExecutionContext, run_id: str) -> bool:
    run = context.instance.get_run_by_id(run_id)
    return run is None or run.is_finished
