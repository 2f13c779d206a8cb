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
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster_graphql.schema import create_schema

from svp_dagster.commands.up import instance_config
from svp_dagster.settings import Settings

LOCATION = "svp_dagster"
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


@dataclass(frozen=True)
class Operator:
    """Somebody who launches runs by GraphQL, as the Dagster UI does."""

    workspace: WorkspaceProcessContext

    @property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance."""
        return self.workspace.instance

    def launch(self, job: str, tags: dict[str, str], *, config: dict[str, Any] | None = None) -> dict[str, Any]:
        """Launch a run from the launchpad, and return what came of it."""
        given = [{"key": key, "value": value} for key, value in tags.items()]
        params = {
            "selector": {**_SELECTOR, "pipelineName": job},
            "runConfigData": json.dumps(config or {}),
            "mode": "default",
            "executionMetadata": {"tags": given},
        }
        return self._asked(_LAUNCH, params, "launchRun")

    def reexecute(self, run_id: str) -> dict[str, Any]:
        """Re-execute a run from its first op, and return what came of it."""
        params = {"parentRunId": run_id, "strategy": "ALL_STEPS", "useParentRunTags": True}
        return self._asked(_REEXECUTE, params, "launchRunReexecution")

    def backfill(self, job: str, keys: Sequence[str]) -> list[dg.DagsterRun]:
        """Launch a backfill of a job, let the daemon make its runs, and return these."""
        partition_set = {"repositorySelector": _SELECTOR, "partitionSetName": f"{job}_partition_set"}
        params = {"selector": partition_set, "partitionNames": list(keys)}
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
    (dagster_home / "dagster.yaml").write_text(instance_config(Settings()))
    loaded = LoadableTargetOrigin(module_name="svp_dagster.definitions")
    here = InProcessWorkspaceLoadTarget([InProcessCodeLocationOrigin(loaded, location_name=LOCATION)])
    with (
        dg.DagsterInstance.from_config(str(dagster_home)) as instance,
        WorkspaceProcessContext(instance, here) as workspace,
    ):
        yield Operator(workspace)


@cache
def _schema() -> Any:
    return create_schema()
