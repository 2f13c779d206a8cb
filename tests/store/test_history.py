"""A month's outcomes and costs, day by day, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from svp_dagster.errors import Code, failure
from svp_dagster.models import LinkEntry, PaidCall
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.store.connections import Tokens
from svp_dagster.store.store import Store

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def connect(store: Store, *, bot: str) -> str:
    return store.connections.save(
        bot_id=bot,
        workspace_id="w",
        workspace_name="",
        workspace_icon="",
        owner_id="",
        owner_name="",
        tokens=Tokens(access="a", refresh=None),
        now=SINCE,
    ).id


def end_row(store: Store, connection_id: str, page_id: str, *, at: datetime, good: bool) -> None:
    link = LinkEntry(
        page_id=page_id, connection_id=connection_id, url="https://x.test", tag="cooking", last_edited_time=at
    )
    store.entries.request(link, now=at)
    store.entries.claim(page_id, "run", may_take_over=lambda _: False, now=at)
    if good:
        store.entries.complete(page_id, "run", now=at)
    else:
        store.entries.fail(page_id, "run", failure_rule(failure(Code.GONE)), now=at)


def pay(store: Store, connection_id: str, *, at: datetime, usd: float | None) -> None:
    call = PaidCall(service="speech", model="whisper-1", units=60, unit="seconds", cost_usd=usd)
    store.ledger.add(call, connection_id=connection_id, page_id="p", run_id="run", now=at)


def test_each_day_of_a_month_is_there_even_when_nothing_happened(store: Store) -> None:
    days = store.history.days(connect(store, bot="b"), since=SINCE, until=UNTIL)
    assert [day.day for day in days] == [date(2026, 11, number) for number in range(1, 31)]
    assert not any(day.completed or day.failed or day.usd or day.calls_of_unknown_price for day in days)


def test_rows_and_costs_are_counted_on_their_day(store: Store) -> None:
    mine = connect(store, bot="b")
    last_moment = datetime(2026, 11, 3, 23, 59, 59, tzinfo=UTC)
    end_row(store, mine, "p1", at=last_moment, good=True)
    end_row(store, mine, "p2", at=last_moment, good=False)
    end_row(store, mine, "p3", at=last_moment + timedelta(seconds=1), good=True)
    for usd in (0.25, 0.5, None):
        pay(store, mine, at=last_moment, usd=usd)
    days = {day.day.day: day for day in store.history.days(mine, since=SINCE, until=UNTIL)}
    third, fourth = days[3], days[4]
    assert (third.completed, third.failed, third.usd, third.calls_of_unknown_price) == (1, 1, 0.75, 1)
    assert (fourth.completed, fourth.failed, fourth.usd) == (1, 0, 0)


def test_other_months_and_other_connections_are_left_out(store: Store) -> None:
    mine, theirs = connect(store, bot="b1"), connect(store, bot="b2")
    end_row(store, mine, "p1", at=SINCE - timedelta(seconds=1), good=True)
    end_row(store, mine, "p2", at=UNTIL, good=True)
    end_row(store, theirs, "p3", at=SINCE, good=True)
    pay(store, theirs, at=SINCE, usd=1.0)
    days = store.history.days(mine, since=SINCE, until=UNTIL)
    assert sum(day.completed for day in days) == 0
    assert sum(day.usd for day in days) == 0
