"""The id of a request: taken where it is a good one, else made, and answered."""

from __future__ import annotations

import logging

import pytest
from flask import Flask

from svp_dagster.store.store import Store
from svp_dagster.telemetry.logs import JsonLine
from svp_dagster.telemetry.traces import row_trace
from tests.oauth_app.people import Person


def test_a_proxys_id_is_kept(app: Flask) -> None:
    answer = app.test_client().get("/health", headers={"X-Request-ID": "5f2c-1.a_B"})
    assert answer.headers.getlist("X-Request-ID") == ["5f2c-1.a_B"]


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "<script>"])
def test_any_other_is_replaced(app: Flask, given: str) -> None:
    (made,) = app.test_client().get("/health", headers={"X-Request-ID": given}).headers.getlist("X-Request-ID")
    assert made != given
    assert len(made) == 16


def test_a_request_for_a_row_is_logged_with_the_rows_trace(
    ada: Person, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "oauth_app")
    (database,) = store.databases.content_databases(ada.connection_id)
    link = {"url": "https://www.tiktok.com/@ada/video/7300000000000000001", "tag": database.tag}
    entry = ada.ask("POST", "/api/entries", link).json
    assert entry is not None
    # A row that is pending can't be tried again: only what was done is reported.
    ada.ask("POST", f"/api/entries/{entry['id']}/retry", {})
    assert not [record for record in caplog.records if record.name == "oauth_app.watch.requests"]
    with store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE link_entries SET status = 'failed', failure_code = 'gone', sentence = 'Gone.'"
        )
    assert ada.ask("POST", f"/api/entries/{entry['id']}/retry", {}).status_code < 300
    (line,) = [record for record in caplog.records if record.name == "oauth_app.watch.requests"]
    found = store.entries.get(entry["id"])
    assert found is not None
    assert line.facts["trace"] == row_trace(entry["id"], found.requests).hex_id  # type: ignore[attr-defined]
    assert '"connection"' in JsonLine().format(line)
