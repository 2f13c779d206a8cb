"""Runs a minute, and what one costs in CPU-seconds: `python -m benchmarks.scale.runs`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from benchmarks.installation import Installation, set_up
from benchmarks.rig import Rig, rig, wait_until
from svp_dagster.models import ProcessingType

PEOPLE = 10


def cpu_s(made) -> dict[str, float]:
    """Return the CPU-seconds by kind of process of a tree, with those of children that have ended."""
    found: Counter[str] = Counter()
    roots = [psutil.Process(child.process.pid) for child in made._dagster]
    for process in [each for root in roots for each in (root, *root.children(recursive=True))]:
        try:
            times, name = process.cpu_times(), " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            continue
        kind = "code server" if "api grpc" in name else "daemon" if "dagster-daemon" in name else "forks" if "forkserver" in name else "other"
        found[kind] += times.user + times.system
        found[f"{kind}: ended"] += times.children_user + times.children_system
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--post", default="stretches")
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="svp-scale-")
    with rig(Path(folder), poll_interval_s=60) as made:
        people = [made.installation, *(set_up(made.outside.notion, made.instance) for _ in range(PEOPLE - 1))]
        links = made.outside.media.steer("copies", post=options.post, count=options.rows + 10)["links"]
        kind = None if options.full else ProcessingType.CAPTION
        run(made, people, links[:10], kind)
        before = cpu_s(made)
        began = time.monotonic()
        run(made, people, links[10:], kind)
        seconds = time.monotonic() - began
        after = cpu_s(made)
        for name in sorted(after):
            print(f"{name:25}{(after[name] - before.get(name, 0)) / options.rows:8.2f} CPU-s a run")
        total = sum(after.values()) - sum(before.values())
        print(f"{seconds:.1f} s: {options.rows / seconds * 60:.1f} runs a minute, {total / options.rows:.2f} CPU-s a run")
        entries = None


def run(made: Rig, people: list[Installation], links: list[str], kind: ProcessingType | None) -> None:
    ids = [people[n % len(people)].write_row(link, processing_type=kind) for n, link in enumerate(links)]
    for each in people:
        each.poll_now()

    def ended() -> bool | None:
        entries = made.entries(ids).values()
        return (len(entries) == len(ids) and all(e.status.is_final for e in entries)) or None

    wait_until(ended, limit_s=150, what="the rows")
    print(Counter(str(e.status) for e in made.entries(ids).values()))


if __name__ == "__main__":
    sys.exit(main())
