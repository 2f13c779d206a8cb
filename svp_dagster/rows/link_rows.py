"""Rows in work: each change goes to the store first, then to Notion.

A change that Notion could not be told is owed (`Entry.is_owed`) and told later by the sweep, so that an outage of
Notion never stops a stage, and a row never says what isn't so for long.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import dagster as dg
from pydantic import PrivateAttr

from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.models import JsonObject, LinkEntry, PaidCall, Status
from svp_dagster.notion.client.workspace import NotionResource, Workspace
from svp_dagster.notion.rows import shows_errors, status_update
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store

logger = logging.getLogger(__name__)


class LinkRows(dg.ConfigurableResource):
    """The rows of all connections."""

    tokens: TokenStore
    notion: NotionResource
    monthly_budget_usd: float | None = None
    _shower: ThreadPoolExecutor = PrivateAttr(default_factory=lambda: ThreadPoolExecutor(1, "row-status"))

    @property
    def store(self) -> Store:
        """The store behind the rows."""
        return self.tokens.store

    def workspace(self, connection_id: str, *, patience_s: float | None = None) -> Workspace:
        """Notion, as this connection may see it. With `patience_s=0` calls give way while Notion is busy."""
        return self.notion.workspace(connection_id, self.tokens, patience_s=patience_s)

    def fail(self, run_id: str, error: SvpError) -> Entry | None:
        """The run failed: its row waits where that may help, else has failed for good; Notion is told.

        None if the run holds no row (any more).
        """
        entry = self.store.entries.held_by(run_id)
        if entry is None:
            return None
        return self._left(self.store.entries.fail(entry.link.page_id, run_id, error, now=_now()))

    def fail_unclaimed(self, page_id: str, run_id: str, error: SvpError) -> None:
        """The same for a row whose run ended before it could claim it."""
        left = self.store.entries.fail_unclaimed(page_id, run_id, error, now=_now())
        if left is not None:
            self._left(left)

    def _left(self, entry: Entry) -> Entry:
        """After a run gave a row up: Notion is told, and asked again by the time that the row waits for."""
        self.show_soon(entry).result()
        if entry.retry_at is not None:
            self.store.databases.look_by(entry.link.connection_id, at=entry.retry_at)
        return entry

    def show_soon(self, entry: Entry) -> Future[bool]:
        """Tell Notion in the background, one change after the other: no stage waits for it."""
        return self._shower.submit(self.show, entry.link.page_id)

    def show(self, page_id: str, *, patience_s: float | None = None) -> bool:
        """Tell Notion the row's newest status. What can't be told now stays owed; returns whether nothing is."""
        entry = self.store.entries.get(page_id)
        if entry is None or not entry.is_owed:
            return True
        edited_at = None
        try:
            edited_at = self._write(entry, self.workspace(entry.link.connection_id, patience_s=patience_s))
        except SvpError as error:
            logger.warning("row %s: status %s not written to Notion: %s", page_id, entry.status, error.code)
            if error.retry is not Retry.NEVER or error.code is Code.NOT_CONNECTED:
                return False
            if error.code is Code.ROW_GONE:
                self.store.entries.row_gone(page_id, now=_now())
        # Also after a refusal for good (the row is gone, its columns were renamed): nothing is owed to it any more.
        self.store.entries.shown(page_id, entry.version, now=_now(), edited_at=edited_at)
        if entry.status is Status.PENDING and not entry.is_waiting:  # now the poll finds it
            self.store.databases.look_now(entry.link.connection_id, now=_now())
        return True

    def _write(self, entry: Entry, workspace: Workspace) -> datetime | None:
        """Write the status; returns when the row of an entry that waits was edited by that."""
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
        """Let the last status be told before the process ends."""
        self._shower.shutdown(wait=True)


class RowMeter:
    """Fulfils `svp_dagster.ports.Meter` for one row. `spent_usd` is None once a call's price is unknown."""

    def __init__(self, rows: LinkRows, link: LinkEntry, run_id: str) -> None:
        self._rows = rows
        self._link = link
        self._run_id = run_id
        self.spent_usd: float | None = 0.0

    def require_budget(self) -> None:
        """Pass, or raise `budget_reached`: the connection's own cap, or the installation's."""
        store, connection_id = self._rows.store, self._link.connection_id
        connection = store.connections.get(connection_id)
        own_cap = connection.monthly_budget_usd if connection else None
        cap = own_cap if own_cap is not None else self._rows.monthly_budget_usd
        month = _now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        if cap is not None and store.ledger.spent(connection_id, since=month).usd >= cap:
            raise failure(Code.BUDGET_REACHED, budget=f"${cap:.2f}")

    def record(self, call: PaidCall) -> None:
        """Keep a call that was carried out."""
        link = self._link
        self._rows.store.ledger.add(
            call, connection_id=link.connection_id, page_id=link.page_id, run_id=self._run_id, now=_now()
        )
        known = self.spent_usd is not None and call.cost_usd is not None
        self.spent_usd = (self.spent_usd or 0.0) + (call.cost_usd or 0.0) if known else None


class KeptContents:
    """Fulfils `svp_dagster.ports.Contents` with the store's table and the present time."""

    def __init__(self, store: Store) -> None:
        self._contents = store.contents

    def get(self, media_key: str, kind: str, recipe: str) -> JsonObject | None:
        """The kept result, or None."""
        return self._contents.get(media_key, kind, recipe)

    def put(self, media_key: str, kind: str, recipe: str, value: JsonObject) -> None:
        """Keep a result."""
        self._contents.put(media_key, kind, recipe, value, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)
