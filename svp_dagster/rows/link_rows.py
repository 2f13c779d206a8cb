"""The rows that runs work on: each change goes to the store first, then to Notion.

A status that could not be written to Notion stays unsynced (`Entry.is_unsynced`) until the sweep writes it. So an
outage of Notion never stops a stage, and a row never shows an outdated status for long.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from pydantic import PrivateAttr

from svp_dagster.component import Component
from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.models import LinkEntry, Status
from svp_dagster.notion.client.http import Tokens
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rows import shows_errors, status_update
from svp_dagster.prices import Prices, load_prices
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.rows.spending.caps import SpendingCaps, spending_caps
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.storage import Storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store
from svp_dagster.store.transitions import FailureOutcome
from svp_dagster.telemetry.outcomes import count_failed

logger = logging.getLogger(__name__)


class LinkRows(Component):
    """The rows of all connections."""

    tokens: TokenStore
    notion: NotionResource
    caps: SpendingCaps
    storage: Storage
    output_language: str = ""
    prices_file: Path | None = None

    _prices: Prices | None = PrivateAttr(default=None)
    _writes: DeferredWrites = PrivateAttr(default_factory=DeferredWrites)
    _status_executor: ThreadPoolExecutor = PrivateAttr(default_factory=lambda: ThreadPoolExecutor(1, "row-status"))

    @property
    def store(self) -> Store:
        """The store behind the rows."""
        return self.tokens.store

    @property
    def thumbnails(self) -> Thumbnails:
        """Small pictures of the rows' videos."""
        return Thumbnails(storage=self.storage)

    @property
    def prices(self) -> Prices:
        """The price table, read once. Raises `misconfigured` for an unusable price file."""
        if self._prices is None:
            self._prices = load_prices(self.prices_file)
        return self._prices

    @property
    def writes(self) -> DeferredWrites:
        """Paid calls and paid results that wait to be written."""
        return self._writes

    def workspace(
        self,
        connection_id: str,
        *,
        max_throttle_wait_s: float | None = None,
        spacing_s: float = 0.0,
        tokens: Tokens | None = None,
    ) -> Workspace:
        """Return Notion as this connection may see it.

        With `max_throttle_wait_s=0` calls fail at once while Notion is busy. `spacing_s` is a pause before each call.
        `tokens` are those that were read already.
        """
        return self.notion.workspace(
            connection_id, tokens or self.tokens, max_throttle_wait_s=max_throttle_wait_s, spacing_s=spacing_s
        )

    def fail(self, run_id: str, error: SvpError) -> Entry | None:
        """Let the row of a run that failed wait where that may help, else fail it for good, and sync its status.

        None if the run holds no row (any more).
        """
        entry = self.store.entries.held_by(run_id)
        if entry is None:
            return None
        return self._sync_failed(self.store.entries.fail(entry.link.page_id, run_id, failure_rule(error), now=_now()))

    def fail_unclaimed(self, page_id: str, run_id: str | None, error: SvpError) -> None:
        """Do the same for a row whose run (None: whichever there was) ended before it could claim it."""
        entry = self.store.entries.fail_unclaimed(page_id, run_id, failure_rule(error), now=_now())
        if entry is not None:
            self._sync_failed(entry)

    def reject(self, link: LinkEntry, outcome: FailureOutcome, *, now: datetime) -> None:
        """Fail a row on which no run can work."""
        entry = self.store.entries.reject(link, outcome, now=now)
        count_failed(link, entry.failure_code)
        self.sync_status_async(entry)

    def complete_as_shown(self, entry: Entry) -> bool:
        """Complete an unfinished entry whose row shows that it is, with a page that is there. Return whether it did.

        The store knows less than Notion after a backup was restored. Raises the failures of Notion.
        """
        link = entry.link
        database = self.store.databases.for_tag(link.connection_id, link.tag)
        if database is None or entry.is_unsynced or not link.has_row:
            return False
        workspace = self.workspace(link.connection_id, max_throttle_wait_s=0)
        content_page_id = workspace.completed_page(link.page_id)
        page = workspace.content_page(content_page_id) if content_page_id else None
        return page is not None and self.store.entries.complete_unclaimed(
            link.page_id, page, data_source_id=database.data_source_id, now=_now()
        )

    def _sync_failed(self, entry: Entry) -> Entry:
        """Sync the status of a row that a run gave up, and poll its database by the time that it waits for."""
        if entry.status is Status.FAILED:
            count_failed(entry.link, entry.failure_code)
        if entry.link.has_row and entry.retry_at is not None and entry.is_waiting:
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
        """Write the row's newest status to Notion. Return whether it is synced; the sweep writes it where it isn't.

        A direct entry is always synced.
        """
        entry = self.store.entries.get(page_id)
        if entry is None or not entry.is_unsynced:
            if entry is not None and not entry.link.has_row:
                self._use_room(entry)
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
        else:
            self._use_room(entry)
        return True

    def _use_room(self, entry: Entry) -> None:
        """Poll the rows that wait for room, where the entry's run has ended, or there was none."""
        if entry.holder is None:
            self.store.databases.poll_backlog(entry.link.connection_id, now=_now())

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

    def close(self) -> None:
        """Finish the background writes, record what was paid, and close the client of Notion."""
        self._writes.settle()
        self._status_executor.shutdown(wait=True)
        self.notion.close()


def link_rows(settings: Settings) -> LinkRows:
    """Return the rows of this installation. The caller closes them."""
    return LinkRows(
        tokens=TokenStore(),
        notion=NotionResource(base_url=settings.notion_base_url),
        caps=spending_caps(settings),
        storage=storage(settings),
        output_language=settings.output_language,
        prices_file=settings.prices_file,
    )


def _now() -> datetime:
    return datetime.now(UTC)
