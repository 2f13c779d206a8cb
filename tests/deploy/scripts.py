"""The scripts of `deploy` that dump a database and put a dump in its place, run as an operator runs them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from svp_dagster.commands.processes import PROJECT
from tests.postgres import PostgresServer

KEPT_DAYS = 3

Script = Callable[..., subprocess.CompletedProcess[str]]


def database_scripts(url: str, server: PostgresServer, backups: Path) -> Script:
    """Return what runs a script on a database: its name, its arguments, and variables that differ."""
    address = make_url(url)
    environment = {
        "PATH": f"{server.binaries}:{os.environ['PATH']}",
        "PGHOST": str(address.query["host"]),
        "PGUSER": str(address.username),
        "PGDATABASE": str(address.database),
        "BACKUP_FOLDER": str(backups),
        "BACKUP_KEPT_DAYS": str(KEPT_DAYS),
    }

    def run(script: str, *arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", PROJECT / "deploy" / script, *arguments]
        return subprocess.run(
            command, env=environment | changes, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL
        )

    return run
