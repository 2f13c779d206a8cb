"""What all tests share: a store on both databases, a clean environment, and no way out to the network."""

from __future__ import annotations

import ipaddress
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, settings

from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.engine import dispose_process_engines, make_engine, migrate
from svp_dagster.store.store import Store
from svp_dagster.store.tables import Base
from tests.notion.client.notion_sandbox import NotionSandbox, RunningNotion, running_notion
from tests.postgres import PostgresServer, running_server
from tests.sandbox.ai_service import AiService, ai_service
from tests.skips import pytest_terminal_summary  # noqa: F401 (a hook of this file, which it is easier to test in its own)

# Fixtures serve all examples of a test, and a busy machine is no defect. The same examples on every machine.
settings.register_profile(
    "svp",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("svp")

USUAL_UMASK = 0o022
_PRODUCT_VARIABLES = (
    "SVP_",
    "NOTION_",
    "OPENAI_",
    "GOOGLE_",
    "GEMINI_",
    "DATABASE_URL",
    "DAGSTER_",
    "AWS_",
    "STORAGE_EMULATOR_HOST",
    "PORT",
)
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class NetworkUsed(Exception):
    """A test tried to reach something that is not on this machine."""


_attempts: list[str] = []
_guarding = False


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guarding or event not in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        return
    host = arguments[0] if event == "socket.getaddrinfo" else _host(arguments[1])
    if not _is_loopback(host):
        _attempts.append(f"{event} {host!r}")
        raise NetworkUsed(_attempts[-1])


def _host(address: Any) -> Any:
    is_internet = isinstance(address, tuple) and address and isinstance(address[0], str | bytes)
    return address[0] if is_internet else None  # else a unix socket or one of the kernel's


def _is_loopback(host: Any) -> bool:
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def pytest_configure() -> None:
    """Forget the developer's own keys and proxies, and guard the network from here on.

    An audit hook sees every socket of this process, whoever made it. It can't be taken off again, only switched off.
    """
    global _guarding  # noqa: PLW0603 (the hook outlives everything it could be kept in)
    for name in list(os.environ):
        if name.startswith(_PRODUCT_VARIABLES) or name.upper() in _PROXY_VARIABLES:
            del os.environ[name]
    os.environ["HF_HUB_OFFLINE"] = "1"
    if not _guarding:
        sys.addaudithook(_refuse_network)
    _guarding = True


def pytest_unconfigure() -> None:
    """Switch the guard off."""
    global _guarding  # noqa: PLW0603 (see above)
    _guarding = False


@pytest.fixture(autouse=True)
def _network_stays_unused() -> Iterator[None]:
    """Fail the test that reached out, also where a library swallowed the exception."""
    _attempts.clear()
    yield
    if _attempts:
        pytest.fail(f"reached for the network: {', '.join(_attempts)}")


@pytest.fixture(autouse=True)
def _environment_is_given_back() -> Iterator[None]:
    """What a test (or a `.env` file it loads) puts into the environment is gone after it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _umask_is_the_usual_one() -> Iterator[None]:
    """The commands and the app close what they write to others; the servers of later tests run as other users."""
    os.umask(USUAL_UMASK)
    yield
    os.umask(USUAL_UMASK)


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    """Each test has a database of its own: without this, a session of a thousand runs out of file handles."""
    yield
    dispose_process_engines()


@pytest.fixture(scope="session")
def running() -> Iterator[RunningNotion]:
    """One stand-in for Notion for all tests that ask for it."""
    with running_notion() as made:
        yield made


@pytest.fixture
def notion(running: RunningNotion) -> Iterator[NotionSandbox]:
    """A fresh workspace in it."""
    with running.fresh_workspace() as made:
        yield made


@pytest.fixture
def workspace(notion: NotionSandbox) -> Workspace:
    """The resource that talks to it."""
    return notion.workspace()


@pytest.fixture(scope="session")
def running_ai() -> Iterator[AiService]:
    """One stand-in for the AI services for all tests that ask for it."""
    with ai_service() as service:
        yield service


@pytest.fixture
def gemini(running_ai: AiService) -> AiService:
    """The stand-in for Gemini, as if just started."""
    running_ai.steer("reset")
    return running_ai


@pytest.fixture
def now() -> datetime:
    """A point in time."""
    return datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for the session (one per worker under xdist). Skips where none can be started."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of a fresh, empty PostgreSQL database."""
    return postgres_server.new_database()


@pytest.fixture(scope="session")
def new_postgresql(postgres_server: PostgresServer) -> Callable[[], str]:
    """Gives the URL of another fresh, migrated PostgreSQL database at each call."""
    migrated = postgres_server.new_database()
    _migrate(migrated)
    return lambda: postgres_server.new_database(like=migrated)


@pytest.fixture(scope="session")
def new_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Gives the URL of another fresh, migrated SQLite file at each call."""
    migrated = tmp_path_factory.mktemp("migrated") / "svp.sqlite"
    _migrate(f"sqlite:///{migrated}")

    def make() -> str:
        path = tmp_path_factory.mktemp("sqlite") / "svp.sqlite"
        with closing(sqlite3.connect(migrated)) as source, closing(sqlite3.connect(path)) as target:
            source.backup(target)
        return f"sqlite:///{path}"

    return make


def _migrate(url: str) -> None:
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def _shared_postgresql(new_postgresql: Callable[[], str]) -> str:
    return new_postgresql()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database without rows: each test that asks for it runs on both kinds.

    PostgreSQL's is emptied and used again, since each one is a thousand files; a test that changes more than rows takes
    one of its own from `new_postgresql`.
    """
    if request.param == "postgresql":
        url: str = request.getfixturevalue("_shared_postgresql")
        _empty(url)
        return url
    make: Callable[[], str] = request.getfixturevalue("new_sqlite")
    return make()


def _empty(url: str) -> None:
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with closing(psycopg2.connect(url, options="-c lock_timeout=10s")) as connection:
        connection.cursor().execute(f"TRUNCATE {tables} RESTART IDENTITY")
        connection.commit()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store with a key of its own, on both databases."""
    opened = Store(make_engine(database_url), TokenCipher(new_key()))
    yield opened
    opened.engine.dispose()
