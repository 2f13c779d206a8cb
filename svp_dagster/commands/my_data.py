"""`svp export` and `svp forget`: all that is held about a connection, shown or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from svp_dagster.models import Value
from svp_dagster.notion.rich_text import one_line
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.connections import Connection
from svp_dagster.store.store import Store, open_store


class Held(Value):
    """A connection, and how many rows of each table it has or uses."""

    connection_id: str
    workspace_name: str
    owner_name: str
    active: bool
    has_notion: bool
    counts: dict[str, int]

    @property
    def line(self) -> str:
        """The connection and what it has, for a terminal."""
        # Names are whatever strangers call themselves: nothing in them may move the cursor of a terminal.
        whose = one_line(" / ".join(name for name in (self.workspace_name, self.owner_name) if name)) or "unnamed"
        has = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.counts.items() if count)
        note = "" if self.has_notion else " (without Notion)" if self.active else " (disconnected)"
        return f"{self.connection_id}  {whose}{note}: {has}"


def connections(settings: Settings) -> list[Held]:
    """Return all connections, the oldest first."""
    store = open_store(settings)
    return [_held(store, found) for found in store.connections.all()]


def connection(settings: Settings, connection_id: str) -> Held | None:
    """Return the connection of this id."""
    store = open_store(settings)
    found = store.connections.get(connection_id)
    return _held(store, found) if found else None


def export(settings: Settings, connection_id: str) -> Iterator[str]:
    """Yield the pieces of the JSON with all that is held about a connection."""
    pictures = Thumbnails(storage=storage(settings))
    return open_store(settings).my_data.export(connection_id, thumbnail=pictures.get, now=datetime.now(UTC))


def forget(connection_id: str) -> bool:
    """Delete all that the store holds about a connection. Return whether Notion revoked its grant."""
    tokens = TokenStore()
    tokens.store.deletions.delete(connection_id, now=datetime.now(UTC))
    return tokens.revoke_deleted(connection_id)


def _held(store: Store, found: Connection) -> Held:
    return Held(
        connection_id=found.id,
        workspace_name=found.workspace_name,
        owner_name=found.owner_name,
        active=found.active,
        has_notion=found.has_notion,
        counts=store.my_data.counts(found.id),
    )
