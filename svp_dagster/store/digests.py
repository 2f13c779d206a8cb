"""Weekly digests: who wants them, what a week held, and the pages that were made."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, and_, func, select, update
from sqlalchemy.orm import Session

from svp_dagster.errors import Code, failure
from svp_dagster.models import UPLOAD, ContentPage, Status, Value
from svp_dagster.store.tables import ConnectionRow, DigestRow, LedgerRow, LinkEntryRow


class SavedLink(Value):
    """A link as a digest shows it. An upload has no `url`."""

    tag: str
    title: str
    url: str
    platform: str | None
    status: Status
    sentence: str | None
    content_page_url: str | None
    media_key: str | None


class Digests:
    """Queries over digests. A `week` is named by its Monday in ISO 8601."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def choose_home(self, connection_id: str, *, page_id: str | None, title: str, now: datetime) -> None:
        """Store the page below which a connection's digests are made; None: no more are made."""
        chosen = {"digest_home_id": page_id, "digest_home_title": title, "updated_at": now}
        with self._engine.begin() as connection:
            connection.execute(update(ConnectionRow).where(ConnectionRow.id == connection_id).values(chosen))

    def subscribers(self, week: str) -> list[tuple[str, str]]:
        """Return the ids of connections that want digests, each with its home page's id.

        Those without a page of this week come first, then those whose page was updated the longest ago.
        """
        row, made = ConnectionRow, DigestRow
        wanted = (
            select(row.id, row.digest_home_id)
            .outerjoin(made, and_(made.connection_id == row.id, made.week == week))
            .where(row.active, row.bot_id.is_not(None), row.digest_home_id.is_not(None))
            .order_by(made.updated_at.is_not(None), made.updated_at, row.id)
        )
        with self._engine.connect() as connection:
            found = connection.execute(wanted)
            return [(connection_id, home_id) for connection_id, home_id in found if home_id is not None]

    def saved(self, connection_id: str, *, since: datetime, until: datetime, limit: int) -> list[SavedLink]:
        """Return the links that were first seen in this time, the oldest first."""
        row = LinkEntryRow
        query = (
            select(row)
            .where(row.connection_id == connection_id, row.created_at >= since, row.created_at < until)
            .order_by(row.created_at, row.page_id)
            .limit(limit)
        )
        with Session(self._engine) as session:
            return [_saved(found) for found in session.scalars(query)]

    def cost_usd(self, connection_id: str, *, since: datetime, until: datetime) -> float:
        """Return what a connection's paid calls cost in this time, without those of unknown price."""
        row = LedgerRow
        query = select(func.sum(row.cost_usd)).where(
            row.connection_id == connection_id, row.at >= since, row.at < until
        )
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0.0

    def page_id(self, connection_id: str, week: str) -> str | None:
        """Return the id of the page that a week's digest is on."""
        with Session(self._engine) as session:
            row = session.get(DigestRow, (connection_id, week))
            return row.page_id if row else None

    def record(self, connection_id: str, week: str, page: ContentPage, *, now: datetime) -> None:
        """Record the page of a digest, instead of an earlier one. Raises `not_connected` for a deleted connection."""
        with Session(self._engine) as session, session.begin():
            if session.get(ConnectionRow, connection_id, with_for_update=True) is None:
                raise failure(Code.NOT_CONNECTED, detail=f"connection {connection_id} was deleted")
            session.merge(
                DigestRow(
                    connection_id=connection_id, week=week, page_id=page.page_id, page_url=page.url, updated_at=now
                )
            )


def _saved(row: LinkEntryRow) -> SavedLink:
    return SavedLink(
        tag=row.tag,
        title=row.title,
        url="" if row.platform == UPLOAD else row.link_url or row.url,
        platform=row.platform,
        status=Status(row.status),
        sentence=row.sentence,
        content_page_url=row.content_page_url,
        media_key=row.media_key,
    )
