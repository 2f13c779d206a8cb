"""Dagster's launcher of runs as processes of this machine, each forked from one that has everything loaded.

Most of what a short run costs is the start of its process, which loads Dagster, this program and the SDKs. Here one
process loads them once (the fork server of `multiprocessing`), and each run is a fork of it that shares its memory.

The processes are the daemon's: it launches runs, and it looks every few seconds whether they still live
(`run_monitoring` in dagster.yaml). One that outlives its daemon is found again by its tag.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs  # as the launchers of dagster-k8s and dagster-docker do

from svp_dagster.run_workers.processes import PROCESS_TAG, RunProcess, own_process, run_process
from svp_dagster.run_workers.worker import execute_run
from svp_dagster.settings import Settings

LOADED = ["svp_dagster.run_workers.loaded"]
"""What the fork server imports."""


class ForkedRunLauncher(dg.DefaultRunLauncher):
    """Launches each run as a fork of a process that has everything loaded.

    Under `dagster dev`, which loads changed code at a click, a run is a new process of the code server instead.
    """

    _context = multiprocessing.get_context("forkserver")
    _one_at_a_time = threading.Lock()

    def launch_run(self, context: Any) -> None:
        """Launch a run, and tag it with its process."""
        if os.environ.get("DAGSTER_IS_DEV_CLI"):
            super().launch_run(context)
            return
        run = context.dagster_run
        arguments = ExecuteRunArgs(
            job_origin=run.job_code_origin, run_id=run.run_id, instance_ref=self._instance.get_ref()
        ).get_command_args()
        with self._one_at_a_time:
            self._context.set_forkserver_preload(LOADED)
            process = self._context.Process(target=execute_run, args=[arguments], name=run.run_id)
            process.start()
        assert process.pid is not None  # it was started
        tag = run_process(Settings().home, run.run_id, process.pid).tag
        self._instance.add_run_tags(run.run_id, {PROCESS_TAG: tag})

    def terminate(self, run_id: str) -> bool:
        """Interrupt the process of a run, which then ends the run as canceled. Return whether there was one."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        known = _process(run)
        if known is None:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        if process := known.process:
            process.terminate()
        return process is not None

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster asks `check_run_worker_health` for each run in progress."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a run lives. About those of others, and of `dagster dev`, nothing is known."""
        known = _process(run)
        if known is None or known.process is not None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"Process {known.pid} was killed, or stopped with its machine")


def _process(run: dg.DagsterRun) -> RunProcess | None:
    return own_process(Settings().home, run.run_id, run.tags.get(PROCESS_TAG, ""))
