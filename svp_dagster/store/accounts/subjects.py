"""People of an identity provider whose data were deleted.

A page that is still open sends its token after the deletion, and would make the account again. So tokens that were
issued before a deletion are refused for as long as one can be valid.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from svp_dagster.store.crypto import secret_hash
from svp_dagster.store.tables import ConnectionRow, DeletedSubjectRow

LONGEST_TOKEN_LIFE = timedelta(days=7)
"""Tokens that live longer are not accepted. Supabase's live for an hour by default, a week at most (assumed)."""
CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the clock of the provider may be ahead of ours: its `iat` is compared with our time."""


def remember_deletion(session: Session, row: ConnectionRow, *, now: datetime) -> None:
    """Refuse the tokens that were issued for this account so far. Forget the deletions that no token can be from."""
    forgotten = DeletedSubjectRow.deleted_at < now - LONGEST_TOKEN_LIFE - CLOCK_TOLERANCE * 10
    session.execute(delete(DeletedSubjectRow).where(forgotten))
    if row.issuer is not None and row.subject is not None:
        session.merge(DeletedSubjectRow(subject_hash=_hash(row.issuer, row.subject), deleted_at=now))


def was_deleted_since(session: Session, issuer: str, subject: str, *, issued_at: datetime) -> bool:
    """Return whether the data of this person were deleted after, or shortly before, a token was issued."""
    row = session.get(DeletedSubjectRow, _hash(issuer, subject))
    return row is not None and issued_at <= row.deleted_at + CLOCK_TOLERANCE


def _hash(issuer: str, subject: str) -> str:
    return secret_hash(f"{issuer}\n{subject}")
