"""All data of a connection, exported and deleted. Each test runs on both databases."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from svp_dagster.errors import ClaimLost, Code, EntryGone, failure
from svp_dagster.models import ContentPage, PaidCall, Status
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.store.crypto import TokenCipher, new_key
from svp_dagster.store.engine import make_engine
from svp_dagster.store.installation.addresses import Address, SiteRequest
from svp_dagster.store.installation.platforms import FailedPost
from svp_dagster.store.my_data import deletion
from svp_dagster.store.reservations import Cap, CapMet, Scope
from svp_dagster.store.store import Store
from svp_dagster.store.tables import LedgerRow, LinkEntryRow
from tests.store.examples import all_at_once, link, schema, sign_in

DAY = timedelta(days=1)
CAP = Cap(code=Code.CONNECTION_BUDGET_REACHED, scope=Scope.CONNECTION, usd=1)
TRANSCRIPT = ("tiktok:1", "transcript", "whisper-1")
CALL = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=0.5, detail={"input": 1})


@pytest.fixture
def mine(store: Store, now: datetime) -> str:
    """A connection with a Link Database, and a run at work on its only row."""
    connection_id = sign_in(store, now=now).id
    store.databases.set_link_database(connection_id, schema=schema(), url="", now=now)
    begin(store, connection_id, "mine", now=now)
    return connection_id


@pytest.fixture
def theirs(store: Store, now: datetime) -> str:
    """Another's connection, with a row for the same video."""
    connection_id = sign_in(store, now=now, bot_id="other", owner_id="grace").id
    begin(store, connection_id, "theirs", now=now)
    return connection_id


def begin(store: Store, connection_id: str, page_id: str, *, now: datetime, media_key: str = "tiktok:1") -> None:
    """Let a run claim a new row and find out which video it has."""
    store.entries.request(link(connection_id, at=now, page_id=page_id), now=now)
    store.entries.claim(page_id, "run", may_take_over=lambda _: False, now=now)
    store.entries.note(page_id, "run", stage="download", seconds=1, media_key=media_key, title="Soup")


def keep(store: Store, page_id: str, *key: str, now: datetime) -> None:
    media_key, kind, recipe = key or TRANSCRIPT
    store.contents.put(media_key, kind, recipe, {"text": "Hello"}, page_id=page_id, now=now)


def kept(store: Store, table: str) -> int:
    with store.engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def exported(store: Store, connection_id: str, *, now: datetime) -> Any:
    return json.loads("".join(store.my_data.export(connection_id, thumbnail=lambda _: None, now=now)))


def test_a_connection_is_deleted_once(store: Store, mine: str, now: datetime) -> None:
    key = store.entries.known(["mine"])["mine"].partition_key
    assert store.deletions.delete(mine, now=now)
    assert not store.deletions.delete(mine, now=now)
    assert store.connections.get(mine) is None
    (left,) = store.deletions.pending()
    assert (left.connection_id, left.partition_keys, left.requested_at) == (mine, (key,), now)
    store.deletions.finish(mine)
    assert store.deletions.pending() == []


def test_a_result_that_only_one_used_goes_and_one_that_another_used_too_stays(
    store: Store, mine: str, theirs: str, now: datetime
) -> None:
    keep(store, "mine", now=now)
    assert store.contents.get(*TRANSCRIPT, page_id="theirs") == {"text": "Hello"}
    keep(store, "mine", "tiktok:1", "summary", "for my columns", now=now)

    store.deletions.delete(mine, now=now)

    assert kept(store, "contents") == 1
    assert store.contents.get(*TRANSCRIPT, page_id="theirs") == {"text": "Hello"}
    store.deletions.delete(theirs, now=now)
    assert kept(store, "contents") == 0


def test_an_export_has_the_pictures_of_ones_own_videos_alone(
    store: Store, mine: str, theirs: str, now: datetime
) -> None:
    begin(store, theirs, "other", media_key="tiktok:2", now=now)
    pictures = {"tiktok:1": b"\xff\xd8mine", "tiktok:2": b"\xff\xd8theirs"}
    export = store.my_data.export(mine, thumbnail=pictures.get, now=now)
    assert json.loads("".join(export))["thumbnails"] == [{"media_key": "tiktok:1", "jpeg": "/9htaW5l"}]


