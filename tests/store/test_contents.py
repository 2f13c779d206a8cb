"""Results that are kept, and what was paid. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from svp_dagster.models import JsonObject, PaidCall
from svp_dagster.store.contents import Spent
from svp_dagster.store.store import Store
from tests.store.examples import all_at_once, link, sign_in

DAY = timedelta(days=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def _row(store: Store, now: datetime) -> None:
    """The row that makes and uses the results."""
    store.entries.request(link(sign_in(store, now=now, bot_id="maker").id, at=now), now=now)


def test_nothing_is_kept_at_first(store: Store) -> None:
    assert store.contents.get("TikTok:7", "transcript", "whisper-1", page_id="row") is None


def test_a_result_belongs_to_its_video_kind_and_recipe(store: Store, now: datetime) -> None:
    store.contents.put("TikTok:7", "transcript", "whisper-1", {"text": "Hello"}, page_id="row", now=now)
    assert store.contents.get("TikTok:7", "transcript", "whisper-1", page_id="row") == {"text": "Hello"}
    for other in (
        ("TikTok:8", "transcript", "whisper-1"),
        ("TikTok:7", "screen", "whisper-1"),
        ("TikTok:7", "transcript", "base"),
    ):
        assert store.contents.get(*other, page_id="row") is None


def test_the_last_result_wins(store: Store, now: datetime) -> None:
    for text in ("first", "last"):
        store.contents.put("TikTok:7", "transcript", "whisper-1", {"text": text}, page_id="row", now=now)
    assert store.contents.get("TikTok:7", "transcript", "whisper-1", page_id="row") == {"text": "last"}


def test_a_result_put_by_several_at_once_is_kept(store: Store, now: datetime) -> None:
    all_at_once(
        lambda n: store.contents.put("TikTok:7", "screen", "vision", {"by": n}, page_id="row", now=now), times=6
    )
    kept = store.contents.get("TikTok:7", "screen", "vision", page_id="row")
    assert kept is not None
    assert kept["by"] in range(6)


@given(value=st.dictionaries(st.text(), JSON, max_size=3))
def test_any_json_comes_back(store: Store, now: datetime, value: JsonObject) -> None:
    store.contents.put("TikTok:7", "summary", "gemini", value, page_id="row", now=now)
    assert store.contents.get("TikTok:7", "summary", "gemini", page_id="row") == value


def test_what_is_no_json_is_refused_by_both(store: Store, now: datetime) -> None:
    with pytest.raises(StatementError):
        store.contents.put("TikTok:7", "summary", "gemini", {"confidence": float("nan")}, page_id="row", now=now)


def test_old_results_are_forgotten(store: Store, now: datetime) -> None:
    for days in range(3):
        store.contents.put(f"TikTok:{days}", "transcript", "base", {}, page_id="row", now=now + days * DAY)
    assert store.contents.forget_before(now + DAY) == 1
    kept = [store.contents.get(f"TikTok:{days}", "transcript", "base", page_id="row") for days in range(3)]
    assert kept == [None, {}, {}]


def test_an_unknown_price_is_counted_and_not_taken_for_nothing(store: Store, now: datetime) -> None:
    mine, theirs = sign_in(store, now=now).id, sign_in(store, now=now, bot_id="other").id

    def pay(connection_id: str, page_id: str, cost_usd: float | None, *, at: datetime) -> None:
        call = PaidCall(
            service="summary", model="gemini", units=900, unit="tokens", cost_usd=cost_usd, detail={"input": 800}
        )
        store.ledger.add(call, connection_id=connection_id, page_id=page_id, run_id="run", now=at)

    pay(mine, "a", 0.5, at=now - DAY)
    pay(mine, "a", 0.25, at=now)
    pay(mine, "b", None, at=now)
    pay(theirs, "c", 8.0, at=now)
    assert store.ledger.spent(mine, since=now) == Spent(usd=0.25, calls=2, calls_of_unknown_price=1)
    assert store.ledger.spent(mine, since=now - DAY) == Spent(usd=0.75, calls=3, calls_of_unknown_price=1)
    assert store.ledger.spent(mine, since=now - DAY, page_id="b") == Spent(usd=0, calls=1, calls_of_unknown_price=1)
    assert store.ledger.spent(mine, since=now - DAY, page_id="c").calls == 0
    assert store.ledger.spent("nobody", since=now) == Spent(usd=0, calls=0, calls_of_unknown_price=0)
