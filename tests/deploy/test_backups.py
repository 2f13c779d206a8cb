"""`deploy/backup.sh` and `deploy/restore.sh`, run against a real PostgreSQL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psycopg2
import pytest

from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.engine import make_engine
from svp_dagster.store.store import Store
from tests.deploy.scripts import Script, database_scripts
from tests.postgres import PostgresServer
from tests.store.examples import link, sign_in

KEY = new_key()
DAY_S = 86_400


@pytest.fixture
def url(new_postgresql: Callable[[], str]) -> str:
    """A migrated database of one's own."""
    return new_postgresql()


@pytest.fixture
def run(url: str, postgres_server: PostgresServer, tmp_path: Path) -> Script:
    """Run a script of `deploy` on the database, with the programs that belong to its server."""
    return database_scripts(url, postgres_server, tmp_path / "backups")


def opened(url: str) -> Store:
    return Store(make_engine(url), TokenCipher(KEY))


def fill(url: str, *, now: datetime) -> str:
    """An installation with a connection and a row; returns the connection's id."""
    store = opened(url)
    connection = sign_in(store, now=now)
    store.entries.request(link(connection.id, at=now), now=now)
    store.engine.dispose()
    return connection.id


def execute(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.cursor().execute(statement)
        connection.commit()


def dumps(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "backups").iterdir())


def test_rows_and_tokens_that_were_lost_are_there_again(run: Script, url: str, tmp_path: Path, now: datetime) -> None:
    connection_id = fill(url, now=now)
    made = run("backup.sh")
    assert made.returncode == 0, made.stderr
    (dump,) = dumps(tmp_path)
    assert dump.stat().st_mode & 0o077 == 0
    execute(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE came_later (id int)")

    restored = run("restore.sh", dump, "--yes")

    assert restored.returncode == 0, restored.stderr
    store = opened(url)
    assert store.connections.tokens(connection_id) is not None
    assert store.entries.get("row") is not None
    store.engine.dispose()
    with closing(psycopg2.connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT to_regclass('came_later') IS NULL")
        assert cursor.fetchone() == (True,)
    assert run("backup.sh").returncode == 0  # and a dump of what was restored can be restored
    assert run("restore.sh", dumps(tmp_path)[-1], "--yes").returncode == 0


def test_nothing_is_restored_while_a_program_uses_the_database_or_without_a_yes(
    run: Script, url: str, tmp_path: Path, now: datetime
) -> None:
    run("backup.sh")
    (dump,) = dumps(tmp_path)
    fill(url, now=now)

    with closing(psycopg2.connect(url)):
        used = run("restore.sh", dump, "--yes")
    unconfirmed = run("restore.sh", dump)

    assert used.returncode == unconfirmed.returncode == 1
    assert "1 connections use the database" in used.stderr
    store = opened(url)
    assert store.entries.get("row") is not None
    store.engine.dispose()


def test_a_dump_that_is_damaged_leaves_the_database_as_it_was(
    run: Script, url: str, tmp_path: Path, now: datetime
) -> None:
    fill(url, now=now)
    run("backup.sh")
    (dump,) = dumps(tmp_path)
    data = dump.read_bytes()
    (tmp_path / "cut.dump").write_bytes(data[: len(data) * 3 // 4])

    assert run("restore.sh", tmp_path / "cut.dump", "--yes").returncode != 0

    store = opened(url)
    assert store.entries.get("row") is not None
    store.engine.dispose()


def test_old_dumps_go_only_after_a_new_one_was_made(run: Script, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for days in (1, 2, 5):
        old = folder / f"svp-{days}.dump"
        old.touch()
        os.utime(old, (time.time() - days * DAY_S,) * 2)

    failed = run("backup.sh", PGDATABASE="nowhere")
    assert failed.returncode == 1
    assert [path.name for path in dumps(tmp_path)] == ["svp-1.dump", "svp-2.dump", "svp-5.dump"]

    assert run("backup.sh").returncode == 0
    names = [path.name for path in dumps(tmp_path)]
    assert "svp-5.dump" not in names
    assert {"svp-1.dump", "svp-2.dump"} < set(names)
    assert len(names) == 3
