"""What has to be there before the programs start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import dagster as dg
import psycopg2
import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import make_url

from svp_dagster.cli import main
from svp_dagster.commands.processes import StartFailed, answers, free_port, home_lock, running
from svp_dagster.commands.up import (
    LOCATION,
    child_environment,
    instance_config,
    make_pools,
    next_step,
    prepare,
)
from svp_dagster.definitions import defs
from svp_dagster.errors import SvpError
from svp_dagster.settings import Settings
from svp_dagster.store.engine import is_migrated
from svp_dagster.store.store import open_store
from tests.store.examples import sign_in

SVP = str(Path(sys.executable).with_name("svp"))
PASSWORD = "p@ss/w:rd %(a)s#?&é'\""


def address(scheme: str, url: str, user: str) -> str:
    """The database at `url`, for a user whose name and password need quoting."""
    parsed = make_url(url)
    who = f"{quote(user, safe='')}:{quote(PASSWORD, safe='')}"
    return f"{scheme}://{who}@/{parsed.database}?{urlencode({'host': parsed.query['host']})}"


def limits(folder: Path) -> dict[str, int]:
    """The pools that Dagster knows."""
    with dg.DagsterInstance.from_config(str(folder / "dagster")) as instance:
        return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_pools_of_the_paid_services_are_there_before_runs_meet_in_one(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path))
    if database == "postgresql":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("postgres_url"))

    nodes = defs().resolve_job_def("process_link").all_node_defs
    of_the_job = {node.pool for node in nodes if isinstance(node, dg.OpDefinition) and node.pool}

    prepare(Settings())
    assert limits(tmp_path) == dict.fromkeys(of_the_job, 5)

    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        instance.event_log_storage.set_concurrency_slots("speech", 2)  # as an operator does
    config = instance_config(Settings()).replace("default_limit: 5", "default_limit: 3")
    (tmp_path / "dagster" / "dagster.yaml").write_text(config)
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        make_pools(instance)
    assert limits(tmp_path) == {"download": 3, "screen": 3, "speech": 2, "summary": 3}


def test_two_starts_never_share_a_home_folder(tmp_path: Path) -> None:
    with home_lock(tmp_path), pytest.raises(StartFailed, match="SVP_HOME"), home_lock(tmp_path):
        pass
    with home_lock(tmp_path):  # free again
        pass


def test_a_second_start_is_refused_before_it_disturbs_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("SVP_DAGSTER_PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("SVP_APP_PORT", str(free_port()))

        refused = CliRunner().invoke(main, ["up"])

    assert refused.exit_code == 1
    assert "already. If it is this program, stop it first." in refused.output
    assert not (tmp_path / "home").exists()


def test_children_read_the_price_file_that_was_checked_wherever_they_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SVP_PRICES_FILE", "prices.json")
    assert child_environment(Settings())["SVP_PRICES_FILE"] == str(tmp_path / "prices.json")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_the_store_and_dagster_share_a_postgresql_whatever_its_password_holds(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    user = f"a:b@{scheme}"
    with closing(psycopg2.connect(postgres_url)) as connection:
        connection.cursor().execute(f'CREATE ROLE "{user}" LOGIN SUPERUSER PASSWORD %s', (PASSWORD,))
        connection.commit()
    monkeypatch.setenv("SVP_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", address(scheme, postgres_url, user))

    prepare(Settings())
    prepare(Settings())  # the second start

    store = open_store(Settings())
    assert is_migrated(store.engine)
    store.engine.dispose()
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        instance.add_dynamic_partitions("rows", ["one"])
        assert instance.get_dynamic_partitions("rows") == ["one"]
        assert "postgres" in type(instance.event_log_storage).__name__.lower()


def test_the_terminal_leads_to_the_first_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path))
    monkeypatch.setenv("NOTION_CLIENT_ID", "id")
    prepare(Settings())
    incomplete = next_step(Settings())
    assert "NOTION_CLIENT_SECRET" in incomplete
    assert "NOTION_CLIENT_ID" not in incomplete.splitlines()[0]
    assert "https://app.notion.com/developers/connections" in incomplete
    assert "http://localhost:8600/auth/notion/callback" in incomplete

    monkeypatch.setenv("NOTION_CLIENT_SECRET", "secret")
    assert "Connect Notion" in next_step(Settings())

    sign_in(open_store(Settings()), now=now)
    assert next_step(Settings()) == ""


def test_a_code_server_and_a_daemon_of_their_own_find_each_other_and_a_second_daemon_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    assert CliRunner().invoke(main, ["prepare"]).exit_code == 0
    port, workspace = free_port(), tmp_path / "workspace.yaml"
    address = {"host": "127.0.0.1", "port": port, "location_name": LOCATION}
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": address}]}))

    with running(tmp_path / "logs") as processes:
        server = processes.start("code-server", [SVP, "code-server", "--port", str(port)], env=os.environ)
        processes.wait_for(server, lambda: answers(port), limit_s=100)
        daemon = processes.start("daemon", [SVP, "daemon", "-w", str(workspace)], env=os.environ)
        processes.wait_for(daemon, lambda: "pending_links" in daemon.log.read_text(), limit_s=100)
        second = CliRunner().invoke(main, ["daemon", "-w", str(workspace)])
        still_running = [server.process.poll(), daemon.process.poll()]

    assert second.exit_code == 1
    assert "Another start uses this SVP_HOME" in second.output
    assert still_running == [None, None]


def test_a_program_of_dagsters_gets_the_address_that_stands_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    (tmp_path / "url").write_text("postgresql://svp:pw@db/svp\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))

    printed = subprocess.run(
        [SVP, "run", "env"], check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()

    assert "DATABASE_URL=postgresql+psycopg2://svp:pw@db/svp" in printed
    assert f"DAGSTER_HOME={tmp_path / 'home' / 'dagster'}" in printed
    assert [line for line in printed if line.startswith("DATABASE_URL_FILE=")] == []


def test_the_operators_own_sections_replace_those_of_dagster_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("run_retries: {enabled: false}")
    monkeypatch.setenv("SVP_DAGSTER_CONFIG", str(own))
    config = yaml.safe_load(instance_config(Settings()))
    assert config["run_retries"] == {"enabled": False}
    assert config["run_monitoring"]["enabled"] is True

    for text, reason in (("- a list", "has no sections"), ("{", "can't be read"), (None, "can't be read")):
        own.unlink() if text is None else own.write_text(text)
        with pytest.raises(SvpError) as caught:
            instance_config(Settings())
        assert f"SVP_DAGSTER_CONFIG {reason}" in caught.value.sentence
