"""The process of a run: what Dagster's command for it does, without starting a new Python for it."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence


def execute_run(command: Sequence[str]) -> None:
    """Work on a run. `command` is the one that other launchers start: `… dagster api execute_run …`."""
    sys.argv = ["dagster", *command[command.index("api") :]]
    runpy.run_module("dagster", run_name="__main__")
