"""The folder of a run: its temporary files, and what its ops handed on."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import dagster as dg
from pydantic import PrivateAttr

from svp_dagster.component import Component
from svp_dagster.settings import Settings

_VALUES: Final = "values"


class WorkFolder(Component):
    """The folders `root/<run id>` of runs, and the one of the present run.

    It is made at its first use, so that a full disk is the failure of an op, which its row shows. Below `values` is
    what the ops handed on. It outlives a run that didn't reach its end, so that another run can go on from there. All
    else goes with the run. A killed process can't clean up: the sensor of failed runs clears its folder.
    """

    root: Path
    run_id: str | None = None

    _is_done: bool = PrivateAttr(default=False)

    @property
    def path(self) -> Path:
        """The run's folder."""
        path = self.root / self._present_run
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    @property
    def values_path(self) -> Path:
        """The folder of what the run's ops hand on."""
        path = self.path / _VALUES
        path.mkdir(exist_ok=True, mode=0o700)
        return path

    def put_value(self, name: str, text: str) -> None:
        """Keep what an op of this run hands on. It is there in whole, or not at all."""
        new, place = self.values_path / f"{name}.new", self.values_path / f"{name}.json"
        new.touch(mode=0o600)
        new.write_text(text, encoding="utf-8")
        new.replace(place)

    def get_value(self, run_id: str, name: str) -> str | None:
        """Return what an op of any run handed on. None where it is gone."""
        try:
            return (self.root / run_id / _VALUES / f"{name}.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def done(self) -> None:
        """Let the run's values go with its other files: its row is completed, and no run has to go on from here."""
        self._is_done = True

    def close(self) -> None:
        """Remove the present run's files, and its values if it is done."""
        run_id = self._present_run
        (self.remove if self._is_done else self.clear)(run_id)

    def clear(self, run_id: str) -> None:
        """Remove the files of a run that is over, and keep its values. A file that can't be removed stays."""
        folder = self.root / run_id
        if not (folder / _VALUES).is_dir():
            self.remove(run_id)
            return
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name != _VALUES:
                    shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def remove(self, run_id: str) -> None:
        """Remove the folder of a run that is over. A file that can't be removed is left to the sweep."""
        shutil.rmtree(self.root / run_id, ignore_errors=True)

    def older_than(self, moment: datetime) -> list[str]:
        """Return the ids of the runs whose folders are still there and were last changed before this time."""
        if not self.root.is_dir():
            return []
        made_at = {path.name: path.stat().st_mtime for path in self.root.iterdir() if path.is_dir()}
        return sorted(name for name, at in made_at.items() if at < moment.timestamp())

    @property
    def _present_run(self) -> str:
        if self.run_id is None:
            msg = "a work folder exists within a run only"
            raise RuntimeError(msg)
        return self.run_id


def work_folder(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource. The run's files are removed when the run ends, by success, failure or termination."""

    def provide(context: dg.InitResourceContext) -> Iterator[WorkFolder]:
        folder = WorkFolder(root=settings.work_folder, run_id=context.run.run_id if context.run else None)
        try:
            yield folder
        finally:
            if folder.run_id is not None:
                folder.close()

    return dg.ResourceDefinition(provide, config_schema={})
