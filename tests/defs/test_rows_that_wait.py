"""Rows that can't be worked on now: they wait, run again, and fail for good only when that doesn't help."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from svp_dagster.cli import main
from svp_dagster.defs.jobs import download
from svp_dagster.defs.partitions import link_entries
from svp_dagster.errors import Code, failure
from svp_dagster.models import ProcessingType, Status
from svp_dagster.rows import waiting as waiting_rules
from svp_dagster.rows.waiting import ATTEMPTS, MAX_WAITS
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts
from tests.store.examples import record_poll

pytest_plugins = ("tests.media_site",)

BUSY = failure(Code.RATE_LIMITED, retry_after_s=1800.0)


@pytest.fixture
def posts(installation: Installation) -> WrittenPosts:
    """What the installation downloads: a site that is busy."""
    installation.downloader = posts = WrittenPosts(error=BUSY)
    return posts


@pytest.fixture
def waiting(installation: Installation, posts: WrittenPosts) -> str:
    """A row that waits."""
    page_id = installation.add_row(SOUP, "cooking", processing_type=ProcessingType.CAPTION)
    (run,) = installation.run_requested()
    assert not run.success
    return page_id


def edit(installation: Installation, page_id: str, **properties: Any) -> None:
    installation.notion.client.pages.update(page_id, properties=properties)


def test_a_row_that_can_not_be_had_now_waits_and_says_until_when(installation: Installation, waiting: str) -> None:
    entry, row = installation.entry(waiting), installation.row(waiting)

    assert (entry.status, entry.waits, entry.holder, entry.attempts) == (Status.PENDING, 1, None, 0)
    assert entry.retry_at is not None
    assert entry.retry_at - datetime.now(UTC) == pytest.approx(timedelta(minutes=30), abs=timedelta(minutes=1))
    assert row["status"] == "pending"
    assert f"It is tried again at {entry.retry_at:%Y-%m-%d %H:%M} UTC." in row["error"]
    assert not entry.is_unsynced


def test_a_row_that_waits_is_left_alone_until_its_time_and_then_becomes_a_page(
    installation: Installation, waiting: str, posts: WrittenPosts
) -> None:
    assert isinstance(installation.tick(), dg.SkipReason)
    posts.error = None
    installation.let_time_pass("retry_at")

    (run,) = installation.run_requested()

    assert run.success
    row = installation.row(waiting)
    assert (row["status"], row["error"]) == ("completed", "")
    assert len(installation.content_pages("cooking")) == 1


def test_its_connection_is_due_at_the_time_that_a_row_waits_for(installation: Installation, waiting: str) -> None:
    at = installation.entry(waiting).retry_at
    assert at is not None
    databases = installation.store.databases
    (asked,) = databases.due(now=at, limit=9)
    record_poll(installation.store, asked, next_due_at=at + timedelta(days=1), now=at)
    databases.poll_by(installation.connection_id, at=at)
    assert len(databases.due(now=at, limit=9)) == 1
    assert databases.due(now=at - timedelta(seconds=1), limit=9) == []


def test_each_wait_gets_a_run_of_its_own_until_the_row_has_failed_for_good(
    installation: Installation, waiting: str, posts: WrittenPosts
) -> None:
    posts.error = failure(Code.SITE_CHANGED)
    keys = []
    for waits in (1, MAX_WAITS):
        with installation.store.engine.begin() as connection:
            connection.exec_driver_sql(
                f"UPDATE link_entries SET waits = {waits}, tries = {waits}, retry_at = '2026-01-01 00:00:00'"
            )
        result = installation.tick()
        assert isinstance(result, dg.SensorResult)
        keys += [request.run_key for request in result.run_requests or []]
        installation.run(waiting)

    assert len(set(keys)) == 2
    row, entry = installation.row(waiting), installation.entry(waiting)
    assert (row["status"], entry.failure_code) == ("failed", "site_changed")
    assert "It was tried 7 times." in row["error"]


def test_a_row_that_is_edited_while_it_waits_runs_at_once_with_what_it_says_now(
    installation: Installation, waiting: str, posts: WrittenPosts
) -> None:
    edit(installation, waiting, tag={"select": {"name": "places"}})
    # Notion tells edits to the minute: let the wait have been written in one before.
    installation.let_time_pass("last_edited_time")
    posts.error = None

    (run,) = installation.run_requested()

    assert run.success
    assert len(installation.content_pages("places")) == 1
    assert installation.entry(waiting).requests == 2


def test_the_command_line_lists_failed_rows_and_asks_for_them_again(
    installation: Installation, waiting: str, posts: WrittenPosts
) -> None:
    command = CliRunner()
    assert "asked for again" in command.invoke(main, ["retry", waiting]).output
    assert installation.entry(waiting).retry_at is None
    posts.error = failure(Code.GONE)
    installation.run_requested()

    assert f"{waiting}  gone" in command.invoke(main, ["retry"]).output
    assert waiting not in command.invoke(main, ["retry", "--code", "private"]).output
    asked = command.invoke(main, ["retry", "--all-failed", "--code", "gone"])

    assert (asked.exit_code, asked.output) == (0, f"{waiting}  asked for again\n")
    installation.let_time_pass("updated_at")
    installation.evaluate("unsynced_statuses")
    assert installation.row(waiting)["status"] == "pending"
    refused = command.invoke(main, ["retry", waiting, "nowhere"])
    assert refused.exit_code == 1
    assert "It is pending; only rows that failed or wait" in refused.output
    assert "It is unknown here" in refused.output
    posts.error = None
    assert [run.success for run in installation.run_requested()] == [True]


def test_what_could_not_be_written_when_the_run_failed_is_written_later(
    installation: Installation, waiting: str
) -> None:
    entry = installation.entry(waiting)
    installation.forget_failure()

    installation.after_failure(entry.run_id or "")

    again = installation.entry(waiting)
    assert (again.failure_code, again.waits, again.holder) == ("rate_limited", 1, None)
    assert (again.sentence or "")[:40] == (entry.sentence or "")[:40]


def test_a_database_that_does_not_answer_is_asked_again_and_told_without_its_address(
    installation: Installation, posts: WrittenPosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_id = installation.add_row(SOUP, "cooking")
    installation.tick()
    installation.add_partition(page_id)
    key = installation.key(page_id)
    monkeypatch.setattr(waiting_rules, "FIRST_OP_WAIT_S", 0.0)
    with monkeypatch.context() as away:
        away.setenv("DATABASE_URL", "postgresql://svp:canary-password@127.0.0.1:1/svp")
        run = _download_at_once.execute_in_process(
            instance=installation.instance,
            partition_key=key,
            resources={**(installation.definitions.resources or {}), "downloader": posts},
            raise_on_error=False,
        )

    (failed,) = [event for event in run.all_events if event.is_step_failure]
    raised = failed.step_failure_data.user_failure_data
    assert raised is not None
    assert raised.description == "This installation's database didn't answer."
    assert raised.metadata["code"].value == "store_unreachable"
    assert [event.event_type_value for event in run.all_events].count("STEP_RESTARTED") == ATTEMPTS - 1
    assert "canary-password" not in "".join(str(entry) for entry in installation.instance.all_logs(run.run_id))

    installation.after_failure(run.run_id)  # the database answers again

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code, entry.waits) == (Status.PENDING, "store_unreachable", 1)


@dg.job(partitions_def=link_entries, executor_def=dg.in_process_executor)
def _download_at_once() -> None:
    download()


def retry_waits_s(run: dg.ExecuteInProcessResult) -> list[float | None]:
    """How long each attempt that failed was waited after, within the run."""
    events = [event for event in run.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    return [event.step_retry_data.seconds_to_wait for event in events]


def test_an_op_waits_between_its_attempts_as_long_as_the_service_asks(
    installation: Installation, posts: WrittenPosts
) -> None:
    posts.error = failure(Code.SITE_UNREACHABLE, retry_after_s=0.25)
    installation.add_row(SOUP, "cooking")

    (run,) = installation.run_requested()

    assert retry_waits_s(run) == [0.25, 0.25]
    assert len(posts.asked) == ATTEMPTS


def test_a_row_waits_where_the_service_asks_for_more_time_than_an_op_may_take(
    installation: Installation, posts: WrittenPosts
) -> None:
    posts.error = failure(Code.SITE_UNREACHABLE, retry_after_s=1800.0)
    page_id = installation.add_row(SOUP, "cooking")

    (run,) = installation.run_requested()

    entry = installation.entry(page_id)
    assert (retry_waits_s(run), len(posts.asked)) == ([], 1)
    assert (entry.status, entry.failure_code, entry.waits) == (Status.PENDING, "site_unreachable", 1)
    assert entry.retry_at is not None
    assert entry.retry_at - datetime.now(UTC) == pytest.approx(timedelta(minutes=30), abs=timedelta(minutes=1))


def test_a_run_that_is_interrupted_is_not_an_attempt_that_failed(
    installation: Installation, posts: WrittenPosts
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    posts.meanwhile = interrupt
    page_id = installation.add_row(SOUP, "cooking")

    installation.run_requested()

    assert len(posts.asked) == 1
    assert installation.entry(page_id).failure_code is Code.INTERRUPTED
