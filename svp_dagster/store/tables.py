"""The tables. Queries live beside them, one module per concern; nothing outside `store` sees a table.

Every point in time is an aware UTC datetime (`UtcDateTime`) and every text one that both databases can hold
(`PlainText`), so that a test on SQLite says something about PostgreSQL.

Every row that belongs to a connection points to it, directly or through its entry, and is deleted with it
(`ON DELETE CASCADE`). `store/my_data` derives from that what it exports and deletes. Columns with secrets are marked as
`SECRET` and not exported. A table that no connection owns says why in its `SHARED`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Computed,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

SECRET = "secret"  # noqa: S105 (the name of a mark)
"""Marks a column that is never exported."""
SHARED = "shared"
"""Where a table says why its rows belong to no connection."""


SEARCH = "outcome_search"
"""SQLite's index of words with the tables in which it keeps itself, and PostgreSQL's index."""


def is_of_search(name: str | None) -> bool:
    """Return whether a table or index of the database belongs to the search, which SQLAlchemy can't describe."""
    return name is not None and name.startswith(SEARCH)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, in both databases; a naive one is a defect and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """To the database."""
        if value is not None and value.tzinfo is None:
            msg = "naive datetime"
            raise ValueError(msg)
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """From the database: SQLite forgets the zone, PostgreSQL answers in the server's."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text without what a database refuses: NUL (PostgreSQL) and lone surrogates (both)."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """To the database."""
        return value.replace("\0", "").encode(errors="replace").decode() if value is not None else None


class Base(DeclarativeBase):
    """Gives constraints stable names, which migrations need."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, str: PlainText, dict[str, Any]: JSON}  # noqa: RUF012 (SQLAlchemy's form)


def _shared(why: str) -> dict[str, Any]:
    return {"info": {SHARED: why}}


def _partial_index(name: str, *columns: str, where: str) -> Index:
    """Return an index of the few rows that a sweep looks for, which stays small however many rows there are."""
    sqlite_where = where.replace("= false", "= 0").replace("= true", "= 1")
    return Index(
        name,
        *columns,
        sqlite_where=text(sqlite_where),
        postgresql_where=text(where),
    )


class ConnectionRow(Base):
    """An account. Tokens are Fernet texts. `trusted`: by the operator, else it counts as new.

    It has an authorised Notion workspace (`bot_id`), a person of an identity provider (`issuer`, `subject`), or both.
    `digest_home_id` is the Notion page below which weekly digests are made; null: none are.
    """

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    bot_id: Mapped[str | None] = mapped_column(unique=True)
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    workspace_id: Mapped[str]
    workspace_name: Mapped[str]
    workspace_icon: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[str] = mapped_column(default="")
    owner_name: Mapped[str] = mapped_column(default="")
    access_token: Mapped[str | None] = mapped_column(info={SECRET: True})
    refresh_token: Mapped[str | None] = mapped_column(info={SECRET: True})
    refresh_lease_until: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    output_language: Mapped[str] = mapped_column(default="")
    monthly_budget_usd: Mapped[float | None]
    digest_home_id: Mapped[str | None]
    digest_home_title: Mapped[str] = mapped_column(default="")
    trusted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class DigestRow(Base):
    """The page with the digest of a week. `week` is its Monday in ISO 8601."""

    __tablename__ = "digests"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    week: Mapped[str] = mapped_column(primary_key=True)
    page_id: Mapped[str]
    page_url: Mapped[str]
    updated_at: Mapped[datetime]


