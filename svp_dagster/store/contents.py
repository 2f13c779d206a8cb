"""Results by content, so that nothing is paid for twice; and the ledger of paid calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Engine, and_, delete, exists, func, select, tuple_
from sqlalchemy.orm import Session

from svp_dagster.errors import EntryGone
from svp_dagster.models import JsonObject, PaidCall, Value
from svp_dagster.store.engine import STAYS, retry_conflict
from svp_dagster.store.tables import (
    ConnectionRow,
    ContentRow,
    ContentUseRow,
    LedgerRow,
    LinkEntryRow,
    ReservationRow,
)

T = TypeVar("T")

_AT_ONCE = 500


class Contents:
    """Results by media key, kind and recipe.

    A result belongs to the entries that made or used it, and is deleted with the last of them.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, media_key: str, kind: str, recipe: str, *, page_id: str) -> JsonObject | None:
        """Return the stored result, which this entry uses from now on, or None. Raises `EntryGone`."""
        key = (media_key, kind, recipe)

        def get(session: Session) -> JsonObject | None:
            _require_entry(session, page_id)
            row = session.get(ContentRow, key, with_for_update=STAYS)
            if row is None:
                return None
            session.merge(_use(page_id, key))
            return row.value

        return self._write(get)

    def latest(self, media_key: str, kind: str, *, page_id: str) -> JsonObject | None:
        """Return the newest stored result of a kind, whatever its recipe, as `get` does."""
        row = ContentRow
        query = select(row.recipe).where(row.media_key == media_key, row.kind == kind)
        with self._engine.connect() as connection:
            recipe = connection.scalar(query.order_by(row.created_at.desc(), row.recipe).limit(1))
        return None if recipe is None else self.get(media_key, kind, recipe, page_id=page_id)

    def put(self, media_key: str, kind: str, recipe: str, value: JsonObject, *, page_id: str, now: datetime) -> None:
        """Store a result of this entry's. The last write wins. Raises `EntryGone`."""
        key = (media_key, kind, recipe)

        def put(session: Session) -> None:
            _require_entry(session, page_id)
            session.merge(ContentRow(media_key=media_key, kind=kind, recipe=recipe, value=value, created_at=now))
            session.flush()
            session.merge(_use(page_id, key))

        self._write(put)

    def forget_before(self, moment: datetime) -> int:
        """Delete results older than `moment`. Return how many."""
        with self._engine.begin() as connection:
            return connection.execute(delete(ContentRow).where(ContentRow.created_at < moment)).rowcount

    def _write(self, work: Callable[[Session], T]) -> T:
        def write() -> T:
            with Session(self._engine) as session, session.begin():
                return work(session)

        return retry_conflict(write)


Key = tuple[str, str, str]
"""Media key, kind and recipe of a result."""


def used_results(session: Session, *which: ColumnElement[bool]) -> list[Key]:
    """Return the results that entries use."""
    use = ContentUseRow
    query = select(use.media_key, use.kind, use.recipe).where(*which).distinct()
    return [(media_key, kind, recipe) for media_key, kind, recipe in session.execute(query)]


def delete_unused(session: Session, keys: Sequence[Key]) -> None:
    """Delete those of these results that no entry uses any more."""
    content, use = ContentRow, ContentUseRow
    is_same = and_(use.media_key == content.media_key, use.kind == content.kind, use.recipe == content.recipe)
    unused = delete(content).where(~exists().where(is_same)).execution_options(synchronize_session=False)
    for some in batched(keys):
        session.execute(unused.where(some))


def batched(keys: Sequence[Key]) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions for parts of these results, each short enough for a statement."""
    key = tuple_(ContentRow.media_key, ContentRow.kind, ContentRow.recipe)
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        videos = ContentRow.media_key.in_({media_key for media_key, _, _ in some})  # SQLite finds no rows by a tuple
        yield and_(videos, key.in_(some))


def _require_entry(session: Session, page_id: str) -> None:
    if session.get(LinkEntryRow, page_id, with_for_update=STAYS) is None:
        raise EntryGone(page_id)


def _use(page_id: str, key: tuple[str, str, str]) -> ContentUseRow:
    media_key, kind, recipe = key
    return ContentUseRow(page_id=page_id, media_key=media_key, kind=kind, recipe=recipe)


class Spent(Value):
    """The sum of paid calls. `calls_of_unknown_price` are not in `usd`."""

    usd: float
    calls: int
    calls_of_unknown_price: int


class Ledger:
    """Every paid call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        call: PaidCall,
        *,
        connection_id: str,
        page_id: str,
        run_id: str,
        now: datetime,
        reservation_id: str | None = None,
    ) -> None:
        """Store a paid call, instead of its reservation.

        That of a connection whose data were deleted meanwhile is stored as nobody's.
        """
        row = LedgerRow(connection_id=connection_id, page_id=page_id, run_id=run_id, at=now, **call.model_dump())
        with Session(self._engine) as session, session.begin():
            if session.get(ConnectionRow, connection_id, with_for_update=STAYS) is None:
                row.connection_id, row.page_id, row.run_id = None, "", ""
            session.add(row)
            session.execute(delete(ReservationRow).where(ReservationRow.id == reservation_id))

    def spent(self, connection_id: str, *, since: datetime, page_id: str | None = None) -> Spent:
        """Return the sum over a connection, or over one of its rows."""
        query = select(*_SUMS).where(LedgerRow.connection_id == connection_id, LedgerRow.at >= since)
        if page_id is not None:
            query = query.where(LedgerRow.page_id == page_id)
        with self._engine.connect() as connection:
            return _spent(*connection.execute(query).one())

    def spent_by_connection(self, *, since: datetime) -> dict[str | None, Spent]:
        """Return the sum over each connection that paid for anything, and over all deleted ones by None."""
        query = select(LedgerRow.connection_id, *_SUMS).where(LedgerRow.at >= since)
        with self._engine.connect() as connection:
            found = connection.execute(query.group_by(LedgerRow.connection_id))
            return {connection_id: _spent(usd, calls, priced) for connection_id, usd, calls, priced in found}


_SUMS = (func.coalesce(func.sum(LedgerRow.cost_usd), 0.0), func.count(), func.count(LedgerRow.cost_usd))


def _spent(usd: float | None, calls: int, priced: int) -> Spent:
    return Spent(usd=float(usd or 0), calls=calls, calls_of_unknown_price=calls - priced)
