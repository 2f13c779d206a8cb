"""A stage of a row, as the log, the tallies and the trace of the row see it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from svp_dagster.causes import as_failure
from svp_dagster.defs.watch.ticks import store_tallies
from svp_dagster.errors import ClaimLost, SvpError
from svp_dagster.rows.held_row import HeldRow
from svp_dagster.rows.waiting import next_attempt_s
from svp_dagster.store.store import Store
from svp_dagster.telemetry import traces
from svp_dagster.telemetry.context import bind_process, facts
from svp_dagster.telemetry.tallies import ROW_SECONDS, RUN_SECONDS, STAGE_SECONDS, tallies
from svp_dagster.telemetry.traces import Parent, record, trace_of

logger = logging.getLogger(__name__)

LAST_STAGE = "publish"
_NS = 1_000_000_000


@contextmanager
def watched(context: dg.OpExecutionContext, row: HeldRow, store: Store) -> Iterator[None]:
    """Report a stage when it ends, and the run when that was its last."""
    stage = _Stage(context, row)
    with stage.bound():
        try:
            yield
        except ClaimLost:
            raise
        except Exception as error:
            stage.end(as_failure(error))
            raise
        else:
            stage.end(None)
        finally:
            store_tallies(store)


class _Stage:
    def __init__(self, context: dg.OpExecutionContext, row: HeldRow) -> None:
        self._context, self._row = context, row
        self._name = context.op_def.name
        self._trace = trace_of(row.entry)
        self._is_first_try = row.entry.requests == 1 and row.entry.waits == 0 and not row.entry.is_in_redo
        self._run = self._trace.child(f"run {context.run_id}")
        self._span = self._run.child(f"{self._name} {context.retry_number}")
        self._began_s, self._began_ns = time.monotonic(), time.time_ns()

    @contextmanager
    def bound(self) -> Iterator[None]:
        link = self._row.link
        concerns = {
            "connection": link.connection_id,
            "entry": link.page_id,
            "run": self._context.run_id,
            "stage": self._name,
            "trace": self._trace.hex_id,
        }
        with bind_process(**concerns), traces.within(self._span, process_wide=True):
            yield

    def end(self, error: SvpError | None) -> None:
        """Report the stage. An error that is tried again within the run doesn't end the run."""
        seconds = time.monotonic() - self._began_s
        code = str(error.code) if error else ""
        engine = self._row.entry.engines.get(self._name, "")
        tallies.observe(STAGE_SECONDS, seconds, stage=self._name, platform=self._platform, engine=engine, code=code)
        extra = facts(duration_s=round(seconds, 3), engine=engine or None, code=code or None)
        logger.info("%s %s in %.1f s", self._name, code or "done", seconds, extra=extra)
        record(
            self._name,
            parent=self._run,
            span=self._span,
            started_ns=self._began_ns,
            attributes=traces.shown({"svp.platform": self._platform, "svp.engine": engine, "svp.code": code}),
            failed=error is not None,
        )
        if self._ends_run(error):
            self._end_run(code)

    def _ends_run(self, error: SvpError | None) -> bool:
        if error is None:
            return self._name == LAST_STAGE
        return next_attempt_s(error, attempt=self._context.retry_number + 1) is None

    def _end_run(self, code: str) -> None:
        found = self._context.instance.get_run_record_by_id(self._context.run_id)
        ended_ns = time.time_ns()
        queued_ns = int(found.create_timestamp.timestamp() * _NS) if found else self._began_ns
        started_ns = int(found.start_time * _NS) if found and found.start_time else queued_ns
        tallies.observe(RUN_SECONDS, (ended_ns - started_ns) / _NS, platform=self._platform, code=code)
        tallies.observe(ROW_SECONDS, (ended_ns - queued_ns) / _NS, platform=self._platform, code=code)
        self._record_run(code, queued_ns=queued_ns, started_ns=started_ns, ended_ns=ended_ns)
        traces.flush()

    def _record_run(self, code: str, *, queued_ns: int, started_ns: int, ended_ns: int) -> None:
        """Send the spans around the stages: the row from its request to now, its wait, and its run."""
        entry, failed = self._row.entry, bool(code)
        requested_ns = min(int(entry.created_at.timestamp() * _NS), queued_ns) if self._is_first_try else queued_ns
        of_row = {"svp.entry": entry.link.page_id, "svp.connection": entry.link.connection_id, "svp.code": code}
        attributes = traces.shown({**of_row, "svp.platform": self._platform})
        spans: tuple[tuple[str, Parent | None, Parent, int, int], ...] = (
            ("row", None, self._trace, requested_ns, ended_ns),
            ("wait", self._trace, self._run.child("wait"), requested_ns, started_ns),
            ("run", self._trace, self._run, started_ns, ended_ns),
        )
        for name, parent, span, begins, ends in spans:
            record(
                name,
                parent=parent,
                span=span,
                started_ns=begins,
                ended_ns=ends,
                attributes={**attributes, "svp.run": self._context.run_id},
                failed=failed and name != "wait",
            )

    @property
    def _platform(self) -> str:
        link = self._row.link.link
        return link.platform if link else ""
