"""Link entries: who may write a row, and what Notion still has to be told. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from svp_dagster.errors import ClaimLost, Code, EntryGone, failure
from svp_dagster.models import ContentPage, PaidCall, ProcessingType, Status
from svp_dagster.rows.waiting import failure_rule, final_outcome
from svp_dagster.store.entries import Entry, PageTaken
from svp_dagster.store.store import Store
from tests.store.examples import GONE, all_at_once, link, sign_in

MINUTE = timedelta(minutes=1)


def is_over(_run_id: str) -> bool:
    return True


def is_going_on(_run_id: str) -> bool:
    return False


@pytest.fixture
def connection_id(store: Store, now: datetime) -> str:
    return sign_in(store, now=now).id


@pytest.fixture
def claimed(store: Store, connection_id: str, now: datetime) -> Entry:
    """The row "row", held by the run "first"."""
    store.entries.request(link(connection_id, at=now), now=now)
    return store.entries.claim("row", "first", may_take_over=is_going_on, now=now)


def test_a_new_row_is_pending_as_notion_shows_it_already(store: Store, connection_id: str, now: datetime) -> None:
    entry = store.entries.request(link(connection_id, at=now), now=now)
    assert (entry.status, entry.requests, entry.attempts, entry.holder) == (Status.PENDING, 1, 0, None)
    assert not entry.is_unsynced
    assert store.entries.get("row") == entry


def test_an_unknown_row_is_none(store: Store) -> None:
    assert store.entries.get("nowhere") is None


def test_known_gives_the_rows_that_were_seen(store: Store, connection_id: str, now: datetime) -> None:
    for page_id in ("a", "b"):
        store.entries.request(link(connection_id, at=now, page_id=page_id), now=now)
    assert store.entries.known(["a", "b", "c"]).keys() == {"a", "b"}
    assert store.entries.known([]) == {}


def test_a_row_edited_while_it_waits_keeps_its_request(store: Store, connection_id: str, now: datetime) -> None:
    store.entries.request(link(connection_id, at=now), now=now)
    edited = link(connection_id, at=now + MINUTE, url="https://www.instagram.com/reel/abc/", tag="Places")
    edited = edited.model_copy(update={"processing_type": ProcessingType.SPEECH})
    entry = store.entries.request(edited, now=now + MINUTE)
    assert entry.link == edited
    assert (entry.requests, entry.version) == (1, 1)
    assert store.entries.get("row") == entry


def test_a_finished_row_set_back_to_pending_is_asked_for_again(store: Store, claimed: Entry, now: datetime) -> None:
    store.entries.fail("row", "first", failure_rule(failure(Code.GONE)), now=now)
    again = store.entries.request(claimed.link, now=now + MINUTE)
    assert (again.status, again.requests, again.attempts) == (Status.PENDING, 2, 0)
    assert (again.failure_code, again.sentence, again.holder) == (None, None, None)
    assert not again.is_unsynced


def test_a_late_note_that_notion_shows_the_old_status_hides_nothing(
    store: Store, claimed: Entry, now: datetime
) -> None:
    failed = store.entries.fail("row", "first", failure_rule(failure(Code.GONE)), now=now)
    store.entries.request(claimed.link, now=now)
    store.entries.synced("row", failed.version, now=now)
    store.entries.claim("row", "second", may_take_over=is_going_on, now=now)
    assert store.entries.set_status("row", "second", Status.DOWNLOADING, now=now).is_unsynced


def test_a_rejected_row_is_failed_and_unsynced(store: Store, connection_id: str, now: datetime) -> None:
    error = failure(Code.UNKNOWN_TAG, reason="No database has the tag “x”")
    entry = store.entries.reject(link(connection_id, at=now), final_outcome(error, waits=0), now=now)
    assert (entry.status, entry.failure_code, entry.sentence) == (Status.FAILED, Code.UNKNOWN_TAG, error.sentence)
    assert entry.is_unsynced
    assert entry.holder is None
    assert store.entries.get("row") == entry


def test_the_first_run_gets_the_row(claimed: Entry) -> None:
    assert (claimed.holder, claimed.run_id, claimed.attempts) == ("first", "first", 1)


def test_a_run_may_claim_its_own_row_again(store: Store, claimed: Entry, now: datetime) -> None:
    assert store.entries.claim("row", "first", may_take_over=is_going_on, now=now) == claimed


def test_a_row_that_a_run_works_on_is_not_given_away(store: Store, claimed: Entry, now: datetime) -> None:
    with pytest.raises(ClaimLost):
        store.entries.claim("row", "second", may_take_over=is_going_on, now=now)
    assert store.entries.get("row") == claimed


def test_a_run_that_is_over_loses_the_row_to_the_next(store: Store, claimed: Entry, now: datetime) -> None:
    taken = store.entries.claim("row", "second", may_take_over=lambda run_id: run_id == "first", now=now)
    assert (taken.holder, taken.attempts) == ("second", 2)


def test_a_row_that_was_never_seen_can_not_be_claimed(store: Store, now: datetime) -> None:
    with pytest.raises(EntryGone):
        store.entries.claim("nowhere", "first", may_take_over=is_over, now=now)


@pytest.mark.parametrize("is_ended_by", ["takeover", "failure", "rejection", "new request"])
def test_a_worker_that_outlives_its_claim_writes_nothing(
    store: Store, claimed: Entry, now: datetime, is_ended_by: str
) -> None:
    entries = store.entries
    if is_ended_by == "takeover":
        entries.claim("row", "second", may_take_over=is_over, now=now)
    elif is_ended_by == "rejection":
        entries.reject(claimed.link, final_outcome(failure(Code.ROW_GONE), waits=0), now=now)
    else:
        entries.fail("row", "first", failure_rule(failure(Code.INTERRUPTED)), now=now)
    if is_ended_by == "new request":
        entries.request(claimed.link, now=now)
    before = entries.get("row")

    page = ContentPage(page_id="page", url="https://notion.so/page", created=True)
    with pytest.raises(ClaimLost):
        entries.set_status("row", "first", Status.SAVING, now=now)
    with pytest.raises(ClaimLost):
        entries.note("row", "first", stage="video", seconds=1, title="late")
    with pytest.raises(ClaimLost):
        entries.set_content_page("row", "first", page, data_source_id="source")
    with pytest.raises(ClaimLost):
        entries.complete("row", "first", now=now)
    with pytest.raises(ClaimLost):
        entries.fail("row", "first", failure_rule(failure(Code.INTERNAL)), now=now)
    with pytest.raises(ClaimLost):
        entries.claim("row", "first", may_take_over=is_going_on, now=now)
    assert entries.get("row") == before


def test_a_finished_row_run_again_by_an_operator_is_pending_once_more(
    store: Store, claimed: Entry, now: datetime
) -> None:
    store.entries.complete("row", "first", now=now)
    again = store.entries.claim("row", "backfill", may_take_over=is_going_on, now=now)
    assert (again.status, again.holder, again.requests, again.attempts) == (Status.PENDING, "backfill", 2, 1)


def test_of_many_runs_that_meet_one_gets_the_row(store: Store, connection_id: str, now: datetime) -> None:
    store.entries.request(link(connection_id, at=now), now=now)

    def try_to_claim(number: int) -> str | None:
        try:
            return store.entries.claim("row", f"run-{number}", may_take_over=is_going_on, now=now).holder
        except ClaimLost:
            return None

    winners = [holder for holder in all_at_once(try_to_claim, times=6) if holder]
    entry = store.entries.get("row")
    assert entry is not None
    assert winners == [entry.holder]
    assert entry.attempts == 1


def test_of_many_runs_that_take_over_one_gets_the_row(store: Store, claimed: Entry, now: datetime) -> None:
    def try_to_take_over(number: int) -> str | None:
        try:
            taken = store.entries.claim("row", f"run-{number}", may_take_over=lambda run_id: run_id == "first", now=now)
        except ClaimLost:
            return None
        return taken.holder

    winners = [holder for holder in all_at_once(try_to_take_over, times=6) if holder]
    entry = store.entries.get("row")
    assert entry is not None
    assert winners == [entry.holder]
    assert entry.attempts == 2


def test_a_row_seen_by_several_at_once_is_one_entry(store: Store, connection_id: str, now: datetime) -> None:
    seen = all_at_once(lambda _: store.entries.request(link(connection_id, at=now), now=now), times=6)
    assert {(entry.requests, entry.version) for entry in seen} == {(1, 1)}


def test_each_status_is_a_new_version_that_is_unsynced_until_it_is_written(
    store: Store, claimed: Entry, now: datetime
) -> None:
    entries = store.entries
    downloading = entries.set_status("row", "first", Status.DOWNLOADING, now=now)
    transcribing = entries.set_status("row", "first", Status.TRANSCRIBING, now=now)
    assert [downloading.version, transcribing.version] == [claimed.version + 1, claimed.version + 2]

    entries.synced("row", transcribing.version, now=now)
    entries.synced("row", downloading.version, now=now)  # the slower of two writes comes second
    shown = entries.get("row")
    assert shown is not None
    assert shown.synced_version == transcribing.version
    assert not shown.is_unsynced


def test_a_version_that_never_was_is_not_shown(store: Store, claimed: Entry, now: datetime) -> None:
    store.entries.synced("row", claimed.version + 5, now=now)
    assert store.entries.set_status("row", "first", Status.DOWNLOADING, now=now).is_unsynced


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_a_row_does_not_end_by_a_mere_status(store: Store, claimed: Entry, now: datetime, status: Status) -> None:
    with pytest.raises(ValueError):
        store.entries.set_status("row", "first", status, now=now)
    assert store.entries.get("row") == claimed


def test_a_completed_row_keeps_its_page_and_nobody_holds_it(store: Store, claimed: Entry, now: datetime) -> None:
    page = ContentPage(page_id="page", url="https://notion.so/page", created=True)
    store.entries.set_content_page("row", "first", page, data_source_id="source")
    done = store.entries.complete("row", "first", now=now + MINUTE)
    assert (done.status, done.holder, done.run_id) == (Status.COMPLETED, None, "first")
    assert (done.content_page_id, done.content_page_url) == ("page", "https://notion.so/page")
    assert (done.content_data_source_id, done.updated_at) == ("source", now + MINUTE)
    assert store.entries.request(claimed.link, now=now).content_page_id == "page"


def test_a_failed_row_says_why_until_the_next_status(store: Store, claimed: Entry, now: datetime) -> None:
    error = failure(Code.PRIVATE)
    failed = store.entries.fail("row", "first", failure_rule(error), now=now)
    assert (failed.status, failed.failure_code, failed.sentence) == (Status.FAILED, Code.PRIVATE, error.sentence)
    store.entries.claim("row", "retry", may_take_over=is_going_on, now=now)
    retried = store.entries.set_status("row", "retry", Status.DOWNLOADING, now=now)
    assert (retried.failure_code, retried.sentence) == (None, None)


def test_what_the_stages_found_out_adds_up(store: Store, claimed: Entry) -> None:
    store.entries.note("row", "first", stage="video", seconds=1.23456, media_key="TikTok:7", title="Soup")
    entry = store.entries.note("row", "first", stage="transcript", seconds=2, engine="whisper-1")
    assert entry.stage_seconds == {"video": 1.235, "transcript": 2.0}
    assert entry.engines == {"transcript": "whisper-1"}
    assert (entry.media_key, entry.title) == ("TikTok:7", "Soup")
    assert store.entries.get("row") == entry


def test_hostile_text_is_kept_without_what_a_database_refuses(store: Store, connection_id: str, now: datetime) -> None:
    hostile = link(connection_id, at=now, url="https://x/\x00'; DROP TABLE link_entries;--", tag="\ud800🍜\u202e")
    store.entries.request(hostile, now=now)
    kept = store.entries.get("row")
    assert kept is not None
    assert kept.link.url == "https://x/'; DROP TABLE link_entries;--"
    assert kept.link.tag == "?🍜\u202e"


def test_the_row_that_a_run_holds_is_found(store: Store, claimed: Entry, now: datetime) -> None:
    assert store.entries.held_by("first") == claimed
    store.entries.complete("row", "first", now=now)
    assert store.entries.held_by("first") is None


def test_unsynced_are_the_statuses_that_notion_does_not_show_for_a_while(
    store: Store, connection_id: str, now: datetime
) -> None:
    for minutes, page_id in enumerate(("oldest", "older", "fresh")):
        at = now + minutes * MINUTE
        store.entries.reject(link(connection_id, at=at, page_id=page_id), GONE, now=at)
    store.entries.request(link(connection_id, at=now, page_id="told"), now=now)

    def unsynced(limit: int) -> list[str]:
        return [
            entry.link.page_id
            for entry in store.entries.unsynced(before=now + 2 * MINUTE, per_connection=9, limit=limit)
        ]

    assert unsynced(10) == ["oldest", "older"]
    assert unsynced(1) == ["oldest"]
    store.entries.synced("oldest", 2, now=now)
    assert unsynced(10) == ["older"]


def test_unsynced_statuses_of_an_ended_connection_do_not_hold_up_the_others(
    store: Store, connection_id: str, now: datetime
) -> None:
    ended = sign_in(store, now=now, bot_id="other")
    store.entries.reject(link(ended.id, at=now, page_id="ended"), GONE, now=now)
    store.entries.reject(link(connection_id, at=now, page_id="living"), GONE, now=now + MINUTE)
    store.connections.end(ended.id, now=now)
    unsynced = store.entries.unsynced(before=now + 2 * MINUTE, per_connection=9, limit=1)
    assert [entry.link.page_id for entry in unsynced] == ["living"]


def test_a_connection_with_many_unsynced_statuses_does_not_hold_up_the_others(
    store: Store, connection_id: str, now: datetime
) -> None:
    other = sign_in(store, now=now, bot_id="other")
    for number in range(4):
        store.entries.reject(link(connection_id, at=now, page_id=f"{number}"), GONE, now=now)
    store.entries.reject(link(other.id, at=now, page_id="other"), GONE, now=now + MINUTE)
    unsynced = store.entries.unsynced(before=now + 2 * MINUTE, per_connection=2, limit=3)
    assert [entry.link.page_id for entry in unsynced] == ["0", "1", "other"]


def test_pages_are_newest_first_and_hold_one_connections_rows(store: Store, connection_id: str, now: datetime) -> None:
    other = sign_in(store, now=now, bot_id="other")
    store.entries.request(link(other.id, at=now, page_id="theirs"), now=now)
    for minutes in range(5):
        tag = "Places" if minutes == 3 else "Cooking"
        at = now + minutes * MINUTE
        store.entries.request(link(connection_id, at=at, page_id=f"row-{minutes}", tag=tag), now=at)
    store.entries.reject(link(connection_id, at=now, page_id="row-1"), GONE, now=now)

    def page(
        *, statuses: list[Status] | None = None, tag: str | None = None, offset: int = 0, limit: int = 10
    ) -> tuple[list[str], int]:
        entries, total = store.entries.page(connection_id, statuses=statuses, tag=tag, offset=offset, limit=limit)
        return [entry.link.page_id for entry in entries], total

    assert page() == (["row-4", "row-3", "row-2", "row-1", "row-0"], 5)
    assert page(offset=1, limit=2) == (["row-3", "row-2"], 5)
    assert page(offset=5) == ([], 5)
    assert page(statuses=[Status.FAILED]) == (["row-1"], 1)
    assert page(statuses=[Status.FAILED, Status.PENDING])[1] == 5
    assert page(statuses=[]) == ([], 0)
    assert page(tag="Places") == (["row-3"], 1)
    assert page(tag="Places", statuses=[Status.FAILED]) == ([], 0)
    assert store.entries.counts(connection_id)[Status.FAILED] == 1
    assert store.entries.counts(connection_id, tag="Places") == {
        status: int(status is Status.PENDING) for status in Status
    }


def test_costs_tell_unknown_prices_from_nothing_paid(store: Store, connection_id: str, now: datetime) -> None:
    def pay(page_id: str, cost_usd: float | None) -> None:
        call = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=cost_usd)
        store.ledger.add(call, connection_id=connection_id, page_id=page_id, run_id="first", now=now)

    pay("known", 0.25)
    pay("known", 0.5)
    pay("partly", 0.25)
    pay("partly", None)
    pay("unknown", None)
    assert store.entries.costs(["known", "partly", "unknown", "free"]) == {
        "known": (0.75, True),
        "partly": (0.25, False),
        "unknown": (0.0, False),
    }
    assert store.entries.costs([]) == {}


def test_a_page_is_one_entrys_and_another_that_finds_it_too_is_told(store: Store, now: datetime) -> None:
    connection_id, entries = sign_in(store, now=now).id, store.entries
    page = ContentPage(page_id="page", url="https://notion.so/page", created=True)
    for page_id in ("first", "second"):
        entries.request(link(connection_id, at=now, page_id=page_id), now=now)
        entries.claim(page_id, page_id, may_take_over=is_going_on, now=now)
    entries.set_content_page("first", "first", page, data_source_id="source")
    entries.set_content_page("first", "first", page, data_source_id="source")  # again, by another attempt

    with pytest.raises(PageTaken):
        entries.set_content_page("second", "second", page, data_source_id="source")

    assert (
        entries.set_content_page(
            "second", "second", page.model_copy(update={"page_id": "own"}), data_source_id="source"
        ).content_page_id
        == "own"
    )
