"""The database engine and its migrations. SQLite and PostgreSQL are made to behave alike here."""

from __future__ import annotations

import atexit
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError

from svp_dagster.errors import Code, failure

LOCK_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 5
MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "svp_version"
"""Not Alembic's own name for it, under which Dagster keeps the version of its tables in the same PostgreSQL."""

# A dead connection is noticed after about 25 s, not after the system's two hours.
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
# PostgreSQL's JSON has no NaN; SQLite's would take it.
_to_json = partial(json.dumps, allow_nan=False)
# Values stay out of exceptions, and so out of logs.
_COMMON: dict[str, Any] = {"json_serializer": _to_json, "hide_parameters": True}

STAYS = {"read": True, "key_share": True}
"""For `with_for_update`: locks a row against being deleted, as a foreign key does that points to it."""

_engines: dict[tuple[int, str], Engine] = {}

T = TypeVar("T")


def process_engine(url: str) -> Engine:
    """Return the engine of this process for an address: one, however many stores are opened on it.

    Keyed by process id as well, so that a fork neither uses nor closes its parent's connections, as SQLAlchemy asks:
    https://docs.sqlalchemy.org/en/20/core/pooling.html#using-connection-pools-with-multiprocessing-or-os-fork
    """
    key = (os.getpid(), url)
    # `setdefault` is atomic, and the engine that it drops has never connected. A lock instead could be held by another
    # thread at the moment of a fork, and would stay locked in the child.
    return _engines.get(key) or _engines.setdefault(key, make_engine(url))


@atexit.register
def dispose_process_engines() -> None:
    """Close the idle connections of this process. An engine that is still in use connects again."""
    for (process_id, _), engine in list(_engines.items()):
        if process_id == os.getpid():
            engine.dispose()


def make_engine(url: str) -> Engine:
    """Return a new engine for `sqlite:///…` or `postgresql://…` (also `postgres://`). It connects lazily.

    Raises `misconfigured` for any other address; the message doesn't quote it, since it may hold a password.
    """
    try:
        parsed = make_url(f"postgresql://{url.removeprefix('postgres://')}" if url.startswith("postgres://") else url)
    except (ArgumentError, ValueError):
        raise failure(Code.MISCONFIGURED, reason="DATABASE_URL is not the address of a database") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(parsed.set(drivername="sqlite"))
    if backend == "postgresql":
        return _postgres_engine(parsed.set(drivername="postgresql+psycopg2"))
    raise failure(Code.MISCONFIGURED, reason="DATABASE_URL must begin with sqlite:/// or postgresql://")


def _sqlite_engine(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": LOCK_TIMEOUT_S}, **_COMMON)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _postgres_engine(url: URL) -> Engine:
    options = f"-c lock_timeout={LOCK_TIMEOUT_S}s -c statement_timeout={LOCK_TIMEOUT_S}s"
    return create_engine(
        url,
        pool_pre_ping=True,
        **_COMMON,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options, **_KEEPALIVE},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN is switched off, so that ours below is the only one.
    connection.isolation_level = None
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten in the file too


def _switch_to_wal(connection: Any) -> None:
    # Only a new file is really switched. This alone doesn't wait while another process does the same: SQLite answers
    # "database is locked" at once, whatever its timeout.
    give_up_at = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_immediate(connection: Any) -> None:
    # A transaction that reads first and writes later would fail at once with "database is locked" when another
    # wrote in between; taking the write lock at the start makes it wait instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def retry_conflict(work: Callable[[], T]) -> T:
    """Return what `work` returns. Repeat it once if another process inserted the same key after its read."""
    try:
        return work()
    except IntegrityError:
        return work()


def migrate(engine: Engine, *, scripts: Path = MIGRATIONS) -> None:
    """Upgrade the tables to the newest revision. Safe to call from several processes at once."""
    with _migration(engine) as connection:
        command.upgrade(_config(connection, scripts), "head")


def is_migrated(engine: Engine) -> bool:
    """Return whether the tables are at the newest revision."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_heads()
    return set(current) == set(ScriptDirectory.from_config(_config(None, MIGRATIONS)).get_heads())


@contextmanager
def _migration(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            with connection.begin():
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a large table may take its time
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7468)")
                yield connection
            return
        # SQLite changes a table by copying and dropping it, and a drop deletes all that points to it while foreign
        # keys are on. They can be switched only outside of a transaction.
        sqlite: Any = connection.connection.driver_connection
        sqlite.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            sqlite.execute("PRAGMA foreign_keys=ON")


def _config(connection: Connection | None, scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
