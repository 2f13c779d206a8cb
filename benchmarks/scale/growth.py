"""What 100,000 past entries cost the work of today, beside 100: `python -m benchmarks.scale.growth`.

Two installations stand beside each other, in the one database and in the other. In both the same person has the same
100 past entries and 10 links that wait; in the larger one 999 others have had 99,900 more. Each piece of work is done
in both, one right after the other, and the median of the ratios counts. Measured are

- `tick`: a tick of `pending_links` that starts the 10 links,
- `submission`: what Dagster does for one of its run requests, among the partitions that the product keeps,
- `entries` and `search`: two pages of the app,
- `retention`: a run of the job `retention` that has nothing to remove.

`growth` is the worst of the ratios. The goal is 1.2.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from flask.testing import FlaskClient

from benchmarks.installation import QUIET
from benchmarks.scale.filling import add_connections, add_entries, new_store
from oauth_app.app import create_app
from oauth_app.security import limiter
from svp_dagster.definitions import defs
from svp_dagster.defs.partitions import link_entries
from svp_dagster.models import Link, LinkEntry
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.settings import Settings
from svp_dagster.store.store import Store
from tests.postgres import running_server

FEW, MANY, CONNECTIONS = 100, 100_000, 1000
TIMES = 15
GOAL = 1.2
YEARS = 2
"""Over which the past entries are spread, for the number of partitions that are kept of them."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """The ratios of seconds with many past entries and with few, by database and piece of work."""

    ratios: dict[str, float]

    @property
    def growth(self) -> float:
        """The worst."""
        return max(self.ratios.values())

    @property
    def line(self) -> str:
        """All in one line."""
        return f"growth={self.growth:.2f}"


@dataclass
class Installation:
    """One of the installations, and the environment that makes a process work on it."""

    store: Store
    instance: dg.DagsterInstance
    client: FlaskClient
    environment: dict[str, str]
    entry: LinkEntry
    starts: int = 0

    def tick(self) -> None:
        """Let the sensor start what waits."""
        definitions = defs()
        sensor = definitions.resolve_sensor_def("pending_links")
        resources = {key: (definitions.resources or {})[key] for key in sensor.required_resource_keys}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            result: Any = sensor(context)
        assert isinstance(result, dg.SensorResult)
        assert len(result.run_requests or []) == WAITING

    def submit(self) -> None:
        """Add a partition and make a run of it, as the daemon does with a sensor's request."""
        self.starts += 1
        key, job = f"new-{self.starts}", defs().resolve_job_def("process_link")
        added = link_entries.build_add_request([key])
        request = dg.RunRequest(partition_key=key).with_resolved_tags_and_config(
            job, dynamic_partitions_requests=[added], dynamic_partitions_store=self.instance
        )
        self.instance.add_dynamic_partitions(str(link_entries.name), [key])
        self.instance.create_run_for_job(job, tags=dict(request.tags))

    def see(self, query: str) -> None:
        """Look at the dashboard."""
        answer = self.client.get("/entries", query_string={"q": query})
        assert answer.status_code == 200
        assert "Dish" in answer.text or not query

    def keep_house(self) -> None:
        """Run the job `retention`."""
        job = defs().resolve_job_def("retention")
        assert job.execute_in_process(instance=self.instance, run_config=QUIET).success


WAITING = 10


def measure(*, many: int = MANY, times: int = TIMES, databases: Sequence[str] = ("sqlite", "postgresql")) -> Growth:
    """Measure all on these databases."""
    ratios: dict[str, float] = {}
    with ExitStack() as stack:
        server = stack.enter_context(running_server()) if "postgresql" in databases else None
        for name in databases:
            new_url = server.new_database if server is not None and name == "postgresql" else None
            found = _ratios(many, times, new_url)
            ratios |= {f"{name} {work}": ratio for work, ratio in found.items()}
    return Growth(ratios=ratios)


def _ratios(many: int, times: int, new_url: Callable[[], str] | None) -> dict[str, float]:
    with _installation(FEW, new_url) as small, _installation(many, new_url) as large:
        return {name: _ratio(name, work, small, large, times) for name, work in _WORK.items()}