class LinkDatabaseRow(Base):
    """The Link Database of a connection, and when it is polled next.

    `requested_at` is when a person last asked for a poll, null once it was polled since. `backlog` counts the rows that
    the last poll found ready and left, since their connection had as many runs as it may have. `active_at`,
    `changed_at` and `webhook_at` decide how often it is polled (`store.databases.LinkDatabase`).
    """

    __tablename__ = "link_databases"

    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True)
    database_id: Mapped[str]
    data_source_id: Mapped[str] = mapped_column(index=True)
    url: Mapped[str] = mapped_column(default="")
    schema: Mapped[dict[str, Any]]
    due_at: Mapped[datetime] = mapped_column(index=True)
    requested_at: Mapped[datetime | None] = mapped_column(index=True)
    backlog: Mapped[int] = mapped_column(default=0)
    polled_at: Mapped[datetime | None]
    active_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    webhook_at: Mapped[datetime | None]
    poll_failures: Mapped[int] = mapped_column(default=0)
    poll_problem: Mapped[str] = mapped_column(default="")


class ContentDatabaseRow(Base):
    """The Content Database of a tag."""

    __tablename__ = "content_databases"
    __table_args__ = (UniqueConstraint("connection_id", "tag"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    tag: Mapped[str]
    database_id: Mapped[str]
    data_source_id: Mapped[str]
    url: Mapped[str] = mapped_column(default="")
    schema: Mapped[dict[str, Any]]
    prompt: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class LinkEntryRow(Base):
    """The truth about a row of a Link Database.

    `url` is what the person wrote; `link_url`, `platform` and `post_id` are the link in it (`models.Link`).
    `partition_key` is Dagster's key of the row, made when it is first started and kept from then on (`partition_keys`).
    `holder` is the run that may write; `version` counts status changes and `synced_version` is the last one that
    Notion shows: while it is lower, the status is unsynced (`is_unsynced`, of which PostgreSQL knows how rare it
    is). `requests` counts how often a person requested the row, `waits` how often a run put it back to wait since
    then, the first time at `waiting_since`, and `attempts` the runs since the request or the last wait. `tries` are
    the waits that count: those for a site's pause, a throttle or a turn don't.
    `made_for` is a digest of the columns and the prompt that the page was made for (`notion.column_digest`).
    `redo_id` is the last redo of the row, and `redo_outcome` what became of it, null while it is open. A completed row
    stays completed in a redo. Its failures and waits are those of the redo then.
    An entry without a row in Notion (`has_row`) is direct: its status is always synced.
    """

    __tablename__ = "link_entries"
    __table_args__ = (
        _partial_index("ix_link_entries_direct", "has_row", "status", "connection_id", where="has_row = false"),
        Index("ix_link_entries_recent", "connection_id", "created_at"),
        _partial_index("ix_link_entries_holder", "holder", where="holder IS NOT NULL"),
        _partial_index("ix_link_entries_retry", "connection_id", "retry_at", where="retry_at IS NOT NULL"),
        _partial_index("ix_link_entries_unsynced", "is_unsynced", "updated_at", where="is_unsynced = true"),
        Index("ix_link_entries_status", "status", "updated_at"),
    )

    page_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    partition_key: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str]
    link_url: Mapped[str | None]
    platform: Mapped[str | None]
    post_id: Mapped[str | None]
    tag: Mapped[str]
    processing_type: Mapped[str]
    has_row: Mapped[bool] = mapped_column(default=True)
    last_edited_time: Mapped[datetime]
    status: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    synced_version: Mapped[int] = mapped_column(default=1)
    is_unsynced: Mapped[bool] = mapped_column(Computed("synced_version < version", persisted=True))
    requests: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    holder: Mapped[str | None]
    run_id: Mapped[str | None]
    failure_code: Mapped[str | None]
    sentence: Mapped[str | None]
    waits: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    waiting_since: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    media_key: Mapped[str | None] = mapped_column(index=True)
    title: Mapped[str] = mapped_column(default="")
    stage_seconds: Mapped[dict[str, Any]] = mapped_column(default=dict)
    engines: Mapped[dict[str, Any]] = mapped_column(default=dict)
    content_page_id: Mapped[str | None] = mapped_column(unique=True)
    content_page_url: Mapped[str | None]
    content_data_source_id: Mapped[str | None]
    made_for: Mapped[str | None]
    redo_id: Mapped[str | None] = mapped_column(index=True)
    redo_outcome: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class UploadRow(Base):
    """The file that was uploaded for an entry, and its key in the storage, where it stays as long as the entry."""

    __tablename__ = "uploads"

    page_id: Mapped[str] = mapped_column(ForeignKey("link_entries.page_id", ondelete="CASCADE"), primary_key=True)
    filename: Mapped[str]
    content_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    storage_key: Mapped[str]


class OutcomeRow(Base):
    """What came out of an entry (`models.Outcome`), in parts. `words` are those by which it is found.

    `id` is the row's number in SQLite's index of words, which follows this table by triggers; PostgreSQL has an index
    on `words`. Both are made by the migration and are no tables or indexes of ours (`is_of_search`).
    """

    __tablename__ = "outcomes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    page_id: Mapped[str] = mapped_column(ForeignKey("link_entries.page_id", ondelete="CASCADE"), unique=True)
    video: Mapped[dict[str, Any]]
    transcript: Mapped[dict[str, Any]]
    screen_text: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    words: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(index=True)


class RedoRow(Base):
    """A request to make the pages of completed rows again. `id` is also the id of its backfill in Dagster.

    `asked` is what was asked for (`store.redos.selection.RedoFilter`), `total` how many rows were chosen then.
    `launched_at` is null until its backfill is there, `finished_at` until no row is open any more.
    """

    __tablename__ = "redos"

    id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    asked: Mapped[dict[str, Any]]
    total: Mapped[int]
    requested_at: Mapped[datetime]
    launched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)


