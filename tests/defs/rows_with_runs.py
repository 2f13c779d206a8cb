"""Rows that a run holds, as real runs leave them."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from svp_dagster.models import Status
from tests.defs.installation import Installation


def new_run(installation: Installation, page_id: str, *, failed: bool = False) -> dg.DagsterRun:
    job = installation.definitions.resolve_job_def("process_link")
    tags = installation.tags(page_id)
    run = installation.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    if failed:
        installation.instance.report_run_failed(run)
    return run


def hold(installation: Installation, page_id: str, run_id: str) -> None:
    """Let a run claim the row and go on to a stage, long ago."""
    now = datetime.now(UTC)
    installation.store.entries.claim(page_id, run_id, may_take_over=lambda _: True, now=now)
    installation.store.entries.set_status(page_id, run_id, Status.DOWNLOADING, now=now)
    installation.let_time_pass("updated_at")
