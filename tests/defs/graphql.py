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
        errors = [error for error in execute_backfill_iteration(self.workspace, logging.getLogger(__name__)) if error]
        assert errors == []
        return list(self.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": made["backfillId"]})))

    def _asked(self, query: str, params: dict[str, Any], field: str) -> dict[str, Any]:
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
