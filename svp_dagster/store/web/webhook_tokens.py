"""Verification tokens of Notion's webhooks: those that were offered, and the one that signatures are checked with.

Whoever knows the webhooks' address can offer a token. So offers stand side by side, bounded, until the operator
confirms one of them, and a later one never replaces an earlier one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from svp_dagster.models import Value
from svp_dagster.store.crypto import TokenCipher, secret_hash
from svp_dagster.store.engine import retry_conflict
from svp_dagster.store.tables import LinkDatabaseRow, WebhookTokenRow

OFFER_LIFE = timedelta(days=1)
"""How long an offer waits for the operator."""
MAX_OFFERS = 10
MAX_OFFERS_OF_AN_ADDRESS = 3


class WebhookToken(Value):
    """A verification token in the clear, and where it came from. `id` is its hash."""

    id: str
    token: str = Field(repr=False)
    address: str
    offered_at: datetime
    confirmed_at: datetime | None


class WebhookTokens:
    """Queries over verification tokens."""

    def __init__(self, engine: Engine, cipher: TokenCipher) -> None:
        self._engine = engine
        self._cipher = cipher

    def offer(self, token: str, *, address: str, now: datetime) -> bool:
        """Store a token that an address offers. Return whether it waits for the operator: False if too many do."""
        token_id = secret_hash(token)

        def write() -> bool:
            with Session(self._engine) as session, session.begin():
                session.execute(
                    delete(WebhookTokenRow).where(
                        WebhookTokenRow.confirmed_at.is_(None), WebhookTokenRow.offered_at <= now - OFFER_LIFE
                    )
                )
                if session.get(WebhookTokenRow, token_id):
                    return True
                addresses = session.scalars(select(WebhookTokenRow.address)).all()
                if len(addresses) >= MAX_OFFERS or addresses.count(address) >= MAX_OFFERS_OF_AN_ADDRESS:
                    return False
                encrypted = self._cipher.encrypt(token)
                session.add(WebhookTokenRow(id=token_id, token=encrypted, address=address, offered_at=now))
            return True

        return retry_conflict(write)

    def offers(self, *, now: datetime) -> list[WebhookToken]:
        """Return the tokens that wait for the operator, newest first."""
        query = select(WebhookTokenRow).where(
            WebhookTokenRow.confirmed_at.is_(None), WebhookTokenRow.offered_at > now - OFFER_LIFE
        )
        with Session(self._engine) as session:
            rows = session.scalars(query.order_by(WebhookTokenRow.offered_at.desc(), WebhookTokenRow.id))
            return [self._value(row) for row in rows]

    def in_use(self) -> WebhookToken | None:
        """Return the token that the operator confirmed."""
        with Session(self._engine) as session:
            row = session.scalar(select(WebhookTokenRow).where(WebhookTokenRow.confirmed_at.is_not(None)))
            return self._value(row) if row else None

    def confirm(self, token_id: str, *, now: datetime) -> bool:
        """Use this token from now on and delete all others. Return False if it doesn't wait for that."""
        with Session(self._engine) as session, session.begin():
            row = session.get(WebhookTokenRow, token_id, with_for_update=True)
            if row is None or row.confirmed_at is not None or row.offered_at <= now - OFFER_LIFE:
                return False
            session.execute(delete(WebhookTokenRow).where(WebhookTokenRow.id != token_id))
            row.confirmed_at = now
        return True

    def discard(self, token_id: str) -> None:
        """Delete an offer."""
        offered = WebhookTokenRow.id == token_id, WebhookTokenRow.confirmed_at.is_(None)
        with self._engine.begin() as connection:
            connection.execute(delete(WebhookTokenRow).where(*offered))

    def clear(self) -> None:
        """Delete the token in use and all offers. No connection has a webhook that works any more."""
        with self._engine.begin() as connection:
            connection.execute(delete(WebhookTokenRow))
            connection.execute(update(LinkDatabaseRow).values(webhook_at=None))

    def rotate_keys(self) -> int:
        """Encrypt all tokens with the first key. Return how many there are."""
        with Session(self._engine) as session, session.begin():
            rows = session.scalars(select(WebhookTokenRow).with_for_update()).all()
            for row in rows:
                row.token = self._cipher.rotate(row.token)
            return len(rows)

    def _value(self, row: WebhookTokenRow) -> WebhookToken:
        return WebhookToken(
            id=row.id,
            token=self._cipher.decrypt(row.token),
            address=row.address,
            offered_at=row.offered_at,
            confirmed_at=row.confirmed_at,
        )
