"""Hundreds of rows of few people beside one row of each of nine others: `make bench-fairness`.

A real installation (`benchmarks.rig`) works on the rows of the bulk, with the limits and the poll interval that a new
installation has. Once the runs of the bulk queue, nine other people add a row each, and each asks for it at once, as a
webhook or the app does. What counts is the time from then until a run has claimed the last of the nine. The rows are
captions alone, so that runs are short; nothing waits for the rest of the bulk. The last line is

    fairness: connections=10 rows=509 nine_started_within_s=24.1 bulk_started_meanwhile=2 held=yes

The exit code is 0 only where the nine started within `LIMIT_S`. `python -m benchmarks.fairness --bulk 2` lets two
people share the bulk. Before the last line stand the figures of the bulk: how many of its rows have a run, queued or
going on, how many had one, and how often its Link Databases were queried, a page of 100 rows each time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from benchmarks.installation import Installation, set_up
from benchmarks.rig import Rig, TooLate, rig, wait_until
from svp_dagster.defs import runs
from svp_dagster.models import ProcessingType
from svp_dagster.settings import Settings

ROWS, OTHERS = 500, 9
POST = "stretches"
HEAD_START_S = 30.0
"""How long the bulk is worked on before the others come."""
LIMIT_S, PATIENCE_S = 60.0, 300.0
"""Within which time the others have to start, and after which nobody waits any more to learn how long they take."""
WRITERS = 4


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """After how many seconds each of the others started, and how many rows of the bulk did in that time.

    `late` of the others did not start within `PATIENCE_S`.
    """

    connections: int
    rows: int
    started_s: Sequence[float]
    late: int
    bulk_started: int

    @property
    def is_good(self) -> bool:
        """Whether all others started in time."""
        return not self.late and max(self.started_s) <= LIMIT_S

    @property
    def line(self) -> str:
        """All in one line."""
        within = f">{PATIENCE_S:.0f}" if self.late else f"{max(self.started_s):.1f}"
        return (
            f"fairness: connections={self.connections} rows={self.rows} nine_started_within_s={within} "
            f"bulk_started_meanwhile={self.bulk_started} held={'yes' if self.is_good else 'no'}"
        )


def main(arguments: Sequence[str]) -> int:
    """Run it; 0 where the others started in time."""
    parser = argparse.ArgumentParser(description="Hundreds of rows of few people beside one row of each of nine.")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the bulk")
    parser.add_argument("--bulk", type=int, default=1, help="people who share the bulk")
    parser.add_argument("--database", help="an empty PostgreSQL database; without one, SQLite")
    options = parser.parse_args(arguments)
    interval_s = Settings.model_fields["poll_interval_s"].default
    with (
        tempfile.TemporaryDirectory(prefix="svp-fairness-") as folder,
        rig(Path(folder), database_url=options.database, poll_interval_s=interval_s) as made,
    ):
        verdict = measure(made, rows=options.rows, bulk=options.bulk)
    print(verdict.line)
    return 0 if verdict.is_good else 1


def measure(made: Rig, *, rows: int, bulk: int) -> Verdict:
    """Add the bulk, then a row of each of the others, and wait until these have started."""
    people = [made.installation, *(set_up(made.outside.notion, made.instance) for _ in range(bulk + OTHERS - 1))]
    bulks, others = people[:bulk], people[bulk:]
    links = made.outside.media.steer("copies", post=POST, count=rows + OTHERS)["links"]
    _add(bulks, links[OTHERS:])
    began = time.monotonic()
    for each in bulks:
        each.poll_now()
    wait_until(lambda: _started(made, bulks) or None, limit_s=PATIENCE_S, what="the first run of the bulk")
    time.sleep(HEAD_START_S)
    _report(made, bulks, seconds=time.monotonic() - began)

    asked = dict(zip(_add(others, links[:OTHERS]), others, strict=True))
    bulk_before, asked_at = _started(made, bulks), time.monotonic()
    for each in others:
        each.poll_now()
    started_s = _wait_for_starts(made, list(asked), since=asked_at)
    bulk_started = _started(made, bulks) - bulk_before
    _report(made, bulks, seconds=time.monotonic() - began)
    return Verdict(
        connections=len(people),
        rows=rows + OTHERS,
        started_s=started_s,
        late=len(others) - len(started_s),
        bulk_started=bulk_started,
    )


def _add(people: Sequence[Installation], links: Sequence[str]) -> list[str]:
    """Add a row for each link, the people taking turns; returns the page ids."""

    def write(number: int) -> str:
        return people[number % len(people)].write_row(links[number], processing_type=ProcessingType.CAPTION)

    with ThreadPoolExecutor(WRITERS) as writers:
        return list(writers.map(write, range(len(links))))


def _wait_for_starts(made: Rig, page_ids: Sequence[str], *, since: float) -> list[float]:
    """Return after how many seconds a run claimed each of the rows."""
    started: dict[str, float] = {}

    def all_started() -> bool | None:
        for page_id, entry in made.entries(page_ids).items():
            if entry.run_id is not None and page_id not in started:
                started[page_id] = time.monotonic() - since
                print(f"{started[page_id]:6.1f} s: {len(started)} of the others started", flush=True)
        return len(started) == len(page_ids) or None

    try:
        wait_until(all_started, limit_s=PATIENCE_S, what="the others")
    except TooLate as error:
        print(error)
    return sorted(started.values())


def _started(made: Rig, people: Sequence[Installation]) -> int:
    """Return how many rows a run has claimed."""
    counts = [sum(made.store.entries.counts(each.connection_id).values()) for each in people]
    pages = [
        made.store.entries.page(each.connection_id, offset=0, limit=max(count, 1))[0]
        for each, count in zip(people, counts, strict=True)
    ]
    return sum(entry.run_id is not None for page in pages for entry in page)


def _report(made: Rig, bulks: Sequence[Installation], *, seconds: float) -> None:
    in_progress = sum(
        made.instance.get_runs_count(
            dg.RunsFilter(tags={runs.CONNECTION_TAG: each.connection_id}, statuses=runs.IN_PROGRESS)
        )
        for each in bulks
    )
    paths = [f"/data_sources/{each.links.data_source_id}/query" for each in bulks]
    requests = made.outside.notion.ask("requests")["requests"]
    queries = sum(request["path"].endswith(path) for request in requests for path in paths)
    print(
        f"the bulk: {in_progress} runs queued or going on, {_started(made, bulks)} rows started, "
        f"{queries} queries in {seconds:.0f} s, {queries / len(bulks) * 60 / seconds:.0f} a minute for each",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
