"""What the operator is to be alerted of, until it is sent: at most one alert per cause and hour, whoever sends it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from svp_dagster.models import Value
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import AlertRow

CAP = timedelta(hours=1)
"""The least time between two alerts of the same cause."""
RETRY_AFTER = timedelta(minutes=5)
"""How long an alert that could not be delivered waits. So also one whose sender died: it may have been delivered."""


class Alert(Value):
    """What happened since the last alert of the same cause: how often, and when first and last.

    `sentence` and `link` are those of the last time. `tries` counts attempts to send it, the present one included.
    """

    cause: str
    sentence: str
    link: str
    count: int
    first_at: datetime
    last_at: datetime
    tries: int


class Alerts:
    """Queries over alerts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, cause: str, *, sentence: str, link: str, at: datetime) -> None:
        """Record that a cause for an alert occurred. One that was recorded with this or a later time isn't news."""

        def write() -> None:
            with Session(self._engine) as session, session.begin():
                row = session.get(AlertRow, cause, with_for_update=True)
                if row is None:
                    row = AlertRow(cause=cause, count=0, first_at=at, tries=0)
                    session.add(row)
                elif at <= row.last_at:
                    return
                if row.count == 0:
                    row.first_at = at
                row.sentence, row.link, row.last_at = sentence, link, at
                row.count += 1

        retry_conflict(write)

    def begin_next(self, *, now: datetime) -> Alert | None:
        """Return the alert that is due the longest, which is the caller's to send, once. None where none is due."""
        row = AlertRow
        due = (
            select(row)
            .where(row.count > 0)
            .where(or_(row.sent_at.is_(None), row.sent_at <= now - CAP))
            .where(or_(row.tried_at.is_(None), row.tried_at <= now - RETRY_AFTER))
            .order_by(row.first_at, row.cause)
            .limit(1)
        )
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            found = session.scalar(due.with_for_update(skip_locked=True))
            if found is None:
                return None
            found.tried_at, found.tries = now, found.tries + 1
            return Alert(**{name: getattr(found, name) for name in Alert.model_fields})

    def sent(self, alert: Alert, *, now: datetime) -> None:
        """Record that an alert was delivered. What occurred since it was begun is left for the next one."""
        with Session(self._engine) as session, session.begin():
            row = session.get(AlertRow, alert.cause, with_for_update=True)
            if row is not None:
                row.count -= alert.count
                row.first_at = row.last_at
                row.sent_at, row.tried_at, row.tries = now, None, 0
