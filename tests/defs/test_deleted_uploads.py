"""What is left of an upload that is deleted, whatever its run is doing at that moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.runs import PARTITION_TAG
from svp_dagster.library.files import delete_entry_files
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from tests.defs.installation import Installation
from tests.defs.test_direct_entries import CLIPS, upload

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

STAGES = {
    "download": "svp_dagster.defs.jobs.fetch_post",
    "transcribe": "svp_dagster.speech.stage.transcribe",
    "read screen": "svp_dagster.screen.stage.read_screen",
    "summarize": "svp_dagster.summary.stage.summarize",
    "keep": "svp_dagster.rows.held_row.write_files",
}
"""What a run does in each stage. In the last, its files are written after the deletion."""

TABLES = ("link_entries", "uploads", "outcomes", "contents", "content_uses")


def delete(installation: Installation, page_id: str) -> None:
    """Delete an upload as the app does."""
    assert installation.store.uploads.delete(page_id)
    delete_entry_files(storage(Settings()), page_id)


def rows_left(installation: Installation) -> dict[str, int]:
    with installation.store.engine.connect() as connection:
        counts = {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in TABLES}
    return {name: count for name, count in counts.items() if count}


def files_left() -> list[str]:
    found = storage(Settings())
    return [key for room in ("library", "uploads", "thumbnails", "media") for key in found.keys(room)]


def partitions(installation: Installation) -> list[str]:
    return list(installation.instance.get_dynamic_partitions(str(link_entries.name)))


@pytest.mark.parametrize("stage", STAGES)
def test_an_upload_that_is_deleted_while_it_is_worked_on_leaves_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    page_id = upload(installation, CLIPS / "reading_list.jpg")
    done: list[str] = []
    work = _function(STAGES[stage])

    def worked_on(*given: Any, **named: Any) -> Any:
        if stage == "keep":
            delete(installation, page_id)
        result = work(*given, **named)
        if stage != "keep":
            delete(installation, page_id)
        done.append(stage)
        return result

    monkeypatch.setattr(STAGES[stage], worked_on)
    (run,) = installation.run_requested()

    assert (done, run.success) == ([stage], False)
    assert rows_left(installation) == {}
    assert installation.run_requested() == []
    assert bool(storage(Settings()).keys("library")) is (stage == "keep")
    assert not Settings().work_folder.exists() or [*Settings().work_folder.iterdir()] == []
    installation.launch("orphaned_folders")
    assert files_left() == []
    installation.launch("retention")
    assert partitions(installation) == []


def test_an_upload_that_is_deleted_before_or_after_its_run_leaves_nothing(installation: Installation) -> None:
    waiting, over = upload(installation, CLIPS / "porto_1.jpg"), upload(installation, CLIPS / "reading_list.jpg")
    installation.tick()
    installation.add_partition(waiting)
    installation.add_partition(over)
    assert installation.run(over).success
    delete(installation, over)
    tags = installation.tags(waiting)
    delete(installation, waiting)

    job = installation.definitions.resolve_job_def("process_link")
    late = job.execute_in_process(
        instance=installation.instance, partition_key=tags[PARTITION_TAG], tags=tags, raise_on_error=False
    )
    installation.after_failure(late.run_id)
    for each in ("orphaned_folders", "retention"):
        installation.launch(each)

    assert not late.success
    assert (rows_left(installation), files_left(), partitions(installation)) == ({}, [], [])


def test_the_partition_of_a_deleted_upload_stays_while_its_run_goes_on(installation: Installation) -> None:
    name = str(link_entries.name)
    installation.instance.add_dynamic_partitions(name, ["going-on", "gone"])
    installation.instance.create_run_for_job(
        job_def=installation.definitions.resolve_job_def("process_link"),
        tags={PARTITION_TAG: "going-on"},
        status=dg.DagsterRunStatus.STARTED,
    )
    installation.launch("retention")
    assert partitions(installation) == ["going-on"]


def test_the_partition_of_an_upload_that_was_just_added_stays(installation: Installation) -> None:
    page_id = upload(installation, CLIPS / "reading_list.jpg")
    installation.add_partition(page_id)
    installation.launch("retention")
    assert partitions(installation) == [installation.key(page_id)]


def _function(path: str) -> Callable[..., Any]:
    module, name = path.rsplit(".", 1)
    found: Callable[..., Any] = getattr(__import__(module, fromlist=[name]), name)
    return found
