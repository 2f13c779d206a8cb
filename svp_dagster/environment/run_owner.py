"""Whose a run is: the home folder of the processes that work on it.

Several installations can share one database, each with a home folder and processes of its own. A start ends only those
runs that its own home's processes can't work on any more.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from svp_dagster.private_files import write_once

OWNER_TAG = "svp/owner"
_ID_FILE = "home.id"


def run_owner(home: Path, run_id: str) -> str:
    """Return the value of a run's `OWNER_TAG`.

    It holds the run's id, since Dagster copies tags to the retry of a run, which another home may work on.
    """
    return f"{write_once(home / _ID_FILE, lambda: str(uuid.uuid4()))} {run_id}"
