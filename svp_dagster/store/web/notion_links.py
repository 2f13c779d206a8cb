"""Links by which the owner of an account without Notion connects one: single use, for ten minutes.

A link isn't tied to a browser, since the app that asks for it and the browser that opens it may be two. Once it is
used, a sign-in takes its place, which is tied to one (`Web.begin_sign_in`).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, and_, delete, select
from sqlalchemy.orm import Session

from svp_dagster.models import Value
from svp_dagster.store.crypto import secret_hash
from svp_dagster.store.engine import STAYS
from svp_dagster.store.tables import ConnectionRow, SignInRow

LINK_LIFE = timedelta(minutes=10)
_NO_BROWSER = ""
"""What no hash of a browser's secret is."""


class NotionLink(Value):
    """A link that can still be used: for which account, and what its owner calls it."""

    connection_id: str
    account_name: str


class NotionLinks:
    """Queries over such links."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def make(self, connection_id: str, *, account_name: str, now: datetime) -> str | None:
        """Return the secret of a new link, which replaces the account's earlier ones. None for a deleted account."""
        secret = secrets.token_urlsafe(32)
        row = SignInRow(
            state_hash=secret_hash(secret),
            browser_hash=_NO_BROWSER,
            connection_id=connection_id,
            account_name=account_name,
            expires_at=now + LINK_LIFE,
        )
        with Session(self._engine) as session, session.begin():
            if session.get(ConnectionRow, connection_id, with_for_update=STAYS) is None:
                return None
            earlier = and_(SignInRow.connection_id == connection_id, SignInRow.browser_hash == _NO_BROWSER)
            session.execute(delete(SignInRow).where(earlier))
            session.add(row)
        return secret

    def find(self, secret: str, *, now: datetime) -> NotionLink | None:
        """Return a link that can still be used."""
        with Session(self._engine) as session:
            row = session.scalar(select(SignInRow).where(_is_usable(secret, now)))
            return _link(row.connection_id, row.account_name) if row else None

    def use(self, secret: str, *, now: datetime) -> NotionLink | None:
        """Consume a link. Of several calls at once, one gets it."""
        used_up = delete(SignInRow).where(_is_usable(secret, now))
        with self._engine.begin() as connection:
            found = connection.execute(used_up.returning(SignInRow.connection_id, SignInRow.account_name)).one_or_none()
        return _link(*found) if found else None


def _is_usable(secret: str, now: datetime) -> ColumnElement[bool]:
    return and_(
        SignInRow.state_hash == secret_hash(secret),
        SignInRow.browser_hash == _NO_BROWSER,
        SignInRow.connection_id.is_not(None),
        SignInRow.expires_at > now,
    )


def _link(connection_id: str | None, account_name: str) -> NotionLink | None:
    return NotionLink(connection_id=connection_id, account_name=account_name) if connection_id else None
