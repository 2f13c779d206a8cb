"""The rows that runs work on: each change goes to the store first, then to Notion.

A status that could not be written to Notion stays unsynced (`Entry.is_unsynced`) until the sweep writes it. So an
outage of Notion never stops a stage, and a row never shows an outdated status for long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.media.thumbnail import small_jpeg
from svp_dagster.models import ContentPage, LinkEntry, Status, Video
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rows import InvalidRow, shows_errors, status_update
from svp_dagster.notion.schema import DataSourceSchema, differences, hidden_relations
from svp_dagster.prices import Prices, load_prices
from svp_dagster.publish.cover import cover
from svp_dagster.publish.stage import Place
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.rows.kept_contents import KeptContents
from svp_dagster.rows.meter import RowMeter
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.store.databases import ContentDatabase
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store

logger = logging.getLogger(__name__)


class LinkRows(dg.ConfigurableResource):
    """The rows of all connections."""

    tokens: TokenStore
    notion: NotionResource
    monthly_budget_usd: float | None = None
    output_language: str = ""
    prices_file: str = ""

    _prices: Prices | None = PrivateAttr(default=None)
    _writes: DeferredWrites = PrivateAttr(default_factory=DeferredWrites)
    _status_executor: ThreadPoolExecutor = PrivateAttr(default_factory=lambda: ThreadPoolExecutor(1, "row-status"))

    @property
    def store(self) -> Store:
        """The store behind the rows."""
        return self.tokens.store

    @property
    def prices(self) -> Prices:
        """The price table, read once. Raises `misconfigured` for an unusable price file."""
        if self._prices is None:
            self._prices = load_prices(Path(self.prices_file) if self.prices_file else None)
        return self._prices

    @property
    def writes(self) -> DeferredWrites:
        """Paid calls and paid results that wait to be written."""
        return self._writes

    def workspace(self, connection_id: str, *, max_throttle_wait_s: float | None = None) -> Workspace:
        """Return Notion as this connection may see it.

        With `max_throttle_wait_s=0` calls fail at once while Notion is busy.
        """
        return self.notion.workspace(connection_id, self.tokens, max_throttle_wait_s=max_throttle_wait_s)

    def hold(self, page_id: str, run_id: str, *, may_take_over: Callable[[str], bool]) -> HeldRow:
        """Claim a row for a run. The same run may do so any number of times. Raises `ClaimLost`, `row_gone`."""
        entry = self.store.entries.claim(page_id, run_id, may_take_over=may_take_over, now=_now())
        return HeldRow(rows=self, link=entry.link, run_id=run_id, entry=entry)

    def fail(self, run_id: str, error: SvpError) -> Entry | None:
        """Let the row of a run that failed wait where that may help, else fail it for good, and sync its status.

        None if the run holds no row (any more).
        """
        entry = self.store.entries.held_by(run_id)
        if entry is None:
            return None
        return self._sync_failed(self.store.entries.fail(entry.link.page_id, run_id, failure_rule(error), now=_now()))

    def fail_unclaimed(self, page_id: str, run_id: str, error: SvpError) -> None:
        """Do the same for a row whose run ended before it could claim it."""
        entry = self.store.entries.fail_unclaimed(page_id, run_id, failure_rule(error), now=_now())
        if entry is not None:
            self._sync_failed(entry)

    def _sync_failed(self, entry: Entry) -> Entry:
        """Sync the status of a row that a run gave up, and poll its database by the time that it waits for."""
        if entry.retry_at is not None:
            self.store.databases.poll_by(entry.link.connection_id, at=entry.retry_at)
        self.sync_status(
            entry.link.page_id, max_throttle_wait_s=0
        )  # the sensor that calls this has other rows to deal with
        return entry

    def sync_status_async(self, entry: Entry) -> Future[bool]:
        """Sync the row's status in the background, one change after the other: no stage waits for it.

        The result is that of `sync_status`. It never raises: a defect is logged, and the status stays unsynced.
        """
        return self._status_executor.submit(self._sync_or_log, entry.link.page_id)

    def _sync_or_log(self, page_id: str) -> bool:
        try:
            return self.sync_status(page_id)
        except Exception as error:  # noqa: BLE001 (the end of a thread: what isn't logged here, nobody ever sees)
            # Without its text and trace, which can hold a payload. The sweep syncs the status later.
            logger.error("row %s: its status was not synced: %s", page_id, type(error).__name__)
            return False

    def sync_status(self, page_id: str, *, max_throttle_wait_s: float | None = None) -> bool:
        """Write the row's newest status to Notion. Return whether it is synced; the sweep writes it where it isn't."""
        entry = self.store.entries.get(page_id)
        if entry is None or not entry.is_unsynced:
            return True
        edited_at = None
        try:
            edited_at = self._write(
                entry, self.workspace(entry.link.connection_id, max_throttle_wait_s=max_throttle_wait_s)
            )
        except SvpError as error:
            logger.warning("row %s: status %s not written to Notion: %s", page_id, entry.status, error.code)
            if error.retry is not Retry.NEVER or error.code is Code.NOT_CONNECTED:
                return False
            if error.code is Code.ROW_GONE:
                self.store.entries.row_gone(page_id, now=_now())
        # Also after a refusal for good (the row is gone, its columns were renamed): no later write would succeed.
        self.store.entries.synced(page_id, entry.version, now=_now(), edited_at=edited_at)
        if entry.status is Status.PENDING and not entry.is_waiting:  # now the poll finds it
            self.store.databases.poll_now(entry.link.connection_id, now=_now())
        return True

    def _write(self, entry: Entry, workspace: Workspace) -> datetime | None:
        """Write the status. Return when the row of an entry that waits was edited by that."""
        link_database = self.store.databases.link_database(entry.link.connection_id)
        if link_database is None:
            raise failure(Code.DATABASE_NOT_SHARED, database="Link Database", detail="not registered")
        schema = link_database.data_schema
        properties = status_update(
            schema,
            entry.status,
            entry.updated_at,
            sentence=entry.sentence,
            result_url=entry.content_page_url if entry.status is Status.COMPLETED else None,
        )
        workspace.set_row(entry.link.page_id, properties)
        edited_at = workspace.row(entry.link.page_id).last_edited_time if entry.is_waiting else None
        if entry.sentence and not shows_errors(schema) and entry.waits <= 1:  # one comment for all waits is enough
            workspace.comment(entry.link.page_id, entry.sentence)
        return edited_at

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 (Dagster's signature)
        """Finish the background writes, and record what was paid, before the process ends."""
        self._writes.settle()
        self._status_executor.shutdown(wait=True)


class HeldRow:
    """A row that a run holds. Each write raises `ClaimLost` once the claim is gone."""

    def __init__(self, *, rows: LinkRows, link: LinkEntry, run_id: str, entry: Entry) -> None:
        self.link = link
        self.run_id = run_id
        self.entry = entry
        self._rows = rows
        self._entries = rows.store.entries

    @property
    def workspace(self) -> Workspace:
        """The Notion workspace that the row is in."""
        return self._rows.workspace(self.link.connection_id)

    def content_database(self) -> ContentDatabase:
        """Return the Content Database of the row's tag. Raises `unknown_tag`."""
        database = self._rows.store.databases.for_tag(self.link.connection_id, self.link.tag)
        if database is None:
            raise failure(Code.UNKNOWN_TAG, reason=f"No Content Database is registered for the tag “{self.link.tag}”")
        return database

    def preflight(self) -> None:
        """Check that the page could be written now, once, before anything is spent.

        Raises what `destination` does. A database in the trash still shows its columns, so it is asked itself too.
        """
        database, _ = self.destination()
        self.workspace.database(database.database_id)

    def destination(self) -> tuple[ContentDatabase, DataSourceSchema]:
        """Return the Content Database with its live columns, checked before anything is paid.

        Raises `unknown_tag`, `database_not_shared`, `schema_changed`.
        """
        database = self.content_database()
        live = self.workspace.schema(database.data_source_id)
        if changes := differences(database.data_schema, live):
            name = f"Content Database of the tag “{database.tag}”"
            raise failure(Code.SCHEMA_CHANGED, database=name, reason=" ".join(changes))
        return database, live

    def require_unchanged(self) -> None:
        """Check that the row in Notion is as it was when the run started. Raises `row_changed`, `row_gone`."""
        row = self.workspace.row(self.link.page_id)
        if isinstance(row, InvalidRow) or row.url != self.link.url or row.tag != self.link.tag:
            column = "tag" if isinstance(row, LinkEntry) and row.url == self.link.url else "link"
            raise failure(Code.ROW_CHANGED, column=column, retry_after_s=0.0)

    def place(self, schema: DataSourceSchema) -> Place:
        """Return where the row's page belongs."""
        entry = self.entry
        is_there = entry.content_data_source_id == schema.data_source_id
        return Place(
            columns=schema,
            hidden_relations=hidden_relations(self.content_database().data_schema, schema),
            known_page_id=entry.content_page_id if is_there else None,
            pages_of_others=frozenset(self._entries.pages_of_others(entry)),
            asked_at=entry.created_at,
        )

    def meter(self) -> RowMeter:
        """Return the meter of this row. Raises `misconfigured` for an unusable price file."""
        return RowMeter(
            self._rows.store,
            link=self.link,
            run_id=self.run_id,
            prices=self._rows.prices,
            monthly_budget_usd=self._rows.monthly_budget_usd,
            writes=self._rows.writes,
        )

    def contents(self) -> KeptContents:
        """Return the results kept by content."""
        return KeptContents(self._rows.store, self._rows.writes)

    def output_language(self) -> str | None:
        """Return the language of the summary: the connection's, else the installation's; None for the video's own."""
        connection = self._rows.store.connections.get(self.link.connection_id)
        return (connection.output_language if connection else "") or self._rows.output_language or None

    def enter(self, status: Status) -> None:
        """Record the stage that the row is at."""
        self.entry = self._entries.set_status(self.link.page_id, self.run_id, status, now=_now())
        self._rows.sync_status_async(self.entry)

    def keep_thumbnail(self, video: Video, folder: Path) -> bytes | None:
        """Store a thumbnail of the video for the dashboard and return it, a JPEG. None where there is no picture."""
        picture = cover(video, folder)
        jpeg = small_jpeg(picture) if picture else None
        if jpeg:
            self._rows.store.contents.set_thumbnail(video.media_key, jpeg)
        return jpeg

    def note(
        self, *, stage: str, seconds: float, engine: str = "", media_key: str | None = None, title: str | None = None
    ) -> None:
        """Record what a stage found out and how long it took."""
        self.entry = self._entries.note(
            self.link.page_id,
            self.run_id,
            stage=stage,
            seconds=seconds,
            engine=engine,
            media_key=media_key,
            title=title,
        )

    def made(self, page: ContentPage, *, data_source_id: str) -> None:
        """Record which page was made, before the row is completed."""
        self.entry = self._entries.set_content_page(self.link.page_id, self.run_id, page, data_source_id=data_source_id)

    def complete(self) -> None:
        """Complete the row, and wait for one attempt to sync its status."""
        self.entry = self._entries.complete(self.link.page_id, self.run_id, now=_now())
        self._rows.sync_status_async(self.entry).result()


def _now() -> datetime:
    return datetime.now(UTC)
