"""Connections whose data were deleted: what Dagster and the disk still hold of them, and runs that were going on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml

from svp_dagster.commands.processes import PROJECT
from svp_dagster.defs.housekeeping import deletions
from svp_dagster.defs.partitions import link_entries
from svp_dagster.defs.runs import CONNECTION_TAG, PARTITION_TAG
from svp_dagster.rows import polling
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts
from tests.store.examples import sign_in

pytest_plugins = ("tests.media_site",)

PARTITIONS = str(link_entries.name)
QUEUE = yaml.safe_load((PROJECT / "dagster.yaml").read_text())["run_coordinator"]


@pytest.fixture
def kitchen(installation: Installation) -> Iterator[Installation]:
    """An installation whose Dagster keeps what it knows on the disk."""
    installation.downloader = WrittenPosts()
    with dg.instance_for_test(overrides={"run_coordinator": QUEUE}) as instance:
        installation.instance = instance
        yield installation


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run has to settle, and nothing is waited for."""
    monkeypatch.setattr(deletions, "SETTLES", timedelta(0))
    monkeypatch.setattr(deletions, "WATCHED_FOR", timedelta(0))
    monkeypatch.setattr(deletions, "REVOKED_WITHIN", timedelta(0))


def delete(installation: Installation) -> None:
    assert installation.store.deletions.delete(installation.connection_id, now=datetime.now(UTC))


def sweep(installation: Installation) -> str:
    result = installation.evaluate("deleted_connections")
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def new_run(installation: Installation, key: str, connection_id: str) -> dg.DagsterRun:
    """A run that goes on; one without a connection never came to Dagster's queue."""
    job = installation.definitions.resolve_job_def("process_link")
    tags = {PARTITION_TAG: key} | ({CONNECTION_TAG: connection_id} if connection_id else {})
    return installation.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)


def rows_naming(folder: Path, *names: str) -> list[str]:
    """The tables of all SQLite files below a folder that have a row with one of these names in it."""
    found = []
    for file in folder.rglob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                text = repr(database.execute(f"SELECT * FROM {table}").fetchall())
                found += [f"{file.name} {table}: {name}" for name in names if name in text]
    return found


@pytest.mark.usefixtures("at_once")
def test_dagster_and_the_disk_hold_nothing_of_a_deleted_connection(kitchen: Installation) -> None:
    row = kitchen.process(SOUP, "cooking")
    assert row["status"] == "completed", row["error"]
    (run,), key = kitchen.instance.get_runs(), kitchen.key(row["id"])
    root = Path(kitchen.instance.root_directory)
    printed = root / "storage" / run.run_id / "compute_logs" / "download.err"
    printed.parent.mkdir(parents=True, exist_ok=True)
    printed.write_text("Soup of the day")
    with closing(sqlite3.connect(root / "history" / "runs" / "index.db", isolation_level=None)) as database:
        # As the UI leaves it behind when somebody looks at the assets.
        database.execute("UPDATE asset_keys SET cached_status_data = ?", (f"materialized: {key}",))
    words = (row["id"], key, "7300000000000000001", "Soup of the day", "Carrots")
    assert {name for _, _, name in (found.partition(": ") for found in rows_naming(root, *words))} == set(words)

    delete(kitchen)
    sweep(kitchen)

    assert kitchen.instance.get_runs() == []
    assert kitchen.instance.get_dynamic_partitions(PARTITIONS) == []
    assert rows_naming(root, *words) == []
    assert [path for path in root.rglob("*") if run.run_id in str(path)] == []
    assert storage(Settings()).files("media") == storage(Settings()).files("thumbnails") == []
    assert sweep(kitchen) == "Nobody's data are left to be removed."


@pytest.mark.usefixtures("at_once")
def test_what_the_stages_of_a_failed_run_found_goes_too(kitchen: Installation) -> None:
    page_id = kitchen.add_row(SOUP, "cooking")
    kitchen.downloader = WrittenPosts(meanwhile=lambda: kitchen.notion.client.pages.update(page_id, in_trash=True))
    kitchen.run_requested()
    assert [path.name for path in Settings().work_folder.rglob("summary.json")]

    delete(kitchen)
    sweep(kitchen)

    assert list(Settings().work_folder.iterdir()) == []


@pytest.mark.usefixtures("at_once")
def test_anothers_runs_partitions_and_media_stay(kitchen: Installation) -> None:
    theirs = kitchen.process(STEW, "cooking")["id"]
    (run,) = kitchen.instance.get_runs()
    before = kitchen.connection_id
    kitchen.store.connections.end(before, now=datetime.now(UTC))
    with kitchen.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET bot_id = 'another'")
    kitchen.register()
    kitchen.process(SOUP, "cooking")

    delete(kitchen)
    sweep(kitchen)

    assert [left.run_id for left in kitchen.instance.get_runs()] == [run.run_id]
    assert kitchen.instance.get_dynamic_partitions(PARTITIONS) == [kitchen.key(theirs)]
    assert kitchen.entry(theirs).link.connection_id == before
    assert len({file.key.split("/")[1] for file in storage(Settings()).files("media")}) == 1
    last = kitchen.instance.get_latest_materialization_event(dg.AssetKey("video"))
    assert last is not None
    assert last.asset_materialization is not None
    assert last.asset_materialization.metadata == {}


