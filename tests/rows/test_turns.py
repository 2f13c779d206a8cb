"""Whose turn it is at Instagram, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.rows.pacing import turns
from svp_dagster.rows.pacing.pace import Queue
from svp_dagster.rows.pacing.turns import HEADROOM, JITTER, Candidate, Limit
from svp_dagster.store.installation.addresses import Address, SiteRequest

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMIT = Limit(requests=12, window=10 * MINUTE)
DIRECT = Address(name="direct")


def candidate(page_id: str, connection_id: str = "ada", *, since: datetime = NOW) -> Candidate:
    return Candidate(page_id=page_id, connection_id=connection_id, since=since)


def fifty(connection_id: str = "ada") -> list[Candidate]:
    return [candidate(f"{connection_id}-{number:02}", connection_id, since=NOW - MINUTE) for number in range(50)]


def sent(page_id: str, connection_id: str = "ada", *, at: datetime = NOW, is_sent: bool = True) -> SiteRequest:
    return SiteRequest(at=at, connection_id=connection_id, page_id=page_id, sent=is_sent)


def used(*requests: SiteRequest, name: str = "direct") -> Address:
    return Address(name=name, requests=requests)


def test_connections_take_turns_and_each_in_the_order_of_its_own_queue() -> None:
    rows = [*fifty(), candidate("bob-2", "bob", since=NOW), candidate("bob-1", "bob", since=NOW - MINUTE / 2)]
    order = [each.page_id for each in turns.in_order(rows, turns_had={})]
    assert order[:5] == ["ada-00", "bob-1", "ada-01", "bob-2", "ada-02"]


def test_a_link_that_comes_later_goes_before_the_rest_of_a_bulk_that_had_its_turns() -> None:
    order = turns.in_order([*fifty()[10:], candidate("bob-1", "bob")], turns_had={"ada": 10})
    assert order[0].page_id == "bob-1"


def test_a_row_counts_once_however_many_requests_it_needed_and_only_within_the_window() -> None:
    address = used(sent("a"), sent("a"), sent("b"), sent("old", at=NOW - 10 * MINUTE), sent("x", "bob"))
    assert turns.turns_had([address], limit=LIMIT, now=NOW) == {"ada": 2, "bob": 1}


def test_what_is_planned_leaves_room_for_what_a_post_may_need_beside_its_own_request() -> None:
    times = turns.next_turns([DIRECT], 25, requests=LIMIT.planned, limit=LIMIT, now=NOW)
    assert LIMIT.planned == 12 - HEADROOM
    assert times == [NOW] * 10 + [NOW + 10 * MINUTE] * 10 + [NOW + 20 * MINUTE] * 5


def test_a_turn_comes_when_the_oldest_request_leaves_the_window() -> None:
    address = used(*(sent(f"row-{minutes}", at=NOW - minutes * MINUTE) for minutes in range(3)))
    times = turns.next_turns([address], 2, requests=3, limit=LIMIT, now=NOW)
    assert times == [NOW + 8 * MINUTE, NOW + 9 * MINUTE]


def test_several_addresses_give_more_turns_and_one_that_rests_gives_none_meanwhile() -> None:
    other = Address(name="other", rests_until=NOW + 5 * MINUTE)
    times = turns.next_turns([DIRECT, other], 4, requests=2, limit=LIMIT, now=NOW)
    assert times == [NOW, NOW, NOW + 5 * MINUTE, NOW + 5 * MINUTE]


def test_the_least_used_address_is_taken_and_none_that_rests() -> None:
    busy, free = used(sent("a"), sent("b"), name="busy"), used(sent("c"), name="free")
    resting = Address(name="resting", rests_until=NOW + MINUTE)
    taken = turns.take([busy, resting, free], row=("ada", "row"), limit=LIMIT, now=NOW)
    assert taken is not None
    assert (taken.name, taken.requests[-1]) == ("free", sent("row"))


def test_a_run_sends_the_request_that_was_reserved_for_its_row() -> None:
    long_before = NOW - 9 * MINUTE
    full = used(*(sent(f"row-{n}", at=long_before, is_sent=False) for n in range(12)))
    taken = turns.take([full], row=("ada", "row-3"), limit=LIMIT, now=NOW)
    assert taken is not None
    assert len(taken.requests) == 12
    assert taken.requests[-1] == sent("row-3", at=NOW)
    assert turns.take([taken], row=("ada", "row-3"), limit=LIMIT, now=NOW) is None


def test_a_reservation_that_nobody_used_is_forgotten_with_its_window() -> None:
    stale = used(*(sent(f"row-{n}", at=NOW - 10 * MINUTE, is_sent=False) for n in range(12)))
    taken = turns.take([stale], row=("ada", "row-3"), limit=LIMIT, now=NOW)
    assert taken is not None
    assert taken.requests == (sent("row-3"),)


@given(
    asked=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 300), st.booleans()), max_size=60),
    requests=st.integers(1, 6),
)
def test_no_window_ever_holds_more_requests_than_the_limit(asked: list[tuple[int, int, bool]], requests: int) -> None:
    limit = Limit(requests=requests, window=10 * MINUTE)
    address, now, times = DIRECT, NOW, list[datetime]()
    for number, wait_s, is_plan in asked:
        now += timedelta(seconds=wait_s)
        row = ("ada", f"row-{number}")
        change = turns.reserve if is_plan else turns.take
        changed = change([address], row=row, limit=limit, now=now)
        if changed is not None:
            address = changed
            times += [] if is_plan else [now]
    for at in times:
        assert sum(at - limit.window < other <= at for other in times) <= requests


def test_the_jitter_of_a_row_stays_the_same_and_within_its_share() -> None:
    delays = [turns.jitter(f"row-{number}", LIMIT) for number in range(50)]
    assert len(set(delays)) > 40
    assert max(delays) <= LIMIT.window * JITTER
    assert turns.jitter("row-1", LIMIT) == delays[1]


def test_rows_that_wait_already_keep_their_places() -> None:
    queue = Queue(addresses=[DIRECT], limit=Limit(requests=4, window=10 * MINUTE), waiting=fifty()[:3])
    times = queue.turns([candidate("ada-99"), candidate("bob", "bob")], now=NOW)
    assert times == {
        "ada-00": NOW,
        "bob": NOW,
        "ada-01": NOW + 10 * MINUTE,
        "ada-02": NOW + 10 * MINUTE,
        "ada-99": NOW + 20 * MINUTE,
    }
