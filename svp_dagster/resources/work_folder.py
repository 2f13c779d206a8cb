"""The folder of a run's temporary files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr


class WorkFolder(dg.ConfigurableResource):
    """Makes `root/<run id>` for a run and removes it when the run ends, by success, failure or termination.

    A killed process can't clean up: its folder goes when the run's failure is seen, or with the daily sweep.
    """

    root: str
    _path: Path | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WorkFolder]:
        """The resource with its folder, for the length of the run."""
        self._path = Path(self.root) / (context.run.run_id if context.run else "adhoc")
        self._path.mkdir(parents=True, exist_ok=True)
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
        return self._path

    def remove(self, run_id: str) -> None:
        """Remove the folder of a run that is over. A file that can't be removed is left to the sweep."""
        shutil.rmtree(Path(self.root) / run_id, ignore_errors=True)
