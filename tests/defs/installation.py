"""A whole installation in this process: real stages, SDKs, extractors and sockets; only the far ends are stand-ins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import dagster as dg
from dagster._core.code_pointer import CustomPointer, ModuleCodePointer
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.execution.api import execute_run

from svp_dagster.definitions import defs
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.run_queue.tags import row_tags
from svp_dagster.defs.runs import PARTITION_TAG
from svp_dagster.models import ProcessingType
from svp_dagster.notion.rows import new_row
from svp_dagster.notion.schema import parse_schema
from svp_dagster.notion.templates import COOKING, PLACES, Template, create_database, link_database
from svp_dagster.ports import Downloader
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Tokens
from svp_dagster.store.engine import migrate
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store, open_store
from tests.openapi import DESCRIPTION, assert_valid_request
from tests.sandbox.notion_service import NotionWorkspace, plain

NOTION_WRITES = ("POST", "PATCH")
CONTENT = {"cooking": COOKING, "places": PLACES}


@dataclass
class Installation:
    """One connection with a Link Database and the Content Databases *cooking* and *places*."""

    store: Store
    notion: NotionWorkspace
    instance: dg.DagsterInstance
    connection_id: str
    links_source_id: str
    content_source_ids: dict[str, str]
    downloader: Downloader | None = None
    """Instead of the real one, where it is not what a test is about."""

    @property
    def definitions(self) -> dg.Definitions:
        """The code location, bound to the environment of this moment."""
        return _definitions(tuple(sorted(os.environ.items())))

    def add_row(self, url: str, tag: str, *, processing_type: ProcessingType | None = None) -> str:
        """Add a pending row as a person does; returns its page id."""
        schema = parse_schema(self._get(f"data_sources/{self.links_source_id}"))
        properties = new_row(schema, url=url, tag=tag, processing_type=processing_type, at=datetime.now(UTC))
        return str(self.notion.row(self.links_source_id, **properties)["id"])

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        """Ask for pending rows as the daemon does, the connection being due."""
        self.store.databases.poll_now(self.connection_id, now=datetime.now(UTC))
        return self.evaluate("pending_links")

    def evaluate(self, name: str, *, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        """Evaluate a sensor as the daemon does."""
        definitions = self.definitions
        sensor = definitions.resolve_sensor_def(name)
        resources = {key: (definitions.resources or {})[key] for key in sensor.required_resource_keys}
        with dg.build_sensor_context(instance=self.instance, resources=resources, cursor=cursor) as context:
            result: Any = sensor(context)
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        return result

    def run_requested(self) -> list[dg.ExecuteInProcessResult]:
        """A tick, and the runs that it asked for, one after the other."""
        result = self.tick()
        requests = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
        if isinstance(result, dg.SensorResult):
            for added in result.dynamic_partitions_requests or []:
                self.instance.add_dynamic_partitions(added.partitions_def_name, list(added.partition_keys))
        rows = self.store.entries.of_partitions(request.partition_key or "" for request in requests)
        page_ids = {key: entry.link.page_id for key, entry in rows.items()}
        return [self.run(page_ids[request.partition_key or ""], tags=dict(request.tags)) for request in requests]

    def add_partition(self, page_id: str) -> None:
        """Let Dagster know the row, as the sensor's daemon does."""
        self.instance.add_dynamic_partitions(str(link_entries.name), [self.key(page_id)])

    def key(self, page_id: str) -> str:
        """The partition key of a row that was started."""
        key = self.entry(page_id).partition_key
        assert key is not None
        return key

    def tags(self, page_id: str) -> dict[str, str]:
        """The tags that a run of the row gets in Dagster's queue."""
        return {PARTITION_TAG: self.key(page_id), **row_tags(self.entry(page_id), app_url=Settings().app_url)}

    def run(self, page_id: str, *, tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
        """Run the job for a row, and evaluate the sensor of failed runs if it fails."""
        definitions = self.definitions
        resources = {**(definitions.resources or {}), "downloader": self.downloader} if self.downloader else None
        run = definitions.resolve_job_def("process_link").execute_in_process(
            instance=self.instance,
            partition_key=self.key(page_id),
            tags={**(tags or {}), **self.tags(page_id)},
            resources=resources,
            raise_on_error=False,
        )
        if not run.success:
            self.after_failure(run.run_id)
        return run

    def launch(self, job: str) -> dg.ExecuteInProcessResult:
        """Run a job that has no partitions, as an operator who launches it by hand."""
        return self.definitions.resolve_job_def(job).execute_in_process(instance=self.instance)

    def reexecute(self, run_id: str) -> dg.JobExecutionResult:
        """Run again what failed in a run, as *Re-execute from failure* does."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        again = dg.execute_job(
            _reconstructable("process_link"),
            instance=self.instance,
            tags={PARTITION_TAG: run.tags[PARTITION_TAG]},
            reexecution_options=dg.ReexecutionOptions.from_failure(run_id, self.instance),
            raise_on_error=False,
        )
        if not again.success:
            self.after_failure(again.run_id)
        return again

    def execute(self, run: dg.DagsterRun) -> dg.JobExecutionResult:
        """Execute a run that left the queue, and evaluate the sensor of failed runs if it fails."""
        result = execute_run(_reconstructable(run.job_name), run, self.instance)
        if not result.success:
            self.after_failure(run.run_id)
        return result

    def page_id_of(self, run_id: str) -> str:
        """The row of a run."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        key = run.tags[PARTITION_TAG]
        return self.store.entries.of_partitions([key])[key].link.page_id

    def after_failure(self, run_id: str, *, sensor: str = "failed_runs") -> None:
        """Evaluate a sensor of runs that ended badly for this one, as the daemon does."""
        definitions, run = self.definitions, self.instance.get_run_by_id(run_id)
        assert run is not None
        ends = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED)
        events = [entry.dagster_event for entry in self.instance.all_logs(run_id) if entry.dagster_event]
        found = definitions.resolve_sensor_def(sensor)
        context: Any = dg.build_run_status_sensor_context(
            sensor_name=sensor,
            dagster_event=next(event for event in reversed(events) if event.event_type in ends),
            dagster_instance=self.instance,
            dagster_run=run,
            resources={key: (definitions.resources or {})[key] for key in found.required_resource_keys},
        )
        with context:
            found(context if sensor == "cancelled_runs" else context.for_run_failure())

    def entry(self, page_id: str) -> Entry:
        """What the store knows of a row."""
        found = self.store.entries.get(page_id)
        assert found is not None
        return found

    def let_time_pass(self, *columns: str) -> None:
        """Put these times of all entries far into the past."""
        changes = ", ".join(f"{column} = '2026-01-01 00:00:00'" for column in columns)
        with self.store.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE link_entries SET {changes}")

    def forget_failure(self) -> None:
        """Let all rows be held by their runs still, as if nobody had written down how those failed."""
        with self.store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE link_entries SET holder = run_id, status = 'downloading', retry_at = NULL, waits = 0,"
                " failure_code = NULL, sentence = NULL, updated_at = '2026-01-01 00:00:00'"
            )

    def register(self) -> None:
        """Connect Notion, and register the databases, as a person does in the app."""
        now = datetime.now(UTC)
        connection = self.store.connections.save(
            bot_id=self.notion.bot_id,
            workspace_id=self.notion.workspace_id,
            workspace_name="Kitchen",
            workspace_icon="",
            owner_id="",
            owner_name="",
            tokens=Tokens(access=self.notion.token, refresh=None),
            now=now,
        )
        self.connection_id = connection.id
        links = parse_schema(self._get(f"data_sources/{self.links_source_id}"))
        self.store.databases.set_link_database(connection.id, schema=links, url="", now=now)
        for tag, source_id in self.content_source_ids.items():
            schema = parse_schema(self._get(f"data_sources/{source_id}"))
            self.store.databases.add_content_database(
                connection.id, tag=tag, schema=schema, url="", prompt=CONTENT[tag].prompt, now=now
            )

    def process(self, url: str, tag: str) -> dict[str, Any]:
        """Add a row, let it be worked on, and see what the row shows."""
        page_id = self.add_row(url, tag)
        self.run_requested()
        return self.row(page_id)

    def row(self, page_id: str) -> dict[str, Any]:
        """What a page's columns show, as plain values; `id` is its own."""
        page = self._get(f"pages/{page_id}")
        return {"id": page["id"], **{name: _shown(value) for name, value in page["properties"].items()}}

    def content_pages(self, tag: str) -> list[dict[str, Any]]:
        """The pages of a tag's Content Database."""
        found: Any = self.notion.client.data_sources.query(self.content_source_ids[tag])
        return [self.row(page["id"]) for page in found["results"]]

    def body(self, page_id: str) -> str:
        """All text of a page's body."""
        blocks = self._get(f"blocks/{page_id}/children")["results"]
        texts = []
        for block in blocks:
            texts.append(plain(block[block["type"]].get("rich_text", [])))
            if block["has_children"]:
                texts.append(self.body(block["id"]))
        return "\n".join(texts)

    def materialized(self, asset: str, page_id: str) -> dict[str, Any]:
        """The metadata of an asset's last materialization for a row."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert event is not None
        found = event.asset_materialization
        assert found is not None
        assert found.partition == self.key(page_id)
        return {name: value.value for name, value in found.metadata.items()}

    def _get(self, path: str) -> dict[str, Any]:
        return dict(self.notion.raw.get(f"/v1/{path}").raise_for_status().json())


@lru_cache(maxsize=1)
def _definitions(_environment: tuple[tuple[str, str], ...]) -> dg.Definitions:
    """Loading takes longer than most tests; only the environment makes a difference."""
    return defs()


def resolved_repository(_home: str) -> dg.RepositoryDefinition:
    """The code location, as a run's process loads it. Dagster caches it by the arguments."""
    return _definitions(tuple(sorted(os.environ.items()))).get_repository_def()


