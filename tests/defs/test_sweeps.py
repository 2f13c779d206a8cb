"""What was left behind: unsynced statuses, rows and folders of vanished runs, old runs and partitions."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from svp_dagster.defs import sweeps
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.sweeps import UNSYNCED_PER_CONNECTION
from svp_dagster.errors import Code, failure
from svp_dagster.models import LinkEntry, Status
from svp_dagster.settings import Settings
from svp_dagster.unknown_answers import UnknownAnswer
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts
from tests.store.examples import GONE

pytest_plugins = ("tests.media_site",)


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


def new_run(installation: Installation, page_id: str, *, failed: bool = False) -> dg.DagsterRun:
    job = installation.definitions.resolve_job_def("process_link")
    tags = installation.tags(page_id)
    run = installation.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    if failed:
        installation.instance.report_run_failed(run)
    return run


def hold(installation: Installation, page_id: str, run_id: str) -> None:
    """Let a run claim the row and go on to a stage, long ago."""
    now = datetime.now(UTC)
    installation.store.entries.claim(page_id, run_id, may_take_over=lambda _: True, now=now)
    installation.store.entries.set_status(page_id, run_id, Status.DOWNLOADING, now=now)
    installation.let_time_pass("updated_at")


def leave_unsynced(installation: Installation, number: int) -> None:
    """Rows whose ends were not written to Notion, for a while."""
    now = datetime.now(UTC)
    for _ in range(number):
        link = LinkEntry(
            page_id=installation.add_row(SOUP, "cooking"),
            connection_id=installation.connection_id,
            url=SOUP,
            tag="cooking",
            last_edited_time=now,
        )
        installation.store.entries.reject(link, GONE, now=now)
    installation.let_time_pass("updated_at")


def still_unsynced(installation: Installation) -> int:
    return len(
        installation.store.entries.unsynced(before=datetime.now(UTC) + timedelta(hours=1), per_connection=9, limit=99)
    )


def test_a_row_whose_run_is_unknown_goes_back_to_wait(installation: Installation, page_id: str) -> None:
    hold(installation, page_id, "a run that nobody remembers")

    installation.evaluate("orphaned_rows")

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code, entry.holder) == (Status.PENDING, "interrupted", None)
    assert installation.row(page_id)["status"] == "pending"


def test_a_failure_that_the_sensor_could_not_write_is_written_by_the_sweep(
    installation: Installation, page_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.downloader = WrittenPosts(error=failure(Code.RATE_LIMITED, retry_after_s=1800.0))
    installation.add_partition(page_id)
    installation.run(page_id)
    installation.forget_failure()
    monkeypatch.setattr(sweeps, "GRACE", timedelta(0))

    installation.evaluate("orphaned_rows")

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code, entry.holder) == (Status.PENDING, "rate_limited", None)
    assert (entry.sentence or "").startswith("The site asks us to slow down. It is tried again at")


def test_a_row_whose_run_goes_on_is_left_alone_however_long_it_takes(installation: Installation, page_id: str) -> None:
    run = new_run(installation, page_id)
    hold(installation, page_id, run.run_id)

    installation.evaluate("orphaned_rows")

    assert installation.entry(page_id).holder == run.run_id


def test_a_row_whose_run_has_just_ended_is_left_to_the_failure_sensors(
    installation: Installation, page_id: str
) -> None:
    run = new_run(installation, page_id, failed=True)
    hold(installation, page_id, run.run_id)

    installation.evaluate("orphaned_rows")

    assert installation.entry(page_id).holder == run.run_id


def test_a_row_whose_runs_vanish_again_and_again_ends(installation: Installation, page_id: str) -> None:
    for number in range(3):
        hold(installation, page_id, f"vanished-{number}")

    installation.evaluate("orphaned_rows")

    assert installation.entry(page_id).status is Status.FAILED


def test_a_row_whose_run_ended_before_it_began_gets_another_key(installation: Installation, page_id: str) -> None:
    new_run(installation, page_id, failed=True)
    installation.let_time_pass("updated_at")

    installation.evaluate("orphaned_rows")

    entry = installation.entry(page_id)
    assert (entry.status, entry.waits) == (Status.PENDING, 1)


def test_a_row_that_is_pending_here_and_deleted_there_ends_quietly(installation: Installation, page_id: str) -> None:
    installation.notion.client.pages.update(page_id, in_trash=True)
    installation.let_time_pass("updated_at")

    installation.evaluate("orphaned_rows")
    installation.let_time_pass("updated_at")
    installation.evaluate("unsynced_statuses")

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code, entry.is_unsynced) == (Status.FAILED, "row_gone", False)


def test_a_row_that_somebody_took_from_pending_is_pending_again(installation: Installation, page_id: str) -> None:
    installation.notion.client.pages.update(page_id, properties={"status": {"select": {"name": "completed"}}})
    installation.let_time_pass("updated_at")

    installation.evaluate("orphaned_rows")
    installation.let_time_pass("updated_at")
    installation.evaluate("unsynced_statuses")

    assert installation.row(page_id)["status"] == "pending"


def test_unsynced_statuses_are_written_a_few_at_a_time(installation: Installation) -> None:
    leave_unsynced(installation, UNSYNCED_PER_CONNECTION + 1)

    installation.evaluate("unsynced_statuses")
    assert still_unsynced(installation) == 1
    installation.evaluate("unsynced_statuses")
    assert still_unsynced(installation) == 0


def test_unsynced_statuses_wait_for_nobody_while_notion_is_busy(installation: Installation) -> None:
    leave_unsynced(installation, 3)
    busy = {"path": "/v1/pages", "status": 429, "headers": {"Retry-After": "40"}, "times": None}
    installation.notion.raw.post("/_sandbox/faults", json=busy).raise_for_status()

    began = time.monotonic()
    result = installation.evaluate("unsynced_statuses")

    assert time.monotonic() - began < 10
    assert isinstance(result, dg.SkipReason)
    assert result.skip_message == "3 statuses were unsynced, 0 were written."
    assert still_unsynced(installation) == 3


def test_folders_of_vanished_runs_are_removed_after_a_day(installation: Installation, page_id: str) -> None:
    root = Settings().work_folder
    going_on = new_run(installation, page_id).run_id
    for name in (going_on, "vanished", "fresh"):
        (root / name).mkdir(parents=True)
        (root / name / "video.mp4").write_bytes(b"\0")
    two_days_ago = time.time() - 2 * 24 * 3600
    for name in (going_on, "vanished"):
        os.utime(root / name, (two_days_ago, two_days_ago))

    installation.evaluate("orphaned_folders")

    assert sorted(path.name for path in Path(root).iterdir()) == sorted([going_on, "fresh"])


def test_partitions_of_rows_that_ended_long_ago_are_removed_and_their_history_stays(
    installation: Installation, page_id: str
) -> None:
    name, instance = str(link_entries.name), installation.instance
    key = installation.key(page_id)
    instance.add_dynamic_partitions(name, [key, "unknown"])
    installation.store.entries.reject(installation.entry(page_id).link, GONE, now=datetime.now(UTC))

    fresh = installation.evaluate("retention_limits")
    assert instance.has_dynamic_partition(name, key)
    installation.let_time_pass("updated_at")
    assert isinstance(fresh, dg.SensorResult)
    old = installation.evaluate("retention_limits", cursor=fresh.cursor)

    assert not instance.has_dynamic_partition(name, key)
    assert instance.has_dynamic_partition(name, "unknown")
    assert installation.entry(page_id).status is Status.FAILED
    assert isinstance(old, dg.SensorResult)
    assert old.cursor is not None
    assert page_id in old.cursor


def test_old_runs_are_removed_unless_they_go_on_or_hold_a_row(
    installation: Installation, page_id: str, runs_on_disk: dg.DagsterInstance
) -> None:
    installation.instance = runs_on_disk
    finished = new_run(installation, page_id, failed=True)
    holding = new_run(installation, page_id, failed=True)
    going_on = new_run(installation, page_id)
    hold(installation, page_id, holding.run_id)

    installation.evaluate("retention_limits")
    assert installation.instance.has_run(finished.run_id)
    _make_runs_old(installation.instance)
    installation.evaluate("retention_limits")

    assert not installation.instance.has_run(finished.run_id)
    assert installation.instance.has_run(holding.run_id)
    assert installation.instance.has_run(going_on.run_id)


def test_answers_that_no_rule_knows_go_with_the_runs_of_their_time(installation: Installation) -> None:
    answer = UnknownAnswer(service="OpenAI", status=418, kind="teapot", headers={}, body="Short and stout")
    store, now = installation.store, datetime.now(UTC)
    store.unknown_answers.record(answer, now=now - timedelta(days=31))
    store.unknown_answers.record(answer.model_copy(update={"kind": "coffee"}), now=now - timedelta(days=29))

    installation.evaluate("retention_limits")

    assert [kept.kind for kept in store.unknown_answers.all()] == ["coffee"]


def _make_runs_old(instance: dg.DagsterInstance) -> None:
    with sqlite3.connect(Path(instance.root_directory) / "history" / "runs.db") as database:
        database.execute("UPDATE runs SET create_timestamp = '2026-01-01 00:00:00'")
