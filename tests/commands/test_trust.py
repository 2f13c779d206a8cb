"""`svp trust`: who is connected and what they spend, and whom the operator trusts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from svp_dagster.cli import main
from svp_dagster.models import PaidCall
from svp_dagster.settings import Settings
from svp_dagster.store.engine import migrate
from svp_dagster.store.store import Store, open_store
from tests.store.examples import sign_in

NOW = datetime.now(UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty installation."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    opened = open_store(Settings())
    migrate(opened.engine)
    return opened


def connect(store: Store, name: str, *, paid_usd: float | None = 0.0) -> str:
    made = sign_in(store, now=NOW, bot_id=name, workspace_id=name, owner_id=name)
    call = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=paid_usd)
    store.ledger.add(call, connection_id=made.id, page_id="row", run_id="run", now=NOW)
    return made.id


def svp_trust(*arguments: str) -> Result:
    return CliRunner().invoke(main, ("trust", *arguments), catch_exceptions=False)


def test_all_are_listed_new_ones_first_and_who_spent_most(store: Store) -> None:
    trusted, little, much = connect(store, "a"), connect(store, "b", paid_usd=0.01), connect(store, "c", paid_usd=0.9)
    unknown = connect(store, "d", paid_usd=None)
    svp_trust(trusted)
    store.connections.end(little, now=NOW)
    assert svp_trust().stdout.splitlines() == [
        f"{much}  new      $0.90  Kitchen Ada",
        f"{little}  new      $0.01  Kitchen Ada (left)",
        f"{unknown}  new      $0.00 and 1 call of unknown price  Kitchen Ada",
        f"{trusted}  trusted  $0.00  Kitchen Ada",
    ]


def test_connections_are_trusted_and_count_as_new_again(store: Store) -> None:
    ids = [connect(store, "a"), connect(store, "b")]
    done = svp_trust(*ids)
    assert (done.exit_code, done.stdout.splitlines()) == (0, [f"{each}  trusted" for each in ids])
    assert [each.trusted for each in store.connections.all()] == [True, True]
    assert svp_trust("--undo", ids[0]).exit_code == 0
    assert sorted(each.trusted for each in store.connections.all()) == [False, True]


def test_a_connection_that_does_not_exist_is_an_error_and_stops_no_other(store: Store) -> None:
    known = connect(store, "a")
    done = svp_trust("nobody", known)
    assert done.exit_code == 1
    assert "nobody  unknown here" in done.stdout
    assert [each.trusted for each in store.connections.all()] == [True]


def test_a_strangers_name_moves_no_cursor(store: Store) -> None:
    connect(store, "a")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET owner_name = 'x\x1b[2Jy\r\nz'")
    (line,) = svp_trust().stdout.splitlines()
    assert line.endswith("Kitchen x[2Jy z")
