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
"""Tokens that live longer are not accepted.

Source: supabase.com/docs/guides/auth/sessions: access tokens are meant to live for 5 minutes to an hour.
"""
CLOCK_TOLERANCE = timedelta(minutes=2)
"""The most that the provider's clock may be ahead of ours (`SVP_JWT_LEEWAY_S`): its `iat` is compared with our time."""
REMEMBERED_FOR = LONGEST_TOKEN_LIFE + 3 * CLOCK_TOLERANCE
"""How long a deletion is remembered: no token of before is valid then."""


def remember_deletion(session: Session, row: ConnectionRow, *, now: datetime) -> None:
    """Refuse the tokens that were issued for this account so far."""
    if row.issuer is not None and row.subject is not None:
        session.merge(DeletedSubjectRow(subject_hash=_hash(row.issuer, row.subject), deleted_at=now))


def forget_deletions(session: Session, *, now: datetime) -> None:
    """Forget the deletions of so long ago that no token of before can be valid."""
    session.execute(delete(DeletedSubjectRow).where(DeletedSubjectRow.deleted_at < now - REMEMBERED_FOR))


def was_deleted_since(session: Session, issuer: str, subject: str, *, issued_at: datetime) -> bool:
    """Return whether the data of this person were deleted after, or shortly before, a token was issued."""
    row = session.get(DeletedSubjectRow, _hash(issuer, subject))
    return row is not None and issued_at <= row.deleted_at + CLOCK_TOLERANCE


def _hash(issuer: str, subject: str) -> str:
    return secret_hash(f"{issuer}\n{subject}")
