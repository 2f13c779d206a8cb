"""What people and machines do to a row while it is worked on."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from svp_dagster.errors import Code, failure
from svp_dagster.models import ProcessingType, Status
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts

pytest_plugins = ("tests.media_site",)


@pytest.fixture
def posts(installation: Installation) -> WrittenPosts:
    installation.downloader = posts = WrittenPosts()
    return posts


@pytest.fixture
def page_id(installation: Installation, posts: WrittenPosts) -> str:
    """A pending row."""
    return installation.add_row(SOUP, "cooking", processing_type=ProcessingType.CAPTION)


def write(installation: Installation, page_id: str, **changes: Any) -> None:
    installation.notion.client.pages.update(page_id, **changes)


def set_tag(installation: Installation, page_id: str, tag: str) -> None:
    write(installation, page_id, properties={"tag": {"select": {"name": tag}}})


def begun(installation: Installation, page_id: str) -> dg.DagsterRun:
    """A run that claimed the row and is at work, in a process that this one knows nothing of."""
    job = installation.definitions.resolve_job_def("process_link")
    if installation.store.entries.get(page_id) is None:
        installation.tick()
    run = installation.instance.create_run_for_job(
        job, status=dg.DagsterRunStatus.STARTED, tags=installation.tags(page_id)
    )
    installation.store.entries.claim(
        page_id, run.run_id, may_take_over=lambda _: True, now=installation.entry(page_id).updated_at
    )
    return run


def test_a_row_that_is_deleted_while_it_is_worked_on_ends_quietly(
    installation: Installation, page_id: str, posts: WrittenPosts
) -> None:
    posts.meanwhile = lambda: write(installation, page_id, in_trash=True)

    (run,) = installation.run_requested()
    installation.after_failure(run.run_id)

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code, entry.is_unsynced) == (Status.FAILED, "row_gone", False)
    assert installation.content_pages("cooking") == []
    assert installation.store.sweep.failed(code=None, limit=9) == []
    assert [event.event_type_value for event in run.all_events].count("STEP_RESTARTED") == 0


@pytest.mark.parametrize(("column", "told"), [("tag", "The tag was changed"), ("link", "The link was changed")])
def test_a_row_that_is_changed_while_it_is_worked_on_is_told_and_starts_again_with_what_it_says(
    installation: Installation, page_id: str, posts: WrittenPosts, column: str, told: str
) -> None:
    changes = {"tag": {"tag": {"select": {"name": "places"}}}, "link": {"url": {"url": STEW}}}
    posts.meanwhile = lambda: write(installation, page_id, properties=changes[column])

    installation.run_requested()

    row = installation.row(page_id)
    assert row["status"] == "pending"
    assert row["error"].startswith(told)
    assert installation.content_pages("cooking") == []

    posts.meanwhile = None
    assert [run.success for run in installation.run_requested()] == [True]
    (page,) = installation.content_pages("places" if column == "tag" else "cooking")
    assert page["video_link"] == (STEW if column == "link" else SOUP)
    assert installation.row(page_id)["status"] == "completed"


def test_a_row_that_is_edited_while_it_is_queued_runs_once_with_what_it_says_then(
    installation: Installation, page_id: str, posts: WrittenPosts
) -> None:
    result = installation.tick()
    assert isinstance(result, dg.SensorResult)
    job = installation.definitions.resolve_job_def("process_link")
    queued = installation.instance.create_run_for_job(
        job, status=dg.DagsterRunStatus.NOT_STARTED, tags=installation.tags(page_id)
    )
    set_tag(installation, page_id, "places")

    assert isinstance(installation.tick(), dg.SkipReason)
    assert installation.entry(page_id).link.tag == "places"

    installation.instance.delete_run(queued.run_id)  # it begins now
    installation.add_partition(page_id)
    assert installation.run(page_id).success
    assert len(installation.content_pages("places")) == 1
    assert isinstance(installation.tick(), dg.SkipReason)
    assert len(posts.asked) == 1


def test_of_two_runs_that_meet_the_second_ends_without_touching_the_row(
    installation: Installation, page_id: str
) -> None:
    begun(installation, page_id)
    installation.add_partition(page_id)
    before = installation.entry(page_id)

    second = installation.run(page_id)
    installation.after_failure(second.run_id)

    assert not second.success
    assert installation.entry(page_id) == before
    assert "Another run works on this row." in str(second.all_events)


def test_a_run_whose_resources_are_not_ready_ends_its_row_as_misconfigured(
    installation: Installation, page_id: str
) -> None:
    installation.tick()
    installation.add_partition(page_id)
    resources = {**(installation.definitions.resources or {}), "speech": _broken}
    job = installation.definitions.resolve_job_def("process_link")
    run = job.execute_in_process(
        instance=installation.instance,
        partition_key=installation.key(page_id),
        resources=resources,
        raise_on_error=False,
    )

    installation.after_failure(run.run_id)

    row = installation.row(page_id)
    assert row["status"] == "failed"
    assert "not set up properly" in row["error"]
    assert "machine" not in row["error"]
    assert "canary" not in row["error"]


@dg.resource
def _broken() -> None:
    raise ValueError("no such model: canary")


def test_a_row_whose_run_was_killed_waits_and_says_why(installation: Installation, page_id: str) -> None:
    run = begun(installation, page_id)
    installation.instance.report_run_failed(run)

    installation.after_failure(run.run_id)

    row, entry = installation.row(page_id), installation.entry(page_id)
    assert (row["status"], entry.failure_code, entry.waits) == ("pending", "interrupted", 1)
    assert row["error"].startswith("The machine stopped while this link was worked on. It is tried again at")


def test_a_row_whose_runs_are_killed_again_and_again_ends(installation: Installation, page_id: str) -> None:
    for _ in range(3):
        run = begun(installation, page_id)
        installation.instance.report_run_failed(run)
    installation.after_failure(run.run_id)

    row = installation.row(page_id)
    assert row["status"] == "failed"
    assert row["error"].endswith("Set the status to pending to try it again.")


def test_a_killed_run_that_is_started_again_keeps_its_row(installation: Installation, page_id: str) -> None:
    run = begun(installation, page_id)
    installation.instance.report_run_failed(run)
    installation.instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})

    installation.after_failure(run.run_id)

    assert installation.entry(page_id).holder == run.run_id


def test_a_row_whose_run_an_operator_stopped_says_so(installation: Installation, page_id: str) -> None:
    run = begun(installation, page_id)
    installation.instance.report_run_canceled(run)

    installation.after_failure(run.run_id, sensor="cancelled_runs")

    assert installation.entry(page_id).failure_code == Code.CANCELLED
    assert installation.row(page_id)["error"] == failure(Code.CANCELLED).sentence
