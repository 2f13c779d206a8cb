"""Connections: accounts, their authorised Notion workspaces and encrypted tokens."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import Field
from sqlalchemy import ColumnElement, Engine, delete, or_, select, update
from sqlalchemy.orm import Session

from svp_dagster.errors import SvpError
from svp_dagster.models import Value
from svp_dagster.store.accounts.merging import connected_row
from svp_dagster.store.accounts.subjects import was_deleted_since
from svp_dagster.store.crypto import TokenCipher
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import ApiTokenRow, ConnectionRow, SessionRow

REFRESH_LEASE = timedelta(seconds=30)
"""How long one process may take to refresh a token before another tries."""


class Connection(Value):
    """A connection without its tokens. One that the operator doesn't trust counts as new.

    Without Notion (`has_notion`) it is the account of a person of an identity provider.
    """

    id: str
    bot_id: str | None
    workspace_id: str
    workspace_name: str
    workspace_icon: str
    owner_name: str
    active: bool
    output_language: str
    monthly_budget_usd: float | None
    digest_home_id: str | None
    digest_home_title: str
    trusted: bool
    created_at: datetime

    @property
    def has_notion(self) -> bool:
        """Whether Notion is connected."""
        return self.active and self.bot_id is not None

    @property
    def name(self) -> str:
        """What its owner knows it by."""
        return self.workspace_name or ("Unnamed" if self.has_notion else "Your library")


class Tokens(Value):
    """A pair of tokens in the clear: never stored, logged or shown as it is."""

    access: str = Field(repr=False)
    refresh: str | None = Field(repr=False)


class Connections:
    """Queries over connections."""

    def __init__(self, engine: Engine, cipher: TokenCipher) -> None:
        self._engine = engine
        self._cipher = cipher

    def save(
        self,
        *,
        bot_id: str,
        workspace_id: str,
        workspace_name: str,
        workspace_icon: str,
        owner_id: str,
        owner_name: str,
        tokens: Tokens,
        now: datetime,
        account_id: str | None = None,
    ) -> Connection:
        """Create or update the connection of this bot. Signing in again keeps its databases and rows.

        A connection that was removed and added again at Notion may come back with another bot. So a bot that is not
        known takes over the connection that ended last of the same person in the same workspace.

        With `account_id` that account gets the bot, and is merged with the connection that the bot has already. Raises
        `AccountGone`, `NotionTaken`, `OtherNotion` where that can't be (`accounts.merging`).
        """

        def save() -> Connection:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                query = select(ConnectionRow).where(ConnectionRow.bot_id == bot_id)
                row = session.scalar(query.with_for_update()) or _ended(session, workspace_id, owner_id)
                if account_id is not None:
                    row = connected_row(session, account_id, row, now=now)
                elif row is None:
                    row = _new_row(now)
                    session.add(row)
                row.bot_id, row.workspace_id, row.workspace_name = bot_id, workspace_id, workspace_name
                row.workspace_icon, row.owner_id, row.owner_name = workspace_icon, owner_id, owner_name
                row.active, row.refresh_lease_until, row.updated_at = True, None, now
                self._set_tokens(row, tokens)
            return _connection(row)

        return retry_conflict(save)

    def of_subject(self, issuer: str, subject: str, *, issued_at: datetime, now: datetime) -> Connection | None:
        """Return the account of a person of an identity provider, made at first sight.

        None for a token that was issued before the person's data were deleted.
        """
        query = select(ConnectionRow).where(ConnectionRow.issuer == issuer, ConnectionRow.subject == subject)
        with Session(self._engine) as session:
            if known := session.scalar(query):
                return _connection(known)

        def make() -> Connection | None:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                row = session.scalar(query)
                if row is None:
                    if was_deleted_since(session, issuer, subject, issued_at=issued_at):
                        return None
                    row = _new_row(now, issuer=issuer, subject=subject)
                    session.add(row)
            return _connection(row)

        return retry_conflict(make)

    def get(self, connection_id: str) -> Connection | None:
        """Return the connection, active or not."""
        with Session(self._engine) as session:
            row = session.get(ConnectionRow, connection_id)
            return _connection(row) if row else None

    def of_owner(self, workspace_id: str, owner_id: str) -> list[Connection]:
        """Return the active connections of a person in a workspace."""
        query = select(ConnectionRow).where(ConnectionRow.active, *_owned_by(workspace_id, owner_id))
        with Session(self._engine) as session:
            return [_connection(row) for row in session.scalars(query)]

    def all(self) -> list[Connection]:
        """Return all connections, oldest first."""
        with Session(self._engine) as session:
            return [
                _connection(row)
                for row in session.scalars(select(ConnectionRow).order_by(ConnectionRow.created_at, ConnectionRow.id))
            ]

    def bots(self, bot_ids: Collection[str]) -> set[str]:
        """Return which of these are bots of connections."""
        with Session(self._engine) as session:
            found = session.scalars(select(ConnectionRow.bot_id).where(ConnectionRow.bot_id.in_(bot_ids)))
            return {bot_id for bot_id in found if bot_id}

    def tokens(self, connection_id: str) -> Tokens | None:
        """Return the decrypted tokens; None for an unknown or ended connection."""
        with Session(self._engine) as session:
            row = session.get(ConnectionRow, connection_id)
            if row is None or not row.active or row.access_token is None:
                return None
            refresh = self._cipher.decrypt(row.refresh_token) if row.refresh_token else None
            return Tokens(access=self._cipher.decrypt(row.access_token), refresh=refresh)

    def access_tokens(self, connection_ids: Collection[str]) -> dict[str, str]:
        """Return the decrypted access tokens of several connections. One that can't be read is absent."""
        row, found = ConnectionRow, {}
        which = (row.id.in_(connection_ids), row.active, row.access_token.is_not(None))
        with self._engine.connect() as connection:
            for connection_id, token in connection.execute(select(row.id, row.access_token).where(*which)).all():
                with suppress(SvpError):  # `tokens` says of that one why
                    found[connection_id] = self._cipher.decrypt(token or "")
        return found

    def replace_tokens(self, connection_id: str, tokens: Tokens, *, now: datetime) -> bool:
        """Store a refreshed pair and release the lease. Return False for a connection that ended meanwhile."""
        with Session(self._engine) as session, session.begin():
            row = session.get(ConnectionRow, connection_id, with_for_update=True)
            if row is None or not row.active:
                return False
            self._set_tokens(row, tokens)
            row.refresh_lease_until, row.updated_at = None, now
        return True

    def lease_refresh(self, connection_id: str, *, now: datetime) -> bool:
        """Return whether the caller may refresh now. A refresh token works once: two refreshes at a time lose one."""
        free = or_(ConnectionRow.refresh_lease_until.is_(None), ConnectionRow.refresh_lease_until < now)
        with self._engine.begin() as connection:
            result = connection.execute(
                update(ConnectionRow)
                .where(ConnectionRow.id == connection_id, ConnectionRow.active, free)
                .values(refresh_lease_until=now + REFRESH_LEASE)
            )
        return result.rowcount == 1

    def release_refresh(self, connection_id: str) -> None:
        """Release the lease after a refresh that failed."""
        with self._engine.begin() as connection:
            connection.execute(
                update(ConnectionRow).where(ConnectionRow.id == connection_id).values(refresh_lease_until=None)
            )

    def end(self, connection_id: str, *, now: datetime) -> None:
        """Delete the tokens, end all sessions and API tokens, stop polling.

        Databases and history stay for a later sign-in. The account of a person of an identity provider goes on without
        Notion.
        """
        with self._engine.begin() as connection:
            for table in (SessionRow, ApiTokenRow):
                connection.execute(delete(table).where(table.connection_id == connection_id))
            ended = update(ConnectionRow).where(ConnectionRow.id == connection_id)
            without = {"access_token": None, "refresh_token": None, "refresh_lease_until": None, "updated_at": now}
            connection.execute(ended.where(ConnectionRow.subject.is_(None)).values(active=False, **without))
            connection.execute(ended.where(ConnectionRow.subject.is_not(None)).values(bot_id=None, **without))

    def set_preferences(
        self, connection_id: str, *, output_language: str, monthly_budget_usd: float | None, now: datetime
    ) -> None:
        """Store what the owner chose: the language of summaries and a monthly cap ('' and None: the installation's)."""
        with self._engine.begin() as connection:
            connection.execute(
                update(ConnectionRow)
                .where(ConnectionRow.id == connection_id)
                .values(output_language=output_language, monthly_budget_usd=monthly_budget_usd, updated_at=now)
            )

    def set_trusted(self, connection_id: str, *, trusted: bool, now: datetime) -> bool:
        """Store whether the operator trusts a connection. Return whether it exists."""
        with self._engine.begin() as connection:
            result = connection.execute(
                update(ConnectionRow).where(ConnectionRow.id == connection_id).values(trusted=trusted, updated_at=now)
            )
        return result.rowcount == 1

    def rotate_keys(self) -> int:
        """Encrypt all tokens with the first key. Return the number of connections."""
        with Session(self._engine) as session, session.begin():
            # Locked, so that a token refreshed meanwhile isn't overwritten with the one before it.
            query = select(ConnectionRow).where(ConnectionRow.access_token.is_not(None)).with_for_update()
            rows = session.scalars(query).all()
            for row in rows:
                row.access_token = self._cipher.rotate(row.access_token) if row.access_token else None
                row.refresh_token = self._cipher.rotate(row.refresh_token) if row.refresh_token else None
            return len(rows)

    def _set_tokens(self, row: ConnectionRow, tokens: Tokens) -> None:
        row.access_token = self._cipher.encrypt(tokens.access)
        row.refresh_token = self._cipher.encrypt(tokens.refresh) if tokens.refresh else None


