"""What every op of the job does around its one stage call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from svp_dagster.errors import ClaimLost, Code, Retry, SvpError, as_failure
from svp_dagster.models import Status
from svp_dagster.rows.held_row import HeldRow, hold
from svp_dagster.rows.link_rows import LinkRows, RowMeter


class StageFailure(dg.Failure):
    """A failure of the table as Dagster's: its log shows the sentence, not the stack of something foreseen."""

    def __init__(self, known: SvpError) -> None:
        told = {"code": known.code.value, "retry": known.retry.value, "retry_after_s": known.retry_after_s or 0.0}
        super().__init__(known.sentence, metadata=told, allow_retries=known.retry is Retry.NOW)
        self.known = known


class StageRun:
    """A stage at work on a row."""

    def __init__(self, context: dg.OpExecutionContext, row: HeldRow) -> None:
        self.row = row
        self.meter: RowMeter = row.meter()
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
        """Keep what came out: in the store for the dashboard, as a materialization for the Dagster UI."""
        seconds = time.monotonic() - self._started_s
        self.row.note(stage=self._context.op_def.name, seconds=seconds, engine=engine, media_key=media_key, title=title)
        cost = "unknown" if self.meter.spent_usd is None else self.meter.spent_usd
        facts = {**metadata, "engine": engine or "none", "seconds": round(seconds, 3), "cost_usd": cost}
        key = self._context.partition_key
        self._context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=facts))


@contextmanager
def stage_run(context: dg.OpExecutionContext, rows: LinkRows, status: Status | None) -> Iterator[StageRun]:
    """Hold the row, tell it where we are, and turn failures into Dagster's.

    Only a failure that repeating now may help leaves the op's retry policy its way.
    """
    try:
        row = hold(rows, context.partition_key, context.run_id, may_take_over=lambda run_id: _is_over(context, run_id))
        if status is not None and row.entry.status is not status:
            row.enter(status)
        yield StageRun(context, row)
    except ClaimLost as error:
        raise dg.Failure("Another run works on this row.", allow_retries=False) from error
    except Exception as error:  # noqa: BLE001 (the boundary to Dagster: whatever went wrong gets its place in the failure table)
        known = as_failure(error)
        context.log.warning("%s: %s", known.code, known.detail or known.sentence)
        raise StageFailure(known) from (error if known.code is Code.INTERNAL else None)


def _is_over(context: dg.OpExecutionContext, run_id: str) -> bool:
    run = context.instance.get_run_by_id(run_id)
    return run is None or run.is_finished
