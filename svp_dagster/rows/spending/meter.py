"""The meter of a stage: keeps it within the caps, and records what it costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from threading import Lock, get_ident

from svp_dagster.errors import EntryGone
from svp_dagster.models import LinkEntry, Usage
from svp_dagster.prices import Prices
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.rows.spending.caps import SpendingCaps, cap_failure, month_of
from svp_dagster.store.reservations import CapMet
from svp_dagster.store.store import Store
from svp_dagster.telemetry.outcomes import count_paid

MAX_WAIT_S = 120.0
"""How long a call waits for those under way, whose cost decides whether there is room for it."""
ASK_AGAIN_S = 0.25
RESERVED_RETRY_S = 300.0
"""How long a row waits, at most, whose call waited in vain. A poll that finds no cap used up starts it earlier."""


class RowMeter:
    """Implements `svp_dagster.ports.Meter` for one stage of a row. `close` it after the stage."""

    def __init__(
        self,
        store: Store,
        *,
        link: LinkEntry,
        run_id: str,
        prices: Prices,
        caps: SpendingCaps,
        writes: DeferredWrites,
    ) -> None:
        self._store = store
        self._link = link
        self._run_id = run_id
        self._prices = prices
        self._caps = caps
        self._writes = writes
        self._lock = Lock()
        self._spent_usd: float | None = 0.0
        self._tokens = 0
        self._reserved: dict[int, str] = {}
        """The reservation of the call that a thread makes: a thread makes one after the other."""

    @property
    def spent_usd(self) -> float | None:
        """What this stage cost, None if the price of a call is unknown."""
        return self._spent_usd

    @property
    def tokens(self) -> int:
        """The tokens that this stage used, 0 where its service counts something else."""
        return self._tokens

    def require_budget(self) -> None:
        """Reserve a call, after those under way where they may use up a cap. Raises the failure of a cap.

        Raises `EntryGone` once the connection's data were deleted, and SQLAlchemyError while an earlier call can't be
        recorded: nothing is paid beside the ledger.
        """
        self._writes.retry()
        if failed := self._reserved.pop(get_ident(), None):  # the thread's call before this one
            self._release([failed])
        ends_at = time.monotonic() + MAX_WAIT_S
        while met := self._reserve():
            if met.is_used_up:
                raise cap_failure(met.cap, retry_after_s=_until_next_month_s())
            if time.monotonic() > ends_at:
                raise cap_failure(met.cap, retry_after_s=RESERVED_RETRY_S)
            time.sleep(ASK_AGAIN_S)

    def record(self, usage: Usage) -> None:
        """Add the call to the ledger, later if the store is unreachable."""
        call, link = self._prices.priced(usage), self._link
        count_paid(call)
        with self._lock:
            known = self._spent_usd is not None and call.cost_usd is not None
            self._tokens += int(usage.units) if usage.unit == "tokens" else 0
            self._spent_usd = (self._spent_usd or 0.0) + (call.cost_usd or 0.0) if known else None
        self._writes.write(
            f"{call.units:g} {call.unit} of {call.model}, cost {call.cost_usd} USD, row {link.page_id}",
            partial(
                self._store.ledger.add,
                call,
                connection_id=link.connection_id,
                page_id=link.page_id,
                run_id=self._run_id,
                now=_now(),
                reservation_id=self._reserved.pop(get_ident(), None),
            ),
        )

    def close(self) -> None:
        """Release what was reserved for calls that failed."""
        self._release(list(self._reserved.values()))
        self._reserved.clear()

    def _reserve(self) -> CapMet | None:
        connection_id, now = self._link.connection_id, _now()
        connection = self._store.connections.get(connection_id)
        if connection is None:
            raise EntryGone(self._link.page_id)
        caps = self._caps.of(connection)
        if not caps:
            return None
        made = self._store.reservations.reserve(caps, connection_id, since=month_of(now)[0], now=now)
        if made is None:
            raise EntryGone(self._link.page_id)
        if isinstance(made, CapMet):
            return made
        self._reserved[get_ident()] = made
        return None

    def _release(self, reservation_ids: Sequence[str]) -> None:
        if reservation_ids:
            release = partial(self._store.reservations.release, reservation_ids)
            self._writes.write(f"{len(reservation_ids)} calls were not paid", release)


def _until_next_month_s() -> float:
    now = _now()
    return (month_of(now)[1] - now).total_seconds()


def _now() -> datetime:
    return datetime.now(UTC)
