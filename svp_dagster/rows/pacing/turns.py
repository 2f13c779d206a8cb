"""The order in which rows get their turn at Instagram, and when. Pure.

From each outgoing address only so many requests are sent within a window of time (`Limit`). A row gets a turn once a
request is left for it. Turns go round: a row's rank is the number of turns that its connection had in the window, plus
its place in the connection's own queue. So a link that somebody adds doesn't wait behind somebody else's fifty.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from svp_dagster.store.installation.addresses import Address, SiteRequest

HEADROOM = 2
"""Requests of a window that no turn is planned with: for front pages, rulings and short links."""
JITTER = 0.05
"""The share of a window over which turns that would come at the same moment are spread."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How many requests may leave each address within the window."""

    requests: int
    window: timedelta

    @property
    def planned(self) -> int:
        """How many of them are planned with."""
        return max(self.requests - HEADROOM, 1)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A row that wants a turn, since a time."""

    page_id: str
    connection_id: str
    since: datetime


def in_order(candidates: Iterable[Candidate], *, turns_had: Mapping[str, int]) -> list[Candidate]:
    """Return the rows in the order of their turns, given how many turns each connection had."""
    queues: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        queues[candidate.connection_id].append(candidate)
    ranked = [
        (turns_had.get(connection_id, 0) + place, candidate.since, candidate.page_id, candidate)
        for connection_id, queue in queues.items()
        for place, candidate in enumerate(sorted(queue, key=lambda each: (each.since, each.page_id)))
    ]
    return [candidate for *_, candidate in sorted(ranked, key=lambda each: each[:3])]


def turns_had(addresses: Iterable[Address], *, limit: Limit, now: datetime) -> dict[str, int]:
    """Return how many rows of each connection had a turn in the window."""
    rows = {
        (request.connection_id, request.page_id)
        for address in addresses
        for request in _recent(address, limit=limit, now=now)
    }
    had: dict[str, int] = defaultdict(int)
    for connection_id, _ in rows:
        had[connection_id] += 1
    return had


def next_turns(
    addresses: Sequence[Address], count: int, *, requests: int, limit: Limit, now: datetime
) -> list[datetime]:
    """Return when the next `count` requests may be sent, with so many requests a window."""
    sent = {address.name: sorted(each.at for each in address.requests) for address in addresses}
    turns: list[datetime] = []
    for _ in range(count):
        free = {
            address.name: _free_at(sent[address.name], address, requests=requests, limit=limit, now=now)
            for address in addresses
        }
        name = min(free, key=lambda each: (free[each], each))
        turns.append(free[name])
        sent[name].append(free[name])
    return turns


def jitter(page_id: str, limit: Limit) -> timedelta:
    """Return the row's own delay within `JITTER`, the same each time."""
    return limit.window * (JITTER * (zlib.crc32(page_id.encode()) % 1000) / 1000)


def take(addresses: Sequence[Address], *, row: tuple[str, str], limit: Limit, now: datetime) -> Address | None:
    """Return the address from which a row's next request is sent, with the request. None where none has room.

    What was reserved for the row (its connection and page id) comes first, then the address that was used least.
    """
    fresh = [_pruned(address, limit=limit, now=now) for address in addresses if not _rests(address, now)]
    for address in fresh:
        for place, request in enumerate(address.requests):
            if not request.sent and (request.connection_id, request.page_id) == row:
                sent = request.model_copy(update={"sent": True, "at": now})
                others = (*address.requests[:place], *address.requests[place + 1 :])
                return address.model_copy(update={"requests": (*others, sent)})
    return _with_request(fresh, row=row, sent=True, requests=limit.requests, now=now)


def reserve(addresses: Sequence[Address], *, row: tuple[str, str], limit: Limit, now: datetime) -> Address | None:
    """Return the address from which the row will send its request, with the reservation. None where none has room."""
    fresh = [_pruned(address, limit=limit, now=now) for address in addresses if not _rests(address, now)]
    return _with_request(fresh, row=row, sent=False, requests=limit.planned, now=now)


def _with_request(
    addresses: Sequence[Address], *, row: tuple[str, str], sent: bool, requests: int, now: datetime
) -> Address | None:
    free = [address for address in addresses if len(address.requests) < requests]
    if not free:
        return None
    address = min(free, key=lambda each: len(each.requests))
    request = SiteRequest(at=now, connection_id=row[0], page_id=row[1], sent=sent)
    return address.model_copy(update={"requests": (*address.requests, request)})


def _free_at(sent: Sequence[datetime], address: Address, *, requests: int, limit: Limit, now: datetime) -> datetime:
    """Return when an address may send one more request, after the times at which it sends others."""
    begins = max(now, address.rests_until or now)
    return max(begins, sent[-requests] + limit.window) if len(sent) >= requests else begins


def _recent(address: Address, *, limit: Limit, now: datetime) -> tuple[SiteRequest, ...]:
    return tuple(request for request in address.requests if request.at > now - limit.window)


def _pruned(address: Address, *, limit: Limit, now: datetime) -> Address:
    return address.model_copy(update={"requests": _recent(address, limit=limit, now=now)})


def _rests(address: Address, now: datetime) -> bool:
    return address.rests_until is not None and address.rests_until > now
