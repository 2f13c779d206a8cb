"""Few people with hundreds of rows, or who ask again and again, don't keep the others waiting."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import event

from svp_dagster.defs.runs import CONNECTION_TAG, IN_PROGRESS, ROW_TAG
from svp_dagster.errors import Code
from svp_dagster.rows.sources import readings
from svp_dagster.rows.sources.readings import read_due
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.store import Store
from tests.defs.conftest import installation, notion_server  # noqa: F401 (fixtures)
from tests.defs.installation import Installation, set_up
from tests.defs.posts import WrittenPosts
from tests.sandbox.notion_service import NotionService
from tests.store.examples import insert_connections, record_poll

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
BULK = 30
PER_TICK = 100


@pytest.fixture
def people(installation: Installation, notion_server: NotionService) -> Iterator[list[Installation]]:  # noqa: F811 (a fixture)
    """Three people of one installation."""
    with ExitStack() as stack:
        others = [stack.enter_context(notion_server.workspace(name)) for name in ("Bakery", "Garden")]
        yield [installation, *(set_up(each, installation.instance) for each in others)]


def add_rows(person: Installation, count: int) -> list[str]:
    number = int(person.connection_id[:8], 16) * 1000
    links = [f"https://www.tiktok.com/@cook/video/{number + each}" for each in range(count)]
    return [person.add_row(link, "cooking") for link in links]


def queue_requested(person: Installation) -> list[dg.DagsterRun]:
    """A tick, and the runs that it asks for, made as the daemon does."""
    result = person.tick()
    requests = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
    job = person.definitions.resolve_job_def("process_link")
    rows = person.store.entries.of_partitions(request.partition_key or "" for request in requests)
    return [
        person.instance.create_run_for_job(
            job,
            status=dg.DagsterRunStatus.NOT_STARTED,
            tags={**request.tags, **person.tags(rows[request.partition_key or ""].link.page_id)},
        )
        for request in requests
    ]


def in_the_order_of_the_queue(queued: Sequence[dg.DagsterRun]) -> list[str]:
    """The connections of queued runs as Dagster starts them: by priority, then the oldest first."""
    by_priority = sorted(queued, key=lambda run: int(run.tags.get("dagster/priority", "0")), reverse=True)
    return [run.tags[CONNECTION_TAG] for run in by_priority]


def in_progress(person: Installation) -> int:
    mine = dg.RunsFilter(tags={CONNECTION_TAG: person.connection_id}, statuses=IN_PROGRESS)
    return person.instance.get_runs_count(mine)


def is_due(person: Installation) -> bool:
    due = person.store.databases.due(now=datetime.now(UTC) + SECOND, limit=PER_TICK)
    return person.connection_id in [each.connection_id for each in due]


def test_one_link_of_a_third_person_goes_before_the_rest_of_two_people_s_sixty(people: list[Installation]) -> None:
    ada, bob, eve = people
    for person in (ada, bob):
        add_rows(person, BULK)
    queued = [run for _ in range(3) for person in (ada, bob) for run in queue_requested(person)]
    add_rows(eve, 1)
    queued += queue_requested(eve)

    order = in_the_order_of_the_queue(queued)

    assert sorted(order[:3]) == sorted(each.connection_id for each in people)


def test_a_connection_has_few_runs_queued_and_its_other_rows_start_when_one_ends(
    people: list[Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVP_RUNS_PER_CONNECTION", "7")
    ada = people[0]
    add_rows(ada, BULK)
    first, *_ = [run for _ in range(3) for run in queue_requested(ada)]
    assert in_progress(ada) == 7
    assert not is_due(ada)  # nothing is asked of Notion in a loop meanwhile

    ada.downloader = WrittenPosts()
    page_id = first.tags[ROW_TAG]
    ada.add_partition(page_id)
    assert ada.run(page_id).success

    # Dagster takes a moment longer until it knows that the run has ended.
    assert is_due(ada)
    assert len(queue_requested(ada)) == 1


def connect(store: Store, count: int, *, due_at: datetime, name: str = "c") -> list[str]:
    """Connections with a Link Database each; returns their ids."""
    ids = [f"{name}-{number:05}" for number in range(count)]
    insert_connections(store, ids, due_at=due_at)
    return ids


def poll(store: Store, *, now: datetime, askers: Sequence[str] = ()) -> list[str]:
    """A tick that finds nothing in what is due, while people ask; returns the connections that it looked at."""
    due = store.databases.due(now=now, limit=PER_TICK)
    for asker in askers:
        store.databases.poll_now(asker, now=now)
    for each in due:
        record_poll(store, each, next_due_at=now + MINUTE, now=now)
    return [each.connection_id for each in due]


def test_who_is_asked_for_now_is_looked_at_before_three_thousand_that_are_overdue(store: Store, now: datetime) -> None:
    *_, last = connect(store, 3000, due_at=now - MINUTE)
    store.databases.poll_now(last, now=now)
    assert poll(store, now=now)[0] == last


def test_asking_again_and_again_leaves_most_of_a_tick_to_those_that_are_overdue(store: Store, now: datetime) -> None:
    askers = connect(store, 3 * PER_TICK, due_at=now - MINUTE, name="asker")
    overdue = connect(store, PER_TICK, due_at=now - MINUTE / 2, name="quiet")
    seen: list[str] = []
    for tick in range(9):
        seen += poll(store, now=now + tick * SECOND, askers=askers)
    assert set(overdue) <= set(seen)
    assert set(askers) <= set(seen)


def test_asking_again_does_not_put_oneself_back(store: Store, now: datetime) -> None:
    connect(store, 2 * PER_TICK, due_at=now - MINUTE)
    (eager,) = connect(store, 1, due_at=now - 2 * MINUTE, name="eager")
    store.databases.poll_now(eager, now=now)
    assert eager in poll(store, now=now)


def test_what_is_due_is_found_without_reading_ten_thousand_connections(store: Store, now: datetime) -> None:
    *_, last = connect(store, 10_000, due_at=now + MINUTE)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    plans = explained(store)
    store.databases.due(now=now, limit=PER_TICK)
    store.databases.announced(last, now=now)
    store.databases.poll_now(last, now=now)
    store.databases.poll_backlog(last, now=now)
    assert len(plans) == 5
    assert [plan for plan in plans if re.search("SCAN link_databases|Seq Scan on link_databases", plan)] == []


def explained(store: Store) -> list[str]:
    """The plans of the statements that the store sends from here on."""
    plans: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if store.engine.dialect.name == "sqlite" else "EXPLAIN "

    def before(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            cursor.execute(explain + statement, parameters)
            plans.append("\n".join(str(line) for line in cursor.fetchall()))

    event.listen(store.engine, "before_cursor_execute", before)
    return plans


class HangingNotion:
    """Answers nobody until it is let go."""

    def __init__(self) -> None:
        self.over = Event()
        self.tokens = self

    def read_at_once(self, connection_ids: Any) -> Any:
        """Return no tokens: none is used."""

    def workspace(self, *_: Any, **__: Any) -> Any:
        self.over.wait(timeout=30)
        raise AssertionError


def test_a_link_database_that_never_answers_is_not_first_in_every_tick(store: Store, now: datetime) -> None:
    connect(store, 3, due_at=now - MINUTE)
    due: list[LinkDatabase] = store.databases.due(now=now, limit=9)
    notion: Any = HangingNotion()

    readings, unanswered = read_due(notion, due, workers=2, budget_s=0.2)
    notion.over.set()

    assert unanswered == 1  # it was not begun, and is read at the next tick
    assert [each.link_database for each in readings] == due[:2]
    assert {each.problem.code for each in readings if each.problem} == {Code.NOTION_UNREACHABLE}


def test_one_link_database_that_never_answers_does_not_use_up_the_time_of_a_tick(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "ANSWER_S", 0.2)
    connect(store, 1, due_at=now - MINUTE)
    notion: Any = HangingNotion()
    began_at = time.monotonic()

    read, _ = read_due(notion, store.databases.due(now=now, limit=9), workers=2, budget_s=20)

    assert time.monotonic() - began_at < 10
    notion.over.set()
    assert [each.problem.code for each in read if each.problem] == [Code.NOTION_UNREACHABLE]


def test_a_connection_that_notion_slows_down_does_not_hold_up_the_tick(installation: Installation) -> None:  # noqa: F811
    busy = {"path": "/query$", "status": 429, "headers": {"Retry-After": "60"}, "times": None}
    installation.notion.raw.post("/_sandbox/faults", json=busy).raise_for_status()

    installation.tick()

    database = installation.store.databases.link_database(installation.connection_id)
    assert database is not None
    assert (database.poll_failures, database.poll_problem) == (1, "Notion asks this connection to slow down.")
