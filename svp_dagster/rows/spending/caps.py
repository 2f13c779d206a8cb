"""What may be spent in a month: by a connection, by all new ones together, and by the whole installation.

The smallest of a connection's caps counts, so an owner can lower the operator's but not raise it. A connection is new
until the operator trusts it. New ones together may use up a share of the installation's cap alone: however many
strangers connect, the rest is left to those who are trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from svp_dagster.component import Component
from svp_dagster.errors import BUDGET_CODES, BudgetCode, Code, Retry, SvpError, failure_of
from svp_dagster.models import Value
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Connection
from svp_dagster.store.contents import Spent
from svp_dagster.store.entries import Entry
from svp_dagster.store.reservations import Cap, Scope
from svp_dagster.store.store import Store

NEW_CONNECTIONS_SHARE = 0.5


class SpendingCaps(Component):
    """The operator's caps in US dollars a month, None for none."""

    connection_usd: float | None = None
    new_connection_usd: float | None = None
    installation_usd: float | None = None

    def of(self, connection: Connection | None) -> tuple[Cap, ...]:
        """Return the caps that hold for a connection. Of several that are used up, the first is the one to name."""
        return tuple(self._of(connection))

    def of_operator(self, connection: Connection | None) -> Cap | None:
        """Return the smallest of the operator's caps on a connection alone, which its owner can't raise."""
        return _smallest(cap for cap in self.of(connection) if cap.code is not Code.BUDGET_REACHED)

    def _of(self, connection: Connection | None) -> Iterator[Cap]:
        own_usd = connection.monthly_budget_usd if connection else None
        if self.installation_usd is not None:
            yield _cap(Code.INSTALLATION_BUDGET_REACHED, Scope.INSTALLATION, self.installation_usd)
        if connection is None or not connection.trusted:
            yield from self._of_new()
        if self.connection_usd is not None:
            yield _cap(Code.CONNECTION_BUDGET_REACHED, Scope.CONNECTION, self.connection_usd)
        if own_usd is not None:
            yield _cap(Code.BUDGET_REACHED, Scope.CONNECTION, own_usd)

    def _of_new(self) -> Iterator[Cap]:
        code: BudgetCode = Code.NEW_CONNECTION_BUDGET_REACHED
        if self.installation_usd is not None:
            yield _cap(code, Scope.NEW_CONNECTIONS, self.installation_usd * NEW_CONNECTIONS_SHARE)
        if self.new_connection_usd is not None:
            yield _cap(code, Scope.CONNECTION, self.new_connection_usd)


class Spending(Value):
    """What a connection spent this month, the caps that hold for it, and the one that is used up."""

    spent: Spent
    caps: tuple[Cap, ...]
    used_up: Cap | None
    next_month: datetime

    @property
    def cap(self) -> Cap | None:
        """The smallest cap on this connection alone."""
        return _smallest(self.caps)

    @property
    def has_installation_cap(self) -> bool:
        """Whether what all connections spend is capped too."""
        return any(cap.scope is Scope.INSTALLATION for cap in self.caps)


def spending_caps(settings: Settings) -> SpendingCaps:
    """Return the caps of this installation."""
    return SpendingCaps(
        connection_usd=settings.monthly_budget_usd,
        new_connection_usd=settings.new_connection_budget_usd,
        installation_usd=settings.installation_budget_usd,
    )


def spending_of(store: Store, connection: Connection, caps: SpendingCaps, *, now: datetime) -> Spending:
    """Return how a connection stands towards its caps."""
    since, next_month = month_of(now)
    its_caps = caps.of(connection)
    return Spending(
        spent=store.ledger.spent(connection.id, since=since),
        caps=its_caps,
        used_up=store.reservations.used_up(its_caps, connection.id, since=since),
        next_month=next_month,
    )


def known_entries(
    store: Store, connection_id: str, page_ids: Collection[str], caps: SpendingCaps, *, now: datetime
) -> dict[str, Entry]:
    """Return the entries among these rows of a connection. Make those due that wait for money which is there again."""
    known = store.entries.known(page_ids)
    waiting = [page_id for page_id, entry in known.items() if entry.is_waiting and entry.failure_code in BUDGET_CODES]
    if not waiting:
        return known
    its_caps = caps.of(store.connections.get(connection_id))
    if store.reservations.used_up(its_caps, connection_id, since=month_of(now)[0]):
        return known
    store.sweep.make_due(waiting, now=now)
    return store.entries.known(page_ids)


def cap_failure(cap: Cap, *, retry_after_s: float | None = None) -> SvpError:
    """Return the failure of a row that met a cap. Nothing is waited for where nothing may be spent at all."""
    retry = Retry.LATER if cap.usd else Retry.NEVER
    return failure_of(cap.code, {"budget": f"${cap.usd:.2f}"}, retry=retry, retry_after_s=retry_after_s)


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """Return the first moment of the month and of the next one, in UTC."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    years, month = divmod(first.month, 12)
    return first, first.replace(year=first.year + years, month=month + 1)


def _smallest(caps: Iterable[Cap]) -> Cap | None:
    """Return the smallest of the caps that are on one connection."""
    return min((cap for cap in caps if cap.scope is Scope.CONNECTION), key=lambda cap: cap.usd, default=None)


def _cap(code: BudgetCode, scope: Scope, usd: float) -> Cap:
    return Cap(code=code, scope=scope, usd=usd)
