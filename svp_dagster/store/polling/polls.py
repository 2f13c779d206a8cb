"""What polls of Link Databases found, and when these are due again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Engine, Update, and_, bindparam, case, literal, null, update

from svp_dagster.models import Value
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.tables import LinkDatabaseRow


class Poll(Value):
    """A poll of a Link Database as it was `seen` before. With a `problem`, a sentence for the owner, it failed.

    `backlog` counts the rows that were ready and left. `found_change`: a row was new, or requested again.
    """

    seen: LinkDatabase
    next_due_at: datetime
    backlog: int = 0
    found_change: bool = False
    problem: str = ""


class Polls:
    """The record of polls, kept with each Link Database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, polls: Sequence[Poll], *, now: datetime) -> None:
        """Record the polls of a tick, all or none.

        A "poll now" that came while they went on is kept. A Link Database that was registered meanwhile instead of the
        one seen stays as it is.
        """
        succeeded = [_parameters(poll) | {"new_backlog": poll.backlog} for poll in polls if not poll.problem]
        failed = [_parameters(poll) | {"new_problem": poll.problem} for poll in polls if poll.problem]
        row = LinkDatabaseRow
        with self._engine.begin() as connection:
            if succeeded:
                found = {"backlog": bindparam("new_backlog"), "poll_failures": 0, "poll_problem": ""}
                connection.execute(_after_poll(now).values(**found), succeeded)
            if failed:
                problem = {"poll_failures": row.poll_failures + 1, "poll_problem": bindparam("new_problem")}
                connection.execute(_after_poll(now).values(**problem), failed)


def _after_poll(now: datetime) -> Update:
    row = LinkDatabaseRow
    at = row.due_at.type
    is_served = row.requested_at.is_not_distinct_from(bindparam("seen_requested_at", type_=at))
    found_change = bindparam("found_change", type_=Boolean)
    changed_after = bindparam("changed_after", type_=at)
    return (
        update(row)
        .where(
            and_(
                row.connection_id == bindparam("seen_connection_id"),
                row.data_source_id == bindparam("seen_data_source_id"),
            )
        )
        .values(
            polled_at=now,
            due_at=case((is_served, bindparam("next_due_at", type_=at)), else_=literal(now, at)),
            requested_at=case((is_served, null()), else_=row.requested_at),
            changed_at=case((found_change, changed_after), else_=row.changed_at),
            active_at=case((found_change, literal(now, at)), else_=row.active_at),
        )
    )


def _parameters(poll: Poll) -> dict[str, Any]:
    seen = poll.seen
    return {
        "seen_connection_id": seen.connection_id,
        "seen_data_source_id": seen.data_source_id,
        "seen_requested_at": seen.requested_at,
        "next_due_at": poll.next_due_at,
        "found_change": poll.found_change,
        "changed_after": seen.polled_at or seen.changed_at,
    }
