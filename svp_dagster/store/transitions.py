"""How a link entry's row changes: each function is one step of its life, within a transaction of the caller's."""

from __future__ import annotations

from datetime import datetime

from svp_dagster.errors import SvpError
from svp_dagster.models import LinkEntry, Status
from svp_dagster.rows.waiting import next_try, sentence_of_a_wait, sentence_of_the_end
from svp_dagster.store.tables import LinkEntryRow


def new_row(link: LinkEntry, *, now: datetime) -> LinkEntryRow:
    """A row that a person just asked for."""
    return LinkEntryRow(
        page_id=link.page_id,
        connection_id=link.connection_id,
        status=Status.PENDING,
        version=1,
        shown_version=1,  # the person wrote "pending": Notion shows it already
        requests=1,
        attempts=0,
        waits=0,
        title="",
        stage_seconds={},
        engines={},
        created_at=now,
        updated_at=now,
    )


def reopen(row: LinkEntryRow, *, now: datetime) -> None:
    """Somebody asks for a finished row, or for one that waits, again."""
    row.requests, row.attempts, row.holder = row.requests + 1, 0, None
    row.waits, row.waiting_since = 0, None
    row.status, row.version, row.updated_at = Status.PENDING, row.version + 1, now
    row.failure_code = row.sentence = row.retry_at = None


def take_over_what_was_written(row: LinkEntryRow, link: LinkEntry) -> None:
    """Bring what the person wrote up to date."""
    row.url, row.tag, row.processing_type = link.url, link.tag, link.processing_type
    found = link.link
    row.link_url, row.platform, row.post_id = (found.url, found.platform, found.post_id) if found else (None,) * 3
    row.last_edited_time = link.last_edited_time


def complete(row: LinkEntryRow, *, now: datetime) -> None:
    """The page is there."""
    _end(row, Status.COMPLETED, now=now)
    row.failure_code = row.sentence = None


def fail(row: LinkEntryRow, error: SvpError, *, now: datetime) -> None:
    """A run failed: the row waits where that may help, else it has failed for good."""
    retry_at = next_try(error, waits=row.waits, waiting_since=row.waiting_since, now=now)
    if retry_at is None:
        fail_for_good(row, error, now=now)
    else:
        wait(row, error, until=retry_at, now=now)
        row.waits += 1


def fail_for_good(row: LinkEntryRow, error: SvpError, *, now: datetime) -> None:
    """Nothing more happens until a person asks again."""
    _end(row, Status.FAILED, now=now)
    row.failure_code, row.sentence = error.code, sentence_of_the_end(error, waits=row.waits)


def wait(row: LinkEntryRow, error: SvpError, *, until: datetime, now: datetime) -> None:
    """The row is pending until then, and says why."""
    row.status, row.version, row.holder, row.attempts = Status.PENDING, row.version + 1, None, 0
    row.failure_code, row.sentence = error.code, sentence_of_a_wait(error, until=until)
    row.retry_at, row.updated_at = until, now
    row.waiting_since = row.waiting_since or now


def _end(row: LinkEntryRow, status: Status, *, now: datetime) -> None:
    row.status, row.version, row.holder = status, row.version + 1, None
    row.retry_at, row.updated_at = None, now
