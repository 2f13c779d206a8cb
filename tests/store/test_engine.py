"""The engine and the migrations, on both databases."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError, StatementError

from svp_dagster.errors import Code, SvpError
from svp_dagster.settings import Settings
from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.engine import MIGRATIONS, VERSION_TABLE, is_migrated, make_engine, migrate
from svp_dagster.store.store import Store, open_store
from svp_dagster.store.tables import Base, is_of_search
from svp_dagster.unknown_answers import UnknownAnswer
from tests.store.examples import GONE, all_at_once, link, sign_in

REBUILD_CONNECTIONS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "rebuild", "{head}", None, None


def upgrade() -> None:
    with op.batch_alter_table("connections", recreate="auto") as batch_op:
        batch_op.alter_column("owner_name", type_=sa.Text(), existing_type=sa.String(), existing_nullable=False)
"""

FAIL_HALFWAY = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "broken", "{head}", None, None


def upgrade() -> None:
    op.drop_table("unknown_answers")
    raise RuntimeError("the power is cut here")
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Instead of the shared one: these tests change more than rows."""
    make: Callable[[], str] = request.getfixturevalue(f"new_{request.param}")
    return make()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'folder' / 'svp.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def empty(empty_url: str) -> Iterator[Engine]:
    """An engine on an empty database of each kind."""
    engine = make_engine(empty_url)
    yield engine
    engine.dispose()


def scripts_with(script: str, folder: Path) -> Path:
    """The migrations, and one more after the newest."""
    scripts = folder / "migrations"
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    head = max(path.name for path in (scripts / "versions").glob("*.py")).split("_")[0]
    (scripts / "versions" / "9999_next.py").write_text(script.replace("{head}", head))
    return scripts


def is_ours(name: str | None, _kind: str, _parents: object) -> bool:
    return not is_of_search(name)


def test_an_empty_database_gets_all_tables(empty: Engine) -> None:
    assert not is_migrated(empty)
    migrate(empty)
    assert is_migrated(empty)
    found = {name for name in inspect(empty).get_table_names() if not is_of_search(name)}
    assert found == {*Base.metadata.tables, VERSION_TABLE}


def test_migrating_again_changes_nothing(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    migrate(store.engine)
    assert store.connections.all() == [connection]


def test_the_migrations_lead_to_the_tables_that_the_code_knows(store: Store) -> None:
    with store.engine.connect() as connection:
        opts = {"compare_type": True, "version_table": VERSION_TABLE, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_several_threads_may_migrate_at_once(empty_url: str) -> None:
    def start(_number: int) -> bool:
        engine = make_engine(empty_url)
        migrate(engine)
        engine.dispose()
        return True

    assert all(all_at_once(start, times=4))


def test_several_processes_may_migrate_at_once(empty: Engine, empty_url: str) -> None:
    code = "import sys; from svp_dagster.store.engine import *; migrate(make_engine(sys.argv[1]))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 3
    assert is_migrated(empty)


def test_a_new_file_that_somebody_writes_to_is_waited_for(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'svp.sqlite'}")
    other = sqlite3.connect(tmp_path / "svp.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as thread:
        connecting = thread.submit(lambda: engine.connect().close())
        with pytest.raises(TimeoutError):
            connecting.result(timeout=0.2)
        other.execute("COMMIT")
        connecting.result(timeout=20)
    other.close()
    engine.dispose()


def test_rebuilding_a_table_keeps_what_points_to_it(store: Store, now: datetime, tmp_path: Path) -> None:
    connection = sign_in(store, now=now)
    entry = store.entries.reject(link(connection.id, at=now), GONE, now=now)
    migrate(store.engine, scripts=scripts_with(REBUILD_CONNECTIONS, tmp_path))
    assert store.entries.get("row") == entry
    with pytest.raises(StatementError), store.engine.begin() as after:  # foreign keys hold again
        after.execute(text("UPDATE link_entries SET connection_id = 'nobody'"))


def test_a_migration_that_fails_leaves_everything_as_it_was(store: Store, now: datetime, tmp_path: Path) -> None:
    answer = UnknownAnswer(service="OpenAI", status=418, kind="teapot", headers={}, body="Short and stout")
    store.unknown_answers.record(answer, now=now)
    with pytest.raises(RuntimeError, match="the power is cut here"):
        migrate(store.engine, scripts=scripts_with(FAIL_HALFWAY, tmp_path))
    assert len(store.unknown_answers.all()) == 1
    assert is_migrated(store.engine)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "svp.sqlite",
        "mysql://svp:hunter2@db/svp",
        "postgresql://svp@db:hunter2/svp",
        "postgres:/svp:hunter2@db",
        "redis://:hunter2@db/0",
    ],
)
def test_another_address_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(SvpError, match="DATABASE_URL") as caught:
        make_engine(url)
    assert caught.value.code is Code.MISCONFIGURED
    assert "hunter2" not in f"{caught.value} {caught.value.sentence}"


def test_the_short_and_the_long_name_of_postgresql_are_one() -> None:
    urls = [make_engine(f"{scheme}://svp:pw@db/svp?sslmode=require").url for scheme in ("postgres", "postgresql")]
    assert urls[0] == urls[1]
    assert urls[0].drivername == "postgresql+psycopg2"
    assert (urls[0].password, urls[0].query["sslmode"]) == ("pw", "require")


def test_an_engine_does_not_show_its_password() -> None:
    assert "hunter2" not in repr(make_engine("postgresql://svp:hunter2@db/svp"))


def test_the_exception_of_a_statement_does_not_show_its_values(store: Store) -> None:
    with pytest.raises(DBAPIError) as caught, store.engine.connect() as connection:
        connection.execute(text("SELECT *\nFROM nowhere\nWHERE token = :token"), {"token": "gAAAA-a-token"})
    assert "nowhere" in str(caught.value)
    assert "gAAAA" not in str(caught.value)


def test_a_point_in_time_comes_back_in_utc(store: Store) -> None:
    if store.engine.dialect.name == "postgresql":  # a server that lives elsewhere
        with store.engine.begin() as connection:
            connection.execute(text(f"ALTER DATABASE {store.engine.url.database} SET timezone TO 'Asia/Tokyo'"))
        store.engine.dispose()
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    created_at = sign_in(store, now=at).created_at
    kept = store.connections.all()[0].created_at
    assert kept == created_at == at
    assert kept.tzinfo is UTC


def test_a_naive_point_in_time_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="naive"):
        sign_in(store, now=datetime(2026, 11, 20))  # noqa: DTZ001 (the defect)


def test_deleting_a_connection_deletes_what_is_its_own(store: Store, now: datetime) -> None:
    mine, other = sign_in(store, now=now), sign_in(store, now=now, bot_id="other")
    for connection in (mine, other):
        store.entries.request(link(connection.id, at=now, page_id=connection.id), now=now)
    with store.engine.begin() as sql:
        sql.execute(text("DELETE FROM connections WHERE id = :id"), {"id": mine.id})
    assert store.entries.get(mine.id) is None
    assert store.entries.get(other.id) is not None


def test_a_reader_that_writes_later_waits_for_its_turn(store: Store, now: datetime) -> None:
    connection = sign_in(store, now=now)
    store.entries.request(link(connection.id, at=now), now=now)
    store.entries.claim("row", "run", may_take_over=lambda _: False, now=now)

    def note_often(number: int) -> None:
        for _ in range(5):
            store.entries.note("row", "run", stage=f"stage-{number}", seconds=number)

    all_at_once(note_often, times=4)
    entry = store.entries.get("row")
    assert entry is not None
    assert entry.stage_seconds == {f"stage-{number}": float(number) for number in range(4)}


def test_connections_that_the_server_dropped_are_replaced(postgres_url: str, now: datetime) -> None:
    engine, operator = make_engine(postgres_url), make_engine(postgres_url)
    migrate(engine)
    store = Store(engine, TokenCipher(new_key()))
    connection = sign_in(store, now=now)
    with operator.connect() as other:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        ended = other.scalars(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        assert any(ended)
    assert store.connections.get(connection.id) == connection
    engine.dispose()
    operator.dispose()


def test_a_process_has_one_engine_for_an_address() -> None:
    settings = Settings(home=Path("/nowhere"), encryption_keys=SecretStr(new_key()))
    opened = all_at_once(lambda _: open_store(settings).engine, times=8)
    assert len(set(opened)) == 1
    assert open_store(settings).engine is opened[0]
    elsewhere = settings.model_copy(update={"home": Path("/elsewhere")})
    assert open_store(elsewhere).engine is not opened[0]


FORK = """
import os, sys
from svp_dagster.store.engine import process_engine

def backend(engine):
    with engine.connect() as connection:
        return connection.connection.driver_connection

url = sys.argv[1]
inherited = backend(process_engine(url))
child = os.fork()
if child == 0:
    os._exit(backend(process_engine(url)) is inherited)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the fork uses a connection of its parent"
assert backend(process_engine(url)) is inherited, "the fork closed a connection of its parent"
"""


def test_a_fork_has_connections_of_its_own(database_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", FORK, database_url], capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.returncode) == ("", 0)


def test_connections_are_closed_when_the_process_ends(database_url: str) -> None:
    code = (
        "import atexit, sys; from sqlalchemy import event; from sqlalchemy.pool import Pool\n"
        "event.listen(Pool, 'close', lambda *_: print('closed'))\n"
        "from svp_dagster.store.engine import process_engine; process_engine(sys.argv[1]).connect().close()"
    )
    done = subprocess.run([sys.executable, "-c", code, database_url], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("closed\n", "")