_WORK: dict[str, Callable[[Installation], None]] = {
    "tick": Installation.tick,
    "submission": Installation.submit,
    "entries": lambda made: made.see(""),
    "search": lambda made: made.see("garlic"),
    "retention": Installation.keep_house,
}


def _ratio(
    name: str, work: Callable[[Installation], None], small: Installation, large: Installation, times: int
) -> float:
    for made in (small, large):
        _seconds(work, made)  # caches are filled
    found = [(_seconds(work, small), _seconds(work, large)) for _ in range(times)]
    ratio = statistics.median(after / before for before, after in found)
    before, after = (statistics.median(seconds) * 1000 for seconds in zip(*found, strict=True))
    print(f"{name}: {before:.1f} ms, with many entries {after:.1f} ms, ratio {ratio:.2f}", flush=True)
    return ratio


def _seconds(work: Callable[[Installation], None], made: Installation) -> float:
    os.environ.clear()
    os.environ.update(made.environment)
    began_at = time.perf_counter()
    work(made)
    return time.perf_counter() - began_at


@contextmanager
def _installation(past: int, new_url: Callable[[], str] | None) -> Iterator[Installation]:
    """Make an installation with so many past entries."""
    url, now = new_url() if new_url else None, datetime.now(UTC)
    with new_store(database_url=url, SVP_INSTAGRAM_REQUESTS="1000") as store, _dagster() as instance:
        ids = add_connections(store, CONNECTIONS, now=now, over_s=86_400)
        ended_at = now - timedelta(days=90)
        add_entries(store, ids[:1], FEW, ended_at=ended_at)
        if past > FEW:
            add_entries(store, ids[1:], past - FEW, ended_at=ended_at)
        store.databases.poll_by(ids[0], at=now + timedelta(days=1))
        entries = [_waiting(ids[0], number, at=now) for number in range(WAITING)]
        for entry in entries:
            store.entries.request(entry, now=now)
        kept_days = Settings().partitions_kept_days
        kept = [f"cooking/kept-{number}" for number in range(past * kept_days // (365 * YEARS))]
        instance.add_dynamic_partitions(str(link_entries.name), kept)
        yield Installation(
            store=store,
            instance=instance,
            client=_signed_in(store, ids[0], now=now),
            environment=dict(os.environ),
            entry=entries[0],
        )


@contextmanager
def _dagster() -> Iterator[dg.DagsterInstance]:
    """An instance with Dagster's own storage in SQLite files."""
    home = Settings().home / "dagster"
    home.mkdir(parents=True)
    with dg.DagsterInstance.from_ref(dg.DagsterInstance.local_temp(str(home)).get_ref()) as instance:
        yield instance


def _waiting(connection_id: str, number: int, *, at: datetime) -> LinkEntry:
    url = f"https://www.tiktok.com/@cook/video/73{number:017}"
    link = Link(url=url, platform="tiktok", post_id=f"73{number:017}")
    return LinkEntry(
        page_id=f"{connection_id}-{number}",
        connection_id=connection_id,
        url=url,
        link=link,
        tag="",
        has_row=False,
        last_edited_time=at,
    )


def _signed_in(store: Store, connection_id: str, *, now: datetime) -> FlaskClient:
    """Return a browser in which the person is signed in."""
    schema = DataSourceSchema(
        data_source_id="content", database_id="content", title="", columns=(Column(id="t", name="t", type="title"),)
    )
    store.databases.add_content_database(connection_id, tag="cooking", schema=schema, url="", prompt="", now=now)
    store.web.begin_session("secret", connection_id=connection_id, expires_at=now + timedelta(days=1), now=now)
    limiter.enabled = False
    client = create_app().test_client()
    with client.session_transaction() as session:
        session["session"] = "secret"
    return client


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 0 where the goal is met."""
    parser = argparse.ArgumentParser(description="What many past entries cost the work of today.")
    parser.add_argument("--entries", type=int, default=MANY)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append", help="both without one")
    options = parser.parse_args(arguments)
    databases = options.database or ("sqlite", "postgresql")
    found = measure(many=options.entries, times=options.times, databases=databases)
    for name, ratio in found.ratios.items():
        print(f"{name}: {ratio:.2f}")
    print(found.line)
    return 0 if found.growth <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
