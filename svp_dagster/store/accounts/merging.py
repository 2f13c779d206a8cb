"""Makes one account of two: a person of an identity provider connects a Notion that has an account here already.

Notion's account stays, with its databases and settings. It gets all that the other one holds (`owned_tables`), and its
person. Only what belonged to the other one's own Notion, which is disconnected, is dropped.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from svp_dagster.store.library.library import move_words
from svp_dagster.store.my_data.mentions import move_mentions
from svp_dagster.store.my_data.ownership import direct_owner
from svp_dagster.store.tables import (
    Base,
    ConnectionRow,
    ContentDatabaseRow,
    DeletionRow,
    DigestRow,
    LinkDatabaseRow,
    LinkEntryRow,
    SignInRow,
)

OF_NOTION = (LinkDatabaseRow, ContentDatabaseRow, DigestRow, SignInRow)
"""What is worth nothing without the Notion that it was registered with, or was begun to connect it."""


class AccountGone(Exception):
    """The account was deleted meanwhile."""


class NotionTaken(Exception):
    """This Notion is connected to the account of another person of the identity provider."""


class OtherNotion(Exception):
    """The account has another Notion already."""


def connected_row(session: Session, account_id: str, found: ConnectionRow | None, *, now: datetime) -> ConnectionRow:
    """Return the row that a Notion belongs on when this account connects it, after merging where there are two.

    `found` is the locked row that the Notion has already. Raises `AccountGone`, `NotionTaken`, `OtherNotion`.
    """
    account = session.get(ConnectionRow, account_id, with_for_update=True)
    if account is None:
        raise AccountGone
    if found is None or found.id == account.id:
        if account.bot_id is not None and found is None:
            raise OtherNotion
        return account
    if found.subject is not None:
        raise NotionTaken
    if account.bot_id is not None:
        raise OtherNotion
    _merge(session, account, found, now=now)
    return found


def _merge(session: Session, account: ConnectionRow, into: ConnectionRow, *, now: datetime) -> None:
    issuer, subject = account.issuer, account.subject
    _lock_entries(session, account.id)
    for table in map(_table, OF_NOTION):
        session.execute(delete(table).where(table.c.connection_id == account.id))
    for table in Base.metadata.sorted_tables:
        if (column := direct_owner(table)) is not None:
            session.execute(update(table).where(column == account.id).values({column.name: into.id}))
    move_mentions(session, account.id, into.id)
    move_words(session, account.id, into.id)
    into.trusted = into.trusted or account.trusted
    into.output_language = into.output_language or account.output_language
    if into.monthly_budget_usd is None:
        into.monthly_budget_usd = account.monthly_budget_usd
    # Its runs name an account that is gone: the sweep cancels them, and their rows start again as the other's.
    gone = DeletionRow(connection_id=account.id, partition_keys=[], page_ids=[], access_token=None, requested_at=now)
    session.add(gone)
    session.delete(account)
    session.flush()  # before its person is on another row: the two are unique
    into.issuer, into.subject = issuer, subject


def _lock_entries(session: Session, connection_id: str) -> None:
    """Lock the account's rows in the order in which others do."""
    query = select(LinkEntryRow.page_id).where(LinkEntryRow.connection_id == connection_id)
    session.scalars(query.order_by(LinkEntryRow.page_id).with_for_update()).all()


def _table(row: type[Base]) -> Table:
    return Base.metadata.tables[row.__tablename__]
