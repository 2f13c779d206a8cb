"""The backfill of a redo in Dagster, by its own daemon and GraphQL, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from svp_dagster.defs.redos import backfills, sensor
from svp_dagster.defs.runs import CONNECTION_TAG, PARTITION_TAG, PRIORITY_TAG, REDO_TAG, rows_of_connection
from svp_dagster.errors import Code
from svp_dagster.models import ContentPage, Status
from svp_dagster.rows.pacing.shares import priority, redo_priority
from svp_dagster.rows.redos.requests import request_redo
from svp_dagster.settings import Settings
from svp_dagster.store.engine import make_engine
from svp_dagster.store.redos.redos import Progress, Redo
from svp_dagster.store.redos.selection import RedoFilter
from svp_dagster.store.store import Store, open_store
from tests.defs.graphql import Operator, operator
from tests.store.examples import link, schema, sign_in

pytestmark = pytest.mark.slow

ROWS = ("first", "second", "third")
PARTITIONS = "link_entries"


@pytest.fixture(params=["sqlite", "postgresql"])
def rows(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Store:
    """A store with three completed rows. Its database holds Dagster's tables too, where it is PostgreSQL."""
    new: Callable[[], str] = request.getfixturevalue(f"new_{request.param}")
    engine = make_engine(new())
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    engine.dispose()
    store = open_store(Settings())
    connection = sign_in(store, now=now)
    store.databases.add_content_database(connection.id, tag="Cooking", schema=schema(), url="", prompt="", now=now)
    for page_id in ROWS:
        store.entries.request(link(connection.id, at=now, page_id=page_id), now=now)
        store.entries.claim(page_id, f"run of {page_id}", may_take_over=lambda _: False, now=now)
        page = ContentPage(page_id=f"page of {page_id}", url="", created=True)
        store.entries.set_content_page(page_id, f"run of {page_id}", page, data_source_id="source")
        store.entries.complete(page_id, f"run of {page_id}", now=now)
    return store


@pytest.fixture
def dagster(rows: Store, tmp_path: Path) -> Iterator[Operator]:
    """Dagster, configured as by `svp up`."""
    with operator(tmp_path / "dagster") as made:
        yield made


def ask(rows: Store, now: datetime, asked: RedoFilter | None = None) -> Redo:
    (connection,) = rows.connections.all()
    redo = request_redo(rows, connection.id, asked or RedoFilter(tag="Cooking"), now=now)
    assert redo is not None
    return redo


def keys(rows: Store) -> list[str]:
    return sorted(entry.partition_key or "" for entry in rows.entries.known(ROWS).values())


def progress(rows: Store, redo: Redo) -> Progress:
    return rows.redos.progress([redo.id])[redo.id]


def test_a_redo_becomes_a_backfill_with_its_name_over_partitions_that_were_removed(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    redo = ask(rows, now)
    assert dagster.instance.get_dynamic_partitions(PARTITIONS) == []

    dagster.tick("redo_requests")
    runs = dagster.work_on_backfills(redo.id)

    assert sorted(dagster.instance.get_dynamic_partitions(PARTITIONS)) == keys(rows)
    (backfill,) = dagster.instance.get_backfills()
    assert (backfill.backfill_id, backfill.title) == (redo.id, "Make again: Cooking")
    assert sorted(run.tags[PARTITION_TAG] for run in runs) == keys(rows)
    assert {(run.tags[REDO_TAG], run.status) for run in runs} == {(redo.id, dg.DagsterRunStatus.QUEUED)}


def test_runs_of_a_redo_come_after_new_links_and_take_nothing_of_their_share(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    redo = ask(rows, now)
    dagster.tick("redo_requests")
    runs = dagster.work_on_backfills(redo.id)

    assert {int(run.tags[PRIORITY_TAG]) for run in runs} == {redo_priority(requested_at=now)}
    assert redo_priority(requested_at=now) < priority(runs_before=4, requested_at=now + timedelta(hours=23))
    assert {run.tags[CONNECTION_TAG] for run in runs} == {redo.connection_id}
    assert rows_of_connection(dagster.instance, redo.connection_id) == set()


def test_a_tick_that_died_before_it_recorded_the_launch_launches_nothing_twice(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    redo = ask(rows, now)
    dagster.tick("redo_requests")
    dagster.work_on_backfills(redo.id)
    with rows.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE redos SET launched_at = NULL")

    dagster.tick("redo_requests")

    assert [each.backfill_id for each in dagster.instance.get_backfills()] == [redo.id]
    assert len(dagster.work_on_backfills(redo.id)) == len(ROWS)


def test_a_backfill_that_is_cancelled_leaves_no_row_open(rows: Store, dagster: Operator, now: datetime) -> None:
    redo = ask(rows, now)
    dagster.tick("redo_requests")  # no run of it is made yet

    dagster.cancel_backfill(redo.id)
    dagster.work_on_backfills(redo.id)
    dagster.tick("redo_requests")
    dagster.tick("redo_requests")

    assert progress(rows, redo) == Progress(failed=3)
    entries = rows.entries.known(ROWS).values()
    assert {(entry.status, entry.failure_code) for entry in entries} == {(Status.COMPLETED, Code.CANCELLED)}
    assert rows.redos.unfinished() == []


def test_a_row_whose_run_was_deleted_gets_another(
    rows: Store, dagster: Operator, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor, "GRACE", timedelta(0))
    redo = ask(rows, now)
    dagster.tick("redo_requests")
    for run in dagster.work_on_backfills(redo.id):
        dagster.instance.delete_run(run.run_id)
    dagster.work_on_backfills(redo.id)
    assert backfills.state(dagster.instance, redo.id) is backfills.State.OVER

    dagster.tick("redo_requests")
    with rows.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE link_entries SET retry_at = '2026-01-01 00:00:00'")
    monkeypatch.setattr(sensor, "GRACE", timedelta(days=9999))
    requested = dagster.tick("redo_requests").run_requests

    assert sorted(each.partition_key for each in requested) == keys(rows)


def test_a_deleted_connection_leaves_no_backfill_that_goes_on_and_no_key_in_it(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    redo = ask(rows, now)
    dagster.tick("redo_requests")
    dagster.work_on_backfills(redo.id)
    tags = {CONNECTION_TAG: redo.connection_id}
    rows.deletions.delete(redo.connection_id, now=now)

    assert backfills.forget(dagster.instance, tags) == 1
    for run in dagster.instance.get_runs():
        dagster.instance.report_run_canceled(run)
    dagster.work_on_backfills(redo.id)
    assert backfills.forget(dagster.instance, tags) == 0

    (left,) = dagster.instance.get_backfills()
    assert (left.title, left.partition_names) == (None, [])
    assert rows.redos.unfinished() == []