@pytest.mark.usefixtures("at_once")
def test_runs_that_go_on_are_cancelled_and_deleted_once_they_are_over(kitchen: Installation) -> None:
    page_id = kitchen.add_row(SOUP, "cooking")
    kitchen.tick()
    mine = new_run(kitchen, kitchen.key(page_id), kitchen.connection_id)
    never_queued = new_run(kitchen, kitchen.key(page_id), "")
    others = new_run(kitchen, "another row", "another")
    delete(kitchen)

    def statuses() -> dict[str, str]:
        return {run.run_id: run.status.value for run in kitchen.instance.get_runs()}

    sweep(kitchen)
    assert statuses() == {mine.run_id: "CANCELING", never_queued.run_id: "CANCELING", others.run_id: "STARTED"}
    assert kitchen.instance.get_runs()[-1].tags["dagster/max_retries"] == "0"
    for run in (mine, never_queued):
        kitchen.instance.report_run_canceled(run)
        kitchen.after_failure(run.run_id, sensor="cancelled_runs")
    sweep(kitchen)
    assert statuses() == {others.run_id: "STARTED"}


@pytest.mark.usefixtures("at_once")
def test_a_run_whose_row_is_deleted_meanwhile_ends_quietly_and_leaves_nothing(kitchen: Installation) -> None:
    kitchen.downloader = WrittenPosts(meanwhile=lambda: delete(kitchen))
    page_id = kitchen.add_row(SOUP, "cooking")

    (run,) = kitchen.run_requested()

    (failed,) = kitchen.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    assert "its owner's data were deleted" in str(failed.dagster_event.step_failure_data)  # type: ignore[union-attr]
    assert kitchen.store.entries.get(page_id) is None
    assert kitchen.content_pages("cooking") == []
    sweep(kitchen)
    with kitchen.store.engine.connect() as connection:
        for table in ("link_entries", "contents", "ledger", "deletions"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0, table
    assert storage(Settings()).files("media") == storage(Settings()).files("thumbnails") == []


def test_rows_that_were_being_read_get_no_run(kitchen: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    kitchen.add_row(SOUP, "cooking")
    decide = polling.decide

    def decide_late(*arguments: Any, **options: Any) -> polling.Decision:
        delete(kitchen)
        return decide(*arguments, **options)

    monkeypatch.setattr(polling, "decide", decide_late)

    assert isinstance(kitchen.tick(), dg.SkipReason)


@pytest.mark.usefixtures("at_once")
def test_who_connects_again_starts_empty_and_rows_that_are_done_stay_done(kitchen: Installation) -> None:
    done = kitchen.process(SOUP, "cooking")
    pending = kitchen.add_row(STEW, "cooking")
    delete(kitchen)
    kitchen.register()

    result = kitchen.tick()

    assert isinstance(result, dg.SensorResult)
    assert [request.partition_key for request in result.run_requests or []] == [kitchen.key(pending)]
    assert kitchen.row(done["id"]) == done
    assert len(kitchen.content_pages("cooking")) == 1
    for added in result.dynamic_partitions_requests or []:
        kitchen.instance.add_dynamic_partitions(added.partitions_def_name, list(added.partition_keys))
    sweep(kitchen)
    assert kitchen.instance.get_dynamic_partitions(PARTITIONS) == [kitchen.key(pending)]


def test_a_deletion_is_over_after_its_time_and_once_the_grant_is_revoked_or_a_day_has_passed(
    kitchen: Installation,
) -> None:
    delete(kitchen)

    def pending_after(passed: timedelta) -> int:
        at = datetime.now(UTC) - passed
        with kitchen.store.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE deletions SET requested_at = '{at:%Y-%m-%d %H:%M:%S}'")
        sweep(kitchen)
        return len(kitchen.store.deletions.pending())

    assert pending_after(timedelta(0)) == 1
    # Without the client's credentials Notion can't be told.
    assert pending_after(timedelta(hours=1)) == 1
    assert pending_after(timedelta(days=1, minutes=1)) == 0


@pytest.mark.usefixtures("at_once")
def test_a_notion_that_does_not_answer_takes_no_tick_beyond_its_time(
    kitchen: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ada", "grace", "edith"):
        left = sign_in(kitchen.store, now=datetime.now(UTC), bot_id=name, workspace_id=name, owner_id=name)
        kitchen.store.deletions.delete(left.id, now=datetime.now(UTC))
    waits_s: list[float] = []

    def hang(_store: TokenStore, _connection_id: str) -> bool:
        waits_s.append(15.0)
        return False

    monkeypatch.setattr(deletions, "time", SimpleNamespace(monotonic=lambda: sum(waits_s)))
    monkeypatch.setattr(TokenStore, "revoke_deleted", hang)
    assert sweep(kitchen).startswith("3 of 3 deletions are over.")
    assert sum(waits_s) == 30  # of the 60 that Dagster gives a tick
