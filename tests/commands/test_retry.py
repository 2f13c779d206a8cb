"""`svp retry`: rows that failed for good, listed and asked for again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from svp_dagster.cli import main
from svp_dagster.errors import Code, failure_of
from svp_dagster.models import Status
from svp_dagster.rows.waiting import final_outcome
from svp_dagster.settings import Settings
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import Store, open_store
from tests.store.examples import LINK, link, schema, sign_in

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An installation with two rows that failed, and one that is pending."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    opened = open_store(Settings())
    migrate(opened.engine)
    connection_id = sign_in(opened, now=NOW).id
    opened.databases.set_link_database(connection_id, schema=schema(), url="", now=NOW)
    for page_id, code in (("broken", Code.SITE_CHANGED), ("gone", Code.GONE)):
        opened.entries.reject(
            link(connection_id, at=NOW, page_id=page_id), final_outcome(failure_of(code, {}), waits=0), now=NOW
        )
    opened.entries.request(link(connection_id, at=NOW, page_id="asked"), now=NOW)
    return opened


def svp_retry(*arguments: str) -> Result:
    return CliRunner().invoke(main, ("retry", *arguments), catch_exceptions=False)


def status(store: Store, page_id: str) -> Status:
    found = store.entries.get(page_id)
    assert found is not None
    return found.status


def test_without_rows_those_that_failed_are_listed_and_left_alone(store: Store) -> None:
    listed = svp_retry()
    assert listed.exit_code == 0
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["broken", "site_changed", LINK],
        ["gone", "gone", LINK],
    ]
    assert listed.stderr == "2 rows failed for good.\n"
    assert status(store, "gone") is Status.FAILED


def test_all_that_failed_are_asked_for_though_notion_does_not_answer(store: Store) -> None:
    done = svp_retry("--all-failed")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["broken  asked for again", "gone  asked for again"]
    assert [status(store, page_id) for page_id in ("broken", "gone")] == [Status.PENDING] * 2
    assert len(store.entries.unsynced(before=datetime.now(UTC), per_connection=9, limit=9)) == 2


def test_only_those_that_failed_with_a_code_are_asked_for(store: Store) -> None:
    assert svp_retry("--all-failed", "--code", "site_changed").stdout == "broken  asked for again\n"
    assert (status(store, "broken"), status(store, "gone")) == (Status.PENDING, Status.FAILED)


def test_rows_that_can_not_be_asked_for_say_why(store: Store) -> None:
    done = svp_retry("gone", "asked", "nowhere")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "gone  asked for again",
        "asked  It is pending; only rows that failed or wait can be tried again.",
        "nowhere  It is unknown here; only rows that failed or wait can be tried again.",
    ]
    assert "2 rows could not be asked for again." in done.stderr


def test_a_row_of_an_ended_connection_says_so(store: Store) -> None:
    (connection,) = store.connections.all()
    store.connections.end(connection.id, now=NOW)
    assert "The connection to Notion has ended." in svp_retry("gone").stdout
    assert svp_retry("--all-failed").stdout == ""
    assert status(store, "gone") is Status.FAILED