class ContentRow(Base):
    """A result kept by what it was made of: nothing is paid for twice."""

    __tablename__ = "contents"
    __table_args__ = _shared("Entries of several connections may use a result (`content_uses`).")

    media_key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    recipe: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)


class ContentUseRow(Base):
    """An entry that made or used a result. A result without one is deleted."""

    __tablename__ = "content_uses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["media_key", "kind", "recipe"],
            ["contents.media_key", "contents.kind", "contents.recipe"],
            name="fk_content_uses_contents",
            ondelete="CASCADE",
        ),
        Index("ix_content_uses_content", "media_key", "kind", "recipe"),
    )

    page_id: Mapped[str] = mapped_column(ForeignKey("link_entries.page_id", ondelete="CASCADE"), primary_key=True)
    media_key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    recipe: Mapped[str] = mapped_column(primary_key=True)


class LedgerRow(Base):
    """One paid call. `cost_usd` is null where the price isn't known.

    A row without a connection is a sum: what connections whose data were deleted had paid on a day. The indexes have
    the cost too, so that a month is added up without reading its calls.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        Index("ix_ledger_month", "connection_id", "at", "cost_usd"),
        Index("ix_ledger_at", "at", "cost_usd"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    connection_id: Mapped[str | None] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    page_id: Mapped[str] = mapped_column(index=True)
    run_id: Mapped[str]
    service: Mapped[str]
    model: Mapped[str]
    units: Mapped[float]
    unit: Mapped[str]
    cost_usd: Mapped[float | None]
    detail: Mapped[dict[str, Any]]


class ReservationRow(Base):
    """A paid call that is under way. Its cost isn't in the ledger yet, but counts towards the caps."""

    __tablename__ = "reservations"

    id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


class PlatformRow(Base):
    """How downloads from a site go. While `paused_since` is set, its rows wait and a canary is downloaded now and then.

    `failing` are the posts that failed since one worked (`platforms.FailedPost`). `browser` is the one that got an
    answer after others were refused.
    """

    __tablename__ = "platforms"
    __table_args__ = _shared("It names rows of all connections (`my_data/mentions.py`).")

    name: Mapped[str] = mapped_column(primary_key=True)
    failing: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    failure_code: Mapped[str | None]
    on_trial: Mapped[bool] = mapped_column(default=False)
    paused_since: Mapped[datetime | None]
    resumed_at: Mapped[datetime | None]
    canary_at: Mapped[datetime | None]
    canaries: Mapped[int] = mapped_column(default=0)
    canary_problem: Mapped[str] = mapped_column(default="")
    good_at: Mapped[datetime | None]
    downloader: Mapped[str] = mapped_column(default="")
    browser: Mapped[str | None]
    updated_at: Mapped[datetime]