def test_what_was_paid_stays_as_sums_by_day_that_name_nobody(
    store: Store, mine: str, theirs: str, now: datetime
) -> None:
    def pay(connection_id: str, *, at: datetime, cost_usd: float | None = 0.5) -> None:
        call = CALL.model_copy(update={"cost_usd": cost_usd})
        store.ledger.add(call, connection_id=connection_id, page_id="mine", run_id="run", now=at)

    for at in (now, now + timedelta(hours=1), now - DAY):
        pay(mine, at=at)
    pay(mine, at=now, cost_usd=None)
    pay(theirs, at=now)

    store.deletions.delete(mine, now=now)

    columns = [LedgerRow.at, LedgerRow.units, LedgerRow.cost_usd, LedgerRow.page_id, LedgerRow.run_id, LedgerRow.detail]
    query = select(*columns).where(LedgerRow.connection_id.is_(None)).order_by(LedgerRow.at, LedgerRow.units)
    with store.engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(query)]
    midnight = now.replace(hour=0, minute=0)
    assert found == [
        (midnight - DAY, 60, 0.5, "", "", {}),
        (midnight, 60, None, "", "", {}),
        (midnight, 120, 1.0, "", "", {}),
    ]
    assert store.ledger.spent(theirs, since=now - DAY).usd == 0.5


def test_the_same_person_starts_empty(store: Store, mine: str, now: datetime) -> None:
    store.deletions.delete(mine, now=now)
    again = sign_in(store, now=now)
    assert again.id != mine
    assert store.databases.link_database(again.id) is None
    assert store.entries.page(again.id, offset=0, limit=9) == ([], 0)
    store.entries.request(link(again.id, at=now, page_id="mine"), now=now)
    assert exported(store, again.id, now=now)["link_entries"][0]["requests"] == 1


def test_a_run_that_goes_on_writes_nothing_any_more(store: Store, mine: str, now: datetime) -> None:
    entries, page = store.entries, ContentPage(page_id="page", url="https://notion.so/page", created=True)
    keep(store, "mine", now=now)
    store.deletions.delete(mine, now=now)

    with pytest.raises(EntryGone):
        entries.claim("mine", "run", may_take_over=lambda _: True, now=now)
    with pytest.raises(EntryGone):
        entries.set_status("mine", "run", Status.SAVING, now=now)
    with pytest.raises(EntryGone):
        entries.note("mine", "run", stage="transcribe", seconds=1)
    with pytest.raises(EntryGone):
        entries.set_content_page("mine", "run", page, data_source_id="source")
    with pytest.raises(ClaimLost):
        entries.complete("mine", "run", now=now)
    with pytest.raises(ClaimLost):
        entries.fail("mine", "run", failure_rule(failure(Code.GONE)), now=now)
    with pytest.raises(EntryGone):
        keep(store, "mine", now=now)
    with pytest.raises(EntryGone):
        store.contents.get(*TRANSCRIPT, page_id="mine")
    for table in ("link_entries", "contents", "content_uses"):
        assert kept(store, table) == 0


def test_a_row_that_was_being_read_does_not_come_back(store: Store, mine: str, now: datetime) -> None:
    store.deletions.delete(mine, now=now)
    with pytest.raises(EntryGone):
        store.entries.request(link(mine, at=now, page_id="another"), now=now)
    assert kept(store, "link_entries") == 0


def test_a_call_that_was_paid_meanwhile_counts_and_names_nobody(store: Store, mine: str, now: datetime) -> None:
    store.deletions.delete(mine, now=now)
    store.ledger.add(CALL, connection_id=mine, page_id="mine", run_id="run", now=now)
    with store.engine.connect() as connection:
        found = connection.execute(text("SELECT connection_id, page_id, run_id, cost_usd FROM ledger")).all()
    assert [tuple(row) for row in found] == [(None, "", "", 0.5)]


