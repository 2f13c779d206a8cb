"""Statuses that are written to Notion in the background."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import pytest

from svp_dagster.models import Status
from svp_dagster.notion.client.resource import NotionResource
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.rows.held_row import hold
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.spending.caps import SpendingCaps
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.storage.storage import Storage
from tests.store.examples import link, sign_in


class DefectiveNotion(NotionResource):
    """A client with a defect: what it raises is no failure of the table, and its words hold a payload."""

    def workspace(self, *_: object, **__: object) -> Workspace:
        raise RuntimeError("canary payload")


@pytest.fixture
def rows(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LinkRows:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SVP_HOME", str(tmp_path))
    return LinkRows(
        tokens=TokenStore(), notion=DefectiveNotion(), caps=SpendingCaps(), storage=Storage(address="unused")
    )


def test_a_defect_in_a_background_status_write_is_logged_and_the_status_stays_unsynced(
    rows: LinkRows, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    connection = sign_in(rows.store, now=now)
    rows.store.entries.request(link(connection.id, at=now), now=now)
    held = hold(rows, "row", "run", may_take_over=lambda _: False)

    held.enter(Status.DOWNLOADING)
    rows.close()

    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "row row" in logged.getMessage()
    assert "RuntimeError" in logged.getMessage()
    assert "canary" not in caplog.text
    entry = rows.store.entries.get("row")
    assert entry is not None
    assert entry.is_unsynced
