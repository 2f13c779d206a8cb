"""The progress line of a link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from oauth_app.views.entry import EntryView
from svp_dagster.errors import Code
from svp_dagster.models import Status
from svp_dagster.store.entries import Entry

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def view(
    status: Status,
    *ended: str,
    run_id: str | None = "run",
    retry_at: datetime | None = None,
    failure_code: Code | None = None,
) -> EntryView:
    # Only what the line is drawn from: an entry has more.
    seconds = dict.fromkeys(ended, 1.5)
    drawn: dict[str, Any] = {
        "status": status,
        "run_id": run_id,
        "retry_at": retry_at,
        "holder": None,
        "failure_code": failure_code,
        "stage_seconds": seconds,
    }
    return EntryView(entry=Entry.model_construct(**drawn), cost_usd=None, cost_known=True, run_url=None)


@pytest.mark.parametrize(
    ("status", "ended", "line"),
    [
        (Status.PENDING, (), "ahead ahead ahead ahead"),
        (Status.DOWNLOADING, (), "now ahead ahead ahead"),
        (Status.TRANSCRIBING, ("download",), "done now ahead ahead"),
        (Status.PROCESSING, ("download", "transcribe"), "done done now ahead"),
        (Status.SAVING, ("download", "transcribe", "read_screen", "summarize"), "done done done now"),
        (Status.COMPLETED, (), "done done done done"),
        (Status.FAILED, (), "broken ahead ahead ahead"),
        (Status.FAILED, ("download",), "done broken ahead ahead"),
        (Status.FAILED, ("download", "transcribe", "read_screen"), "done done broken ahead"),
        (Status.FAILED, ("download", "transcribe", "read_screen", "summarize"), "done done done broken"),
        (Status.FAILED, ("download", "transcribe", "read_screen", "summarize", "publish"), "done done done broken"),
    ],
)
def test_the_line_shows_what_is_done_going_on_broken_and_ahead(
    status: Status, ended: tuple[str, ...], line: str
) -> None:
    assert " ".join(step.state for step in view(status, *ended).steps) == line


def test_a_row_that_was_refused_before_any_run_broke_nowhere() -> None:
    assert {step.state for step in view(Status.FAILED, run_id=None).steps} == {"ahead"}


def test_a_row_that_waits_for_its_time_says_so() -> None:
    waits = view(Status.PENDING, retry_at=NOW, failure_code=Code.RATE_LIMITED)
    assert (waits.status_words, waits.can_retry) == ("Tried again later", True)
    assert (view(Status.PENDING).status_words, view(Status.PENDING).can_retry) == ("Waiting", False)


def test_a_row_that_waits_its_turn_says_so() -> None:
    assert view(Status.PENDING, retry_at=NOW, failure_code=Code.WAITS_TURN).status_words == "Waits its turn"


def test_a_row_that_waits_for_its_site_is_not_offered_to_be_tried_before() -> None:
    waits = view(Status.PENDING, retry_at=NOW, failure_code=Code.PLATFORM_PAUSED)
    assert (waits.status_words, waits.can_retry) == ("Waits for the site", False)
    failed = view(Status.FAILED, failure_code=Code.PLATFORM_PAUSED)
    assert (failed.status_words, failed.can_retry) == ("Failed", True)


def test_the_time_is_the_sum_of_the_stages() -> None:
    assert view(Status.COMPLETED, "download", "transcribe").seconds == 3.0
