"""What the sensor does, without Dagster: read the pending rows, decide, keep the decision.

`decide` is pure: all that it needs is handed in, so that its rules can be read and tested in one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import LinkEntry, Status
from svp_dagster.notion.rows import InvalidRow, status_type
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.platforms import BLAMED, pause
from svp_dagster.rows.waiting import PAUSE_LIMIT, next_try
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.entries import Entry
from svp_dagster.store.platforms import Platform

SETTLING = timedelta(seconds=5)
"""How long Notion may still list a row as pending after another status was written."""
MAX_BACKOFF = timedelta(minutes=30)
"""How long a connection whose reads fail is left alone at most."""

Row = LinkEntry | InvalidRow


@dataclass(frozen=True, kw_only=True)
class Request:
    """A row to start a run for. `number` counts how often a person asked for it, `waits` how often it waited since."""

    link: LinkEntry
    number: int
    waits: int

    @property
    def run_key(self) -> str:
        """Unique per wish and wait, since Dagster never starts a second run for a key.

        Notion cuts `last_edited_time` to the minute, so it alone doesn't tell two wishes apart.
        """
        return f"{self.link.page_id}:{self.link.last_edited_time.isoformat()}:{self.number}:{self.waits}"


@dataclass(frozen=True, kw_only=True)
class Postponement:
    """A row that is to wait for its platform."""

    link: LinkEntry
    error: SvpError
    until: datetime


@dataclass(kw_only=True)
class Decision:
    """What to do about the rows that were seen. `skipped` says why, by page id.

    `edited` have a run that hasn't begun, and say something else now than when it was asked for. `more`: some rows
    were left for the next tick because of the limit.
    """

    requests: list[Request] = field(default_factory=list)
    rejections: list[tuple[LinkEntry, SvpError]] = field(default_factory=list)
    postponements: list[Postponement] = field(default_factory=list)
    edited: list[LinkEntry] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    more: bool = False

    @property
    def rows(self) -> int:
        """How many rows are dealt with."""
        return len(self.requests) + len(self.rejections) + len(self.postponements)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The pending rows of one Link Database, or why they could not be read. Never both, never neither."""

    link_database: LinkDatabase
    rows: tuple[Row, ...] = ()
    problem: SvpError | None = None


def read_due(
    link_rows: LinkRows, due: Sequence[LinkDatabase], *, workers: int, budget_s: float
) -> tuple[list[Reading], int]:
    """Ask several Link Databases at once; returns the readings and how many did not answer within the budget.

    Those that did not stay due, and are asked again at the next tick.
    """
    pool = ThreadPoolExecutor(workers, "poll")
    futures: list[Future[Reading]] = [pool.submit(_read, link_rows, database) for database in due]
    readings: list[Reading] = []
    try:
        readings.extend(future.result() for future in as_completed(futures, timeout=budget_s))
    except TimeoutError:
        pass  # counted by the caller: what is missing stays due
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return readings, len(due) - len(readings)


def _read(link_rows: LinkRows, database: LinkDatabase) -> Reading:
    try:
        workspace = link_rows.workspace(database.connection_id)
        rows = workspace.pending_rows(database.data_source_id, status_type(database.data_schema))
    except SvpError as error:
        return Reading(link_database=database, problem=error)
    return Reading(link_database=database, rows=tuple(rows))


def decide(
    rows: Iterable[Row],
    *,
    known: Mapping[str, Entry],
    in_progress: Collection[str],
    platforms: Mapping[str, Platform],
    tags: Collection[str],
    extra_hosts: Collection[str],
    read_at: datetime,
    limit: int,
) -> Decision:
    """Which pending rows get a run, which are ended without one, which wait, and which are left alone.

    `in_progress` are the page ids that have a run queued or going on; `read_at` is when the reading began: what the
    store learned later is newer than the row that was read. `limit` bounds the rows that are dealt with.
    """
    decision = Decision()
    for row in sorted(rows, key=lambda row: (row.last_edited_time, row.page_id)):
        entry, (link, problem) = known.get(row.page_id), _parsed(row, extra_hosts)
        platform = platforms.get(link.link.platform) if link.link else None
        if reason := _reason_to_skip(row, entry, platform, in_progress=in_progress, read_at=read_at):
            decision.skipped[row.page_id] = reason
            if row.page_id in in_progress and _is_edited(row, entry):
                decision.edited.append(link)
        elif decision.rows >= limit:
            decision.skipped[row.page_id], decision.more = "more rows than one tick deals with; it is next", True
        elif refusal := problem or _tag_problem(link, tags):
            decision.rejections.append((link, refusal))
        elif platform is not None and platform.is_paused:
            _postpone(decision, link, entry, platform, now=read_at)
        else:
            decision.requests.append(_request(link, entry))
    return decision


