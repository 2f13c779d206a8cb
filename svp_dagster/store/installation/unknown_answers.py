"""Answers of services that no rule knows: the first of each kind, and how often it came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import UnknownAnswerRow
from svp_dagster.unknown_answers import UnknownAnswer

MAX_KINDS = 200
"""More kinds than this are no longer news to anybody, and a hostile site could invent any number."""

_NO_STATUS = 0


class KeptAnswer(UnknownAnswer):
    """The first answer of a kind."""

    count: int
    first_seen: datetime
    last_seen: datetime


class UnknownAnswers:
    """Queries over unknown answers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, answer: UnknownAnswer, *, now: datetime) -> None:
        """Keep the first answer of a kind, and count the others."""
        retry_conflict(lambda: self._record(answer, now))

    def all(self) -> list[KeptAnswer]:
        """Return the kinds, the one that came last first."""
        query = select(UnknownAnswerRow).order_by(UnknownAnswerRow.last_seen.desc(), UnknownAnswerRow.kind)
        with Session(self._engine) as session:
            return [_kept(row) for row in session.scalars(query)]

    def forget_before(self, moment: datetime) -> int:
        """Delete the kinds that didn't come since `moment`. Return how many."""
        with self._engine.begin() as connection:
            return connection.execute(delete(UnknownAnswerRow).where(UnknownAnswerRow.last_seen < moment)).rowcount

    def _record(self, answer: UnknownAnswer, now: datetime) -> None:
        key = (answer.service, answer.status or _NO_STATUS, answer.kind)
        with Session(self._engine) as session, session.begin():
            row = session.get(UnknownAnswerRow, key, with_for_update=True)
            if row is not None:
                row.count += 1
                row.last_seen = max(row.last_seen, now)
            elif (session.scalar(select(func.count()).select_from(UnknownAnswerRow)) or 0) < MAX_KINDS:
                session.add(_row(answer, now))


def _row(answer: UnknownAnswer, now: datetime) -> UnknownAnswerRow:
    return UnknownAnswerRow(
        service=answer.service,
        status=answer.status or _NO_STATUS,
        kind=answer.kind,
        headers=answer.headers,
        body=answer.body,
        count=1,
        first_seen=now,
        last_seen=now,
    )


def _kept(row: UnknownAnswerRow) -> KeptAnswer:
    return KeptAnswer(
        service=row.service,
        status=row.status or None,
        kind=row.kind,
        headers=row.headers,
        body=row.body,
        count=row.count,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
    )
