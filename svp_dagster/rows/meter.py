"""The budget of a connection, and the ledger of what its rows cost."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from threading import Lock

from svp_dagster.errors import Code, EntryGone, failure
from svp_dagster.models import LinkEntry, Usage
from svp_dagster.prices import Prices
from svp_dagster.rows.deferred_writes import DeferredWrites
from svp_dagster.store.store import Store


class RowMeter:
    """Implements `svp_dagster.ports.Meter` for one stage of a row."""

    def __init__(
        self,
        store: Store,
        *,
        link: LinkEntry,
        run_id: str,
        prices: Prices,
        monthly_budget_usd: float | None,
        writes: DeferredWrites,
    ) -> None:
        self._store = store
        self._link = link
        self._run_id = run_id
        self._prices = prices
        self._monthly_budget_usd = monthly_budget_usd
        self._writes = writes
        self._lock = Lock()
        self._spent_usd: float | None = 0.0

    @property
    def spent_usd(self) -> float | None:
        """What this stage cost, None if the price of a call is unknown."""
        return self._spent_usd

    def require_budget(self) -> None:
        """Pass, or raise `budget_reached` for the connection's own cap or the installation's.

        Raises `EntryGone` once the connection's data were deleted, and SQLAlchemyError while an earlier call can't be
        recorded: nothing is paid beside the ledger.
        """
        self._writes.retry()
        cap = self._cap_usd()
        month = _now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        if cap is not None and self._store.ledger.spent(self._link.connection_id, since=month).usd >= cap:
            raise failure(Code.BUDGET_REACHED, budget=f"${cap:.2f}")

    def record(self, usage: Usage) -> None:
        """Add the call to the ledger, later if the store is unreachable."""
        call, link = self._prices.priced(usage), self._link
        with self._lock:
            known = self._spent_usd is not None and call.cost_usd is not None
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
            ),
        )

    def _cap_usd(self) -> float | None:
        connection = self._store.connections.get(self._link.connection_id)
        if connection is None:
            raise EntryGone(self._link.page_id)
        own_cap = connection.monthly_budget_usd
        return own_cap if own_cap is not None else self._monthly_budget_usd


def _now() -> datetime:
    return datetime.now(UTC)
