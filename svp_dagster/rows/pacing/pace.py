"""The pace at which this installation asks Instagram: kept in the store, for all its processes.

A decision reserves a request for each row that it starts, so that no run is spent on a row that would have to wait. The
run sends that request; a run that needs more reserves them one by one, and its row waits where none is left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from svp_dagster.download.instagram import CHALLENGED
from svp_dagster.download.turns import PACED_PLATFORM
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Link, LinkEntry, Visit
from svp_dagster.rows.pacing import turns
from svp_dagster.rows.pacing.turns import Candidate
from svp_dagster.rows.site_rules import SiteRules
from svp_dagster.store.entries import Entry
from svp_dagster.store.installation.addresses import Address
from svp_dagster.store.store import Store

logger = logging.getLogger(__name__)

# Assumed: the token of a visit serves for half an hour and more. One that doesn't is replaced, at one request more.
VISIT_KEPT = timedelta(minutes=30)
VISIT_SOUGHT, VISIT_CHECK = timedelta(seconds=10), timedelta(seconds=0.25)
"""How long a run waits for the visit that another begins, and how often it looks."""
FIRST_REST = timedelta(minutes=15)
LONGEST_REST = timedelta(hours=6)
"""How long a throttled address rests: doubled with each throttle since it was last answered, up to this."""
WAITING_LOOKED_AT = 500
FORGOTTEN_AFTER = timedelta(minutes=30)
"""A row that could have had its turn for so long is not waited for: somebody deleted it, or changed its status."""


def waits_turn(until: datetime, *, now: datetime) -> SvpError:
    """Return the error for a row that waits its turn."""
    wait_s = max((until - now).total_seconds(), 0.0)
    return failure(Code.WAITS_TURN, when=f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC", retry_after_s=wait_s)


def candidate(link: LinkEntry, entry: Entry | None) -> Candidate:
    """Return a row that wants a turn: since it waits for one, or since it was requested."""
    is_old = entry is not None and not entry.is_new_request(link.last_edited_time)
    since = entry.waiting_since if is_old and entry is not None else None
    return Candidate(page_id=link.page_id, connection_id=link.connection_id, since=since or link.last_edited_time)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What a decision knows of the turns: how the addresses are used, and which rows wait already.

    `is_kept` says whether a link's media are here, so that it needs no turn.
    """

    addresses: Sequence[Address]
    limit: turns.Limit
    waiting: Sequence[Candidate] = ()
    is_kept: Callable[[Link], bool] = lambda _: False

    def needs_turn(self, link: LinkEntry) -> bool:
        """Return whether the row has to ask Instagram."""
        return link.link is not None and link.link.platform == PACED_PLATFORM and not self.is_kept(link.link)

    def turns(self, candidates: Iterable[Candidate], *, now: datetime) -> dict[str, datetime]:
        """Return when each of these rows has its turn, by page id, among those that wait already."""
        rows = {each.page_id: each for each in (*self.waiting, *candidates)}
        had = turns.turns_had(self.addresses, limit=self.limit, now=now)
        ordered = turns.in_order(rows.values(), turns_had=had)
        times = turns.next_turns(self.addresses, len(ordered), requests=self.limit.planned, limit=self.limit, now=now)
        return {each.page_id: at for each, at in zip(ordered, times, strict=True)}


class SitePace:
    """The pace of all rows."""

    def __init__(self, store: Store, rules: SiteRules) -> None:
        self._store = store
        self._rules = rules

    def queue(self, *, is_kept: Callable[[Link], bool], now: datetime) -> Queue:
        """Return what a decision needs to know."""
        waiting = self._store.sweep.waiting({Code.WAITS_TURN}, limit=WAITING_LOOKED_AT)
        return Queue(
            addresses=self._store.addresses.get(self._rules.addresses),
            limit=self._rules.limit,
            waiting=[
                candidate(entry.link, entry)
                for entry in waiting
                if entry.retry_at is not None and entry.retry_at > now - FORGOTTEN_AFTER
            ],
            is_kept=is_kept,
        )

    def reserve(self, link: LinkEntry, *, now: datetime) -> None:
        """Reserve the request of a row that is about to start. Where there is no room any more, its run finds out."""
        self._change(partial(turns.reserve, row=(link.connection_id, link.page_id), limit=self._rules.limit, now=now))

    def of_row(self, connection_id: str, page_id: str) -> RowPace:
        """Return the pace of one row."""
        return RowPace(self._store, self._rules, row=(connection_id, page_id))

    def _change(self, change: Callable[[Sequence[Address]], Address | None]) -> None:
        self._store.addresses.change(self._rules.addresses, change, now=_now())


