"""What the sensor does, without Dagster: read the pending rows, decide, keep the decision.

`decide` is pure: all that it needs is handed in, so that its rules can be read and tested in one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.links import parse_link
from svp_dagster.models import LinkEntry
from svp_dagster.notion.rows import InvalidRow, status_type
from svp_dagster.resources.link_rows import LinkRows
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.entries import Entry

SETTLING = timedelta(seconds=5)
"""How long Notion may still list a row as pending after another status was written."""
MAX_BACKOFF = timedelta(minutes=30)
"""How long a connection whose reads fail is left alone at most."""

Row = LinkEntry | InvalidRow


@dataclass(frozen=True, kw_only=True)
class Request:
    """A row to start a run for. `number` counts how often a person asked for it."""

    link: LinkEntry
    number: int

    @property
    def run_key(self) -> str:
        """Unique per wish: Notion cuts `last_edited_time` to the minute, so the number tells two wishes apart."""
        return f"{self.link.page_id}:{self.link.last_edited_time.isoformat()}:{self.number}"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do about the rows that were seen. `skipped` says why, by page id.

    `more`: some were left for the next tick because of the limit.
    """

    requests: tuple[Request, ...]
    rejections: tuple[tuple[LinkEntry, SvpError], ...]
    skipped: dict[str, str]
    more: bool


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
    tags: Collection[str],
    read_at: datetime,
    limit: int,
) -> Decision:
    """Which pending rows get a run, which are ended without one, and which are left alone.

    `in_progress` are the page ids that have a run queued or going on; `read_at` is when the reading began: what the
    store learned later is newer than the row that was read. `limit` bounds the rows that are dealt with.
    """
    requests: list[Request] = []
    rejections: list[tuple[LinkEntry, SvpError]] = []
    skipped: dict[str, str] = {}
    more = False
    for row in sorted(rows, key=lambda row: (row.last_edited_time, row.page_id)):
        entry = known.get(row.page_id)
        if reason := _reason_to_skip(row.page_id, entry, in_progress, read_at):
            skipped[row.page_id] = reason
        elif len(requests) + len(rejections) >= limit:
            skipped[row.page_id], more = "more rows than one tick deals with; it is next", True
        elif problem := _problem(row, tags):
            rejections.append((_as_link(row), problem))
        elif isinstance(row, LinkEntry):
            requests.append(Request(link=row, number=_number(entry)))
    return Decision(requests=tuple(requests), rejections=tuple(rejections), skipped=skipped, more=more)


def _reason_to_skip(page_id: str, entry: Entry | None, in_progress: Collection[str], read_at: datetime) -> str:
    if page_id in in_progress:
        return "a run for it is queued or going on"
    if entry is None or not entry.status.is_final:
        return ""
    if entry.is_owed:
        return f"it ended as {entry.status}; Notion could not be told yet"
    if entry.updated_at > read_at - SETTLING:
        return f"it has just ended as {entry.status}; looking again later"
    return ""


def _problem(row: Row, tags: Collection[str]) -> SvpError | None:
    if isinstance(row, InvalidRow):
        return row.failure
    try:
        parse_link(row.url)
    except SvpError as error:
        return error
    if row.tag not in tags:
        known = ", ".join(f"“{tag}”" for tag in sorted(tags)) or "none yet"
        reason = f"No Content Database is registered for the tag “{row.tag}” (registered: {known})"
        return failure(Code.UNKNOWN_TAG, reason=reason)
    return None


def _as_link(row: Row) -> LinkEntry:
    if isinstance(row, LinkEntry):
        return row
    return LinkEntry(
        page_id=row.page_id, connection_id=row.connection_id, url="", tag="", last_edited_time=row.last_edited_time
    )


def _number(entry: Entry | None) -> int:
    if entry is None:
        return 1
    return entry.requests + 1 if entry.status.is_final else entry.requests


def keep(link_rows: LinkRows, decision: Decision, *, now: datetime) -> None:
    """Write the decision to the store, and tell the owners of rejected rows."""
    for request in decision.requests:
        link_rows.store.entries.request(request.link, now=now)
    for link, error in decision.rejections:
        link_rows.show_soon(link_rows.store.entries.reject(link, error, now=now))


def settle(link_rows: LinkRows, reading: Reading, *, interval: timedelta, more: bool, now: datetime) -> None:
    """Note that a Link Database was asked, and when it is due again: at once where rows were left (`more`).

    A failing connection is asked ever less often.
    """
    database, databases = reading.link_database, link_rows.store.databases
    if reading.problem is None:
        databases.polled(database, next_due_at=now if more else now + interval, now=now)
        return
    wait = min(interval * 2 ** min(database.poll_failures, 10), MAX_BACKOFF)
    databases.poll_failed(database, problem=reading.problem.sentence, next_due_at=now + wait, now=now)
    if reading.problem.code is Code.NOT_CONNECTED:
        link_rows.store.connections.end(database.connection_id, now=now)
