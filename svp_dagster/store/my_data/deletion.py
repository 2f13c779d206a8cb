"""Deletes all that the store holds about a connection, in one transaction.

What is outside of the store (Dagster's runs, kept media, the grant at Notion) is left to the sweep, which finds the
connection in `pending` until nothing of it is left. Runs that still go on can't bring anything back: what they write
points to a row that is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from svp_dagster.models import Value
from svp_dagster.store.accounts.subjects import forget_deletions, remember_deletion
from svp_dagster.store.contents import Key, batched, delete_unused, used_results
from svp_dagster.store.crypto import TokenCipher
from svp_dagster.store.library.library import forget_deleted_words
from svp_dagster.store.my_data.mentions import forget_mentions
from svp_dagster.store.tables import ConnectionRow, ContentRow, ContentUseRow, DeletionRow, LedgerRow, LinkEntryRow


class Deletion(Value):
    """A connection whose data were deleted, and the partitions of its rows, by which Dagster knows them.

    `page_ids` are the rows whose files may still be in the storage.
    `is_revoked`: Notion has no grant left that is to be revoked.
    """

    connection_id: str
    partition_keys: tuple[str, ...]
    page_ids: tuple[str, ...]
    is_revoked: bool
    requested_at: datetime


class Deletions:
    """Deletes connections, and remembers them until nothing of them is left anywhere."""

    def __init__(self, engine: Engine, cipher: TokenCipher) -> None:
        self._engine = engine
        self._cipher = cipher

    def delete(self, connection_id: str, *, now: datetime) -> bool:
        """Delete a connection with all that belongs to it, or that it alone uses. Return whether there was one."""
        with Session(self._engine) as session, session.begin():
            row = session.get(ConnectionRow, connection_id, with_for_update=True)
            if row is None:
                return False
            page_ids, keys = _lock_entries(session, connection_id)
            results = _lock_results(session, connection_id)
            _keep_sums(session, connection_id)
            remember_deletion(session, row, now=now)
            session.add(
                DeletionRow(
                    connection_id=connection_id,
                    partition_keys=keys,
                    page_ids=page_ids,
                    access_token=row.access_token,
                    requested_at=now,
                )
            )
            session.flush()
            session.execute(delete(ConnectionRow).where(ConnectionRow.id == connection_id))
            delete_unused(session, results)
            forget_mentions(session, connection_id)
            forget_deleted_words(session)
        return True

    def pending(self) -> list[Deletion]:
        """Return the connections of which something may be left, the oldest first."""
        with Session(self._engine) as session:
            rows = session.scalars(select(DeletionRow).order_by(DeletionRow.requested_at, DeletionRow.connection_id))
            return [_deletion(row) for row in rows]

    def delete_leftovers(self, deletion: Deletion) -> None:
        """Delete what a run that was going on wrote meanwhile."""
        with Session(self._engine) as session, session.begin():
            forget_mentions(session, deletion.connection_id)

    def files_removed(self, connection_id: str, page_ids: Collection[str]) -> None:
        """Record that these rows have no files in the storage any more."""
        with Session(self._engine) as session, session.begin():
            row = session.get(DeletionRow, connection_id, with_for_update=True)
            if row is not None:
                row.page_ids = [page_id for page_id in row.page_ids if page_id not in page_ids]

    def access_token(self, connection_id: str) -> str | None:
        """Return the token to revoke at Notion, decrypted. None if it was revoked, or there was none."""
        with Session(self._engine) as session:
            row = session.get(DeletionRow, connection_id)
            return self._cipher.decrypt(row.access_token) if row and row.access_token else None

    def revoked(self, connection_id: str) -> None:
        """Delete the token."""
        with self._engine.begin() as connection:
            connection.execute(
                update(DeletionRow).where(DeletionRow.connection_id == connection_id).values(access_token=None)
            )

    def finish(self, connection_id: str) -> None:
        """Forget the connection: nothing of it is left."""
        with self._engine.begin() as connection:
            connection.execute(delete(DeletionRow).where(DeletionRow.connection_id == connection_id))

    def forget_subjects(self, *, now: datetime) -> None:
        """Forget the people of an identity provider whose data were deleted long ago."""
        with Session(self._engine) as session, session.begin():
            forget_deletions(session, now=now)

    def rotate_keys(self) -> int:
        """Encrypt the tokens with the first key. Return how many there are."""
        query = select(DeletionRow).where(DeletionRow.access_token.is_not(None)).with_for_update()
        with Session(self._engine) as session, session.begin():
            rows = session.scalars(query).all()
            for row in rows:
                row.access_token = self._cipher.rotate(row.access_token) if row.access_token else None
            return len(rows)


def _lock_entries(session: Session, connection_id: str) -> tuple[list[str], list[str]]:
    """Lock the connection's rows, in the order in which others do. Return their ids and partition keys."""
    row = LinkEntryRow
    query = select(row.page_id, row.partition_key).where(row.connection_id == connection_id)
    found = session.execute(query.order_by(row.page_id).with_for_update()).all()
    return [page_id for page_id, _ in found], [key for _, key in found if key is not None]


def _lock_results(session: Session, connection_id: str) -> list[Key]:
    """Let nobody begin to use a result of this connection's before it is known whether it stays. Return them."""
    mine = select(LinkEntryRow.page_id).where(LinkEntryRow.connection_id == connection_id)
    keys = sorted(used_results(session, ContentUseRow.page_id.in_(mine)))
    for some in batched(keys):
        session.execute(select(ContentRow.media_key).where(some).with_for_update()).all()
    return keys


def _keep_sums(session: Session, connection_id: str) -> None:
    """Keep what was paid as nobody's, added up by day, service and model: caps on more than one connection count it.

    Calls of unknown price stay one by one, since each of them counts.
    """
    row = LedgerRow
    query = select(row.at, row.service, row.model, row.unit, row.units, row.cost_usd)
    sums: defaultdict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for at, service, model, unit, units, cost_usd in session.execute(query.where(row.connection_id == connection_id)):
        what = (at.date(), service, model, unit)
        if cost_usd is None:
            session.add(_anonymous(*what, units=units, cost_usd=None))
        else:
            sums[what][0] += units
            sums[what][1] += cost_usd
    for what, (units, cost_usd) in sums.items():
        session.add(_anonymous(*what, units=units, cost_usd=cost_usd))


def _anonymous(day: date, service: str, model: str, unit: str, *, units: float, cost_usd: float | None) -> LedgerRow:
    return LedgerRow(
        at=datetime.combine(day, time(), UTC),
        connection_id=None,
        page_id="",
        run_id="",
        service=service,
        model=model,
        units=units,
        unit=unit,
        cost_usd=cost_usd,
        detail={},
    )


def _deletion(row: DeletionRow) -> Deletion:
    return Deletion(
        connection_id=row.connection_id,
        partition_keys=tuple(row.partition_keys),
        page_ids=tuple(row.page_ids),
        is_revoked=row.access_token is None,
        requested_at=row.requested_at,
    )
