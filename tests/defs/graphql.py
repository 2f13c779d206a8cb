"""Dagster's GraphQL in this process, on the real code location and the instance that `svp up` configures."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.launcher import RunLauncher
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_graphql.schema import create_schema

from svp_dagster.commands.up import instance_config
from svp_dagster.settings import Settings

LOCATION = "svp_dagster"
IMPLICIT = "__ASSET_JOB"
"""Dagster's own job, which *Materialize* in the catalogue and backfills of assets run."""
_SELECTOR = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"}
_LAUNCH = """mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
_REEXECUTE = """mutation ($params: ReexecutionParams!) {
  launchRunReexecution(reexecutionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
_BACKFILL = """mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""

_CANCEL = """mutation ($params: String!) {
  cancelPartitionBackfill(backfillId: $params) {
    __typename ... on PythonError { message }
  }
}"""


class HeldRunLauncher(RunLauncher, ConfigurableClass):
    """Launches nothing: a run that left the queue is starting until its test executes it."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml said of it."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return its settings: none."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, _config: Any) -> HeldRunLauncher:
        """Return one."""
        return cls(inst_data)

    def launch_run(self, context: Any) -> None:
        """Leave it to the test."""

    def terminate(self, run_id: str) -> bool:
        """Return that nothing was there to be ended."""
        return False


@dataclass(frozen=True)
class Operator:
    """Somebody who launches runs by GraphQL, as the Dagster UI does."""

    workspace: WorkspaceProcessContext

    @property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance."""
        return self.workspace.instance

    def launch(
        self,
        job: str,
        tags: dict[str, str],
        *,
        config: dict[str, Any] | None = None,
        assets: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Launch a run from the launchpad, or of these assets from the catalogue, and return what came of it."""
        given = [{"key": key, "value": value} for key, value in tags.items()]
        selection = {"assetSelection": _paths(assets)} if assets else {}
        params = {
            "selector": {**_SELECTOR, "pipelineName": job, **selection},
            "runConfigData": json.dumps(config or {}),
            "mode": "default",
            "executionMetadata": {"tags": given},
        }
        return self._asked(_LAUNCH, params, "launchRun")

    def reexecute(self, run_id: str, *, strategy: str = "ALL_STEPS") -> dict[str, Any]:
        """Re-execute a run from its first op, or `FROM_FAILURE`, and return what came of it."""
        params = {"parentRunId": run_id, "strategy": strategy, "useParentRunTags": True}
        return self._asked(_REEXECUTE, params, "launchRunReexecution")

    def backfill(self, job: str, keys: Sequence[str]) -> list[dg.DagsterRun]:
        """Launch a backfill of a job, let the daemon make its runs, and return these."""
        partition_set = {"repositorySelector": _SELECTOR, "partitionSetName": f"{job}_partition_set"}
        return self._backfill({"selector": partition_set, "partitionNames": list(keys)})

    def backfill_assets(self, assets: Sequence[str], keys: Sequence[str]) -> list[dg.DagsterRun]:
        """Launch a backfill of these assets as the catalogue does, let the daemon make its runs, and return these."""
        return self._backfill({"assetSelection": _paths(assets), "partitionNames": list(keys)})

    def dequeue(self) -> list[dg.DagsterRun]:
        """Let the daemon launch what the limits allow, and return the runs that have left the queue since."""
        with QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon:
            errors = [error for error in daemon.run_iteration(self.workspace) if error]
        assert errors == []
        return list(self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING])))

    def _backfill(self, params: dict[str, Any]) -> list[dg.DagsterRun]:
        made = self._asked(_BACKFILL, params, "launchPartitionBackfill")
        assert made["__typename"] == "LaunchBackfillSuccess", made
        return self.work_on_backfills(made["backfillId"])

    def work_on_backfills(self, backfill_id: str) -> list[dg.DagsterRun]:
        """Let the daemon work on all backfills once, and return the runs of one."""
        errors = [error for error in execute_backfill_iteration(self.workspace, logging.getLogger(__name__)) if error]
        assert errors == []
        return list(self.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill_id})))

    def cancel_backfill(self, backfill_id: str) -> None:
        """Cancel a backfill as the UI does."""
        cancelled = self._asked(_CANCEL, backfill_id, "cancelPartitionBackfill")
        assert cancelled["__typename"] == "CancelBackfillSuccess", cancelled

    def tick(self, sensor: str) -> Any:
        """Evaluate a sensor in the code location, and return what the daemon gets of it."""
        location = self.workspace.create_request_context().get_code_location(LOCATION)
        (repository,) = location.get_repositories().values()
        return location.get_sensor_execution_data(
            self.instance, repository.handle, sensor, None, None, None, log_key=None, last_sensor_start_time=None
        )

    def _asked(self, query: str, params: Any, field: str) -> dict[str, Any]:
        request = self.workspace.create_request_context()
        asked = _schema().execute_async(query, context_value=request, variable_values={"params": params})
        answer = asyncio.run(asked)
        assert not answer.errors, answer.errors
        found: dict[str, Any] = answer.data[field]
        return found


@contextmanager
def operator(dagster_home: Path) -> Iterator[Operator]:
    """Run Dagster in this folder until the end of the block."""
    dagster_home.mkdir()
    config = yaml.safe_load(instance_config(Settings()))
    config["run_launcher"] = {"module": __name__, "class": HeldRunLauncher.__name__}
    (dagster_home / "dagster.yaml").write_text(yaml.safe_dump(config))
    loaded = LoadableTargetOrigin(module_name="svp_dagster.definitions")
    here = InProcessWorkspaceLoadTarget([InProcessCodeLocationOrigin(loaded, location_name=LOCATION)])
    with (
        dg.DagsterInstance.from_config(str(dagster_home)) as instance,
        WorkspaceProcessContext(instance, here) as workspace,
    ):
        yield Operator(workspace)


def _paths(assets: Sequence[str]) -> list[dict[str, list[str]]]:
    return [{"path": [asset]} for asset in assets]


@cache
def _schema() -> Any:
    return create_schema()
