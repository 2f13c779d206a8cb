"""Which connections the operator trusts, and what each spends: for the operator's page and the command line."""

from __future__ import annotations

from datetime import datetime

from svp_dagster.models import Value
from svp_dagster.rows.spending.caps import month_of
from svp_dagster.store.connections import Connection
from svp_dagster.store.contents import Spent
from svp_dagster.store.store import Store

_NOTHING = Spent(usd=0.0, calls=0, calls_of_unknown_price=0)


class Account(Value):
    """A connection, and what it spent this month."""

    connection: Connection
    spent: Spent


class Overview(Value):
    """All connections, the new ones first, and what all spent this month, deleted ones included."""

    accounts: tuple[Account, ...]
    usd: float
    calls_of_unknown_price: int


def overview_of(store: Store, *, now: datetime) -> Overview:
    """Return who is connected and what is spent. Among the new and among the trusted, who spent most comes first."""
    spent = store.ledger.spent_by_connection(since=month_of(now)[0])
    accounts = [Account(connection=each, spent=spent.get(each.id, _NOTHING)) for each in store.connections.all()]
    return Overview(
        accounts=tuple(sorted(accounts, key=lambda each: (each.connection.trusted, -each.spent.usd))),
        usd=sum(each.usd for each in spent.values()),
        calls_of_unknown_price=sum(each.calls_of_unknown_price for each in spent.values()),
    )


def set_trusted(store: Store, connection_id: str, *, trusted: bool, now: datetime) -> bool:
    """Trust a connection, or let it count as new again. Return whether it exists. Its rows that wait start at once."""
    if not store.connections.set_trusted(connection_id, trusted=trusted, now=now):
        return False
    store.databases.poll_now(connection_id, now=now)
    return True
