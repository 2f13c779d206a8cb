"""How values get from one run to another."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from svp_dagster.defs.failures import StageFailure
from svp_dagster.defs.values import StageValues
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.models import Value
from svp_dagster.storage.storage import Storage


class Shown(Value):
    """A value with small files of its own."""

    sheet: Path
    tiles: tuple[Path, ...] = ()


@pytest.fixture
def first(tmp_path: Path) -> WorkFolder:
    return WorkFolder(root=tmp_path / "work", run_id="first")


def values(folder: WorkFolder) -> StageValues:
    return StageValues(folder, KeptMedia(storage=Storage(address=str(folder.root.parent / "files"))))


def load(folder: WorkFolder, made: dg.OutputContext) -> Value:
    shape = dg.PythonObjectDagsterType(Shown)
    return values(folder).load_input(dg.build_input_context(upstream_output=made, dagster_type=shape))


def hand_on(folder: WorkFolder) -> dg.OutputContext:
    """Let a run hand on a value with a file in its folder."""
    sheet = folder.path / "sheet.jpg"
    sheet.write_bytes(b"jpeg")
    context = dg.build_output_context(name="shown", run_id=folder.run_id)
    values(folder).handle_output(context, Shown(sheet=sheet, tiles=(sheet, folder.path / "gone.jpg")))
    return context


def test_the_files_of_a_value_outlive_its_run(first: WorkFolder) -> None:
    made = hand_on(first)
    first.close()

    loaded = load(WorkFolder(root=first.root, run_id="second"), made)

    assert isinstance(loaded, Shown)
    assert loaded.sheet.read_bytes() == b"jpeg"
    assert [path.name for path in (first.root / "first").iterdir()] == ["values"]


def test_nothing_is_left_of_a_run_that_is_done(first: WorkFolder) -> None:
    made = hand_on(first)
    first.done()
    first.close()

    assert not (first.root / "first").exists()
    with pytest.raises(StageFailure):
        load(WorkFolder(root=first.root, run_id="second"), made)


def test_a_run_without_values_leaves_nothing(first: WorkFolder) -> None:
    (first.path / "video.mp4").write_bytes(b"half")
    first.close()
    assert not (first.root / "first").exists()


def test_values_can_be_read_by_nobody_else(first: WorkFolder) -> None:
    hand_on(first)
    for path in ((first.root / "first" / "values"), first.root / "first" / "values" / "shown.json"):
        assert path.stat().st_mode & 0o077 == 0
