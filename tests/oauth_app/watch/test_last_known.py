"""What `/health` says of the database and of Notion, which it doesn't ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from oauth_app.services import Services
from oauth_app.watch.last_known import NEWS_FOR, LastKnown
from svp_dagster.store.store import Store
from svp_dagster.telemetry import calls
from svp_dagster.telemetry.calls import OpenCall
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person
from tests.store.examples import record_poll


@pytest.fixture
def last_known(app: Flask, monkeypatch: pytest.MonkeyPatch) -> LastKnown:
    """What a process knows that just began."""
    monkeypatch.setattr(calls, "_last", {})
    services: Services = app.extensions["svp"]
    return LastKnown(services)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_process_that_just_began_knows_nothing_of_notion(ada: Person, last_known: LastKnown) -> None:
    assert last_known.database() == "ok"
    assert last_known.notion(now=now()) == "unknown"


@pytest.mark.parametrize(
    ("status", "state"), [(200, "ok"), (404, "ok"), (429, "ok"), (503, "failed"), (None, "failed")]
)
def test_the_last_call_says_how_notion_is(last_known: LastKnown, status: int | None, state: str) -> None:
    OpenCall("notion", "GET").end(status)
    assert last_known.notion(now=now()) == state
    assert last_known.notion(now=now() + NEWS_FOR + timedelta(minutes=1)) == "unknown"


def test_a_poll_of_another_process_counts_too(ada: Person, store: Store, last_known: LastKnown) -> None:
    database = store.databases.link_database(ada.connection_id)
    assert database is not None
    OpenCall("notion", "GET").end(503)
    later = now() + timedelta(minutes=1)
    record_poll(store, database, next_due_at=later, now=later, backlog=0)
    assert last_known.database() == "ok"
    assert last_known.notion(now=later) == "ok"


def test_health_sends_nothing_to_notion(app: Flask, notion: NotionSandbox, ada: Person) -> None:
    before = len(notion.requests())
    for _ in range(3):
        assert app.test_client().get("/health").json is not None
    assert len(notion.requests()) == before
