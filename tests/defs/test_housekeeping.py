"""What is removed when it is older than it is kept, by schedules whose runs say what they did."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from svp_dagster.commands.processes import PROJECT
from svp_dagster.defs import runs
from svp_dagster.defs.housekeeping import schedules
from svp_dagster.defs.partitions import link_entries
from svp_dagster.models import Status
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.unknown_answers import UnknownAnswer
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts
from tests.defs.rows_with_runs import hold, new_run
from tests.store.examples import GONE

pytest_plugins = ("tests.media_site",)

SCHEDULES = {
    "hourly_retention": "retention",
    "daily_orphaned_folders": "orphaned_folders",
}


@pytest.fixture
def page_id(installation: Installation) -> str:
    """A pending row that the sensor asked a run for."""
    installation.downloader = WrittenPosts()
    page_id = installation.add_row(SOUP, "cooking")
    installation.tick()
    return page_id


@pytest.fixture
def runs_on_disk() -> Iterator[dg.DagsterInstance]:
    """An instance whose runs can be made older than they are."""
    with dg.instance_for_test() as instance:
        yield instance


def shown(run: dg.ExecuteInProcessResult, op: str) -> dict[str, Any]:
    """The metadata that an op of a run gave."""
    (event,) = [each for each in run.events_for_node(op) if each.is_successful_output]
    return {name: value.value for name, value in event.step_output_data.metadata.items()}


def start(installation: Installation, schedule: str) -> dg.RunRequest | dg.SkipReason:
    """Evaluate a schedule as the daemon does."""
    found = installation.definitions.resolve_schedule_def(schedule)
    with dg.build_schedule_context(instance=installation.instance) as context:
        result: Any = found(context)
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def test_folders_of_vanished_runs_are_removed_after_a_day(installation: Installation, page_id: str) -> None:
    root = Settings().work_folder
    going_on = new_run(installation, page_id).run_id
    for name in (going_on, "vanished", "fresh"):
        (root / name).mkdir(parents=True)
        (root / name / "video.mp4").write_bytes(b"\0")
    two_days_ago = time.time() - 2 * 24 * 3600
    for name in (going_on, "vanished"):
        os.utime(root / name, (two_days_ago, two_days_ago))

    run = installation.launch("orphaned_folders")

    assert sorted(path.name for path in Path(root).iterdir()) == sorted([going_on, "fresh"])
    assert shown(run, "remove_orphaned_folders") == {"removed": 1, "left": 0}


def test_files_that_nothing_refers_to_are_removed_daily(installation: Installation) -> None:
    files = storage(Settings())
    files.put_bytes("uploads/an-entry/media.mp4", b"complete")
    Thumbnails(storage=files).put("tiktok:nobodys", b"jpeg")
    drafts = Path(files.address, ".unfinished")
    two_days_ago = time.time() - 2 * 24 * 3600
    for name in ("killed", "going-on"):
        (drafts / name).write_bytes(b"half of")
    os.utime(drafts / "killed", (two_days_ago, two_days_ago))

    run = installation.launch("orphaned_folders")

    assert shown(run, "remove_orphaned_files") == {"removed": 2, "left": 0}
    assert [path.name for path in drafts.iterdir()] == ["going-on"]
    assert files.keys("uploads") == ["uploads/an-entry/media.mp4"]


def test_partitions_of_rows_that_ended_long_ago_are_removed_and_their_history_stays(
    installation: Installation, page_id: str
) -> None:
    name, instance = str(link_entries.name), installation.instance
    key = installation.key(page_id)
    instance.add_dynamic_partitions(name, [key])
    installation.store.entries.reject(installation.entry(page_id).link, GONE, now=datetime.now(UTC))

    installation.launch("retention")
    assert instance.has_dynamic_partition(name, key)
    installation.let_time_pass("updated_at")
    run = installation.launch("retention")

    assert not instance.has_dynamic_partition(name, key)
    assert installation.entry(page_id).status is Status.FAILED
    assert shown(run, "remove_old_partitions") == {"removed": 1, "left": 0}


def test_old_runs_are_removed_unless_they_go_on_or_hold_a_row(
    installation: Installation, page_id: str, runs_on_disk: dg.DagsterInstance
) -> None:
    installation.instance = runs_on_disk
    finished = new_run(installation, page_id, failed=True)
    holding = new_run(installation, page_id, failed=True)
    going_on = new_run(installation, page_id)
    hold(installation, page_id, holding.run_id)

    installation.launch("retention")
    assert installation.instance.has_run(finished.run_id)
    _make_runs_old(installation.instance)
    installation.launch("retention")

    assert not installation.instance.has_run(finished.run_id)
    assert installation.instance.has_run(holding.run_id)
    assert installation.instance.has_run(going_on.run_id)


def test_answers_that_no_rule_knows_go_with_the_runs_of_their_time(installation: Installation) -> None:
    answer = UnknownAnswer(service="OpenAI", status=418, kind="teapot", headers={}, body="Short and stout")
    store, now = installation.store, datetime.now(UTC)
    store.unknown_answers.record(answer, now=now - timedelta(days=31))
    store.unknown_answers.record(answer.model_copy(update={"kind": "coffee"}), now=now - timedelta(days=29))

    installation.launch("retention")

    assert [kept.kind for kept in store.unknown_answers.all()] == ["coffee"]


def test_a_row_that_is_started_again_keeps_its_partition(installation: Installation, page_id: str) -> None:
    name, instance = str(link_entries.name), installation.instance
    key = installation.key(page_id)
    installation.add_partition(page_id)
    installation.store.entries.reject(installation.entry(page_id).link, GONE, now=datetime.now(UTC))
    installation.let_time_pass("updated_at")
    new_run(installation, page_id)

    run = installation.launch("retention")

    assert instance.has_dynamic_partition(name, key)
    assert shown(run, "remove_old_partitions") == {"removed": 0, "left": 1}


def test_what_there_is_no_time_for_is_left_to_the_next_run(
    installation: Installation, page_id: str, runs_on_disk: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.instance = runs_on_disk
    old = new_run(installation, page_id, failed=True)
    _make_runs_old(runs_on_disk)
    with monkeypatch.context() as patch:
        patch.setattr(schedules, "BUDGET_S", 0.0)
        run = installation.launch("retention")
    assert shown(run, "remove_old_runs") == {"removed": 0, "left": 1}

    run = installation.launch("retention")

    assert shown(run, "remove_old_runs") == {"removed": 1, "left": 0}
    assert not runs_on_disk.has_run(old.run_id)


@pytest.mark.parametrize(("schedule", "job"), SCHEDULES.items())
def test_a_tick_while_a_run_of_the_job_goes_on_starts_none(
    installation: Installation, runs_on_disk: dg.DagsterInstance, schedule: str, job: str
) -> None:
    installation.instance = runs_on_disk
    assert isinstance(start(installation, schedule), dg.RunRequest)
    going_on = installation.instance.create_run_for_job(
        installation.definitions.resolve_job_def(job), status=dg.DagsterRunStatus.STARTED
    )

    assert isinstance(start(installation, schedule), dg.SkipReason)
    installation.instance.report_run_failed(going_on)
    assert isinstance(start(installation, schedule), dg.RunRequest)


@pytest.mark.parametrize(("schedule", "job"), SCHEDULES.items())
def test_a_schedule_is_on_from_the_start_and_its_job_has_a_slot_beside_those_of_rows(
    installation: Installation, schedule: str, job: str
) -> None:
    limits = yaml.safe_load((PROJECT / "dagster.yaml").read_text())["concurrency"]["runs"]
    of_kinds = {
        limit["value"]: limit["limit"] for limit in limits["tag_concurrency_limits"] if limit["key"] == "svp/kind"
    }
    of_rows = runs.ROW
    definitions = installation.definitions

    assert definitions.resolve_schedule_def(schedule).default_status is dg.DefaultScheduleStatus.RUNNING
    assert definitions.resolve_job_def(job).tags[runs.KIND_TAG] == "housekeeping"
    assert of_kinds["housekeeping"] == 1
    assert of_kinds[of_rows] + of_kinds["housekeeping"] == limits["max_concurrent_runs"]


def _make_runs_old(instance: dg.DagsterInstance) -> None:
    with sqlite3.connect(Path(instance.root_directory) / "history" / "runs.db") as database:
        database.execute("UPDATE runs SET create_timestamp = '2026-01-01 00:00:00'")
