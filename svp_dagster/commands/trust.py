"""`svp trust`: list the connections, and trust some of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from svp_dagster.notion.rich_text import one_line
from svp_dagster.rows.spending.trust import Account, overview_of, set_trusted
from svp_dagster.settings import Settings
from svp_dagster.store.store import open_store


def list_connections(settings: Settings) -> list[str]:
    """Return a line for each connection: its id, whether it is trusted, what it spent this month, and whose it is."""
    return [_line(account) for account in overview_of(open_store(settings), now=datetime.now(UTC)).accounts]


def trust(settings: Settings, connection_ids: Sequence[str], *, trusted: bool) -> list[str]:
    """Trust the connections, or let them count as new again. Return those that don't exist."""
    store, now = open_store(settings), datetime.now(UTC)
    return [each for each in connection_ids if not set_trusted(store, each, trusted=trusted, now=now)]


def _line(account: Account) -> str:
    connection = account.connection
    state = "trusted" if connection.trusted else "new"
    unknown = account.spent.calls_of_unknown_price
    spent = f"${account.spent.usd:.2f}"
    if unknown:
        spent += f" and {unknown} call{'s' if unknown > 1 else ''} of unknown price"
    # Names are whatever strangers call themselves: nothing in them may move the cursor of a terminal.
    whose = one_line(f"{connection.workspace_name} {connection.owner_name}")
    note = " (left)" if not connection.active else "" if connection.has_notion else "(without Notion)"
    return f"{connection.id}  {state:<7}  {spent}  {whose}{note}"
