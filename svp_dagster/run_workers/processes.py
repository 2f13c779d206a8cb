"""The process that works on a run: of which home folder, and whether it still lives.

Several installations can share one database, each with a home folder and processes of its own. None of them says
anything about the processes of another, which may be on another machine.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil

from svp_dagster.private_files import write_once

PROCESS_TAG = "svp/process"
_ID_FILE = "home.id"


@dataclass(frozen=True)
class RunProcess:
    """A process, by what tells it from every other: its id is used again after its end, and on other machines.

    `run_id` is part of it, since Dagster copies the tags of a run to its retry, which has another process.
    `started_at` is in seconds since the epoch, as the system tells it.
    """

    home_id: str
    run_id: str
    pid: int
    started_at: str

    @property
    def tag(self) -> str:
        """Return it as the value of `PROCESS_TAG`."""
        return f"{self.home_id} {self.run_id} {self.pid} {self.started_at}"

    @property
    def process(self) -> psutil.Process | None:
        """Return the process, None once it has ended."""
        try:
            process = psutil.Process(self.pid)
            return process if _started_at(process) == self.started_at and process.is_running() else None
        except psutil.NoSuchProcess:
            return None


def run_process(home: Path, run_id: str, pid: int) -> RunProcess:
    """Return the process `pid` of this machine, which works on a run. One that has ended already is nobody's."""
    try:
        started_at = _started_at(psutil.Process(pid))
    except psutil.NoSuchProcess:
        started_at = "ended"
    return RunProcess(_home_id(home), run_id, pid, started_at)


def own_process(home: Path, run_id: str, tag: str) -> RunProcess | None:
    """Return the process that a run's tag names. None where it isn't one of this home's, or is another run's."""
    match tag.split():
        case [home_id, named, pid, started_at] if home_id == _home_id(home) and named == run_id and pid.isdecimal():
            return RunProcess(home_id, named, int(pid), started_at)
    return None


def _home_id(home: Path) -> str:
    return write_once(home / _ID_FILE, lambda: str(uuid.uuid4()))


def _started_at(process: psutil.Process) -> str:
    return f"{process.create_time():.2f}"