class UnknownAnswerRow(Base):
    """The first answer of a kind that no rule knows. A `status` of 0 is none."""

    __tablename__ = "unknown_answers"
    __table_args__ = _shared("Nothing in an answer says for whom it was asked.")

    service: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]
    count: Mapped[int] = mapped_column(default=1)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class AddressRow(Base):
    """The requests that Instagram got from an outgoing address (`store.addresses.Address`)."""

    __tablename__ = "addresses"
    __table_args__ = _shared("It names rows of all connections (`my_data/mentions.py`).")

    name: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class AlertRow(Base):
    """What occurred of a cause since the operator was last alerted of it, at `sent_at` (`store.alerts.Alert`)."""

    __tablename__ = "alerts"
    __table_args__ = _shared("It says what is wrong with the installation, and names no row.")

    cause: Mapped[str] = mapped_column(primary_key=True)
    sentence: Mapped[str]
    link: Mapped[str]
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    tries: Mapped[int]


class TallyRow(Base):
    """A number that only grows, for metrics (`telemetry.tallies.Series`). `labels` is JSON with sorted keys."""

    __tablename__ = "tallies"
    __table_args__ = _shared("It counts what all connections did, and names none.")

    name: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]


class SignInRow(Base):
    """A sign-in at Notion that was begun: single use, tied to a browser. Both secrets are kept as SHA-256.

    With a connection, Notion is connected to that account. Such a row begins as a link for its owner, which no browser
    has used yet (`store.web.notion_links`): `browser_hash` is empty, and `account_name` says whose account it is.
    """

    __tablename__ = "sign_ins"

    state_hash: Mapped[str] = mapped_column(primary_key=True, info={SECRET: True})
    browser_hash: Mapped[str] = mapped_column(info={SECRET: True})
    connection_id: Mapped[str | None] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    account_name: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SessionRow(Base):
    """A session of a browser, whose secret is kept as SHA-256. The operator's has no connection."""

    __tablename__ = "sessions"

    secret_hash: Mapped[str] = mapped_column(primary_key=True, info={SECRET: True})
    connection_id: Mapped[str | None] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


class ApiTokenRow(Base):
    """A personal API token, kept as SHA-256, and what it may do (`store.web.callers.Scope`)."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True, info={SECRET: True})
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class WebhookTokenRow(Base):
    """A verification token of Notion's webhooks, encrypted. `id` is its SHA-256; only one in use is confirmed."""

    __tablename__ = "webhook_tokens"
    __table_args__ = _shared("It holds the installation's own secrets.")

    id: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    address: Mapped[str]
    offered_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class DeletionRow(Base):
    """A connection whose data were deleted, kept until its traces outside the store are gone too.

    `partition_keys` are those of its rows, by which Dagster knows them. `page_ids` are the rows whose files may still
    be in the storage. `access_token`, encrypted, is there until Notion revoked it.
    """

    __tablename__ = "deletions"
    __table_args__ = _shared("The connection is gone; the sweep deletes the row within a day.")

    connection_id: Mapped[str] = mapped_column(primary_key=True)
    partition_keys: Mapped[list[str]] = mapped_column(JSON)
    page_ids: Mapped[list[str]] = mapped_column(JSON)
    access_token: Mapped[str | None] = mapped_column(info={SECRET: True})
    requested_at: Mapped[datetime]


class DeletedSubjectRow(Base):
    """A person of an identity provider whose data were deleted, as SHA-256 of issuer and subject.

    It is kept as long as tokens may be valid that were issued before.
    """

    __tablename__ = "deleted_subjects"
    __table_args__ = _shared("The connection is gone; the row goes when no token of before can be valid.")

    subject_hash: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(index=True)
