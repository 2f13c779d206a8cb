"""What is paid is recorded, also while the store is unreachable."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from svp_dagster.errors import Code, EntryGone, SvpError
from svp_dagster.models import Transcript, Usage
from svp_dagster.prices import load_prices
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.rows.kept_contents import KeptContents
from svp_dagster.rows.spending.caps import SpendingCaps
from svp_dagster.rows.spending.meter import RowMeter
from svp_dagster.store.contents import Spent
from svp_dagster.store.store import Store
from tests.refusing import refuse_writes
from tests.store.examples import all_at_once, link, sign_in

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = Usage(service="speech", model="whisper-1", units=60, unit="seconds")
UNLISTED = MINUTE.model_copy(update={"model": "whisper-9"})


@pytest.fixture
def connection_id(store: Store, now: datetime) -> str:
    return sign_in(store, now=now).id


@pytest.fixture
def writes() -> DeferredWrites:
    return DeferredWrites()


@pytest.fixture
def meter(store: Store, connection_id: str, writes: DeferredWrites, now: datetime) -> RowMeter:
    return row_meter(store, connection_id, writes, at=now)


def row_meter(
    store: Store, connection_id: str, writes: DeferredWrites, *, at: datetime, monthly_budget_usd: float | None = None
) -> RowMeter:
    return RowMeter(
        store,
        link=link(connection_id, at=at),
        run_id="run",
        prices=load_prices(None),
        caps=SpendingCaps(connection_usd=monthly_budget_usd),
        writes=writes,
    )


def spent(store: Store, connection_id: str) -> Spent:
    return store.ledger.spent(connection_id, since=LONG_AGO)


def test_a_call_is_recorded_with_its_price(store: Store, connection_id: str, meter: RowMeter) -> None:
    meter.record(MINUTE)
    assert spent(store, connection_id) == Spent(usd=0.006, calls=1, calls_of_unknown_price=0)
    assert meter.spent_usd == pytest.approx(0.006)
    meter.record(UNLISTED)
    assert spent(store, connection_id) == Spent(usd=0.006, calls=2, calls_of_unknown_price=1)
    assert meter.spent_usd is None


def test_calls_that_are_recorded_at_once_are_all_there(store: Store, connection_id: str, meter: RowMeter) -> None:
    all_at_once(lambda _: meter.record(MINUTE), times=6)
    assert spent(store, connection_id).calls == 6
    assert meter.spent_usd == pytest.approx(0.036)


def test_the_budget_ends_with_what_was_spent_this_month(store: Store, connection_id: str, now: datetime) -> None:
    meter = row_meter(store, connection_id, DeferredWrites(), at=now, monthly_budget_usd=0.01)
    meter.require_budget()
    meter.record(MINUTE)
    meter.require_budget()
    meter.record(MINUTE)
    with pytest.raises(SvpError) as caught:
        meter.require_budget()
    assert caught.value.code is Code.CONNECTION_BUDGET_REACHED


def test_a_call_that_the_store_refuses_is_recorded_at_the_next_chance(
    store: Store, connection_id: str, meter: RowMeter
) -> None:
    with refuse_writes("ledger", times=1):
        meter.record(MINUTE)
    assert spent(store, connection_id).calls == 0
    assert meter.spent_usd == pytest.approx(0.006)
    meter.record(MINUTE)
    assert spent(store, connection_id).calls == 2


def test_nothing_more_is_paid_while_a_call_can_not_be_recorded(
    store: Store, connection_id: str, meter: RowMeter
) -> None:
    with refuse_writes("ledger", times=2):
        meter.record(MINUTE)
        with pytest.raises(OperationalError):
            meter.require_budget()
        meter.require_budget()
    assert spent(store, connection_id).calls == 1


def test_a_call_that_stays_unwritten_is_logged_as_an_error(
    store: Store, connection_id: str, meter: RowMeter, writes: DeferredWrites, caplog: pytest.LogCaptureFixture
) -> None:
    with refuse_writes("ledger", times=2):
        meter.record(MINUTE)
        writes.settle()
    (error,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "60 seconds of whisper-1, cost 0.006 USD, row row" in error
    writes.settle()
    assert spent(store, connection_id).calls == 1


def test_a_call_that_can_never_be_written_is_an_error_and_stops_no_other(
    store: Store, connection_id: str, meter: RowMeter
) -> None:
    with pytest.raises(SQLAlchemyError):
        meter.record(MINUTE.model_copy(update={"detail": {"input": float("nan")}}))
    meter.record(MINUTE)
    assert spent(store, connection_id).calls == 1


def test_nothing_more_is_paid_once_the_connection_was_deleted(
    store: Store, connection_id: str, meter: RowMeter, now: datetime
) -> None:
    store.deletions.delete(connection_id, now=now)
    with pytest.raises(EntryGone):
        meter.require_budget()


@pytest.fixture
def contents(store: Store, connection_id: str, writes: DeferredWrites, now: datetime) -> KeptContents:
    """The results of a row."""
    store.entries.request(link(connection_id, at=now), now=now)
    return KeptContents(store, writes, page_id="row")


def test_a_result_that_the_store_refuses_is_kept_at_the_next_chance(
    contents: KeptContents, writes: DeferredWrites
) -> None:
    said = Transcript(text="Mix the flour.")
    with refuse_writes("contents", times=1):
        contents.put("TikTok:1", "transcript", "whisper-1", said)
    assert contents.get("TikTok:1", "transcript", "whisper-1", Transcript) is None
    writes.retry()
    assert contents.get("TikTok:1", "transcript", "whisper-1", Transcript) == said


def test_a_result_that_another_version_kept_is_none(store: Store, contents: KeptContents, now: datetime) -> None:
    store.contents.put("TikTok:1", "transcript", "whisper-1", {"words": []}, page_id="row", now=now)
    assert contents.get("TikTok:1", "transcript", "whisper-1", Transcript) is None


def test_the_result_of_a_row_that_was_deleted_is_dropped_and_stops_no_other_write(
    store: Store, connection_id: str, contents: KeptContents, writes: DeferredWrites, meter: RowMeter, now: datetime
) -> None:
    store.deletions.delete(connection_id, now=now)
    contents.put("TikTok:1", "transcript", "whisper-1", Transcript(text="Mix the flour."))
    meter.record(MINUTE)
    writes.retry()
    with pytest.raises(EntryGone):
        contents.get("TikTok:1", "transcript", "whisper-1", Transcript)
