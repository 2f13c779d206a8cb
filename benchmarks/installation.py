"""A connection with a Link Database and a Content Database in the stand-in for Notion, and rows that are worked on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from benchmarks.stand_ins import StandIn
from svp_dagster.definitions import defs
from svp_dagster.defs import jobs
from svp_dagster.defs.partitions import link_entries
from svp_dagster.download.links import parse_link
from svp_dagster.models import ContentPage, LinkEntry, ProcessingType
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rows import new_row
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.notion.templates import COOKING, Template, link_database
from svp_dagster.rows.link_rows import LinkRows, link_rows
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Tokens
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import open_store

TAG = "cooking"
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One connection of this process's settings."""

    instance: dg.DagsterInstance
    connection_id: str
    rows: LinkRows
    links: DataSourceSchema

    def write_row(self, url: str, *, tag: str = TAG, processing_type: ProcessingType | None = None) -> str:
        """Add a pending row as a person does, and return its page id. Nothing is asked to look at it yet."""
        properties = new_row(self.links, url=url, tag=tag, processing_type=processing_type, at=datetime.now(UTC))
        page: ContentPage = self._workspace.create_page(self.links.data_source_id, properties, find=lambda: None)
        return page.page_id

    def add_row(self, url: str) -> str:
        """Add a pending row, request it as the sensor does, and return its page id."""
        page_id = self.write_row(url)
        row = self._workspace.row(page_id)
        assert isinstance(row, LinkEntry)
        link = row.model_copy(update={"link": parse_link(row.url)})
        self.rows.store.entries.request(link, now=datetime.now(UTC))
        self.instance.add_dynamic_partitions(link_entries.name or "", [self._key(page_id)])
        return page_id

    def poll_now(self) -> None:
        """Let the sensor read the pending rows at its next tick."""
        self.rows.store.databases.poll_now(self.connection_id, now=datetime.now(UTC))

    def forget_results(self) -> None:
        """Keep nothing by content: the next run pays again."""
        self.rows.store.contents.forget_before(datetime.now(UTC))

    def run_job(self, page_id: str) -> None:
        """Work on a row by the Dagster job, in this process."""
        job = defs().resolve_job_def("process_link")
        result = job.execute_in_process(instance=self.instance, partition_key=self._key(page_id), run_config=QUIET)
        assert result.success

    def run_by_hand(self, page_id: str) -> None:
        """Call the job's ops one after the other: the same work, but nothing is scheduled, checked or logged."""
        run = dg.DagsterRun("process_link")
        with dg.build_resources(dict(defs().resources or {}), instance=self.instance, dagster_run=run) as made:
            key = self._key(page_id)

            def context() -> dg.OpExecutionContext:
                """Return a new one: an op whose checks are not asked for doesn't give its own back."""
                return dg.build_op_context(partition_key=key, instance=self.instance)

            common: dict[str, Any] = {"link_rows": made.link_rows, "work_folder": made.work_folder}
            video, destination = jobs.download(
                context(),
                **common,
                downloader=made.downloader,
                site_rules=made.site_rules,
                kept_media=made.kept_media,
            )
            transcript = _made(jobs.transcribe(context(), **common, speech=made.speech, video=video))
            screen_text = _made(jobs.read_screen(context(), **common, screen_reader=made.screen_reader, video=video))
            heard_and_read = {"video": video, "transcript": transcript, "screen_text": screen_text}
            known = {**heard_and_read, "destination": destination}
            summed = jobs.summarize(context(), link_rows=made.link_rows, summarizer=made.summarizer, **known)
            jobs.publish(context(), **common, page_options=made.page_options, **known, summary=_made(summed))

    def _key(self, page_id: str) -> str:
        key = self.rows.store.entries.known([page_id])[page_id].partition_key
        assert key is not None
        return key

    @property
    def _workspace(self) -> Workspace:
        return self.rows.workspace(self.connection_id)


def _made(events: Iterable[jobs.Made]) -> Any:
    """Return what an op yields first. The results of its checks need assets, which an op that is called has none of."""
    return next(event.value for event in events if isinstance(event, dg.Output))


def set_up(notion: StandIn, instance: dg.DagsterInstance) -> Installation:
    """Make the workspace, connect it and register its databases."""
    made = notion.steer("workspaces", name="Benchmark")
    store, now = open_store(Settings()), datetime.now(UTC)
    migrate(store.engine)
    connection = store.connections.save(
        bot_id=made["bot_id"],
        workspace_id=made["workspace_id"],
        workspace_name="Benchmark",
        workspace_icon="",
        owner_id="",
        owner_name="",
        tokens=Tokens(access=made["access_token"], refresh=None),
        now=now,
    )
    store.connections.set_trusted(connection.id, trusted=True, now=now)  # hundreds of rows exceed a new one's cap
    rows = link_rows(Settings())
    workspace = rows.workspace(connection.id)

    def make(template: Template) -> DataSourceSchema:
        database = workspace.create_database(template, parent_page_id=made["page_id"])
        return workspace.schema(database.data_sources[0].data_source_id)

    links = make(link_database([TAG]))
    store.databases.set_link_database(connection.id, schema=links, url="", now=now)
    store.databases.add_content_database(
        connection.id, tag=TAG, schema=make(COOKING), url="", prompt=COOKING.prompt, now=now
    )
    return Installation(instance=instance, connection_id=connection.id, rows=rows, links=links)
