"""Becoming a program: this process is replaced, so that signals reach it and nobody stands between."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from svp_dagster.commands.processes import PROJECT, home_lock
from svp_dagster.commands.up import code_server_arguments, daemon_arguments, set_environment
from svp_dagster.settings import Settings


def serve_code(settings: Settings, *, host: str, port: int) -> NoReturn:
    """Become the code server."""
    set_environment(settings)
    execute("dagster", code_server_arguments(["--host", host, "--port", str(port)]))


def run_daemon(settings: Settings, *, workspace: str) -> NoReturn:
    """Become Dagster's daemon, whose processes work on the runs.

    Raises `StartFailed` while another one uses the home folder.
    """
    set_environment(settings)
    with home_lock(settings.home) as lock:
        os.set_inheritable(lock, True)  # the daemon holds it from here on
        execute("dagster-daemon", daemon_arguments(settings, workspace=workspace))


def execute(program: str, arguments: Sequence[str]) -> NoReturn:
    """Become a program of this virtual environment, or of the system, in the project's folder."""
    own = Path(sys.executable).with_name(program)
    os.chdir(PROJECT)
    os.execvp(own if own.exists() else program, [program, *arguments])  # noqa: S606 (no shell is wanted)
