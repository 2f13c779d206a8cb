"""Caps on what may be spent, and the paid calls that are under way.

A call is in the ledger once its cost is known. Until then it is reserved, so that calls at the same time don't exceed a
cap together: while others are under way, a call begins only if all of them fit, each taken for `CALL_USD`. A call that
is alone may take whatever is left. So a cap is exceeded by less than one call, plus what calls cost beyond `CALL_USD`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select, text, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from svp_dagster.errors import BudgetCode
from svp_dagster.models import Value
from svp_dagster.store.engine import STAYS
from svp_dagster.store.tables import ConnectionRow, LedgerRow, ReservationRow

CALL_USD = 0.06
"""What a call counts for while its cost isn't known: until it is recorded, and for good where its price isn't listed.
At list prices no call costs more: ten minutes of speech do, 16 pictures $0.024, the longest summary about $0.03."""
RESERVED_FOR = timedelta(minutes=10)
"""How long a call counts that never ended, such as one of a process that was killed. No call takes longer."""


class Scope(StrEnum):
    """Whose paid calls count towards a cap."""

    CONNECTION = "connection"
    NEW_CONNECTIONS = "new connections"
    INSTALLATION = "installation"


class Cap(Value):
    """What may be spent in a month, and the failure of rows that meet it."""

    code: BudgetCode
    scope: Scope
    usd: float


class CapMet(Value):
    """A cap that leaves no room for another call. While it isn't used up, calls under way may leave some."""

    cap: Cap
    is_used_up: bool


class Reservations:
    """Queries over caps and calls under way. `since` is the beginning of the month."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def used_up(self, caps: Sequence[Cap], connection_id: str, *, since: datetime) -> Cap | None:
        """Return the first of a connection's caps that is used up."""
        with Session(self._engine) as session:
            return _used_up(caps, _spent(session, caps, connection_id, since=since))

    def reserve(
        self, caps: Sequence[Cap], connection_id: str, *, since: datetime, now: datetime
    ) -> str | CapMet | None:
        """Reserve a call. Return the reservation's id, or the cap that leaves no room for it.

        None for a connection whose data were deleted.
        """
        reservation = ReservationRow(id=uuid.uuid4().hex, connection_id=connection_id, expires_at=now + RESERVED_FOR)
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            # Before the table, in the order of a deletion, which locks its connection and then deletes its calls.
            if session.get(ConnectionRow, connection_id, with_for_update=STAYS) is None:
                return None
            if self._engine.dialect.name == "postgresql":  # SQLite's transactions come one after the other anyway
                session.execute(text("LOCK TABLE reservations IN EXCLUSIVE MODE"))
            session.execute(delete(ReservationRow).where(ReservationRow.expires_at <= now))
            if met := _cap_met(session, caps, connection_id, since=since):
                return met
            session.add(reservation)
        return reservation.id

    def release(self, reservation_ids: Collection[str]) -> None:
        """Forget calls that ended without being paid."""
        with self._engine.begin() as connection:
            connection.execute(delete(ReservationRow).where(ReservationRow.id.in_(reservation_ids)))


def _cap_met(session: Session, caps: Sequence[Cap], connection_id: str, *, since: datetime) -> CapMet | None:
    spent = _spent(session, caps, connection_id, since=since)
    if used_up := _used_up(caps, spent):
        return CapMet(cap=used_up, is_used_up=True)
    for cap in caps:
        calls = _calls_under_way(session, cap.scope, connection_id)
        if calls and spent[cap.scope] + CALL_USD * (calls + 1) > cap.usd:
            return CapMet(cap=cap, is_used_up=False)
    return None


def _used_up(caps: Sequence[Cap], spent: Mapping[Scope, float]) -> Cap | None:
    return next((cap for cap in caps if spent[cap.scope] >= cap.usd), None)


def _spent(session: Session, caps: Sequence[Cap], connection_id: str, *, since: datetime) -> dict[Scope, float]:
    """Return what counts towards the caps by their scopes. A call of unknown price counts too.

    Rounded, since ten calls of a cent are a little less than ten cents in floating point.
    """
    usd = func.coalesce(func.sum(func.coalesce(LedgerRow.cost_usd, CALL_USD)), 0.0)
    query = select(usd).where(LedgerRow.at >= since)
    return {
        scope: round(session.scalar(query.where(_within(scope, LedgerRow.connection_id, connection_id))) or 0.0, 9)
        for scope in {cap.scope for cap in caps}
    }


def _calls_under_way(session: Session, scope: Scope, connection_id: str) -> int:
    query = select(func.count()).select_from(ReservationRow)
    return session.scalar(query.where(_within(scope, ReservationRow.connection_id, connection_id))) or 0


def _within(scope: Scope, column: InstrumentedAttribute[Any], connection_id: str) -> ColumnElement[bool]:
    match scope:
        case Scope.CONNECTION:
            return column == connection_id
        case Scope.NEW_CONNECTIONS:
            # What belongs to no connection any more counts too: nobody is new again after a deletion.
            trusted = select(ConnectionRow.id).where(ConnectionRow.trusted)
            return or_(column.is_(None), column.not_in(trusted))
        case Scope.INSTALLATION:
            return true()
