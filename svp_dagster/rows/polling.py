"""What the sensor does, without Dagster: decide about the pending rows, write the decision down.

`decide` is pure. All that it needs is handed in, so that its rules can be read and tested in one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from svp_dagster.errors import Code, SvpError, failure_of
from svp_dagster.models import LinkEntry
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.rows.pacing.pace import Queue, candidate, waits_turn
from svp_dagster.rows.pacing.shares import Share
from svp_dagster.rows.pacing.turns import jitter
from svp_dagster.rows.parsing import Row, is_edited, parsed, tag_problem
from svp_dagster.rows.pauses import platform_paused_error
from svp_dagster.rows.polling_rules import PollingRules
from svp_dagster.rows.sources.readings import Reading
from svp_dagster.rows.waiting import final_outcome, next_try, reason_to_wait, waiting_outcome
from svp_dagster.store.entries import Entry
from svp_dagster.store.installation.platforms import Platform
from svp_dagster.store.polling.polls import Poll

SETTLING = timedelta(seconds=5)
"""How long Notion may still list a row as pending after another status was written."""
MAX_BACKOFF = timedelta(minutes=30)
"""The longest time between two reads of a Link Database that can't be read."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Start a run for the row. `number` counts a person's requests, `waits` the waits since the last of them.

    `runs_before` counts the runs that its connection has already.
    """

    link: LinkEntry
    number: int
    waits: int
    runs_before: int = 0

    @property
    def run_key(self) -> str:
        """Unique per request and wait, since Dagster never starts a second run for a key.

        Notion cuts `last_edited_time` to the minute, so it alone doesn't tell two requests apart.
        """
        return f"{self.link.page_id}:{self.link.last_edited_time.isoformat()}:{self.number}:{self.waits}"


@dataclass(frozen=True, kw_only=True)
class Reject:
    """End the row as failed, without a run."""

    link: LinkEntry
    error: SvpError
    waits: int


@dataclass(frozen=True, kw_only=True)
class Postpone:
    """Let the row wait for its platform or for its turn, without a run."""

    link: LinkEntry
    error: SvpError
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Skip:
    """Do nothing about the row for now. `is_edited`: it has a run that hasn't begun, and was edited since."""

    link: LinkEntry
    reason: str
    is_edited: bool = False


Choice = Start | Reject | Postpone | Skip
_NEXT_TICK = "more rows than one tick deals with; it is next"
_NO_ROOM = "its connection has as many runs as it may have; it starts when one of them ends"


@dataclass(kw_only=True)
class Decision:
    """What to do about the rows that were read. `skipped` says why, by page id.

    `edited` are the rows of which the store has to know the newest words. `more`: some rows were left for the next
    tick because of the limit. `backlog` counts the rows that were left because of their connection's share.
    `found_change`: a row was new, or requested again since the last poll.
    """

    requests: list[Start] = field(default_factory=list)
    rejections: list[Reject] = field(default_factory=list)
    postponements: list[Postpone] = field(default_factory=list)
    edited: list[LinkEntry] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    more: bool = False
    backlog: int = 0
    found_change: bool = False

    @property
    def rows(self) -> int:
        """How many rows are dealt with."""
        return len(self.requests) + len(self.rejections) + len(self.postponements)

    def add(self, made: Choice) -> None:
        """Add what was decided about one row."""
        match made:
            case Start():
                self.requests.append(made)
            case Reject():
                self.rejections.append(made)
            case Postpone():
                self.postponements.append(made)
            case Skip(link=link, reason=reason, is_edited=is_edited):
                self.skipped[link.page_id] = reason
                self.edited += [link] if is_edited else []


def decide(
    rows: Iterable[Row],
    *,
    known: Mapping[str, Entry],
    in_progress: Collection[str],
    platforms: Mapping[str, Platform],
    queue: Queue,
    tags: Collection[str],
    extra_hosts: Collection[str],
    share: Share,
    read_at: datetime,
    limit: int,
) -> Decision:
    """Decide which pending rows get a run, which are ended without one, which wait, and which are skipped.

    `in_progress` are the page ids that have a run queued or going on. `read_at` is when the reading began: what the
    store learned later is newer than the row that was read. `limit` bounds the rows that are dealt with, `share` those
    of them that start.
    """
    in_order = sorted(rows, key=lambda row: (row.last_edited_time, row.page_id))
    made = [
        _decide_row(
            link,
            known.get(link.page_id),
            platforms.get(link.link.platform) if link.link else None,
            has_run=link.page_id in in_progress,
            problem=refused or tag_problem(link, tags),
            now=read_at,
        )
        for link, refused in (parsed(row, extra_hosts) for row in in_order)
    ]
    decision = Decision(found_change=any(_is_new(each.link, known.get(each.link.page_id)) for each in made))
    for each in _in_turn(made, known, queue, now=read_at):
        if isinstance(each, Start) and len(decision.requests) >= share.room:
            decision.backlog += 1
            decision.add(Skip(link=each.link, reason=_NO_ROOM))
        elif not isinstance(each, Skip) and decision.rows >= limit:
            decision.more = True
            decision.add(Skip(link=each.link, reason=_NEXT_TICK))
        else:
            decision.add(each)
    runs = enumerate(decision.requests, start=share.runs)
    decision.requests = [replace(start, runs_before=number) for number, start in runs]
    return decision