def test_requests_to_a_site_count_on_and_name_nobody(store: Store, mine: str, theirs: str, now: datetime) -> None:
    requests = tuple(
        SiteRequest(at=now, connection_id=connection_id, page_id=page_id, sent=sent)
        for connection_id, page_id, sent in [(mine, "mine", True), (mine, "next", False), (theirs, "theirs", True)]
    )
    store.addresses.change(["direct"], lambda _: Address(name="direct", requests=requests), now=now)
    assert [each["page_id"] for each in exported(store, mine, now=now)["addresses"]] == ["mine", "next"]

    store.deletions.delete(mine, now=now)

    (address,) = store.addresses.all()
    assert [(each.connection_id, each.page_id) for each in address.requests] == [("", ""), (theirs, "theirs")]


def fail(store: Store, connection_id: str, post: str, *, now: datetime) -> None:
    failed = FailedPost(connection_id=connection_id, post=post)
    store.platforms.failed("tiktok", failed=failed, code=Code.SITE_CHANGED, rows_to_pause=9, downloader="", now=now)


def failing(store: Store) -> list[str]:
    platform = store.platforms.get("tiktok")
    assert platform is not None
    return [each.post for each in platform.failing]


def test_a_site_names_none_of_its_posts_any_more(store: Store, mine: str, theirs: str, now: datetime) -> None:
    fail(store, mine, "mine", now=now)
    fail(store, theirs, "theirs", now=now)
    assert exported(store, mine, now=now)["platforms"] == [{"name": "tiktok", "failing": ["mine"]}]

    store.deletions.delete(mine, now=now)

    assert failing(store) == ["theirs"]


def test_what_a_run_left_after_the_deletion_is_removed(store: Store, mine: str, now: datetime) -> None:
    store.deletions.delete(mine, now=now)
    fail(store, mine, "mine", now=now)
    (left,) = store.deletions.pending()

    store.deletions.delete_leftovers(left)

    assert failing(store) == []


def test_a_deletion_that_breaks_off_has_deleted_nothing(
    store: Store, mine: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, "mine", now=now)
    before = exported(store, mine, now=now)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deletion, "delete_unused", killed)
    with pytest.raises(KeyboardInterrupt):
        store.deletions.delete(mine, now=now)

    assert exported(store, mine, now=now) == before
    assert store.connections.tokens(mine) is not None
    assert store.deletions.pending() == []


