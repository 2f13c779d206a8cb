"""Becoming a program: this process is replaced, so that signals reach it and nobody stands between."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from svp_dagster.commands.processes import PROJECT, home_lock
from svp_dagster.commands.up import end_cut_off_runs, set_environment
from svp_dagster.settings import Settings


def serve_code(settings: Settings, *, host: str, port: int) -> None:
    """Become the code server, whose processes work on the runs. It ends those that were cut off when it stopped.

    Raises `StartFailed` while another one uses the home folder.
    """
    set_environment(settings)
    with home_lock(settings.home) as lock:
        end_cut_off_runs(settings)
        os.set_inheritable(lock, True)  # the code server holds it from here on
        bind = ["--host", host, "--port", str(port)]
        execute("dagster", ["api", "grpc", "--module-name", "svp_dagster.definitions", *bind])


def execute(program: str, arguments: Sequence[str]) -> NoReturn:
    """Become a program of this virtual environment, or of the system, in the project's folder."""
    own = Path(sys.executable).with_name(program)
    os.chdir(PROJECT)
    os.execvp(own if own.exists() else program, [program, *arguments])  # noqa: S606 (no shell is wanted)
