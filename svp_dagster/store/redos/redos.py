"""Redos: requests to make the pages of completed rows again, and how far each is.

A row belongs to its last redo (`link_entries.redo_id`) and is open until it has an outcome.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, Select, func, select, update
from sqlalchemy.orm import Session

from svp_dagster.models import JsonObject, RedoOutcome, Value
from svp_dagster.store import transitions
from svp_dagster.store.databases import Databases
from svp_dagster.store.engine import STAYS
from svp_dagster.store.entries import Entry, to_entry
from svp_dagster.store.redos.selection import RedoFilter, redoable
from svp_dagster.store.tables import ConnectionRow, ContentRow, LedgerRow, LinkEntryRow, RedoRow
from svp_dagster.store.transitions import FailureOutcome

PRICES_LOOKED_BACK = timedelta(days=90)
_KEYS_AT_ONCE = 500


class Redo(Value):
    """A request to make pages again. `id` is also the id of its backfill in Dagster."""

    id: str
    connection_id: str
    name: str
    asked: RedoFilter
    total: int
    requested_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None


class Progress(Value):
    """How many rows of a redo are open, and what became of the others."""

    made: int = 0
    failed: int = 0
    open: int = 0


class KeptResults(Value):
    """The kinds of results that are kept of a video, and the facts of its post where they are among them."""

    kinds: frozenset[str] = frozenset()
    facts: JsonObject | None = None


class Redos:
    """Queries over redos and their rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, connection_id: str, asked: RedoFilter) -> list[Entry]:
        """Return the rows that a redo would take now."""
        query = self._redoable(connection_id, asked)
        with Session(self._engine) as session:
            return [to_entry(row) for row in session.scalars(query)]

    def count(self, connection_id: str, asked: RedoFilter) -> int:
        """Return how many rows a redo would take now."""
        query = self._redoable(connection_id, asked).order_by(None)
        with Session(self._engine) as session:
            return session.scalar(select(func.count()).select_from(query.subquery())) or 0

    def request(self, connection_id: str, asked: RedoFilter, *, name: str, now: datetime) -> Redo | None:
        """Choose the rows and store the request, all or nothing. None where there is no row to choose."""
        query = self._redoable(connection_id, asked).order_by(None).order_by(LinkEntryRow.page_id)
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            if session.get(ConnectionRow, connection_id, with_for_update=STAYS) is None:
                return None
            rows = session.scalars(query.with_for_update(of=LinkEntryRow)).all()
            if not rows:
                return None
            redo = RedoRow(
                id=secrets.token_hex(4),
                connection_id=connection_id,
                name=name,
                asked=asked.model_dump(mode="json"),
                total=len(rows),
                requested_at=now,
            )
            session.add(redo)
            for row in rows:
                transitions.begin_redo(row, redo.id, now=now)
        return _redo(redo)

    def unfinished(self) -> list[Redo]:
        """Return the redos that are going on or not yet launched, the oldest first."""
        query = select(RedoRow).where(RedoRow.finished_at.is_(None)).order_by(RedoRow.requested_at, RedoRow.id)
        with Session(self._engine) as session:
            return [_redo(row) for row in session.scalars(query)]

    def latest(self, connection_id: str, *, limit: int) -> list[Redo]:
        """Return the redos of a connection, the latest first."""
        query = select(RedoRow).where(RedoRow.connection_id == connection_id)
        with Session(self._engine) as session:
            found = session.scalars(query.order_by(RedoRow.requested_at.desc(), RedoRow.id).limit(limit))
            return [_redo(row) for row in found]

    def open_entries(self, redo_id: str) -> list[Entry]:
        """Return the rows of a redo that have no outcome yet, in the order in which they were saved."""
        row = LinkEntryRow
        query = select(row).where(row.redo_id == redo_id, row.redo_outcome.is_(None))
        with Session(self._engine) as session:
            return [to_entry(each) for each in session.scalars(query.order_by(row.created_at, row.page_id))]

    def progress(self, redo_ids: Collection[str]) -> dict[str, Progress]:
        """Return how far these redos are. A row that a later redo took over counts for that one alone."""
        row = LinkEntryRow
        query = select(row.redo_id, row.redo_outcome, func.count()).where(row.redo_id.in_(redo_ids))
        counts: dict[str, dict[str, int]] = {redo_id: {} for redo_id in redo_ids}
        with self._engine.connect() as connection:
            for redo_id, outcome, count in connection.execute(query.group_by(row.redo_id, row.redo_outcome)):
                counts[str(redo_id)][RedoOutcome(outcome).value if outcome else "open"] = count
        return {redo_id: Progress(**found) for redo_id, found in counts.items()}

    def end(self, page_ids: Collection[str], outcome: FailureOutcome, *, now: datetime) -> None:
        """End the redo of those of these rows that no run holds. They stay as they were."""
        row = LinkEntryRow
        query = select(row).where(row.page_id.in_(page_ids), row.holder.is_(None)).order_by(row.page_id)
        with Session(self._engine) as session, session.begin():
            for each in session.scalars(query.with_for_update()):
                if transitions.is_in_redo(each):
                    transitions.fail_for_good(each, outcome, now=now)

    def launched(self, redo_id: str, *, now: datetime) -> None:
        """Record that the backfill is there."""
        self._set(redo_id, launched_at=now)

    def finish(self, redo_id: str, *, now: datetime) -> None:
        """Record that no row is open any more."""
        self._set(redo_id, finished_at=now)

    def kept(self, media_keys: Iterable[str], *, facts: str) -> dict[str, KeptResults]:
        """Return what is kept of these videos, by media key. `facts` is the kind of the facts of a post."""
        row, keys = ContentRow, sorted(set(media_keys))
        found: dict[str, KeptResults] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                some = keys[start : start + _KEYS_AT_ONCE]
                for key, kind in connection.execute(select(row.media_key, row.kind).where(row.media_key.in_(some))):
                    known = found.get(key, KeptResults())
                    found[key] = known.model_copy(update={"kinds": known.kinds | {kind}})
                described = select(row.media_key, row.value).where(row.media_key.in_(some), row.kind == facts)
                for key, value in connection.execute(described):
                    found[key] = found[key].model_copy(update={"facts": value})
        return found

    def summary_usd(self, connection_id: str, *, now: datetime) -> float | None:
        """Return what a row's summary cost on average: of this connection, else of all. None if nobody paid for one."""
        since = now - PRICES_LOOKED_BACK
        own = self._mean_usd(LedgerRow.connection_id == connection_id, since=since)
        return self._mean_usd(since=since) if own is None else own

    def _redoable(self, connection_id: str, asked: RedoFilter) -> Select[LinkEntryRow]:
        return redoable(connection_id, Databases(self._engine).content_databases(connection_id), asked)

    def _mean_usd(self, *whose: ColumnElement[bool], since: datetime) -> float | None:
        row = LedgerRow
        query = select(func.sum(row.cost_usd), func.count(row.run_id.distinct()))
        known = (row.service == "summary", row.cost_usd.is_not(None), row.run_id != "", row.at >= since)
        with self._engine.connect() as connection:
            usd, runs = connection.execute(query.where(*known, *whose)).one()
        return float(usd or 0) / runs if runs else None

    def _set(self, redo_id: str, **values: datetime) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(RedoRow).where(RedoRow.id == redo_id).values(**values))


def _redo(row: RedoRow) -> Redo:
    fields = {name: getattr(row, name) for name in Redo.model_fields if name != "asked"}
    return Redo(asked=RedoFilter.model_validate(row.asked), **fields)
