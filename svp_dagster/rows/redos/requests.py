"""Asks for redos, as the app's button and the command line do: how much one would be, what it is called, and which of
its rows that wait are due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pydantic import ValidationError

from svp_dagster.errors import BUDGET_CODES, Code, failure
from svp_dagster.models import Value, Video
from svp_dagster.rows.redos.kept_posts import KIND, needed_kinds
from svp_dagster.rows.spending.caps import SpendingCaps, month_of
from svp_dagster.rows.waiting import final_outcome
from svp_dagster.store.entries import Entry
from svp_dagster.store.redos.redos import KeptResults, Redo
from svp_dagster.store.redos.selection import RedoFilter
from svp_dagster.store.store import Store
from svp_dagster.store.transitions import FailureOutcome


class Offer(Value):
    """How many rows a redo would take, and what a summary cost of late. None where nobody paid for one."""

    rows: int
    usd_each: float | None

    @property
    def usd(self) -> float | None:
        """About how much the summaries will cost."""
        return None if self.usd_each is None else self.rows * self.usd_each


class Plan(Offer):
    """The same, and for how many of the rows no site is asked."""

    kept: int

    @property
    def downloads(self) -> int:
        """How many posts have to be downloaded, and perhaps heard and read again."""
        return self.rows - self.kept


def offer_redo(store: Store, connection_id: str, asked: RedoFilter, *, now: datetime) -> Offer:
    """Return how much a redo would be, without looking at what is kept."""
    rows = store.redos.count(connection_id, asked)
    return Offer(rows=rows, usd_each=store.redos.summary_usd(connection_id, now=now))


def plan_redo(store: Store, connection_id: str, asked: RedoFilter, *, now: datetime) -> Plan:
    """Return what a redo would take now."""
    entries = store.redos.find(connection_id, asked)
    known = store.redos.kept((entry.media_key for entry in entries if entry.media_key), facts=KIND)
    kept = [entry for entry in entries if entry.media_key in known and _is_kept(entry, known[entry.media_key])]
    return Plan(rows=len(entries), kept=len(kept), usd_each=store.redos.summary_usd(connection_id, now=now))


def request_redo(store: Store, connection_id: str, asked: RedoFilter, *, now: datetime) -> Redo | None:
    """Ask for a redo. The daemon starts it within seconds. None where no row is to be made again."""
    return store.redos.request(connection_id, asked, name=name_of(asked), now=now)


def name_of(asked: RedoFilter) -> str:
    """Return what a redo is called, in the app and in Dagster."""
    parts = [
        asked.tag or "all tags",
        f"since {asked.since:%Y-%m-%d}" if asked.since else "",
        f"until {asked.until:%Y-%m-%d}" if asked.until else "",
        asked.platform,
        asked.engine,
        "columns or prompt changed" if asked.schema_changed else "",
    ]
    return ", ".join(part for part in parts if part)


def due_again(
    store: Store, connection_id: str, entries: Collection[Entry], caps: SpendingCaps, *, now: datetime
) -> list[Entry]:
    """Return those of a redo's rows that waited and whose time has come, or whose money is there again."""
    waiting = [entry for entry in entries if entry.retry_at is not None]
    has_money = any(entry.failure_code in BUDGET_CODES for entry in waiting) and not store.reservations.used_up(
        caps.of(store.connections.get(connection_id)), connection_id, since=month_of(now)[0]
    )
    return [
        entry
        for entry in waiting
        if (entry.retry_at is not None and entry.retry_at <= now) or (has_money and entry.failure_code in BUDGET_CODES)
    ]


def cancelled() -> FailureOutcome:
    """Return what becomes of a row whose redo an operator stopped."""
    return final_outcome(failure(Code.CANCELLED), waits=0)


def _is_kept(entry: Entry, known: KeptResults) -> bool:
    """Return whether the row needs nothing of its post's files. Facts of another version of this program are none."""
    try:
        facts = Video.model_validate(known.facts)
    except ValidationError:
        return False
    needed: Sequence[str] = [*needed_kinds(facts, entry.link.processing_type)]
    return known.kinds.issuperset(needed)