def _reason_to_skip(
    row: Row, entry: Entry | None, platform: Platform | None, *, in_progress: Collection[str], read_at: datetime
) -> str:
    if row.page_id in in_progress:
        return "a run for it is queued or going on"
    if entry is None:
        return ""
    if entry.holder is not None:
        return "its run ended without a word; the sweep deals with it"
    if entry.is_waiting:
        return "" if entry.is_asked_anew(row.last_edited_time) else _reason_to_wait(entry, platform, read_at)
    if not entry.status.is_final:
        return ""
    if entry.is_owed:
        return f"it ended as {entry.status}; Notion could not be told yet"
    if entry.updated_at > read_at - SETTLING:
        return f"it has just ended as {entry.status}; looking again later"
    return ""


def _reason_to_wait(entry: Entry, platform: Platform | None, read_at: datetime) -> str:
    if entry.failure_code == Code.PLATFORM_PAUSED:
        is_within_limit = entry.waiting_since is None or read_at - entry.waiting_since < PAUSE_LIMIT
        still = platform is not None and platform.is_paused and is_within_limit
        return "it waits until downloads from its platform work again" if still else ""
    resumed_at = platform.resumed_at if platform is not None else None
    if entry.failure_code in BLAMED and resumed_at is not None and entry.updated_at < resumed_at:
        return ""
    if entry.retry_at is not None and entry.retry_at > read_at:
        return f"it waits until {entry.retry_at.isoformat(timespec='minutes')}"
    return ""


def _is_edited(row: Row, entry: Entry | None) -> bool:
    if entry is None or entry.status is not Status.PENDING or entry.holder is not None or isinstance(row, InvalidRow):
        return False
    then = entry.link
    return (row.url, row.tag, row.processing_type) != (then.url, then.tag, then.processing_type)


def _parsed(row: Row, extra_hosts: Collection[str]) -> tuple[LinkEntry, SvpError | None]:
    """Return the row with the link in its text, or with what is wrong with it."""
    if isinstance(row, InvalidRow):
        return _as_link(row), row.failure
    try:
        return row.model_copy(update={"link": parse_link(row.url, extra_hosts=extra_hosts)}), None
    except SvpError as error:
        return row, error


def _tag_problem(link: LinkEntry, tags: Collection[str]) -> SvpError | None:
    if link.tag in tags:
        return None
    known = ", ".join(f"“{tag}”" for tag in sorted(tags)) or "none yet"
    reason = f"No Content Database is registered for the tag “{link.tag}” (registered: {known})"
    return failure(Code.UNKNOWN_TAG, reason=reason)


def _postpone(decision: Decision, link: LinkEntry, entry: Entry | None, platform: Platform, *, now: datetime) -> None:
    """Let the row wait for its platform; end it, with what is wrong there, where it waited for too long."""
    error = pause(platform, now=now)
    since = entry.waiting_since if entry and not entry.is_asked_anew(link.last_edited_time) else None
    until = next_try(error, waits=0, waiting_since=since, now=now)
    if until is not None:
        decision.postponements.append(Postponement(link=link, error=error, until=until))
    else:
        decision.rejections.append((link, failure(Code(platform.failure_code or Code.SITE_CHANGED))))


def _request(link: LinkEntry, entry: Entry | None) -> Request:
    if entry is None:
        return Request(link=link, number=1, waits=0)
    if entry.is_asked_anew(link.last_edited_time):
        return Request(link=link, number=entry.requests + 1, waits=0)
    return Request(link=link, number=entry.requests, waits=entry.waits)


def _as_link(row: Row) -> LinkEntry:
    if isinstance(row, LinkEntry):
        return row
    return LinkEntry(
        page_id=row.page_id, connection_id=row.connection_id, url="", tag="", last_edited_time=row.last_edited_time
    )


def keep(link_rows: LinkRows, decision: Decision, *, now: datetime) -> None:
    """Write the decision to the store, and tell the owners of rejected rows. Those who wait are told by the sweep."""
    entries = link_rows.store.entries
    for request in decision.requests:
        entries.request(request.link, now=now)
    for link in decision.edited:
        entries.request(link, now=now)
    for made in decision.postponements:
        entries.postpone(made.link, made.error, until=made.until, now=now)
    for link, error in decision.rejections:
        link_rows.show_soon(entries.reject(link, error, now=now))


def settle(link_rows: LinkRows, reading: Reading, *, interval: timedelta, more: bool, now: datetime) -> None:
    """Note that a Link Database was asked, and when it is due again.

    At once where rows were left (`more`), by the time that one of its rows waits for, else after the interval. A
    failing connection is asked ever less often.
    """
    database, databases = reading.link_database, link_rows.store.databases
    if reading.problem is None:
        retry_at = link_rows.store.sweep.next_retry_at(database.connection_id, after=now)
        next_due_at = now if more else min(now + interval, retry_at or datetime.max.replace(tzinfo=UTC))
        databases.polled(database, next_due_at=next_due_at, now=now)
        return
    wait = min(interval * 2 ** min(database.poll_failures, 10), MAX_BACKOFF)
    databases.poll_failed(database, problem=reading.problem.sentence, next_due_at=now + wait, now=now)
    if reading.problem.code is Code.NOT_CONNECTED:
        link_rows.store.connections.end(database.connection_id, now=now)
