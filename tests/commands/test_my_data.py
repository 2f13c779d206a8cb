"""`svp export` and `svp forget`: an operator hands over, or deletes, what is held about a connection."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from svp_dagster.cli import main
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Connection, Tokens
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import Store, open_store
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox
from tests.store.examples import link, sign_in

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, notion: NotionSandbox, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An installation without connections."""
    for name, value in {
        "SVP_HOME": str(tmp_path / "home"),
        "NOTION_BASE_URL": notion.url,
        "NOTION_CLIENT_ID": CLIENT[0],
        "NOTION_CLIENT_SECRET": CLIENT[1],
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    opened = open_store(Settings())
    migrate(opened.engine)
    return opened


@pytest.fixture
def mine(store: Store, notion: NotionSandbox) -> Connection:
    """A connection with a row."""
    made = sign_in(store, now=NOW, tokens=Tokens(access=notion.token, refresh=None))
    store.entries.request(link(made.id, at=NOW, page_id="mine"), now=NOW)
    return made


@pytest.fixture
def theirs(store: Store) -> Connection:
    """Another's, who disconnected."""
    made = sign_in(store, now=NOW, bot_id="other", owner_id="grace")
    store.entries.request(link(made.id, at=NOW, page_id="theirs"), now=NOW)
    store.connections.end(made.id, now=NOW)
    return made


def svp(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=typed, catch_exceptions=False)


@pytest.mark.parametrize("command", ["export", "forget"])
def test_without_a_connection_they_are_listed(store: Store, mine: Connection, theirs: Connection, command: str) -> None:
    listed = svp(command)
    assert listed.exit_code == 0
    assert sorted(listed.stdout.splitlines()) == sorted(
        [
            f"{mine.id}  Kitchen / Ada: 1 connections, 1 link entries",
            f"{theirs.id}  Kitchen / Ada (disconnected): 1 connections, 1 link entries",
        ]
    )
    assert len(store.connections.all()) == 2


@pytest.mark.parametrize("command", ["export", "forget"])
def test_a_connection_that_is_unknown_is_said_to_be(store: Store, command: str) -> None:
    done = svp(command, "nobody")
    assert done.exit_code == 1
    assert "no such connection" in done.stderr


def test_an_export_is_json_on_standard_output(mine: Connection, theirs: Connection, notion: NotionSandbox) -> None:
    done = svp("export", mine.id)
    assert [entry["page_id"] for entry in json.loads(done.stdout)["link_entries"]] == ["mine"]
    assert notion.token not in done.output


def test_forgetting_asks_first(store: Store, mine: Connection) -> None:
    done = svp("forget", mine.id, typed="n\n")
    assert done.exit_code == 1
    assert "1 link entries" in done.stderr
    assert store.connections.get(mine.id) is not None


def test_a_strangers_name_moves_no_cursor(store: Store, mine: Connection) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET owner_name = 'x\x1b[2Jy\r\nz'")
    asked = svp("forget", mine.id, typed="n\n").stderr
    assert "x[2Jy z" in asked
    assert "\x1b" not in asked


def test_a_connection_is_forgotten_and_revoked_and_another_is_left_alone(
    store: Store, mine: Connection, theirs: Connection
) -> None:
    done = svp("forget", mine.id, typed="y\n")
    assert (done.exit_code, "Deleted." in done.stdout) == (0, True)
    assert [left.id for left in store.connections.all()] == [theirs.id]
    assert store.entries.get("mine") is None
    assert store.entries.get("theirs") is not None
    assert [left.is_revoked for left in store.deletions.pending()] == [True]


def test_a_connection_that_ended_is_forgotten_too(store: Store, theirs: Connection) -> None:
    assert svp("forget", theirs.id, "--yes").exit_code == 0
    assert store.connections.all() == []


def test_while_notion_does_not_answer_the_daemon_is_left_to_tell_it(
    store: Store, mine: Connection, notion: NotionSandbox
) -> None:
    notion.fail("/v1/oauth/revoke", status=503, body={}, times=None)
    done = svp("forget", mine.id, "--yes")
    assert done.exit_code == 0
    assert "the daemon tries for a day" in done.stderr
    assert store.deletions.access_token(mine.id) == notion.token
