"""Asking for rows again, as the app's buttons and the command line do."""

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
"""Told to Notion in about a quarter of an hour."""


def retry_row(store: Store, workspace: Workspace, entry: Entry, *, now: datetime) -> Entry | None:
    """Set the row back to pending, in Notion and in the store, and make its connection due: it starts within seconds.

    None where the row came to be neither finished nor waiting meanwhile: it is worked on already. Raises
    `database_not_shared` without a Link Database, and the failures of Notion.
    """
    page_id, connection_id = entry.link.page_id, entry.link.connection_id
    link_database = store.databases.link_database(connection_id)
    if link_database is None:
        raise failure(Code.DATABASE_NOT_SHARED, database="Link Database", detail="not registered")
    workspace.set_row(page_id, status_update(link_database.data_schema, Status.PENDING, at=now))
    asked = store.entries.request_again(page_id, now=now)
    store.databases.poll_now(connection_id, now=now)
    return asked


def retry_rows(store: Store, page_ids: Collection[str], *, now: datetime) -> list[Entry]:
    """Set rows back to pending in the store, at once; returns those that failed or waited, and so were.

    Notion is not called: what it allows belongs to publishing first. The statuses are owed, and the sweep tells them,
    30 a minute of a connection; each row starts when it is told.
    """
    return store.sweep.retry(page_ids, now=now)
