"""The folder of a run's temporary files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr


class WorkFolder(dg.ConfigurableResource):
    """Makes `root/<run id>` for a run and removes it when the run ends, by success, failure or termination.

    The folder is made at its first use, so that a full disk is the failure of an op, which its row shows. A killed
    process can't clean up: its folder is removed by the sensor of failed runs, or by the daily sweep.
    """

    root: str
    _path: Path | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WorkFolder]:
        """Yield the resource with its folder, for the length of the run."""
        self._path = Path(self.root) / (context.run.run_id if context.run else "adhoc")
        try:
            yield self
        finally:
            self.remove(self._path.name)

    @property
    def path(self) -> Path:
        """The run's folder."""
        if self._path is None:
            msg = "a work folder exists within a run only"
            raise RuntimeError(msg)
        self._path.mkdir(parents=True, exist_ok=True)
        return self._path

    def older_than(self, moment: datetime) -> list[str]:
        """Return the ids of the runs whose folders are still there and were last changed before this time."""
        root = Path(self.root)
        if not root.is_dir():
            return []
        made_at = {path.name: path.stat().st_mtime for path in root.iterdir() if path.is_dir()}
        return sorted(name for name, at in made_at.items() if at < moment.timestamp())

    def remove(self, run_id: str) -> None:
        """Remove the folder of a run that is over. A file that can't be removed is left to the sweep."""
        shutil.rmtree(Path(self.root) / run_id, ignore_errors=True)
