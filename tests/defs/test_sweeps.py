"""What was left behind: unsynced statuses, and rows of vanished runs."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from svp_dagster.defs.housekeeping import sweeps
from svp_dagster.defs.housekeeping.sweeps import UNSYNCED_PER_CONNECTION
from svp_dagster.errors import Code, failure
from svp_dagster.models import LinkEntry, Status
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts
from tests.defs.rows_with_runs import hold, new_run
from tests.store.examples import GONE

pytest_plugins = ("tests.media_site",)


@pytest.fixture
def page_id(installation: Installation) -> str:
    """A pending row that the sensor asked a run for."""
    installation.downloader = WrittenPosts()
    page_id = installation.add_row(SOUP, "cooking")
    installation.tick()
    return page_id


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


def test_a_row_that_shows_its_page_is_completed_here_too(installation: Installation, page_id: str) -> None:
    """As after the restore of a backup from before it was completed."""
    notion = installation.notion.client
    parent = {"type": "data_source_id", "data_source_id": installation.content_source_ids["cooking"]}
    page: Any = notion.pages.create(parent=parent, properties={})
    shown = {"status": {"select": {"name": "completed"}}, "result": {"url": page["url"]}}
    notion.pages.update(page_id, properties=shown)
    installation.let_time_pass("updated_at")

    installation.evaluate("orphaned_rows")

    entry = installation.entry(page_id)
    assert (entry.status, entry.content_page_id) == (Status.COMPLETED, page["id"])
    assert entry.content_data_source_id == installation.content_source_ids["cooking"]
    installation.let_time_pass("updated_at")
    installation.evaluate("unsynced_statuses")
    assert installation.row(page_id)["status"] == "completed"


def test_a_row_that_shows_a_page_which_is_gone_is_pending_again(installation: Installation, page_id: str) -> None:
    shown = {"status": {"select": {"name": "completed"}}, "result": {"url": f"https://notion.so/{uuid.uuid4().hex}"}}
    installation.notion.client.pages.update(page_id, properties=shown)
    installation.let_time_pass("updated_at")

    installation.evaluate("orphaned_rows")

    assert installation.entry(page_id).status is Status.PENDING
    assert installation.entry(page_id).is_unsynced


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