def _reconstructable(job: str) -> ReconstructableJob:
    """A job of the code location; `__ASSET_JOB` too, which `dg.build_reconstructable_job` refuses."""
    pointer = CustomPointer(ModuleCodePointer(__name__, resolved_repository.__name__), [str(Settings().home)], [])
    return ReconstructableJob(ReconstructableRepository(pointer), job)


def set_up(notion: NotionWorkspace, instance: dg.DagsterInstance) -> Installation:
    store = open_store(Settings())
    migrate(store.engine)
    installation = Installation(
        store=store,
        notion=notion,
        instance=instance,
        connection_id="",
        links_source_id=_made(notion, link_database(CONTENT)),
        content_source_ids={tag: _made(notion, template) for tag, template in CONTENT.items()},
    )
    installation.register()
    return installation


def _made(notion: NotionWorkspace, template: Template) -> str:
    body = create_database(template, parent_page_id=notion.page_id)
    made: Any = notion.client.databases.create(**body)
    return str(made["data_sources"][0]["id"])


def hold_against_description(requests: Sequence[dict[str, Any]]) -> None:
    """Every body that was sent to Notion is one that Notion's own description accepts, where that is present."""
    if not DESCRIPTION.exists():
        return
    for request in requests:
        is_api = request["path"].startswith("/v1/") and request["method"] in NOTION_WRITES
        is_file = request["path"].endswith("/send")
        if is_api and not is_file:
            assert_valid_request(request["method"], request["path"], request["body"])


def _shown(value: dict[str, Any]) -> Any:
    content = value[value["type"]]
    if value["type"] in ("title", "rich_text"):
        return plain(content)
    if value["type"] in ("select", "status"):
        return content["name"] if content else None
    if value["type"] == "multi_select":
        return [option["name"] for option in content]
    return content
