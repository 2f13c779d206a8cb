"""The sensor's decision: which pending rows get a run, which end without one, which are skipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.errors import Code
from svp_dagster.models import Link, LinkEntry, Status
from svp_dagster.notion.rows import InvalidRow
from svp_dagster.rows.pacing.pace import Queue
from svp_dagster.rows.pacing.shares import Share
from svp_dagster.rows.pacing.turns import Limit
from svp_dagster.rows.parsing import Row
from svp_dagster.rows.polling import SETTLING, Decision, decide
from svp_dagster.rows.waiting import PAUSE_LIMIT
from svp_dagster.store.entries import Entry
from svp_dagster.store.installation.addresses import Address
from svp_dagster.store.installation.platforms import Platform

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LINK = "https://www.tiktok.com/@cook/video/7300000000000000001"


NOBODY_WAITS = Queue(
    addresses=[Address(name="instagram direct")], limit=Limit(requests=5, window=timedelta(minutes=10))
)

NO_RUNS = Share(runs=0, limit=100)


def row(page_id: str = "row-1", **changes: Any) -> LinkEntry:
    fields = {"page_id": page_id, "connection_id": "c", "url": LINK, "tag": "cooking", "last_edited_time": NOW}
    return LinkEntry(**{**fields, **changes})


def post(url: str) -> Link:
    return Link(url=url, platform="tiktok", post_id=url.rpartition("/")[2])


def known(status: Status, *, link: LinkEntry | None = None, **changes: Any) -> Entry:
    long_ago = NOW - HOUR
    fields: dict[str, Any] = {
        "link": link or row(),
        "status": status,
        "version": 3,
        "synced_version": 3,
        "requests": 1,
        "attempts": 1,
        "waits": 0,
        "tries": 0,
        "stage_seconds": {},
        "engines": {},
        "title": "",
        "created_at": long_ago,
        "updated_at": long_ago,
    }
    optional = dict.fromkeys(name for name in Entry.model_fields if name not in fields)
    return Entry(**{**optional, **fields, **changes})


def waiting(code: Code = Code.RATE_LIMITED, **changes: Any) -> Entry:
    """An entry that waits for another hour, and of which Notion was told so at `NOW`."""
    fields = {"failure_code": code, "waits": 1, "waiting_since": NOW - HOUR, "retry_at": NOW + HOUR}
    return known(Status.PENDING, **{**fields, **changes})


def platform(**changes: Any) -> Platform:
    fields: dict[str, Any] = {"name": "tiktok", "failing": (), "on_trial": False, "canaries": 0}
    optional = dict.fromkeys(name for name in Platform.model_fields if name not in fields)
    plain = {"canary_problem": "", "downloader": "", "updated_at": NOW}
    return Platform(**{**optional, **fields, **plain, **changes})


PAUSED = platform(paused_since=NOW - HOUR, canary_at=NOW + HOUR / 2, failure_code=Code.SITE_CHANGED)


def decided(
    *rows: Row,
    entry: Entry | None = None,
    in_progress: tuple[str, ...] = (),
    tiktok: Platform | None = None,
    extra_hosts: tuple[str, ...] = (),
    queue: Queue = NOBODY_WAITS,
    share: Share = NO_RUNS,
    limit: int = 10,
) -> Decision:
    return decide(
        rows,
        known={entry.link.page_id: entry} if entry else {},
        in_progress=in_progress,
        platforms={"tiktok": tiktok} if tiktok else {},
        queue=queue,
        tags={"cooking"},
        extra_hosts=extra_hosts,
        share=share,
        read_at=NOW,
        limit=limit,
    )


def test_a_new_row_gets_a_run() -> None:
    (request,) = decided(row()).requests
    assert request.link == row(link=post(LINK))
    assert request.number == 1


def test_a_request_carries_the_link_without_what_was_pasted_around_it() -> None:
    (request,) = decided(row(url=f"Look! {LINK}?is_from_webapp=1")).requests
    assert request.link.link == post(LINK)


def test_a_row_with_a_run_in_progress_is_left_alone_even_when_it_was_edited() -> None:
    edited = row(last_edited_time=NOW + timedelta(minutes=3))
    decision = decided(edited, entry=known(Status.PENDING), in_progress=("row-1",))
    assert decision.requests == []
    assert "row-1" in decision.skipped


def test_a_row_set_back_to_pending_gets_a_new_run_within_the_same_minute() -> None:
    first = decided(row()).requests[0]
    again = decided(row(), entry=known(Status.COMPLETED)).requests[0]
    assert again.link.last_edited_time == first.link.last_edited_time
    assert again.run_key != first.run_key


def test_a_request_that_the_store_knows_but_dagster_does_not_keeps_its_run_key() -> None:
    first = decided(row()).requests[0]
    repeated = decided(row(), entry=known(Status.PENDING, requests=1)).requests[0]
    assert repeated.run_key == first.run_key


def test_a_finished_row_whose_status_is_unsynced_does_not_run_again() -> None:
    decision = decided(row(), entry=known(Status.COMPLETED, synced_version=2))
    assert decision.requests == []
    assert "doesn't show that yet" in decision.skipped["row-1"]


def test_a_row_that_ended_while_it_was_read_does_not_run_again() -> None:
    just_ended = known(Status.COMPLETED, updated_at=NOW - SETTLING / 2)
    assert decided(row(), entry=just_ended).requests == []


def test_an_unknown_tag_ends_the_row_with_the_tags_that_there_are() -> None:
    decision = decided(row(tag="travel"))
    (rejected,) = decision.rejections
    link, error = rejected.link, rejected.error
    assert link.tag == "travel"
    assert error.code is Code.UNKNOWN_TAG
    assert "“travel”" in error.sentence
    assert "“cooking”" in error.sentence


def test_a_link_of_another_site_ends_the_row() -> None:
    (rejected,) = decided(row(url="https://example.com/video/1")).rejections
    assert rejected.error.code is Code.UNSUPPORTED_LINK


def test_a_row_without_a_link_ends_and_says_which_column_is_empty() -> None:
    empty = InvalidRow(
        page_id="row-9",
        connection_id="c",
        last_edited_time=NOW,
        code=Code.UNSUPPORTED_LINK,
        reason="the url column is empty",
    )
    (rejected,) = decided(empty).rejections
    assert rejected.link.page_id == "row-9"
    assert "the url column is empty" in rejected.error.sentence


def test_more_rows_than_the_limit_wait_for_the_next_tick_oldest_first() -> None:
    rows = [row(f"row-{n}", last_edited_time=NOW - timedelta(minutes=n)) for n in range(5)]
    decision = decided(*rows, limit=2)
    assert [request.link.page_id for request in decision.requests] == ["row-4", "row-3"]
    assert decision.more
    assert not decided(*rows, limit=5).more


def test_rows_beyond_the_share_of_their_connection_are_a_backlog_and_the_oldest_start() -> None:
    rows = [row(f"row-{n}", last_edited_time=NOW - timedelta(minutes=n)) for n in range(5)]
    decision = decided(*rows, share=Share(runs=8, limit=10))
    assert [(start.link.page_id, start.runs_before) for start in decision.requests] == [("row-4", 8), ("row-3", 9)]
    assert (decision.backlog, decision.more) == (3, False)
    assert "starts when one of them ends" in decision.skipped["row-0"]


def test_rows_that_get_no_run_are_dealt_with_also_where_their_connection_has_no_room() -> None:
    no_room = Share(runs=10, limit=10)
    decision = decided(row("row-1", tag="travel"), row("row-2"), *(reel(n) for n in range(5)), share=no_room)
    assert [rejected.link.page_id for rejected in decision.rejections] == ["row-1"]
    assert [postponed.link.page_id for postponed in decision.postponements] == ["reel-3", "reel-4"]
    assert (decision.requests, decision.backlog) == ([], 4)


def test_a_row_whose_turn_has_come_starts_before_newer_rows_that_need_none() -> None:
    newer = (row(f"row-{n}", last_edited_time=NOW) for n in range(3))
    older = reel(1).model_copy(update={"last_edited_time": NOW - HOUR})
    decision = decided(*newer, older, share=Share(runs=9, limit=10))
    assert [start.link.page_id for start in decision.requests] == ["reel-1"]


def test_a_row_that_waits_is_left_alone_until_its_time() -> None:
    decision = decided(row(), entry=waiting())
    assert decision.requests == []
    assert "2026-11-20T13:00" in decision.skipped["row-1"]


def test_a_row_whose_time_has_come_gets_a_run_under_another_key() -> None:
    first = decided(row()).requests[0]
    again = decided(row(), entry=waiting(retry_at=NOW)).requests[0]
    assert (again.number, again.waits) == (1, 1)
    assert again.run_key != first.run_key


def test_a_row_that_waits_and_was_edited_is_a_new_request() -> None:
    edited = row(last_edited_time=NOW + timedelta(minutes=1))
    (request,) = decided(edited, entry=waiting()).requests
    assert (request.number, request.waits) == (2, 0)


def test_while_notion_was_not_told_of_a_wait_its_time_of_edit_says_nothing() -> None:
    edited = row(last_edited_time=NOW + timedelta(minutes=1))
    assert decided(edited, entry=waiting(synced_version=2)).requests == []


def test_a_row_whose_run_is_over_without_a_word_is_left_to_the_sweep() -> None:
    decision = decided(row(), entry=known(Status.DOWNLOADING, holder="run"))
    assert decision.requests == []
    assert "sweep" in decision.skipped["row-1"]


@pytest.mark.parametrize(
    ("changes", "is_taken_over"),
    [({"tag": "places"}, True), ({"url": LINK + "2"}, True), ({}, False)],
)
def test_what_a_person_changes_while_the_row_is_queued_counts(changes: dict[str, str], is_taken_over: bool) -> None:
    edited = row(last_edited_time=NOW + HOUR, **changes)
    decision = decided(edited, entry=known(Status.PENDING), in_progress=("row-1",))
    assert decision.requests == []
    carried = edited.model_copy(update={"link": post(edited.url)})
    assert decision.edited == ([carried] if is_taken_over else [])


def test_what_a_person_changes_while_a_run_works_on_the_row_is_not_slipped_under_it() -> None:
    edited = row(tag="places")
    assert decided(edited, entry=known(Status.PENDING, holder="run"), in_progress=("row-1",)).edited == []
    assert decided(edited, entry=known(Status.SAVING, holder="run"), in_progress=("row-1",)).edited == []


def test_a_row_of_a_paused_platform_waits_and_costs_no_run() -> None:
    decision = decided(row(), tiktok=PAUSED)
    (made,) = decision.postponements
    assert decision.requests == []
    assert made.until == NOW + HOUR / 2
    assert made.error.sentence.startswith("Downloads from TikTok fail at the moment.")


def test_a_row_of_another_platform_runs() -> None:
    instagram = row(url="https://www.instagram.com/reel/DOpancakes1/")
    assert len(decided(instagram, tiktok=PAUSED).requests) == 1


def test_a_row_that_waits_for_its_platform_is_told_once() -> None:
    decision = decided(row(), entry=waiting(Code.PLATFORM_PAUSED, retry_at=NOW - HOUR), tiktok=PAUSED)
    assert (decision.postponements, decision.requests) == ([], [])
    assert "platform" in decision.skipped["row-1"]


def test_a_row_that_waits_for_its_platform_runs_as_soon_as_it_works() -> None:
    assert len(decided(row(), entry=waiting(Code.PLATFORM_PAUSED), tiktok=platform()).requests) == 1


def test_a_row_that_broke_while_its_platform_was_broken_runs_once_it_works_again() -> None:
    before = waiting(Code.SITE_CHANGED)
    assert len(decided(row(), entry=before, tiktok=platform(resumed_at=NOW)).requests) == 1
    since = waiting(Code.SITE_CHANGED, updated_at=NOW)
    assert decided(row(), entry=since, tiktok=platform(resumed_at=NOW - HOUR)).requests == []


def test_a_row_that_waited_for_its_platform_for_too_long_ends_with_what_is_wrong_there() -> None:
    entry = waiting(Code.PLATFORM_PAUSED, waiting_since=NOW - PAUSE_LIMIT)
    (rejected,) = decided(row(), entry=entry, tiktok=PAUSED).rejections
    assert rejected.error.code is Code.SITE_CHANGED


def test_a_site_that_the_operator_allows_is_a_link() -> None:
    video = row(url="https://www.youtube.com/watch?v=abc")
    assert len(decided(video).rejections) == 1
    assert len(decided(video, extra_hosts=("youtube.com",)).requests) == 1


@given(
    ids=st.lists(st.sampled_from([f"row-{n}" for n in range(8)]), unique=True),
    busy=st.sets(st.sampled_from([f"row-{n}" for n in range(8)])),
    limit=st.integers(0, 8),
)
def test_every_row_is_dealt_with_once(ids: list[str], busy: set[str], limit: int) -> None:
    decision = decided(*(row(page_id) for page_id in ids), in_progress=tuple(busy), limit=limit)
    requested = [request.link.page_id for request in decision.requests]
    rejected = [made.link.page_id for made in decision.rejections]
    assert sorted([*requested, *rejected, *decision.skipped]) == sorted(ids)
    assert not busy & set(requested)
    assert decision.rows <= limit


def reel(number: int) -> LinkEntry:
    return row(f"reel-{number}", url=f"https://www.instagram.com/reel/DOreel0000{number}/")


def test_rows_beyond_instagram_s_pace_wait_their_turn_and_say_until_when() -> None:
    decision = decided(*(reel(number) for number in range(5)), row())
    assert [start.link.page_id for start in decision.requests] == ["reel-0", "reel-1", "reel-2", "row-1"]
    for postponed in decision.postponements:
        assert postponed.error.code is Code.WAITS_TURN
        assert NOW + timedelta(minutes=10) <= postponed.until <= NOW + timedelta(minutes=11)
        assert f"at about {postponed.until:%Y-%m-%d %H:%M} UTC" in postponed.error.sentence


def test_a_post_whose_media_are_kept_needs_no_turn() -> None:
    queue = Queue(addresses=NOBODY_WAITS.addresses, limit=NOBODY_WAITS.limit, is_kept=lambda _: True)
    assert len(decided(*(reel(number) for number in range(5)), queue=queue).requests) == 5
