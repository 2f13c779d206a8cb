"""Tables of the app alone: sign-ins under way, personal API tokens, and secrets of the installation."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.orm import Session

from svp_dagster.models import Value
from svp_dagster.store.crypto import TokenCipher
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import ApiTokenRow, ConnectionRow, InstallationSecretRow, SignInRow

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


class ApiToken(Value):
    """A personal API token without its secret."""

    id: str
    connection_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


class Web:
    """Queries of the app."""

    def __init__(self, engine: Engine, cipher: TokenCipher) -> None:
        self._engine = engine
        self._cipher = cipher

    def begin_sign_in(self, *, browser: str, now: datetime) -> str:
        """Return a state for Notion's authorize page: valid once, in this browser, for `SIGN_IN_LIFE`."""
        state = secrets.token_urlsafe(32)
        row = SignInRow(state_hash=_hash(state), browser_hash=_hash(browser), expires_at=now + SIGN_IN_LIFE)
        with Session(self._engine) as session, session.begin():
            # Those that expired lately stay, so that the app can tell a late comer what happened.
            session.execute(delete(SignInRow).where(SignInRow.expires_at < now - _EXPIRED_KEPT))
            session.add(row)
        return state

    def end_sign_in(self, *, state: str, browser: str, now: datetime) -> SignInEnd:
        """Consume a state. Of several calls at once, one gets `good`."""
        used_up = (
            delete(SignInRow)
            .where(SignInRow.state_hash == _hash(state), SignInRow.browser_hash == _hash(browser))
            .returning(SignInRow.expires_at)
        )
        with self._engine.begin() as connection:
            expires_at = connection.scalar(used_up)
        if expires_at is None:
            return SignInEnd.UNKNOWN
        return SignInEnd.GOOD if now < expires_at else SignInEnd.EXPIRED

    def add_api_token(self, connection_id: str, *, name: str, now: datetime) -> tuple[ApiToken, str]:
        """Create a token. Return it with its secret, which is shown once and stored as a hash only."""
        secret = API_TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = ApiTokenRow(
            id=uuid.uuid4().hex, connection_id=connection_id, name=name, token_hash=_hash(secret), created_at=now
        )
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            session.add(row)
        return _api_token(row), secret

    def api_tokens(self, connection_id: str) -> list[ApiToken]:
        """Return a connection's tokens, newest first."""
        query = (
            select(ApiTokenRow)
            .where(ApiTokenRow.connection_id == connection_id)
            .order_by(ApiTokenRow.created_at.desc(), ApiTokenRow.id)
        )
        with Session(self._engine) as session:
            return [_api_token(row) for row in session.scalars(query)]

    def revoke_api_token(self, connection_id: str, token_id: str) -> bool:
        """Delete a token. Return whether the connection had it."""
        query = delete(ApiTokenRow).where(ApiTokenRow.id == token_id, ApiTokenRow.connection_id == connection_id)
        with self._engine.begin() as connection:
            return connection.execute(query).rowcount == 1

    def use_api_token(self, secret: str, *, now: datetime) -> ApiToken | None:
        """Return the token of this secret; None if it is unknown or its connection has ended."""
        query = (
            select(ApiTokenRow)
            .join(ConnectionRow, ConnectionRow.id == ApiTokenRow.connection_id)
            .where(ApiTokenRow.token_hash == _hash(secret), ConnectionRow.active)
        )
        with Session(self._engine) as session:
            row = session.scalar(query)
            token = _api_token(row) if row else None
        if token:
            self._note_use(token.id, now=now)
        return token

    def set_secret(self, name: str, value: str, *, now: datetime) -> None:
        """Store a secret of the installation, replacing the one before."""

        def write() -> None:
            row = InstallationSecretRow(name=name, value=self._cipher.encrypt(value), updated_at=now)
            with Session(self._engine) as session, session.begin():
                session.merge(row)

        retry_conflict(write)

    def secret(self, name: str) -> tuple[str, datetime] | None:
        """Return a secret of the installation in the clear, and when it was stored."""
        with Session(self._engine) as session:
            row = session.get(InstallationSecretRow, name)
            return (self._cipher.decrypt(row.value), row.updated_at) if row else None

    def forget_secret(self, name: str) -> None:
        """Delete a secret of the installation."""
        with self._engine.begin() as connection:
            connection.execute(delete(InstallationSecretRow).where(InstallationSecretRow.name == name))

    def rotate_keys(self) -> int:
        """Encrypt all secrets with the first key. Return how many there are."""
        with Session(self._engine) as session, session.begin():
            rows = session.scalars(select(InstallationSecretRow).with_for_update()).all()
            for row in rows:
                row.value = self._cipher.rotate(row.value)
            return len(rows)

    def _note_use(self, token_id: str, *, now: datetime) -> None:
        # Once a minute at most: a script that asks often must not write as often.
        unnoted = or_(ApiTokenRow.last_used_at.is_(None), ApiTokenRow.last_used_at < now - _LAST_USED_PRECISION)
        with self._engine.begin() as connection:
            connection.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id, unnoted).values(last_used_at=now))


def _hash(secret: str) -> str:
    # A plain hash is enough: each hashed value has 256 random bits, or is compared with one that has.
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _api_token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        id=row.id,
        connection_id=row.connection_id,
        name=row.name,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
