"""How many Link Databases one sensor asks, and how late the last one is: `python -m benchmarks.scale.polling`.

Real ticks of `pending_links` in this process, over real sockets to a server that answers each query after 100 ms with
no row (`quick_notion`). They follow each other as the daemon lets them: its loop looks at the sensors every few
seconds, and a tick begins `LOOP_S` after the last one began, or `PAUSE_S` after a longer one has ended.

- `tick_1000_s`: the seconds of one tick that asks 1,000 Link Databases.
- `lag_10000_s`: of 10,000 connections, 70 % of them with a working webhook, how long after it was due the latest of the
  others was asked.
- `wait_3000_s`: of 3,000 connections without a webhook, the longest time between two reads. The goal is 90 s.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from sqlalchemy import select

from benchmarks.scale.filling import add_connections, new_store
from svp_dagster.commands.processes import answers, free_port, running
from svp_dagster.definitions import defs
from svp_dagster.store.store import Store
from svp_dagster.store.tables import LinkDatabaseRow

LOOP_S, PAUSE_S = 7.4, 2.5
"""Between the beginnings of two ticks in an idle daemon, as measured, and at least between two ticks."""
INTERVAL_S = 60.0
STEADY_S = 75.0
WITH_WEBHOOK = 0.7
GOAL_S = 90.0
START_LIMIT_S = 30.0


@dataclass(kw_only=True)
class Ticks:
    """What several ticks did. The seconds of CPU are those of this process."""

    asked: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    longest_s: float = 0.0
    late_s: float = 0.0
    between_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Queries in a second of a tick."""
        return self.asked / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU of a query."""
        return 1000 * self.cpu_s / self.asked


@dataclass(frozen=True, kw_only=True)
class Polling:
    """The figures of this benchmark."""

    tick_1000_s: float
    lag_10000_s: float
    wait_3000_s: float

    @property
    def line(self) -> str:
        """All in one line."""
        return (
            f"tick_1000_s={self.tick_1000_s:.1f} lag_10000_s={self.lag_10000_s:.1f} wait_3000_s={self.wait_3000_s:.0f}"
        )


def measure(*, database_url: Callable[[], str] | None = None, steady_s: float = STEADY_S) -> Polling:
    """Measure all three. `database_url` makes an empty PostgreSQL database for each; without it, SQLite."""
    with quick_notion() as notion_url:
        made = partial(_installation, notion_url, database_url)
        with made() as (store, tick):
            add_connections(store, 1000, now=datetime.now(UTC))
            one = Ticks()
            _tick(store, tick, one, set())
        _report("one tick of 1,000", one)
        with made() as (store, tick):
            few = _steady(store, tick, 3000, webhooks=0, steady_s=steady_s)
        _report("3,000 without a webhook", few)
        with made() as (store, tick):
            many = _steady(store, tick, 10_000, webhooks=round(10_000 * WITH_WEBHOOK), steady_s=steady_s)
        _report(f"10,000, {WITH_WEBHOOK:.0%} with a webhook", many)
    return Polling(tick_1000_s=one.seconds, lag_10000_s=many.late_s, wait_3000_s=few.between_s)


@contextmanager
def quick_notion() -> Iterator[str]:
    """Run the server for the length of a block."""
    port = free_port()
    with TemporaryDirectory(prefix="svp-notion-") as folder, running(Path(folder)) as processes:
        child = processes.start_module("benchmarks.scale.quick_notion", [str(port)], name="notion")
        processes.wait_for(child, partial(answers, port), limit_s=START_LIMIT_S)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _installation(
    notion_url: str, database_url: Callable[[], str] | None
) -> Iterator[tuple[Store, Callable[[], dg.SensorResult | dg.SkipReason]]]:
    """A new store, and the sensor of its installation."""
    url = database_url() if database_url else None
    with (
        new_store(database_url=url, NOTION_BASE_URL=notion_url) as store,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        definitions = defs()
        sensor = definitions.resolve_sensor_def("pending_links")
        resources = {key: (definitions.resources or {})[key] for key in sensor.required_resource_keys}

        def tick() -> dg.SensorResult | dg.SkipReason:
            with dg.build_sensor_context(instance=instance, resources=resources) as context:
                result: Any = sensor(context)
            return result  # type: ignore[no-any-return]

        yield store, tick


def _steady(store: Store, tick: Callable[[], object], connections: int, *, webhooks: int, steady_s: float) -> Ticks:
    """Tick as the daemon does, from a state in which the reads are spread over the interval."""
    ids = add_connections(store, connections, now=datetime.now(UTC), webhooks=webhooks, over_s=INTERVAL_S)
    watched, found, ends_at = set(ids[webhooks:]), Ticks(), time.monotonic() + steady_s
    while (began_at := time.monotonic()) < ends_at:
        _tick(store, tick, found, watched)
        time.sleep(max(PAUSE_S, began_at + LOOP_S - time.monotonic()))
    now = datetime.now(UTC)
    late = [(now - due_at).total_seconds() for due_at, _ in _reads(store, watched).values()]
    found.late_s = max(found.late_s, *late)
    return found


def _tick(store: Store, tick: Callable[[], object], found: Ticks, watched: set[str]) -> None:
    before = _reads(store, watched)
    began_at, cpu_s = time.monotonic(), time.process_time()
    tick()
    seconds = time.monotonic() - began_at
    found.cpu_s += time.process_time() - cpu_s
    found.seconds += seconds
    found.longest_s = max(found.longest_s, seconds)
    with store.engine.connect() as connection:
        began = datetime.now(UTC).timestamp() - seconds
        polled = connection.scalars(select(LinkDatabaseRow.polled_at)).all()
        found.asked += sum(at is not None and at.timestamp() > began for at in polled)
    for connection_id, (_, polled_at) in _reads(store, watched).items():
        due_before, polled_before = before[connection_id]
        if polled_at != polled_before:
            found.late_s = max(found.late_s, (polled_at - due_before).total_seconds())
            found.between_s = max(found.between_s, (polled_at - polled_before).total_seconds())


def _reads(store: Store, watched: set[str]) -> dict[str, tuple[datetime, datetime]]:
    """Return when each of these is due, and was read last."""
    row = LinkDatabaseRow
    with store.engine.connect() as connection:
        rows = connection.execute(select(row.connection_id, row.due_at, row.polled_at)).all()
    return {each: (due_at, polled_at) for each, due_at, polled_at in rows if each in watched and polled_at is not None}


def _report(what: str, found: Ticks) -> None:
    print(
        f"{what}: {found.asked} queries, {found.per_s:.0f}/s, {found.cpu_ms:.1f} ms of CPU each, longest tick "
        f"{found.longest_s:.1f} s, latest {found.late_s:.1f} s after it was due, between two reads "
        f"{found.between_s:.0f} s",
        flush=True,
    )


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 0 where the goal is met."""
    parser = argparse.ArgumentParser(description="How many Link Databases one sensor asks.")
    parser.add_argument("--steady-s", type=float, default=STEADY_S, help="how long the ticks go on")
    found = measure(steady_s=parser.parse_args(arguments).steady_s)
    print(found.line)
    return 0 if found.wait_3000_s <= GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
