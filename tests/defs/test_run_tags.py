"""However a run is launched, it has the tags by which the limits count it, and links to what it works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from svp_dagster.commands.processes import PROJECT
from svp_dagster.defs.run_queue.tags import links, row_tags
from svp_dagster.defs.runs import (
    CONNECTION_TAG,
    HOUSEKEEPING,
    KIND_TAG,
    PARTITION_TAG,
    PRIORITY_TAG,
    ROW,
    ROW_TAG,
    VIDEO_TAG,
)
from svp_dagster.models import ContentPage, Link, upload_link
from svp_dagster.rows.pacing.shares import DELAY
from svp_dagster.settings import Settings
from svp_dagster.store.engine import make_engine
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store, open_store
from svp_dagster.store.uploads import Upload
from tests.defs.graphql import Operator, operator
from tests.store.examples import link, sign_in

VIDEO = "tiktok 7300000000000000001"
PAGE_URL = "https://www.notion.so/Soup-0123"


@pytest.fixture(params=["sqlite", "postgresql"])
def rows(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Store:
    """An installation's store with a connection. Its database holds Dagster's tables too, where it is PostgreSQL."""
    new: Callable[[], str] = request.getfixturevalue(f"new_{request.param}")
    engine = make_engine(new())
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SVP_APP_URL", "https://videos.example.org")
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    engine.dispose()
    store = open_store(Settings())
    sign_in(store, now=now)
    return store


@pytest.fixture
def dagster(rows: Store, tmp_path: Path) -> Iterator[Operator]:
    """Dagster, configured as by `svp up`."""
    with operator(tmp_path / "dagster") as made:
        yield made


def start(rows: Store, dagster: Operator, *page_ids: str, now: datetime, **changes: Any) -> list[str]:
    """Let rows be started once; returns their partition keys."""
    (connection,) = rows.connections.all()
    made = [
        rows.entries.request(link(connection.id, at=now, page_id=page_id).model_copy(update=changes), now=now)
        for page_id in page_ids
    ]
    keys = [entry.partition_key or "" for entry in made]
    dagster.instance.add_dynamic_partitions("link_entries", keys)
    return keys


def entry(rows: Store, page_id: str) -> Entry:
    found = rows.entries.get(page_id)
    assert found is not None
    return found


def run_of(dagster: Operator, answer: dict[str, Any]) -> dg.DagsterRun:
    assert answer["__typename"] == "LaunchRunSuccess", answer
    found = dagster.instance.get_run_by_id(answer["run"]["runId"])
    assert found is not None
    return found


def test_the_runs_of_a_backfill_have_the_tags_of_their_rows(rows: Store, dagster: Operator, now: datetime) -> None:
    keys = start(rows, dagster, "first", "second", now=now)

    runs = dagster.backfill("process_link", keys)

    assert sorted(run.tags[PARTITION_TAG] for run in runs) == sorted(keys)
    assert {run.tags[VIDEO_TAG] for run in runs} == {VIDEO}
    assert {run.tags[CONNECTION_TAG] for run in runs} == {rows.connections.all()[0].id}
    assert sorted(run.tags[ROW_TAG] for run in runs) == ["first", "second"]
    assert {run.status for run in runs} == {dg.DagsterRunStatus.QUEUED}


def test_the_runs_of_a_backfill_take_their_turns_with_everybody_s(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    keys = start(rows, dagster, "first", "second", now=now)

    ranks = [int(run.tags[PRIORITY_TAG]) for run in dagster.backfill("process_link", keys)]

    assert abs(abs(ranks[0] - ranks[1]) - DELAY.total_seconds()) < 60
    assert max(ranks) < 0  # 0 is before all that the sensor requested


def test_a_run_is_queued_without_loading_all_others_of_its_connection(
    rows: Store, dagster: Operator, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time that a backfill takes to be queued would grow with the square of its rows."""
    keys = start(rows, dagster, "first", "second", now=now)
    dagster.launch("process_link", {PARTITION_TAG: keys[0]})
    loaded: list[dg.DagsterRun] = []
    get_runs = dg.DagsterInstance.get_runs

    def watched(instance: dg.DagsterInstance, *arguments: Any, **options: Any) -> Any:
        found = get_runs(instance, *arguments, **options)
        loaded.extend(found)
        return found

    monkeypatch.setattr(dg.DagsterInstance, "get_runs", watched)
    run = run_of(dagster, dagster.launch("process_link", {PARTITION_TAG: keys[1]}))

    assert [found for found in loaded if found.run_id != run.run_id] == []


