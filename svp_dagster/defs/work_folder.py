"""The folder of a run's temporary files."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg

from svp_dagster.component import Component
from svp_dagster.settings import Settings


class WorkFolder(Component):
    """The folders `root/<run id>` of runs, and the one of the present run.

    It is made at its first use, so that a full disk is the failure of an op, which its row shows. A killed process
    can't clean up: its folder is removed by the sensor of failed runs, or by the daily sweep.
    """

    root: Path
    run_id: str | None = None

    @property
    def path(self) -> Path:
        """The run's folder."""
        if self.run_id is None:
            msg = "a work folder exists within a run only"
            raise RuntimeError(msg)
        path = self.root / self.run_id
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def older_than(self, moment: datetime) -> list[str]:
        """Return the ids of the runs whose folders are still there and were last changed before this time."""
        if not self.root.is_dir():
            return []
        made_at = {path.name: path.stat().st_mtime for path in self.root.iterdir() if path.is_dir()}
        return sorted(name for name, at in made_at.items() if at < moment.timestamp())

    def remove(self, run_id: str) -> None:
        """Remove the folder of a run that is over. A file that can't be removed is left to the sweep."""
        shutil.rmtree(self.root / run_id, ignore_errors=True)


def work_folder(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource. The run's folder is removed when the run ends, by success, failure or termination."""

    def provide(context: dg.InitResourceContext) -> Iterator[WorkFolder]:
        run_id = context.run.run_id if context.run else None
        folder = WorkFolder(root=settings.work_folder, run_id=run_id)
        try:
            yield folder
        finally:
            if run_id is not None:
                folder.remove(run_id)

    return dg.ResourceDefinition(provide, config_schema={})
