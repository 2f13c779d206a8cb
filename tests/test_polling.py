"""The sensor's decision: which pending rows get a run, which end without one, which are left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.errors import Code
from svp_dagster.models import LinkEntry, Status
from svp_dagster.notion.rows import InvalidRow
from svp_dagster.polling import SETTLING, Decision, Row, decide
from svp_dagster.store.entries import Entry

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LINK = "https://www.tiktok.com/@cook/video/7300000000000000001"


def row(page_id: str = "row-1", **changes: Any) -> LinkEntry:
    fields = {"page_id": page_id, "connection_id": "c", "url": LINK, "tag": "cooking", "last_edited_time": NOW}
    return LinkEntry(**{**fields, **changes})


def known(status: Status, *, link: LinkEntry | None = None, **changes: Any) -> Entry:
    long_ago = NOW - timedelta(hours=1)
    fields: dict[str, Any] = {
        "link": link or row(),
        "status": status,
        "version": 3,
        "shown_version": 3,
        "requests": 1,
        "attempts": 1,
        "stage_seconds": {},
        "engines": {},
        "title": "",
        "created_at": long_ago,
        "updated_at": long_ago,
    }
    optional = dict.fromkeys(name for name in Entry.model_fields if name not in fields)
    return Entry(**{**optional, **fields, **changes})


def decided(*rows: Row, entry: Entry | None = None, in_progress: tuple[str, ...] = (), limit: int = 10) -> Decision:
    entries = {entry.link.page_id: entry} if entry else {}
    return decide(rows, known=entries, in_progress=in_progress, tags={"cooking"}, read_at=NOW, limit=limit)


def test_a_new_row_gets_a_run() -> None:
    (request,) = decided(row()).requests
    assert request.link == row()
    assert request.number == 1


def test_a_row_with_a_run_in_progress_is_left_alone_even_when_it_was_edited() -> None:
    edited = row(last_edited_time=NOW + timedelta(minutes=3))
    decision = decided(edited, entry=known(Status.PENDING), in_progress=("row-1",))
    assert decision.requests == ()
    assert "row-1" in decision.skipped


def test_a_row_set_back_to_pending_gets_a_new_run_within_the_same_minute() -> None:
    first = decided(row()).requests[0]
    again = decided(row(), entry=known(Status.COMPLETED)).requests[0]
    assert again.link.last_edited_time == first.link.last_edited_time
    assert again.run_key != first.run_key


def test_a_wish_that_the_store_knows_but_dagster_does_not_keeps_its_run_key() -> None:
    first = decided(row()).requests[0]
    repeated = decided(row(), entry=known(Status.PENDING, requests=1)).requests[0]
    assert repeated.run_key == first.run_key


def test_a_finished_row_whose_status_is_owed_does_not_run_again() -> None:
    decision = decided(row(), entry=known(Status.COMPLETED, shown_version=2))
    assert decision.requests == ()
    assert "could not be told" in decision.skipped["row-1"]


def test_a_row_that_ended_while_it_was_read_does_not_run_again() -> None:
    just_ended = known(Status.COMPLETED, updated_at=NOW - SETTLING / 2)
    assert decided(row(), entry=just_ended).requests == ()


def test_an_unknown_tag_ends_the_row_with_the_tags_that_there_are() -> None:
    decision = decided(row(tag="travel"))
    ((link, error),) = decision.rejections
    assert link.tag == "travel"
    assert error.code is Code.UNKNOWN_TAG
    assert "“travel”" in error.sentence
    assert "“cooking”" in error.sentence


def test_a_link_of_another_site_ends_the_row() -> None:
    ((_, error),) = decided(row(url="https://example.com/video/1")).rejections
    assert error.code is Code.UNSUPPORTED_LINK


def test_a_row_without_a_link_ends_and_says_which_column_is_empty() -> None:
    empty = InvalidRow(
        page_id="row-9",
        connection_id="c",
        last_edited_time=NOW,
        code=Code.UNSUPPORTED_LINK,
        reason="the url column is empty",
    )
    ((link, error),) = decided(empty).rejections
    assert link.page_id == "row-9"
    assert "the url column is empty" in error.sentence


def test_more_rows_than_the_limit_wait_for_the_next_tick_oldest_first() -> None:
    rows = [row(f"row-{n}", last_edited_time=NOW - timedelta(minutes=n)) for n in range(5)]
    decision = decided(*rows, limit=2)
    assert [request.link.page_id for request in decision.requests] == ["row-4", "row-3"]
    assert decision.more
    assert not decided(*rows, limit=5).more


@given(
    ids=st.lists(st.sampled_from([f"row-{n}" for n in range(8)]), unique=True),
    busy=st.sets(st.sampled_from([f"row-{n}" for n in range(8)])),
    limit=st.integers(0, 8),
)
def test_every_row_is_dealt_with_once(ids: list[str], busy: set[str], limit: int) -> None:
    decision = decided(*(row(page_id) for page_id in ids), in_progress=tuple(busy), limit=limit)
    requested = [request.link.page_id for request in decision.requests]
    rejected = [link.page_id for link, _ in decision.rejections]
    assert sorted([*requested, *rejected, *decision.skipped]) == sorted(ids)
    assert not busy & set(requested)
    assert len(requested) <= limit
