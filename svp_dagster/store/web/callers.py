"""Who a request may speak for: sign-ins under way, sessions and personal API tokens."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.orm import Session as OrmSession

from svp_dagster.models import Value
from svp_dagster.store.crypto import secret_hash
from svp_dagster.store.tables import ApiTokenRow, ConnectionRow, SessionRow, SignInRow

SIGN_IN_LIFE = timedelta(minutes=5)
"""How long a person may take between leaving for Notion and coming back."""
API_TOKEN_PREFIX = "svp_"  # noqa: S105 (a prefix, not a secret)
"""The prefix of a personal API token, so that scanners for leaked secrets recognise it."""

_EXPIRED_KEPT = timedelta(days=1)
_LAST_USED_PRECISION = timedelta(minutes=1)


class SignInEnd(StrEnum):
    """How a sign-in ended. `unknown` was never begun in this browser, or was used already."""

    GOOD = "good"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class EndedSignIn(Value):
    """How a sign-in ended, and the account that it connects Notion to. Without one it is a sign-in by Notion."""

    end: SignInEnd
    connection_id: str | None = None


class Scope(StrEnum):
    """What an API token may do."""

    READ = "read"
    ADD_LINKS = "add_links"
    MANAGE = "manage"


class ApiToken(Value):
    """A personal API token without its secret. Without `expires_at` it never expires."""

    id: str
    connection_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Session(Value):
    """A session of a browser: a connection's, or without one the operator's."""

    connection_id: str | None


class Web:
    """Queries of the app about its callers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin_sign_in(self, *, browser: str, now: datetime, connection_id: str | None = None) -> str:
        """Return a state for Notion's authorize page: valid once, in this browser, for `SIGN_IN_LIFE`.

        With a connection, Notion is connected to that account.
        """
        state = secrets.token_urlsafe(32)
        row = SignInRow(
            state_hash=secret_hash(state),
            browser_hash=secret_hash(browser),
            connection_id=connection_id,
            expires_at=now + SIGN_IN_LIFE,
        )
        with OrmSession(self._engine) as session, session.begin():
            # Those that expired lately stay, so that the app can tell a late comer what happened.
            session.execute(delete(SignInRow).where(SignInRow.expires_at < now - _EXPIRED_KEPT))
            session.add(row)
        return state

    def end_sign_in(self, *, state: str, browser: str, now: datetime) -> EndedSignIn:
        """Consume a state. Of several calls at once, one gets `good`."""
        used_up = (
            delete(SignInRow)
            .where(SignInRow.state_hash == secret_hash(state), SignInRow.browser_hash == secret_hash(browser))
            .returning(SignInRow.expires_at, SignInRow.connection_id)
        )
        with self._engine.begin() as connection:
            found = connection.execute(used_up).one_or_none()
        if found is None:
            return EndedSignIn(end=SignInEnd.UNKNOWN)
        expires_at, connection_id = found
        return EndedSignIn(end=SignInEnd.GOOD if now < expires_at else SignInEnd.EXPIRED, connection_id=connection_id)

    def begin_session(self, secret: str, *, connection_id: str | None, expires_at: datetime, now: datetime) -> None:
        """Store a session of the browser that keeps this secret: a connection's, or the operator's."""
        row = SessionRow(secret_hash=secret_hash(secret), connection_id=connection_id, expires_at=expires_at)
        with OrmSession(self._engine) as session, session.begin():
            session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
            session.add(row)

    def session(self, secret: str, *, now: datetime) -> Session | None:
        """Return the session of this secret; None if it ended or expired."""
        query = select(SessionRow).where(SessionRow.secret_hash == secret_hash(secret), SessionRow.expires_at > now)
        with OrmSession(self._engine) as session:
            row = session.scalar(query)
            return Session(connection_id=row.connection_id) if row else None

    def end_session(self, secret: str) -> None:
        """Delete the session of this secret."""
        with self._engine.begin() as connection:
            connection.execute(delete(SessionRow).where(SessionRow.secret_hash == secret_hash(secret)))

    def end_sessions(self, connection_id: str) -> None:
        """Delete all sessions of a connection, in whatever browser."""
        with self._engine.begin() as connection:
            connection.execute(delete(SessionRow).where(SessionRow.connection_id == connection_id))

    def add_api_token(
        self, connection_id: str, *, name: str, scopes: Collection[Scope], expires_at: datetime | None, now: datetime
    ) -> tuple[ApiToken, str]:
        """Create a token. Return it with its secret, which is shown once and stored as a hash only."""
        secret = API_TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = ApiTokenRow(
            id=uuid.uuid4().hex,
            connection_id=connection_id,
            name=name,
            token_hash=secret_hash(secret),
            scopes=sorted(scopes),
            created_at=now,
            expires_at=expires_at,
        )
        with OrmSession(self._engine, expire_on_commit=False) as session, session.begin():
            session.add(row)
        return _api_token(row), secret

    def api_tokens(self, connection_id: str) -> list[ApiToken]:
        """Return a connection's tokens, newest first."""
        query = (
            select(ApiTokenRow)
            .where(ApiTokenRow.connection_id == connection_id)
            .order_by(ApiTokenRow.created_at.desc(), ApiTokenRow.id)
        )
        with OrmSession(self._engine) as session:
            return [_api_token(row) for row in session.scalars(query)]

    def revoke_api_token(self, connection_id: str, token_id: str) -> bool:
        """Delete a token. Return whether the connection had it."""
        query = delete(ApiTokenRow).where(ApiTokenRow.id == token_id, ApiTokenRow.connection_id == connection_id)
        with self._engine.begin() as connection:
            return connection.execute(query).rowcount == 1

    def use_api_token(self, secret: str, *, now: datetime) -> ApiToken | None:
        """Return the token of this secret; None if it is unknown or expired, or its connection has ended."""
        unexpired = or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > now)
        query = (
            select(ApiTokenRow)
            .join(ConnectionRow, ConnectionRow.id == ApiTokenRow.connection_id)
            .where(ApiTokenRow.token_hash == secret_hash(secret), ConnectionRow.active, unexpired)
        )
        with OrmSession(self._engine) as session:
            row = session.scalar(query)
            token = _api_token(row) if row else None
        if token:
            self._note_use(token.id, now=now)
        return token

    def _note_use(self, token_id: str, *, now: datetime) -> None:
        # Once a minute at most: a script that asks often must not write as often.
        unnoted = or_(ApiTokenRow.last_used_at.is_(None), ApiTokenRow.last_used_at < now - _LAST_USED_PRECISION)
        with self._engine.begin() as connection:
            connection.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id, unnoted).values(last_used_at=now))


def _api_token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        id=row.id,
        connection_id=row.connection_id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
