"""The engine: one place where SQLite and PostgreSQL are made to behave alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, make_url

LOCK_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 5


def make_engine(url: str) -> Engine:
    """An engine for `sqlite:///…` or `postgresql://…` (also `postgres://`). Connects lazily."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": LOCK_TIMEOUT_S})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    options = f"-c lock_timeout={LOCK_TIMEOUT_S}s -c statement_timeout={LOCK_TIMEOUT_S}s"
    return create_engine(
        parsed.set(drivername="postgresql+psycopg2"),
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN is switched off, so that ours below is the only one.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_immediate(connection: Any) -> None:
    # A transaction that reads first and writes later would fail at once with "database is locked" when another
    # wrote in between; taking the write lock at the start makes it wait instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest form. Safe to call from several processes at once."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7468)")
        command.upgrade(_config(connection), "head")


def is_migrated(engine: Engine) -> bool:
    """Whether the tables have the newest form."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    return set(current) == set(ScriptDirectory.from_config(_config(None)).get_heads())


def _config(connection: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