def test_a_run_from_the_launchpad_has_the_tags_of_its_row_whatever_was_typed(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    (key,) = start(rows, dagster, "first", now=now)
    typed = {PARTITION_TAG: key, CONNECTION_TAG: "nobody", VIDEO_TAG: "another", PRIORITY_TAG: "7"}

    run = run_of(dagster, dagster.launch("process_link", typed))

    assert run.tags.items() >= row_tags(entry(rows, "first"), app_url="https://videos.example.org").items()
    assert run.tags[PRIORITY_TAG] == "7"


def test_a_run_that_is_executed_again_has_the_tags_of_its_row_as_it_is_now(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    (key,) = start(rows, dagster, "first", now=now)
    run = run_of(dagster, dagster.launch("process_link", {PARTITION_TAG: key}))
    dagster.instance.report_run_failed(run)
    start(rows, dagster, "first", now=now, tag="Baking")

    again = run_of(dagster, dagster.reexecute(run.run_id))

    assert (run.tags["svp/tag"], again.tags["svp/tag"]) == ("Cooking", "Baking")
    assert again.tags[PARTITION_TAG] == key


def test_a_run_leads_to_its_row_its_page_and_the_app(rows: Store, dagster: Operator, now: datetime) -> None:
    (key,) = start(rows, dagster, "first", now=now)
    rows.entries.claim("first", "run", may_take_over=lambda _: True, now=now)
    page = ContentPage(page_id="page", url=PAGE_URL, created=True)
    rows.entries.set_content_page("first", "run", page, data_source_id="source")

    tags = run_of(dagster, dagster.launch("process_link", {PARTITION_TAG: key})).tags

    assert {name: link.url for name, link in links(tags).items()} == {
        "entry": "https://videos.example.org/entries/first",
        "row": "https://videos.example.org/entries/first/notion",
        "page": PAGE_URL,
    }


def test_a_tag_and_an_address_as_long_as_people_write_them_are_queued(
    rows: Store, dagster: Operator, now: datetime
) -> None:
    long = Link(url="https://videos.example.net/" + "x" * 1900, platform="videos.example.net", post_id=None)
    (key,) = start(rows, dagster, "first", now=now, tag="\u202e🍝\0, [a...b]\n" * 300, link=long)

    run = run_of(dagster, dagster.launch("process_link", {PARTITION_TAG: key}))

    assert max(map(len, run.tags.values())) <= 200


def test_a_run_of_a_row_that_nobody_knows_is_left_to_the_job(rows: Store, dagster: Operator) -> None:
    run = run_of(dagster, dagster.launch("process_link", {PARTITION_TAG: "unknown"}))
    assert CONNECTION_TAG not in run.tags


def test_a_run_of_several_rows_is_refused(rows: Store, dagster: Operator, now: datetime) -> None:
    first, last = start(rows, dagster, "first", "second", now=now)
    ends = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}

    refused = dagster.launch("process_link", ends)

    assert refused["__typename"] == "PythonError"
    assert "A run works on one row. Launch a backfill" in refused["message"]
    assert [run.status for run in dagster.instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]


def test_no_run_is_queued_while_nobody_knows_which_limits_it_has_to_keep(
    rows: Store, dagster: Operator, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = start(rows, dagster, "first", now=now)
    monkeypatch.setenv("DATABASE_URL", "postgresql://svp:canary-password@127.0.0.1:1/svp")

    refused = dagster.launch("process_link", {PARTITION_TAG: key})

    assert "This installation's database didn't answer." in refused["message"]
    (run,) = dagster.instance.get_runs()
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert "canary-password" not in "".join(map(str, dagster.instance.all_logs(run.run_id)))


def test_a_run_without_a_row_needs_no_store(rows: Store, dagster: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://svp@127.0.0.1:1/svp")
    config = {"ops": {"download_canary": {"config": {"platform": "tiktok"}}}}
    assert run_of(dagster, dagster.launch("canary", {}, config=config)).status is dg.DagsterRunStatus.QUEUED


def test_the_limits_count_runs_by_these_tags() -> None:
    concurrency = yaml.safe_load((PROJECT / "dagster.yaml").read_text())["concurrency"]
    limits = concurrency["runs"]["tag_concurrency_limits"]
    by_value = {limit["key"] for limit in limits if limit["value"] == {"applyLimitPerUniqueValue": True}}
    by_kind = {limit["value"]: limit["limit"] for limit in limits if limit["key"] == KIND_TAG}
    assert by_value == {CONNECTION_TAG, VIDEO_TAG}
    assert by_kind.keys() == {ROW, HOUSEKEEPING}
    assert sum(by_kind.values()) == concurrency["runs"]["max_concurrent_runs"]


def test_an_upload_has_no_address_in_notion_and_goes_by_its_file(rows: Store, now: datetime) -> None:
    mine = link(rows.connections.all()[0].id, at=now, page_id="mine")
    upload = mine.model_copy(update={"link": upload_link("mine"), "has_row": False})
    file = Upload(page_id="mine", filename="a.mp4", content_type="", size_bytes=1, sha256="ab", storage_key="")
    tags = row_tags(rows.uploads.add(file, upload, now=now), app_url="https://videos.example.org")
    assert set(links(tags)) == {"entry"}
    assert tags[VIDEO_TAG] == "sha256:ab"
