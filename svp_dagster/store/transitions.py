"""How a link entry's row changes: each function is one step of its life, within a transaction of the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from svp_dagster.errors import BUDGET_CODES, Code, worded
from svp_dagster.models import UPLOAD, LinkEntry, RedoOutcome, Status
from svp_dagster.store.tables import LinkEntryRow


@dataclass(frozen=True, kw_only=True)
class FailureOutcome:
    """What becomes of a row that failed: it waits until `retry_at`, or has failed for good where that is None.

    `uses_try`: the wait is one of the few that a row has.
    """

    code: Code
    sentence: str
    retry_at: datetime | None
    uses_try: bool = True


class FailureRule(Protocol):
    """Decides the outcome of a failure from what the row says within the transaction."""

    def __call__(self, *, waits: int, waiting_since: datetime | None, now: datetime) -> FailureOutcome:
        """Return the outcome for a row with so many waits that used up a try, the first since `waiting_since`."""


def new_row(link: LinkEntry, *, now: datetime) -> LinkEntryRow:
    """Return the row of a link that was requested for the first time."""
    return LinkEntryRow(
        page_id=link.page_id,
        connection_id=link.connection_id,
        has_row=link.has_row,
        status=Status.PENDING,
        version=1,
        synced_version=1,  # the person wrote "pending": Notion shows it already
        requests=1,
        attempts=0,
        waits=0,
        tries=0,
        title="",
        stage_seconds={},
        engines={},
        created_at=now,
        updated_at=now,
    )


def is_in_redo(row: LinkEntryRow) -> bool:
    """Return whether the page of a completed row is being made again. A row that was requested anew is as any other."""
    return row.redo_id is not None and row.redo_outcome is None and row.status == Status.COMPLETED


def begin_redo(row: LinkEntryRow, redo_id: str, *, now: datetime) -> None:
    """Add a completed row to a redo. Its status stays."""
    row.redo_id, row.redo_outcome = redo_id, None
    row.attempts = row.waits = row.tries = 0
    row.waiting_since = row.retry_at = row.failure_code = row.sentence = None
    row.updated_at = now


def reopen(row: LinkEntryRow, *, now: datetime) -> None:
    """Start over with a row that is finished or waits: a person requested it again."""
    row.requests, row.attempts, row.holder = row.requests + 1, 0, None
    row.waits, row.tries, row.waiting_since = 0, 0, None
    set_status(row, Status.PENDING, now=now)
    row.failure_code = row.sentence = row.retry_at = None


def set_status(row: LinkEntryRow, status: Status, *, now: datetime) -> None:
    """Change the status, which Notion doesn't show yet. For a direct entry there is nothing to show."""
    row.status, row.version, row.updated_at = status, row.version + 1, now
    if not row.has_row:
        row.synced_version = row.version


def take_over_what_was_written(row: LinkEntryRow, link: LinkEntry) -> None:
    """Bring what the person wrote up to date."""
    row.url, row.tag, row.processing_type = link.url, link.tag, link.processing_type
    found = link.link
    row.link_url, row.platform, row.post_id = (found.url, found.platform, found.post_id) if found else (None,) * 3
    row.last_edited_time = link.last_edited_time


def complete(row: LinkEntryRow, *, made_for: str | None, now: datetime) -> None:
    """Mark the row as completed. `made_for` is a digest of what its page was made for, None where it isn't known."""
    _end(row, Status.COMPLETED, now=now)
    row.failure_code = row.sentence = None
    row.made_for = made_for or row.made_for


def fail(row: LinkEntryRow, rule: FailureRule, *, now: datetime) -> None:
    """Let the row wait or fail for good, as the rule says."""
    outcome = rule(waits=row.tries, waiting_since=row.waiting_since, now=now)
    if outcome.retry_at is None:
        fail_for_good(row, outcome, now=now)
    else:
        wait(row, outcome, now=now)
        row.waits += 1
        if outcome.uses_try:
            row.waiting_since = row.waiting_since if row.tries else now  # its day begins with the first try
            row.tries += 1


def fail_for_good(row: LinkEntryRow, outcome: FailureOutcome, *, now: datetime) -> None:
    """Mark the row as failed. Nothing more happens until a person requests it again. In a redo only the redo fails."""
    _end(row, Status.FAILED, now=now)
    row.failure_code, row.sentence = outcome.code, _sentence(row, outcome)


def wait(row: LinkEntryRow, outcome: FailureOutcome, *, now: datetime) -> None:
    """Make the row pending until the time of the outcome, with its sentence. In a redo its status stays."""
    _enter(row, Status.PENDING, now=now)
    row.attempts, row.retry_at = 0, outcome.retry_at
    row.failure_code, row.sentence = outcome.code, _sentence(row, outcome)
    # After weeks without a budget, a row has its whole time for what fails then.
    row.waiting_since = None if outcome.code in BUDGET_CODES else row.waiting_since or now


def _sentence(row: LinkEntryRow, outcome: FailureOutcome) -> str:
    return worded(outcome.sentence, has_row=row.has_row, is_upload=row.platform == UPLOAD)


def _end(row: LinkEntryRow, status: Status, *, now: datetime) -> None:
    _enter(row, status, now=now)
    row.retry_at = None
    if row.redo_id is not None and row.redo_outcome is None:
        row.redo_outcome = RedoOutcome.MADE if status is Status.COMPLETED else RedoOutcome.FAILED


def _enter(row: LinkEntryRow, status: Status, *, now: datetime) -> None:
    """End the claim and change the status. A redo leaves the status as it is."""
    if not is_in_redo(row):
        set_status(row, status, now=now)
    row.holder, row.updated_at = None, now
