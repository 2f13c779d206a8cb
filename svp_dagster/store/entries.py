"""Link entries: the truth about every row, and who may write it.

A run *claims* its row and every later write carries the run's id; a write by a run that no longer holds the claim
changes nothing and raises `ClaimLost`. So a worker that outlives its run can't write beside its retry.

A row whose run failed waits where that may help: it is pending, `retry_at` says until when and `sentence` why. Else it
has failed for good. Which of the two is decided by the `FailureRule` that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from svp_dagster.errors import ClaimLost, Code, EntryGone, failure
from svp_dagster.models import ContentPage, Link, LinkEntry, ProcessingType, RedoOutcome, Status, Value
from svp_dagster.store import transitions
from svp_dagster.store.engine import STAYS, retry_conflict
from svp_dagster.store.library.search import matching
from svp_dagster.store.partition_keys import partition_keys
from svp_dagster.store.tables import ConnectionRow, LedgerRow, LinkEntryRow
from svp_dagster.store.transitions import FailureOutcome, FailureRule


class PageTaken(Exception):
    """The content page is another entry's."""


class Entry(Value):
    """A link entry as the store knows it."""

    link: LinkEntry
    partition_key: str | None
    status: Status
    version: int
    synced_version: int
    requests: int
    attempts: int
    holder: str | None
    run_id: str | None
    failure_code: Code | None
    sentence: str | None
    waits: int
    tries: int = 0
    waiting_since: datetime | None
    retry_at: datetime | None
    media_key: str | None
    title: str
    stage_seconds: dict[str, float]
    engines: dict[str, str]
    content_page_id: str | None
    content_page_url: str | None
    content_data_source_id: str | None
    made_for: str | None = None
    redo_id: str | None = None
    redo_outcome: RedoOutcome | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def is_unsynced(self) -> bool:
        """Whether Notion doesn't show the status yet."""
        return self.synced_version < self.version

    @property
    def is_waiting(self) -> bool:
        """Whether it was put back to wait until `retry_at`."""
        return self.status is Status.PENDING and self.holder is None and self.retry_at is not None

    @property
    def is_in_redo(self) -> bool:
        """Whether its page is being made again, or is to be, while the row stays completed."""
        return self.redo_id is not None and self.redo_outcome is None and self.status is Status.COMPLETED

    @property
    def can_retry(self) -> bool:
        """Whether a person may request it again: it failed, or waits to be tried again."""
        return self.status is Status.FAILED or self.is_waiting

    def is_new_request(self, edited_at: datetime) -> bool:
        """Whether its row, pending and last edited at this time, is a new request.

        It is for a finished entry, and for one that waits and was edited since its wait was written to Notion.
        (Notion's edit times are cut to the minute: an edit in the same minute isn't seen.) A direct entry has no row to
        edit: `request_again` requests it.
        """
        if not self.link.has_row:
            return False
        edited = not self.is_unsynced and edited_at > self.link.last_edited_time
        return self.status.is_final or (self.is_waiting and edited)


