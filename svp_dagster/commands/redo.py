"""`svp redo`: make pages of completed rows again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from svp_dagster.rows.redos.requests import Plan, plan_redo, request_redo
from svp_dagster.settings import Settings
from svp_dagster.store.redos.selection import RedoFilter
from svp_dagster.store.store import open_store


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a redo would take of a connection."""

    connection_id: str
    plan: Plan

    @property
    def line(self) -> str:
        """Return it in words."""
        plan = self.plan
        cost = "cost unknown: no summary was paid for yet" if plan.usd is None else f"about ${plan.usd:.2f}"
        return f"{self.connection_id}  {plan.rows} pages, {plan.downloads} of them need a download; {cost}"


def read_filter(
    *,
    tag: str,
    since: datetime | None,
    until: datetime | None,
    platform: str,
    engine: str,
    schema_changed: bool,
) -> RedoFilter:
    """Return the filter of the command's options, whose days are in UTC."""
    return RedoFilter(
        tag=tag,
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
        platform=platform,
        engine=engine,
        schema_changed=schema_changed,
    )


def plans(settings: Settings, asked: RedoFilter, *, connection_id: str) -> list[Planned]:
    """Return what a redo would take of each connection that it concerns, or of the one that is named."""
    store, now = open_store(settings), datetime.now(UTC)
    ids = [connection_id] if connection_id else [each.id for each in store.connections.all()]
    found = [Planned(connection_id=each, plan=plan_redo(store, each, asked, now=now)) for each in ids]
    return [planned for planned in found if planned.plan.rows]


def redo(settings: Settings, asked: RedoFilter, *, connection_ids: Sequence[str]) -> Iterator[str]:
    """Ask for a redo for each of these connections. Yield what was asked for, as lines."""
    store = open_store(settings)
    for connection_id in connection_ids:
        made = request_redo(store, connection_id, asked, now=datetime.now(UTC))
        if made is not None:
            yield f"{connection_id}  backfill {made.id}: {made.total} pages ({made.name})"