class RowPace:
    """Implements `svp_dagster.ports.Pace` for one row."""

    def __init__(self, store: Store, rules: SiteRules, *, row: tuple[str, str]) -> None:
        self._addresses = store.addresses
        self._limit = rules.limit
        self._row = row

    def take(self, addresses: Sequence[str]) -> str:
        """Reserve one request and return the address to send it from, the least used. Raises `waits_turn`."""
        now = _now()
        change = partial(turns.take, row=self._row, limit=self._limit, now=now)
        if taken := self._addresses.change(addresses, change, now=now):
            return taken.name
        known = self._addresses.get(addresses)
        (free_at,) = turns.next_turns(known, 1, requests=self._limit.planned, limit=self._limit, now=now)
        raise waits_turn(free_at + turns.jitter(self._row[1], self._limit), now=now)

    def visit(self, address: str) -> Visit | None:
        """Return the visit that an earlier post began from this address, None where it has to begin anew.

        Of several runs that find none, one begins it, and the others wait for it.
        """
        for _ in range(int(VISIT_SOUGHT / VISIT_CHECK)):
            (known,) = self._addresses.get([address])
            if visit := _fresh_visit(known, now=_now()):
                return visit
            if self._addresses.change([address], partial(_seek_visit, now=_now()), now=_now()):
                return None
            time.sleep(VISIT_CHECK.total_seconds())
        return None

    def keep_visit(self, address: str, visit: Visit) -> None:
        """Keep a visit that just began from this address, for the next posts."""
        now = _now()
        kept = {"visit": visit, "visit_at": now, "visit_sought_at": None}
        self._addresses.change([address], lambda known: known[0].model_copy(update=kept), now=now)

    def answered(self, address: str) -> None:
        """Record that the site showed a post to this address."""
        now = _now()
        self._addresses.change([address], partial(_answered, now=now), now=now)

    def throttled(self, address: str, error: SvpError) -> None:
        """Let an address rest that the site doesn't answer any more."""
        now = _now()
        rests = self._addresses.change([address], partial(_throttled, error=error, now=now), now=now)
        level = logging.ERROR if error.detail == CHALLENGED else logging.WARNING
        until = rests.rests_until if rests else None
        logger.log(level, "instagram refuses the address “%s”: %s; it rests until %s", address, error.detail, until)


def _fresh_visit(address: Address, *, now: datetime) -> Visit | None:
    is_fresh = address.visit_at is not None and address.visit_at > now - VISIT_KEPT
    return address.visit if is_fresh else None


def _seek_visit(addresses: Sequence[Address], *, now: datetime) -> Address | None:
    """Return the address as it is while this run begins a visit. None where another does, or just did."""
    (address,) = addresses
    is_sought = address.visit_sought_at is not None and address.visit_sought_at > now - VISIT_SOUGHT
    if is_sought or _fresh_visit(address, now=now):
        return None
    return address.model_copy(update={"visit_sought_at": now})


def _answered(addresses: Sequence[Address], *, now: datetime) -> Address | None:
    """Return the address, well again. An answer to a run that asked before a throttle doesn't end it."""
    (address,) = addresses
    if address.rests_until is None or address.rests_until > now:
        return None
    return address.model_copy(update={"rests_until": None, "throttles": 0, "problem": ""})


def _throttled(addresses: Sequence[Address], *, error: SvpError, now: datetime) -> Address:
    """Return the address at rest. Several runs may meet the same throttle: only the first counts."""
    (address,) = addresses
    if address.rests_until is not None and address.rests_until > now:
        return address
    asked = timedelta(seconds=error.retry_after_s or 0.0)
    rest = min(max(asked, FIRST_REST) * 2 ** min(address.throttles, 10), LONGEST_REST)
    return address.model_copy(
        update={
            "rests_until": now + rest,
            "throttles": address.throttles + 1,
            "problem": error.detail,
            "visit": None,
            "visit_at": None,
            "visit_sought_at": None,
        }
    )


def _now() -> datetime:
    return datetime.now(UTC)