def _ended(session: Session, workspace_id: str, owner_id: str) -> ConnectionRow | None:
    """Return the connection of a person in a workspace that ended last, locked."""
    if not owner_id:
        return None
    has_ended = or_(~ConnectionRow.active, ConnectionRow.bot_id.is_(None))
    query = select(ConnectionRow).where(has_ended, *_owned_by(workspace_id, owner_id))
    return session.scalar(query.order_by(ConnectionRow.updated_at.desc()).limit(1).with_for_update())


def _owned_by(workspace_id: str, owner_id: str) -> tuple[ColumnElement[bool], ...]:
    return ConnectionRow.workspace_id == workspace_id, ConnectionRow.owner_id == owner_id


def _new_row(now: datetime, *, issuer: str | None = None, subject: str | None = None) -> ConnectionRow:
    return ConnectionRow(
        id=uuid.uuid4().hex,
        issuer=issuer,
        subject=subject,
        workspace_id="",
        workspace_name="",
        workspace_icon="",
        owner_id="",
        owner_name="",
        active=True,
        output_language="",
        monthly_budget_usd=None,
        digest_home_title="",
        trusted=False,
        created_at=now,
        updated_at=now,
    )


def _connection(row: ConnectionRow) -> Connection:
    return Connection(**{name: getattr(row, name) for name in Connection.model_fields})