def test_a_call_that_is_reserved_meanwhile_stops_no_deletion(
    store: Store, mine: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reserve() -> str | CapMet | None:
        return store.reservations.reserve((CAP,), mine, since=now, now=now)

    def interrupted(*arguments: Any) -> Any:
        reserved.append(pool.submit(reserve))
        wait(reserved, timeout=0.5)  # it has done all that it can
        return go_on(*arguments)

    go_on, reserved = deletion._keep_sums, list[Future[str | CapMet | None]]()
    monkeypatch.setattr(deletion, "_keep_sums", interrupted)
    with ThreadPoolExecutor() as pool:
        assert store.deletions.delete(mine, now=now)
    assert [each.result() for each in reserved] == [None]
    assert kept(store, "reservations") == 0


@pytest.mark.parametrize("attempt", range(3))
def test_runs_at_work_meanwhile_neither_stop_the_deletion_nor_outlive_it(
    store: Store, mine: str, theirs: str, now: datetime, attempt: int
) -> None:
    """One deletes; one keeps results for the deleted row; one uses and keeps the same for another's."""

    def keep_on(page_id: str) -> None:
        for number in range(10):
            key = ("tiktok:1", "transcript", f"engine {number}")
            try:
                if store.contents.get(*key, page_id=page_id) is None:
                    keep(store, page_id, *key, now=now)
                store.ledger.add(CALL, connection_id=mine, page_id=page_id, run_id="run", now=now)
            except EntryGone:
                return

    work: list[Callable[[], object]] = [
        lambda: keep_on("mine"),
        lambda: keep_on("theirs"),
        lambda: store.deletions.delete(mine, now=now),
    ]
    all_at_once(lambda number: work[number](), times=3)

    assert kept(store, "content_uses") == kept(store, "contents") == 10
    for number in range(10):
        assert store.contents.get("tiktok:1", "transcript", f"engine {number}", page_id="theirs")
    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ledger WHERE connection_id IS NOT NULL")) == 0


def test_the_token_is_kept_encrypted_until_notion_revoked_it(store: Store, mine: str, now: datetime) -> None:
    store.deletions.delete(mine, now=now)
    assert store.deletions.access_token(mine) == "ntn_access"
    with store.engine.connect() as connection:
        row = repr(connection.execute(text("SELECT * FROM deletions")).all())
    assert "ntn_" not in row
    store.deletions.revoked(mine)
    assert store.deletions.access_token(mine) is None
    assert [each.is_revoked for each in store.deletions.pending()] == [True]


def test_the_token_of_a_deleted_connection_is_encrypted_anew_with_the_others(
    store: Store, mine: str, now: datetime
) -> None:
    old, new = new_key(), new_key()
    before = Store(store.engine, TokenCipher(old))
    second = sign_in(before, now=now, bot_id="second", owner_id="grace").id
    before.deletions.delete(second, now=now)
    assert Store(store.engine, TokenCipher(f"{new},{old}")).deletions.rotate_keys() == 1
    assert Store(store.engine, TokenCipher(new)).deletions.access_token(second) == "ntn_access"


@pytest.mark.slow
def test_an_export_of_ten_thousand_rows_fills_no_memory_and_keeps_nobody_waiting(
    store: Store, mine: str, now: datetime
) -> None:
    row = {
        column.name: value
        for column, value in zip(LinkEntryRow.__table__.columns, _first_entry(store), strict=True)
        if column.name not in ("page_id", "partition_key") and column.computed is None
    }
    with store.engine.begin() as connection:
        connection.execute(
            insert(LinkEntryRow), [row | {"page_id": f"row {number:05}", "title": "x" * 500} for number in range(9_999)]
        )
    tracemalloc.start()
    size = 0
    for number, piece in enumerate(store.my_data.export(mine, thumbnail=lambda _: None, now=now)):
        size += len(piece)
        if number == 5_000:  # a reader that takes its time: others write meanwhile
            store.connections.set_preferences(mine, output_language="Suomi", monthly_budget_usd=None, now=now)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 10_000_000
    assert peak < size / 3


def _first_entry(store: Store) -> Any:
    with store.engine.connect() as connection:
        return connection.execute(select(*LinkEntryRow.__table__.columns)).one()


def test_the_counts_are_those_of_the_export(store: Store, mine: str, theirs: str, now: datetime) -> None:
    keep(store, "mine", now=now)
    counts, found = store.my_data.counts(mine), exported(store, mine, now=now)
    assert {name: len(found[name]) for name in counts} == counts
    assert counts["link_entries"] == counts["contents"] == 1


def test_the_shape_of_an_export_is_the_documented_one(store: Store, mine: str) -> None:
    found = exported(store, mine, now=datetime(2026, 11, 20, tzinfo=UTC))
    assert (found["format"], found["exported_at"], found["complete"]) == (1, "2026-11-20T00:00:00+00:00", True)
    assert list(found) == [
        "format",
        "exported_at",
        "connections",
        "api_tokens",
        "content_databases",
        "digests",
        "ledger",
        "link_databases",
        "link_entries",
        "redos",
        "reservations",
        "sessions",
        "sign_ins",
        "content_uses",
        "outcomes",
        "uploads",
        "contents",
        "thumbnails",
        "addresses",
        "platforms",
        "complete",
    ]


def test_a_file_of_sqlite_holds_nothing_of_what_was_deleted(new_sqlite: Callable[[], str], now: datetime) -> None:
    url = new_sqlite()
    store = Store(make_engine(url), TokenCipher(new_key()))
    connection_id = sign_in(store, now=now).id
    begin(store, connection_id, "mine", now=now)
    store.contents.put(*TRANSCRIPT, {"text": "Kestrel " * 5_000}, page_id="mine", now=now)
    store.deletions.delete(connection_id, now=now)
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.engine.dispose()
    assert b"Kestrel" not in Path(url.removeprefix("sqlite:///")).read_bytes()
