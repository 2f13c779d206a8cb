"""A whole installation in processes of its own, on SQLite and on a PostgreSQL that may be stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.rig import Rig, rig
from tests.postgres import PostgresServer, running_server


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that no other test uses."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def on_postgres(own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The installation with its store and Dagster's storage in that PostgreSQL."""
    with rig(tmp_path_factory.mktemp("postgresql"), database_url=own_postgres.new_database()) as made:
        yield made


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The installation as it is made where nothing is set."""
    with rig(tmp_path_factory.mktemp("sqlite")) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest) -> Rig:
    """The installation, on both."""
    found: Rig = request.getfixturevalue("on_sqlite" if request.param == "sqlite" else "on_postgres")
    return found
