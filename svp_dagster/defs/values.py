"""How a value gets from op to op: as JSON in the work folder, so that a run can go on where another one stopped.

The files of a video are among the kept media (`download/kept_media.py`), by its media key. A run that goes on copies
them from there. Where the values or the files are gone, it ends, and its row starts again from the first stage.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import ValidationError

from svp_dagster.causes import as_failure
from svp_dagster.defs.failures import StageFailure
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.errors import Code, failure
from svp_dagster.models import Value, Video


class StageValues(dg.IOManager):
    """Writes each value of a run to its work folder, and reads those of any run."""

    def __init__(self, folder: WorkFolder, media: KeptMedia) -> None:
        self._folder = folder
        self._media = media
        self._restored: dict[str, Video] = {}

    def handle_output(self, context: dg.OutputContext, obj: Value) -> None:
        """Write what an op made. A full disk is a failure of the table, as within an op."""
        try:
            value = obj if isinstance(obj, Video) else self._with_kept_files(obj)
            self._folder.put_value(context.name, value.model_dump_json())
        except OSError as error:
            raise StageFailure(as_failure(error)) from error

    def load_input(self, context: dg.InputContext) -> Value:
        """Read what an op made, in this run or in the one that it goes on from. Raises `results_gone`."""
        made = context.upstream_output
        assert made is not None  # all inputs come from ops
        value = self._read(made.run_id, made.name, context.dagster_type.typing_type)
        if isinstance(value, Video) and made.run_id != self._folder.run_id:
            return self._with_restored_files(value)
        return value

    def _read(self, run_id: str, name: str, shape: type[Value]) -> Value:
        text = self._folder.get_value(run_id, name)
        if text is None:
            raise _gone(f"{name} of run {run_id}")
        try:
            return shape.model_validate_json(text)
        except ValidationError as error:  # cut off by a power failure, or of another version of this program
            raise _gone(f"{name} of run {run_id} is unreadable") from error

    def _with_restored_files(self, video: Video) -> Video:
        """Return the video with its files in the folder of this run."""
        if video.media_key not in self._restored:
            restored = self._media.restore(video.media_key, folder=self._folder.path)
            if restored is None:
                raise _gone(f"the media of {video.media_key}")
            self._restored[video.media_key] = restored
        return self._restored[video.media_key]

    def _with_kept_files(self, value: Value) -> Value:
        """Return the value with its files, which are few and small, among the values."""

        def kept(field: Any) -> Any:
            if isinstance(field, Path) and field.is_file():
                return shutil.copyfile(field, self._folder.values_path / field.name)
            if isinstance(field, dict):
                return {name: kept(each) for name, each in field.items()}
            return [kept(each) for each in field] if isinstance(field, list | tuple) else field

        return type(value).model_validate(kept(value.model_dump()))


@dg.io_manager(config_schema={}, required_resource_keys={"work_folder", "kept_media"})
def stage_values(context: dg.InitResourceContext) -> StageValues:
    """Return the values of the present run."""
    return StageValues(context.resources.work_folder, context.resources.kept_media)


def _gone(detail: str) -> StageFailure:
    return StageFailure(failure(Code.RESULTS_GONE, retry_after_s=0.0, detail=detail))