class Entries:
    """Queries over link entries."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, page_id: str) -> Entry | None:
        """The entry of a row."""
        with Session(self._engine) as session:
            row = session.get(LinkEntryRow, page_id)
            return to_entry(row) if row else None

    def known(self, page_ids: Iterable[str]) -> dict[str, Entry]:
        """The entries among these rows, by page id."""
        query = select(LinkEntryRow).where(LinkEntryRow.page_id.in_(list(page_ids)))
        with Session(self._engine) as session:
            return {row.page_id: to_entry(row) for row in session.scalars(query)}

    def of_partitions(self, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries that have one of these partition keys, by key."""
        query = select(LinkEntryRow).where(LinkEntryRow.partition_key.in_(list(keys)))
        with Session(self._engine) as session:
            return {row.partition_key: to_entry(row) for row in session.scalars(query) if row.partition_key}

    def request(
        self, link: LinkEntry, *, now: datetime, also: Callable[[Session, LinkEntryRow], None] = lambda *_: None
    ) -> Entry:
        """Record that a person requested this entry: a new one, or a new request (`Entry.is_new_request`).

        For another entry that no run holds, only what the person wrote is brought up to date. The entry has a partition
        key from here on. `also` is done in the same transaction. Raises `EntryGone` where the connection's data were
        deleted.
        """

        def then(session: Session, row: LinkEntryRow) -> None:
            _give_partition_key(session, row)
            session.flush()
            also(session, row)

        return retry_conflict(lambda: self._request(link, now=now, then=then, may_make=True))

    def request_again(self, page_id: str, *, now: datetime) -> Entry | None:
        """Record that a person requested a row again that is finished or waits. None for any other."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            row = session.get(LinkEntryRow, page_id, with_for_update=True)
            if row is None or not (Status(row.status).is_final or to_entry(row).is_waiting):
                return None
            transitions.reopen(row, now=now)
            row.synced_version = row.version  # the caller wrote it to Notion
        return to_entry(row)

    def postpone(self, link: LinkEntry, outcome: FailureOutcome, *, now: datetime) -> Entry:
        """Let a row wait that no run is spent on now. Its status is unsynced. Raises `EntryGone`."""

        def wait(_session: Session, row: LinkEntryRow) -> None:
            if row.holder is None:
                transitions.wait(row, outcome, now=now)

        return retry_conflict(lambda: self._request(link, now=now, then=wait, may_make=link.has_row))

    def reject(self, link: LinkEntry, outcome: FailureOutcome, *, now: datetime) -> Entry:
        """End a row that no run is spent on. Its status is unsynced. Raises `EntryGone`."""

        def end(_session: Session, row: LinkEntryRow) -> None:
            transitions.fail_for_good(row, outcome, now=now)

        return retry_conflict(lambda: self._request(link, now=now, then=end, may_make=link.has_row))

    def claim(self, page_id: str, run_id: str, *, may_take_over: Callable[[str], bool], now: datetime) -> Entry:
        """Let `run_id` alone write this row from now on.

        A holder before it is asked about: `may_take_over(holder)` says whether that run is over. Raises `ClaimLost`
        while it isn't, and for a run whose own claim ended (its worker outlived it); `EntryGone` for a row that isn't
        known. A finished row that an operator runs again is pending once more, unless it is in a redo.
        """
        with Session(self._engine) as session:
            row = session.get(LinkEntryRow, page_id)
            if row is None:
                raise EntryGone(page_id)
            if row.holder == run_id:
                return to_entry(row)
            holder, last_run_id = row.holder, row.run_id
        if last_run_id == run_id or (holder is not None and not may_take_over(holder)):
            raise ClaimLost(page_id)

        def change(row: LinkEntryRow) -> None:
            if transitions.is_in_redo(row):
                row.failure_code = row.sentence = row.retry_at = None
            elif Status(row.status).is_final:
                transitions.reopen(row, now=now)
            row.holder = row.run_id = run_id
            row.attempts, row.updated_at = row.attempts + 1, now

        return self._write(page_id, holder, change)

    def set_status(self, page_id: str, run_id: str, status: Status, *, now: datetime) -> Entry:
        """Record the stage that the row is at. Raises `ClaimLost`. Rows end by `complete` and `fail`, not by this."""
        if status.is_final:
            raise ValueError(status)

        def change(row: LinkEntryRow) -> None:
            transitions.set_status(row, status, now=now)
            row.failure_code = row.sentence = row.retry_at = None

        return self._write(page_id, run_id, change)

    def note(
        self,
        page_id: str,
        run_id: str,
        *,
        stage: str,
        seconds: float,
        engine: str = "",
        media_key: str | None = None,
        title: str | None = None,
    ) -> Entry:
        """Keep what a stage found out and how long it took. Raises `ClaimLost`."""

        def change(row: LinkEntryRow) -> None:
            row.stage_seconds = {**row.stage_seconds, stage: round(seconds, 3)}
            row.engines = {**row.engines, stage: engine} if engine else row.engines
            row.media_key = media_key or row.media_key
            row.title = title if title is not None else row.title

        return self._write(page_id, run_id, change)

    def set_content_page(self, page_id: str, run_id: str, page: ContentPage, *, data_source_id: str) -> Entry:
        """Keep which page was made, before the row is completed. Raises `ClaimLost`, and `PageTaken`."""

        def change(row: LinkEntryRow) -> None:
            row.content_page_id, row.content_page_url = page.page_id, page.url
            row.content_data_source_id = data_source_id

        try:
            return self._write(page_id, run_id, change)
        except IntegrityError as error:
            raise PageTaken(page.page_id) from error

    def complete(self, page_id: str, run_id: str, *, now: datetime, made_for: str | None = None) -> Entry:
        """Record that the page is there, and what it was made for. The claim ends. Raises `ClaimLost`."""
        return self._write(page_id, run_id, lambda row: transitions.complete(row, made_for=made_for, now=now))

    def complete_unclaimed(self, page_id: str, page: ContentPage, *, data_source_id: str, now: datetime) -> bool:
        """Record that an entry that no run holds has its page. Return whether it was unfinished until now."""
        query = select(LinkEntryRow).where(LinkEntryRow.page_id == page_id, LinkEntryRow.holder.is_(None))
        with Session(self._engine) as session, session.begin():
            row = session.scalar(query.with_for_update())
            if row is None or Status(row.status).is_final:
                return False
            row.content_page_id, row.content_page_url = page.page_id, page.url
            row.content_data_source_id = data_source_id
            transitions.complete(row, made_for=None, now=now)
            return True

    def fail(self, page_id: str, run_id: str, rule: FailureRule, *, now: datetime) -> Entry:
        """End the claim of a run that failed. The row waits or has failed for good, as the rule says.

        Raises `ClaimLost`.
        """
        return self._write(page_id, run_id, lambda row: transitions.fail(row, rule, now=now))

    def fail_unclaimed(self, page_id: str, run_id: str | None, rule: FailureRule, *, now: datetime) -> Entry | None:
        """Do the same for an entry that the run (None: whichever there was) ended without ever claiming.

        None if there is nothing to do: the entry is finished, held, waits still, or was that run's.
        """
        query = select(LinkEntryRow).where(LinkEntryRow.page_id == page_id, LinkEntryRow.holder.is_(None))
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            row = session.scalar(query.with_for_update())
            if row is None or (Status(row.status).is_final and not transitions.is_in_redo(row)):
                return None
            if row.retry_at is not None and row.retry_at > now:
                return None
            if run_id is not None and row.run_id == run_id:
                return None
            transitions.fail(row, rule, now=now)
        return to_entry(row)

    def row_gone(self, page_id: str, *, now: datetime) -> None:
        """End an entry that no run holds and whose row was deleted. There is nothing left to sync."""
        outcome = FailureOutcome(code=Code.ROW_GONE, sentence=failure(Code.ROW_GONE).sentence, retry_at=None)
        query = select(LinkEntryRow).where(LinkEntryRow.page_id == page_id, LinkEntryRow.holder.is_(None))
        with Session(self._engine) as session, session.begin():
            row = session.scalar(query.with_for_update())
            if row is not None and not Status(row.status).is_final:
                transitions.fail_for_good(row, outcome, now=now)
                row.synced_version = row.version

    def mark_unsynced(self, page_id: str, *, now: datetime) -> None:
        """Force the next sweep to write the status of an entry that no run holds to Notion again.

        A direct entry only counts as looked at.
        """
        query = select(LinkEntryRow).where(LinkEntryRow.page_id == page_id, LinkEntryRow.holder.is_(None))
        with Session(self._engine) as session, session.begin():
            row = session.scalar(query.with_for_update())
            if row is not None:
                transitions.set_status(row, Status(row.status), now=now)

    def synced(self, page_id: str, version: int, *, now: datetime, edited_at: datetime | None = None) -> None:
        """Record that Notion shows this version of the status. `edited_at` is the row's last edit, which was ours."""
        values: dict[str, Any] = {"synced_version": version, "updated_at": now}
        if edited_at is not None:
            values["last_edited_time"] = edited_at
        with self._engine.begin() as connection:
            connection.execute(
                update(LinkEntryRow)
                .where(
                    LinkEntryRow.page_id == page_id,
                    LinkEntryRow.synced_version < version,
                    LinkEntryRow.version >= version,
                )
                .values(values)
            )

    def held_by(self, run_id: str) -> Entry | None:
        """The entry that this run holds."""
        with Session(self._engine) as session:
            row = session.scalar(select(LinkEntryRow).where(LinkEntryRow.holder == run_id))
            return to_entry(row) if row else None

    def unsynced(self, *, before: datetime, per_connection: int, limit: int) -> list[Entry]:
        """Entries whose status Notion doesn't show and that nobody changed since `before`, oldest first.

        Few of each connection, so that one with many doesn't hide the others. None of ended connections, to which
        nothing can be written.
        """
        row = LinkEntryRow
        turn = func.row_number().over(partition_by=row.connection_id, order_by=(row.updated_at, row.page_id))
        ranked = (
            select(row.page_id, turn.label("turn"))
            .join(ConnectionRow, ConnectionRow.id == row.connection_id)
            .where(ConnectionRow.active, ConnectionRow.bot_id.is_not(None))
            .where(row.is_unsynced == true(), row.updated_at < before)  # as the partial index has it
            .subquery()
        )
        query = (
            select(row)
            .join(ranked, ranked.c.page_id == row.page_id)
            .where(ranked.c.turn <= per_connection)
            .order_by(row.updated_at, row.page_id)
            .limit(limit)
        )
        with Session(self._engine) as session:
            return [to_entry(row) for row in session.scalars(query)]

    def pages_of_others(self, entry: Entry) -> list[str]:
        """The content pages that may be taken for the entry's own: those of the connection's other entries.

        These are the ones for the same video, and all that were recorded since shortly before the entry was made: where
        no column holds the link, another video's page may have the same title, and Notion tells when a page was made to
        the minute.
        """
        row = LinkEntryRow
        since = entry.created_at - timedelta(minutes=5)
        query = select(row.content_page_id).where(
            row.connection_id == entry.link.connection_id,
            or_(row.media_key == entry.media_key, row.updated_at >= since),
            row.content_page_id.is_not(None),
            row.page_id != entry.link.page_id,
        )
        with Session(self._engine) as session:
            return [page_id for page_id in session.scalars(query) if page_id]

    def media_keys(self) -> set[str]:
        """The keys of all videos that entries have."""
        query = select(LinkEntryRow.media_key).where(LinkEntryRow.media_key.is_not(None)).distinct()
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def page(
        self,
        connection_id: str,
        *,
        statuses: Collection[Status] | None = None,
        tag: str | None = None,
        platform: str | None = None,
        text: str = "",
        offset: int,
        limit: int,
    ) -> tuple[list[Entry], int]:
        """A connection's entries, newest first, and how many there are in all.

        With a `text`, only those whose outcome has its words (`store.library.search`).
        """
        query = select(LinkEntryRow).where(LinkEntryRow.connection_id == connection_id)
        if statuses is not None:
            query = query.where(LinkEntryRow.status.in_(statuses))
        if tag is not None:
            query = query.where(LinkEntryRow.tag == tag)
        if platform is not None:
            query = query.where(LinkEntryRow.platform == platform)
        if text.strip():
            query = query.where(matching(text, connection_id=connection_id, dialect=self._engine.dialect.name))
        newest_first = query.order_by(LinkEntryRow.created_at.desc(), LinkEntryRow.page_id)
        with Session(self._engine) as session:
            total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            return [to_entry(row) for row in session.scalars(newest_first.offset(offset).limit(limit))], total

    def counts(self, connection_id: str, *, tag: str | None = None) -> dict[Status, int]:
        """How many of a connection's entries have each status."""
        query = select(LinkEntryRow.status, func.count()).where(LinkEntryRow.connection_id == connection_id)
        if tag is not None:
            query = query.where(LinkEntryRow.tag == tag)
        with self._engine.connect() as connection:
            found = {Status(status): count for status, count in connection.execute(query.group_by(LinkEntryRow.status))}
        return {status: found.get(status, 0) for status in Status}

    def costs(self, page_ids: Iterable[str]) -> dict[str, tuple[float, bool]]:
        """Per row, what was paid in US dollars and whether all prices were known. Rows with no paid call are absent."""
        query = (
            select(
                LedgerRow.page_id,
                func.coalesce(func.sum(LedgerRow.cost_usd), 0.0),
                func.count() == func.count(LedgerRow.cost_usd),
            )
            .where(LedgerRow.page_id.in_(list(page_ids)))
            .group_by(LedgerRow.page_id)
        )
        with self._engine.connect() as connection:
            return {page_id: (float(cost or 0), bool(known)) for page_id, cost, known in connection.execute(query)}

    def _request(
        self, link: LinkEntry, *, now: datetime, then: Callable[[Session, LinkEntryRow], None], may_make: bool
    ) -> Entry:
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            row = session.get(LinkEntryRow, link.page_id, with_for_update=True)
            if row is None and not may_make:
                raise EntryGone(link.page_id)  # its owner deleted it: there is no row that it could be read from again
            if row is None:
                _require_connection(session, link)
                row = transitions.new_row(link, now=now)
                transitions.take_over_what_was_written(row, link)
                session.add(row)
            elif to_entry(row).is_new_request(link.last_edited_time):
                transitions.reopen(row, now=now)
                row.synced_version = row.version  # the person wrote "pending": Notion shows it already
            if row.holder is None:  # else a run works with what was written before
                transitions.take_over_what_was_written(row, link)
            then(session, row)
        return to_entry(row)

    def _write(self, page_id: str, holder: str | None, change: Callable[[LinkEntryRow], None]) -> Entry:
        """Change the row if `holder` (None: nobody) holds it."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            row = held_row(session, page_id, holder)
            change(row)
        return to_entry(row)


def held_row(session: Session, page_id: str, holder: str | None) -> LinkEntryRow:
    """Return the row, locked, if `holder` (None: nobody) holds it. Raises `ClaimLost`, `EntryGone`."""
    query = select(LinkEntryRow).where(
        LinkEntryRow.page_id == page_id, LinkEntryRow.holder.is_not_distinct_from(holder)
    )
    row = session.scalar(query.with_for_update())
    if row is None:
        raise (EntryGone if session.get(LinkEntryRow, page_id) is None else ClaimLost)(page_id)
    return row


def _require_connection(session: Session, link: LinkEntry) -> None:
    if session.get(ConnectionRow, link.connection_id, with_for_update=STAYS) is None:
        raise EntryGone(link.page_id)


def _give_partition_key(session: Session, row: LinkEntryRow) -> None:
    """Give the row its key, unless it has one. It stays whatever is edited: Dagster's history goes by it."""
    if row.partition_key is None:
        short, long = partition_keys(to_entry(row).link)
        is_taken = session.scalar(select(LinkEntryRow.page_id).where(LinkEntryRow.partition_key == short)) is not None
        row.partition_key = long if is_taken else short


def to_entry(row: LinkEntryRow) -> Entry:
    """Return the value of a table's row."""
    fields: dict[str, Any] = {name: getattr(row, name) for name in Entry.model_fields if name != "link"}
    is_link = row.link_url is not None and row.platform is not None
    link = LinkEntry(
        page_id=row.page_id,
        connection_id=row.connection_id,
        url=row.url,
        link=Link(url=row.link_url, platform=row.platform, post_id=row.post_id) if is_link else None,
        tag=row.tag,
        processing_type=ProcessingType(row.processing_type),
        has_row=row.has_row,
        last_edited_time=row.last_edited_time,
    )
    return Entry(link=link, **fields)