def _in_turn(made: Sequence[Choice], known: Mapping[str, Entry], queue: Queue, *, now: datetime) -> Iterator[Choice]:
    """Yield the decisions in their order. Starts before their turn are postponed, and come last by their turns."""
    paced = {each.link.page_id: each for each in made if isinstance(each, Start) and queue.needs_turn(each.link)}
    turns = queue.turns((candidate(start.link, known.get(page_id)) for page_id, start in paced.items()), now=now)
    yield from (each for each in made if each.link.page_id not in paced or turns[each.link.page_id] <= now)
    for page_id in sorted(paced, key=lambda page_id: turns[page_id]):
        if turns[page_id] > now:
            until = turns[page_id] + jitter(page_id, queue.limit)
            yield Postpone(link=paced[page_id].link, error=waits_turn(until, now=now), until=until)


def _decide_row(
    link: LinkEntry,
    entry: Entry | None,
    platform: Platform | None,
    *,
    has_run: bool,
    problem: SvpError | None,
    now: datetime,
) -> Choice:
    if has_run:
        return Skip(link=link, reason="a run for it is queued or going on", is_edited=is_edited(link, entry))
    is_new = _is_new(link, entry)
    if entry is not None and (reason := _reason_to_skip(entry, platform, is_new=is_new, now=now)):
        return Skip(link=link, reason=reason)
    waits = 0 if entry is None or is_new else entry.waits
    if problem is not None:
        return Reject(link=link, error=problem, waits=waits)
    if platform is not None and platform.is_paused:
        since = None if entry is None or is_new else entry.waiting_since
        return _wait_for_platform(link, platform, waits=waits, waiting_since=since, now=now)
    requests = entry.requests if entry is not None else 0
    return Start(link=link, number=requests + 1 if is_new else requests, waits=waits)


def _is_new(link: LinkEntry, entry: Entry | None) -> bool:
    """Return whether the row is a new request."""
    return entry is None or entry.is_new_request(link.last_edited_time)


def _reason_to_skip(entry: Entry, platform: Platform | None, *, is_new: bool, now: datetime) -> str | None:
    if entry.holder is not None:
        return "its run died; the sweep deals with it"
    if entry.is_waiting:
        return None if is_new else reason_to_wait(entry, platform, now=now)
    if entry.status.is_final and entry.is_unsynced:
        return f"it ended as {entry.status}; Notion doesn't show that yet"
    if entry.status.is_final and entry.updated_at > now - SETTLING:
        return f"it has just ended as {entry.status}; looking again later"
    return None


def _wait_for_platform(
    link: LinkEntry, platform: Platform, *, waits: int, waiting_since: datetime | None, now: datetime
) -> Postpone | Reject:
    """Postpone the row. Where it waited for too long, reject it with what is wrong with the platform."""
    error = platform_paused_error(platform, now=now)
    until = next_try(error, waits=0, waiting_since=waiting_since, now=now)
    if until is None:
        return Reject(link=link, error=failure_of(platform.failure_code or Code.SITE_CHANGED, {}), waits=waits)
    return Postpone(link=link, error=error, until=until)


def keep(link_rows: LinkRows, decision: Decision, *, now: datetime) -> None:
    """Write the decision to the store, and rejections to Notion. The sweep writes the status of rows that wait."""
    entries = link_rows.store.entries
    for link in [*(start.link for start in decision.requests), *decision.edited]:
        if link.has_row:  # a direct entry is in the store as it was requested
            entries.request(link, now=now)
    for postponed in decision.postponements:
        entries.postpone(postponed.link, waiting_outcome(postponed.error, until=postponed.until), now=now)
    for rejected in decision.rejections:
        outcome = final_outcome(rejected.error, waits=rejected.waits)
        link_rows.reject(rejected.link, outcome, now=now)


def settle(
    link_rows: LinkRows, made: Sequence[tuple[Reading, Decision]], *, rules: PollingRules, now: datetime
) -> None:
    """Record that Link Databases were read, and when each is due again, in one transaction.

    It is due at once where rows were left for the next tick, by the time that one of its rows waits for, else as the
    rules say. One with a backlog is also due when a run of its connection ends (`LinkRows.sync_status`): reading it
    sooner would start nothing. One that can't be read is due ever later.
    """
    read = [reading.connection_id for reading, _ in made if reading.problem is None and reading.link_database]
    retries = link_rows.store.sweep.next_retries(read, after=now)
    polls = [_poll(reading, decision, retries, rules, now=now) for reading, decision in made]
    link_rows.store.polls.record([poll for poll in polls if poll is not None], now=now)
    for reading, _ in made:
        if reading.problem is not None and reading.problem.code is Code.NOT_CONNECTED:
            link_rows.store.connections.end(reading.connection_id, now=now)


def _poll(
    reading: Reading, decision: Decision, retries: Mapping[str, datetime], rules: PollingRules, *, now: datetime
) -> Poll | None:
    """Return the poll behind a reading. Direct entries are read in each tick, without one."""
    database = reading.link_database
    if database is None:
        return None
    if reading.problem is not None:
        wait = min(timedelta(seconds=rules.interval_s) * 2 ** min(database.poll_failures, 10), MAX_BACKOFF)
        return Poll(seen=database, next_due_at=now + wait, problem=reading.problem.sentence)
    next_read = rules.next_read(database, has_rows=bool(reading.rows), now=now)
    return Poll(
        seen=database,
        next_due_at=now if decision.more else min(next_read, retries.get(reading.connection_id, next_read)),
        backlog=decision.backlog,
        found_change=decision.found_change and not database.has_leftovers,
    )
