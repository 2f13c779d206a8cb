"""Entries without a row in a Link Database: uploads, and links that were added in the app."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from svp_dagster.errors import BUDGET_CODES, Code, EntryGone, failure
from svp_dagster.models import LinkEntry, Status, upload_link
from svp_dagster.rows.waiting import final_outcome, waiting_outcome
from svp_dagster.store.installation.platforms import FailedPost
from svp_dagster.store.redos.selection import RedoFilter
from svp_dagster.store.store import Store
from svp_dagster.store.uploads import Upload
from tests.security.test_fairness import explained
from tests.store.examples import POST, schema, sign_in

MINUTE = timedelta(minutes=1)
RUN = "run-1"


@pytest.fixture
def connection_id(store: Store, now: datetime) -> str:
    return sign_in(store, now=now).id


def direct(connection_id: str, page_id: str, *, at: datetime, tag: str = "") -> LinkEntry:
    return LinkEntry(
        page_id=page_id,
        connection_id=connection_id,
        url=POST.url,
        link=POST,
        tag=tag,
        has_row=False,
        last_edited_time=at,
    )


def uploaded(connection_id: str, page_id: str, *, at: datetime, tag: str = "") -> LinkEntry:
    link = upload_link(page_id)
    return direct(connection_id, page_id, at=at, tag=tag).model_copy(update={"url": link.url, "link": link})


def upload(page_id: str) -> Upload:
    return Upload(
        page_id=page_id,
        filename="holiday.mp4",
        content_type="video/mp4",
        size_bytes=3_000_000_000,
        sha256="ab" * 32,
        storage_key=f"uploads/{page_id}/media.mp4",
    )


def pending(store: Store, now: datetime, *, per_connection: int = 10) -> list[str]:
    found = store.sweep.pending_direct(
        now=now,
        platforms=store.platforms.all().values(),
        site_faults={Code.SITE_CHANGED},
        paused_before=now - timedelta(days=7),
        per_connection=per_connection,
    )
    return [entry.link.page_id for entry in found]


def pause(store: Store, *, now: datetime) -> None:
    post = FailedPost(connection_id="", post="1")
    store.platforms.failed("tiktok", failed=post, code=Code.SITE_CHANGED, rows_to_pause=1, downloader="", now=now)


def test_an_upload_and_its_entry_are_made_together(store: Store, connection_id: str, now: datetime) -> None:
    entry = store.uploads.add(upload("mine"), uploaded(connection_id, "mine", at=now), now=now)
    assert entry.link == uploaded(connection_id, "mine", at=now)
    assert entry.partition_key == "tag/upload/mine"
    assert store.uploads.get("mine") == upload("mine")
    assert store.uploads.of(["mine", "other"]) == {"mine": upload("mine")}
    assert store.uploads.get("other") is None


def test_an_upload_for_deleted_data_leaves_nothing(store: Store, connection_id: str, now: datetime) -> None:
    store.deletions.delete(connection_id, now=now)
    with pytest.raises(EntryGone):
        store.uploads.add(upload("mine"), uploaded(connection_id, "mine", at=now), now=now)
    assert store.uploads.get("mine") is None


def test_an_upload_is_exported_and_deleted_with_its_connection(store: Store, connection_id: str, now: datetime) -> None:
    store.uploads.add(upload("mine"), uploaded(connection_id, "mine", at=now), now=now)
    assert store.my_data.counts(connection_id)["uploads"] == 1
    store.deletions.delete(connection_id, now=now)
    assert store.uploads.get("mine") is None


def test_the_status_of_a_direct_entry_is_synced_at_each_step(store: Store, connection_id: str, now: datetime) -> None:
    entries = store.entries
    entries.request(direct(connection_id, "mine", at=now), now=now)
    wait = waiting_outcome(failure(Code.RATE_LIMITED), until=now + MINUTE)
    steps = [
        entries.postpone(direct(connection_id, "mine", at=now), wait, now=now),
        entries.claim("mine", RUN, may_take_over=lambda _: False, now=now),
        entries.set_status("mine", RUN, Status.DOWNLOADING, now=now),
        entries.fail("mine", RUN, lambda **_: wait, now=now),
        entries.reject(direct(connection_id, "mine", at=now), final_outcome(failure(Code.GONE), waits=0), now=now),
        store.sweep.retry(["mine"], now=now)[0],
        entries.claim("mine", "run-2", may_take_over=lambda _: False, now=now),
        entries.complete("mine", "run-2", now=now),
        entries.request_again("mine", now=now),
    ]
    entries.mark_unsynced("mine", now=now)
    assert [step.is_unsynced for step in steps if step] == [False] * len(steps)
    assert entries.unsynced(before=now + MINUTE, per_connection=9, limit=9) == []


def test_a_direct_entry_is_pending_until_a_run_holds_it_and_again_at_its_retry(
    store: Store, connection_id: str, now: datetime
) -> None:
    store.entries.request(direct(connection_id, "mine", at=now), now=now)
    assert pending(store, now) == ["mine"]
    store.entries.claim("mine", RUN, may_take_over=lambda _: False, now=now)
    assert pending(store, now) == []
    wait = waiting_outcome(failure(Code.RATE_LIMITED), until=now + MINUTE)
    store.entries.fail("mine", RUN, lambda **_: wait, now=now)
    assert pending(store, now) == []
    assert pending(store, now + MINUTE) == ["mine"]


def test_rows_of_link_databases_are_no_direct_entries(store: Store, connection_id: str, now: datetime) -> None:
    row = direct(connection_id, "row", at=now).model_copy(update={"has_row": True})
    store.entries.request(row, now=now)
    assert pending(store, now) == []


def test_few_of_each_connection_are_pending_the_oldest_first(store: Store, connection_id: str, now: datetime) -> None:
    other = sign_in(store, now=now, bot_id="other", owner_id="bob").id
    for number in range(4):
        store.entries.request(direct(connection_id, f"mine-{number}", at=now), now=now + MINUTE * number)
    store.entries.request(direct(other, "theirs", at=now), now=now + 9 * MINUTE)
    assert pending(store, now + 9 * MINUTE, per_connection=2) == ["mine-0", "mine-1", "theirs"]


def test_what_waits_for_a_paused_platform_hides_no_other_entry(store: Store, connection_id: str, now: datetime) -> None:
    pause(store, now=now)
    store.entries.request(direct(connection_id, "paused", at=now), now=now)
    wait = waiting_outcome(failure(Code.PLATFORM_PAUSED, platform="TikTok"), until=now + MINUTE)
    store.entries.postpone(direct(connection_id, "paused", at=now), wait, now=now)
    store.uploads.add(upload("free"), uploaded(connection_id, "free", at=now), now=now + MINUTE)
    assert pending(store, now + 2 * MINUTE, per_connection=1) == ["free"]
    assert pending(store, now + timedelta(days=8), per_connection=1) == ["paused"]


def test_a_direct_entry_starts_as_soon_as_its_platform_is_resumed(
    store: Store, connection_id: str, now: datetime
) -> None:
    pause(store, now=now)
    for page_id, error in (
        ("paused", failure(Code.PLATFORM_PAUSED, platform="TikTok")),
        ("failed", failure(Code.SITE_CHANGED)),
        ("else", failure(Code.RATE_LIMITED)),
    ):
        link = direct(connection_id, page_id, at=now)
        store.entries.request(link, now=now)
        store.entries.postpone(link, waiting_outcome(error, until=now + timedelta(hours=9)), now=now)
    assert pending(store, now + MINUTE) == []
    store.platforms.resume("tiktok", now=now + MINUTE)
    assert sorted(pending(store, now + 2 * MINUTE)) == ["failed", "paused"]


def test_direct_entries_that_wait_for_money_are_found_by_connection(
    store: Store, connection_id: str, now: datetime
) -> None:
    link = direct(connection_id, "mine", at=now)
    store.entries.request(link, now=now)
    wait = waiting_outcome(failure(Code.INSTALLATION_BUDGET_REACHED), until=now + timedelta(days=9))
    store.entries.postpone(link, wait, now=now)
    assert store.sweep.waiting_direct(BUDGET_CODES, after=now, limit=9) == {connection_id: ["mine"]}
    assert store.sweep.waiting_direct(BUDGET_CODES, after=now + timedelta(days=9), limit=9) == {}


def test_many_entries_that_wait_for_money_do_not_hide_those_of_another(
    store: Store, connection_id: str, now: datetime
) -> None:
    other = sign_in(store, now=now, bot_id="other", owner_id="grace").id
    wait = waiting_outcome(failure(Code.INSTALLATION_BUDGET_REACHED), until=now + timedelta(days=9))
    for owner, page_id in [(min(connection_id, other), f"a{number}") for number in range(5)] + [
        (max(connection_id, other), "b")
    ]:
        link = direct(owner, page_id, at=now)
        store.entries.request(link, now=now)
        store.entries.postpone(link, wait, now=now)
    found = store.sweep.waiting_direct(BUDGET_CODES, after=now, limit=3)
    assert found == {min(connection_id, other): ["a0", "a1"], max(connection_id, other): ["b"]}


def test_a_direct_entry_that_waits_for_a_run_of_its_own_account_to_end_is_not_stale(
    store: Store, connection_id: str, now: datetime
) -> None:
    store.entries.request(direct(connection_id, "mine", at=now), now=now)

    def stale(*, after: timedelta) -> list[str]:
        at = now + after
        before, backlog_before = at - timedelta(minutes=30), at - timedelta(hours=6)
        found = store.sweep.stale_pending(before=before, backlog_before=backlog_before, limit=9, also_paused=True)
        return [entry.link.page_id for entry in found]

    assert stale(after=timedelta(hours=1)) == []
    assert stale(after=timedelta(hours=7)) == ["mine"]


def test_a_decision_about_an_entry_that_was_deleted_meanwhile_brings_nothing_back(
    store: Store, connection_id: str, now: datetime
) -> None:
    wait = waiting_outcome(failure(Code.RATE_LIMITED), until=now + MINUTE)
    with pytest.raises(EntryGone):
        store.entries.postpone(direct(connection_id, "mine", at=now), wait, now=now)
    assert store.entries.get("mine") is None


def test_a_direct_entry_of_a_connection_without_a_link_database_is_retried(
    store: Store, connection_id: str, now: datetime
) -> None:
    store.entries.request(direct(connection_id, "mine", at=now), now=now)
    store.entries.reject(direct(connection_id, "mine", at=now), final_outcome(failure(Code.GONE), waits=0), now=now)
    row = direct(connection_id, "row", at=now).model_copy(update={"has_row": True})
    store.entries.reject(row, final_outcome(failure(Code.GONE), waits=0), now=now)
    assert [entry.link.page_id for entry in store.sweep.retry(["mine", "row"], now=now)] == ["mine"]
    assert pending(store, now) == ["mine"]


def test_a_redo_takes_no_entry_without_a_page(store: Store, connection_id: str, now: datetime) -> None:
    store.databases.add_content_database(connection_id, tag="Cooking", schema=schema(), url="", prompt="", now=now)
    store.entries.request(direct(connection_id, "mine", at=now), now=now)
    store.entries.claim("mine", RUN, may_take_over=lambda _: False, now=now)
    store.entries.complete("mine", RUN, now=now)
    assert store.redos.find(connection_id, RedoFilter()) == []


def test_direct_entries_are_found_without_reading_all_rows(store: Store, connection_id: str, now: datetime) -> None:
    for number in range(300):
        store.entries.request(
            direct(connection_id, f"row-{number}", at=now).model_copy(update={"has_row": True}), now=now
        )
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    plans = explained(store)
    pending(store, now)
    store.sweep.waiting_direct(BUDGET_CODES, after=now, limit=9)
    _, *of_entries = plans  # the first is about the platforms
    small = ("ix_link_entries_direct", "ix_link_entries_retry")
    assert [any(name in plan for name in small) for plan in of_entries] == [True, True]
    assert [plan for plan in of_entries if re.search("SCAN link_entries|Seq Scan on link_entries", plan)] == []
