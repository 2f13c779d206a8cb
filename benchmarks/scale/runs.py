"""Runs a minute, what one costs, and how soon it starts: `python -m benchmarks.scale.runs`.

A real installation works on rows of ten people, posts whose captions alone are read: what a video costs is measured by
`make bench`. All that is outside answers at once. `cpu_s_per_run` has the CPU-seconds of the daemon, the code server
and the runs, with what these start. Then people ask for one row each, at random moments, and the time until a run
claims it is measured.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.installation import Installation, set_up
from benchmarks.rig import Rig, rig, wait_until
from svp_dagster.models import ProcessingType, Status
from svp_dagster.settings import Settings

PEOPLE, WARM_UP, ROWS, CLICKS = 10, 10, 60, 20
POST = "stretches"
PAUSE_S = (2.0, 8.0)
"""Between two clicks."""
LIMIT_S = 600.0
SEED = 20261122


@dataclass(frozen=True, kw_only=True)
class Runs:
    """What was measured. `started_s` are the seconds from each click to its run."""

    per_min: float
    cpu_s: dict[str, float]
    started_s: Sequence[float]

    @property
    def cpu_s_per_run(self) -> float:
        """CPU-seconds of a run in all processes."""
        return sum(self.cpu_s.values())

    @property
    def start_p95_s(self) -> float:
        """Seconds within which 19 of 20 runs start."""
        return statistics.quantiles(self.started_s, n=20)[-1]

    @property
    def details(self) -> list[str]:
        """What the line leaves out."""
        tenths = statistics.quantiles(self.started_s, n=10)
        return [
            *(f"{name}: {seconds:.2f} CPU-s a run" for name, seconds in self.cpu_s.items()),
            f"from a click to its run: median {statistics.median(self.started_s):.1f} s, p90 {tenths[-1]:.1f} s",
        ]

    @property
    def line(self) -> str:
        """All in one line."""
        each = f"cpu_s_per_run={self.cpu_s_per_run:.2f} start_p95_s={self.start_p95_s:.1f}"
        return f"runs_per_min={self.per_min:.0f} {each}"


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Runs a minute, what one costs, and how soon it starts.")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--clicks", type=int, default=CLICKS)
    parser.add_argument("--database", help="an empty PostgreSQL database; without one, SQLite")
    options = parser.parse_args(arguments)
    measured = measure(rows=options.rows, clicks=options.clicks, database_url=options.database)
    print(*measured.details, measured.line, sep="\n")
    return 0


def measure(*, rows: int = ROWS, clicks: int = CLICKS, database_url: str | None = None) -> Runs:
    """Start an installation, and measure."""
    interval_s = Settings.model_fields["poll_interval_s"].default
    with (
        tempfile.TemporaryDirectory(prefix="svp-scale-") as folder,
        rig(Path(folder), database_url=database_url, poll_interval_s=interval_s) as made,
    ):
        people = [made.installation, *(set_up(made.outside.notion, made.instance) for _ in range(PEOPLE - 1))]
        links = made.outside.media.steer("copies", post=POST, count=WARM_UP + rows + clicks)["links"]
        _work(made, people, links[:WARM_UP])
        before, began_s = _cpu_s(made), time.monotonic()
        _work(made, people, links[WARM_UP : WARM_UP + rows])
        seconds, after = time.monotonic() - began_s, _cpu_s(made)
        return Runs(
            per_min=rows / seconds * 60,
            cpu_s={name: (after[name] - before[name]) / rows for name in after},
            started_s=[_start_s(made, people, link) for link in links[WARM_UP + rows :]],
        )


def _work(made: Rig, people: Sequence[Installation], links: Sequence[str]) -> None:
    """Add a row for each link, and wait until all are complete."""
    page_ids = [_write(people[number % len(people)], link) for number, link in enumerate(links)]
    for each in people:
        each.poll_now()

    def all_ended() -> bool | None:
        entries = made.entries(page_ids).values()
        return (len(entries) == len(page_ids) and all(entry.status.is_final for entry in entries)) or None

    wait_until(all_ended, limit_s=LIMIT_S, what="the rows")
    assert {entry.status for entry in made.entries(page_ids).values()} == {Status.COMPLETED}


def _start_s(made: Rig, people: Sequence[Installation], link: str) -> float:
    """Seconds until a run claims a row that somebody asks for, after a pause."""
    draw = random.Random(f"{SEED} {link}")
    who = draw.choice(people)
    page_id = _write(who, link)
    time.sleep(draw.uniform(*PAUSE_S))
    asked_s = time.monotonic()
    who.poll_now()
    wait_until(lambda: any(entry.run_id for entry in made.entries([page_id]).values()) or None, limit_s=60, what="it")
    return time.monotonic() - asked_s


def _write(who: Installation, link: str) -> str:
    return who.write_row(link, processing_type=ProcessingType.CAPTION)


def _cpu_s(made: Rig) -> dict[str, float]:
    """CPU-seconds of Dagster's programs so far, and of the runs, with those of children that ended."""
    found = defaultdict[str, float](float)
    for child in made.dagster:
        root = psutil.Process(child.process.pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                found[child.name if process == root else "runs"] += times.user + times.system
                found["runs"] += times.children_user + times.children_system
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
