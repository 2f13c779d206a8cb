"""Retries rows, as the app's buttons and the command line do."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from svp_dagster.errors import Code, failure
from svp_dagster.models import Status
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rows import status_update
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store

MOST_AT_ONCE = 500
"""Their statuses are synced within about a quarter of an hour."""


def retry_row(store: Store, workspace: Workspace, entry: Entry, *, now: datetime) -> Entry | None:
    """Set the row back to pending, in Notion and in the store, and poll its connection: it starts within seconds.

    A direct entry is set in the store alone.

    Return None where the row is neither finished nor waiting any more, since a run works on it already. Raises
    `database_not_shared` without a Link Database, and the failures of Notion.
    """
    page_id, connection_id = entry.link.page_id, entry.link.connection_id
    if not entry.link.has_row:
        return store.entries.request_again(page_id, now=now)
    link_database = store.databases.link_database(connection_id)
    if link_database is None:
        raise failure(Code.DATABASE_NOT_SHARED, database="Link Database", detail="not registered")
    workspace.set_row(page_id, status_update(link_database.data_schema, Status.PENDING, at=now))
    requested = store.entries.request_again(page_id, now=now)
    store.databases.poll_now(connection_id, now=now)
    return requested


def retry_rows(store: Store, page_ids: Collection[str], *, now: datetime) -> list[Entry]:
    """Set those of the rows back to pending in the store that failed or wait, and return them.

    Notion is not called, since publishing comes first in what it allows. The sweep syncs the statuses, 30 a minute of
    a connection, and each row starts once Notion shows it as pending.
    """
    return store.sweep.retry(page_ids, now=now)
