"""Results by content, so that nothing is paid for twice; thumbnails; and the ledger of paid calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from svp_dagster.models import JsonObject, PaidCall, Value
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import Base, ContentRow, LedgerRow, ReservationRow, ThumbnailRow


class Contents:
    """Results by media key, kind and recipe; thumbnails by media key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, media_key: str, kind: str, recipe: str) -> JsonObject | None:
        """Return the stored result, or None."""
        with Session(self._engine) as session:
            row = session.get(ContentRow, (media_key, kind, recipe))
            return row.value if row else None

    def put(self, media_key: str, kind: str, recipe: str, value: JsonObject, *, now: datetime) -> None:
        """Store a result. The last write wins."""
        self._put(lambda: ContentRow(media_key=media_key, kind=kind, recipe=recipe, value=value, created_at=now))

    def forget_before(self, moment: datetime) -> int:
        """Delete results older than `moment`. Return how many."""
        with self._engine.begin() as connection:
            return connection.execute(delete(ContentRow).where(ContentRow.created_at < moment)).rowcount

    def set_thumbnail(self, media_key: str, jpeg: bytes) -> None:
        """Store a small picture of a video."""
        self._put(lambda: ThumbnailRow(media_key=media_key, jpeg=jpeg))

    def thumbnail(self, media_key: str) -> bytes | None:
        """Return the JPEG, or None."""
        with Session(self._engine) as session:
            row = session.get(ThumbnailRow, media_key)
            return row.jpeg if row else None

    def _put(self, make: Callable[[], Base]) -> None:
        def put() -> None:
            with Session(self._engine) as session, session.begin():
                session.merge(make())

        retry_conflict(put)


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
        """Store a paid call, instead of its reservation."""
        row = LedgerRow(connection_id=connection_id, page_id=page_id, run_id=run_id, at=now, **call.model_dump())
        with Session(self._engine) as session, session.begin():
            session.add(row)
            session.execute(delete(ReservationRow).where(ReservationRow.id == reservation_id))

    def spent(self, connection_id: str, *, since: datetime, page_id: str | None = None) -> Spent:
        """Return the sum over a connection, or over one of its rows."""
        query = select(*_SUMS).where(LedgerRow.connection_id == connection_id, LedgerRow.at >= since)
        if page_id is not None:
            query = query.where(LedgerRow.page_id == page_id)
        with self._engine.connect() as connection:
            return _spent(*connection.execute(query).one())

    def spent_by_connection(self, *, since: datetime) -> dict[str, Spent]:
        """Return the sum over each connection that paid for anything."""
        query = select(LedgerRow.connection_id, *_SUMS).where(LedgerRow.at >= since)
        with self._engine.connect() as connection:
            found = connection.execute(query.group_by(LedgerRow.connection_id))
            return {connection_id: _spent(usd, calls, priced) for connection_id, usd, calls, priced in found}


_SUMS = (func.coalesce(func.sum(LedgerRow.cost_usd), 0.0), func.count(), func.count(LedgerRow.cost_usd))


def _spent(usd: float | None, calls: int, priced: int) -> Spent:
    return Spent(usd=float(usd or 0), calls=calls, calls_of_unknown_price=calls - priced)
