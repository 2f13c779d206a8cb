"""What an operator does in the Dagster UI: backfills, re-execution from failure, one partition of the catalogue.

The web server and the code location are the real ones. No daemon runs, so what is launched stays in the queue or is
left as a backfill for it: `tests/defs/test_operators_ways.py` executes such runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, expect

from svp_dagster.commands import up
from svp_dagster.commands.processes import answers, free_port, running
from svp_dagster.defs.runs import CONNECTION_TAG, PARTITION_TAG, ROW_TAG, VIDEO_TAG
from svp_dagster.settings import Settings
from svp_dagster.store.store import Store, open_store
from tests.store.examples import link, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

START_LIMIT_S = 90.0
PATIENCE_MS = 60_000
ASSETS = 5


@dataclass(frozen=True)
class DagsterUi:
    """A running Dagster web server of an installation with rows that were started."""

    url: str
    store: Store
    instance: dg.DagsterInstance
    keys: list[str]

    def run(self) -> dg.DagsterRun:
        """The run that was launched last."""
        return self.instance.get_runs(limit=1)[0]


@pytest.fixture
def ui(
    new_sqlite: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> Iterator[DagsterUi]:
    """Started as `svp up` does it."""
    port = free_port()
    for name, value in {
        "SVP_HOME": str(tmp_path / "home"),
        "SVP_DAGSTER_PORT": str(port),
        "DATABASE_URL": new_sqlite(),
    }.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    up.prepare(settings)
    store = open_store(settings)
    sign_in(store, now=now)
    (connection,) = store.connections.all()
    rows = [store.entries.request(link(connection.id, at=now, page_id=f"row-{n}"), now=now) for n in range(4)]
    keys = [row.partition_key or "" for row in rows]
    svp = str(Path(sys.executable).parent / "svp")
    with (
        dg.DagsterInstance.from_config(str(settings.home / "dagster")) as instance,
        running(settings.home / "logs") as processes,
    ):
        instance.add_dynamic_partitions("link_entries", keys)
        command = [svp, "webserver", "-w", "workspace.yaml"]
        web = processes.start("dagster-webserver", command, env=up.child_environment(settings))
        processes.wait_for(web, lambda: answers(port), limit_s=START_LIMIT_S)
        yield DagsterUi(f"http://127.0.0.1:{port}", store, instance, keys)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser profile. The UI shows more at this width."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    expect.set_options(timeout=5_000)
    context.close()


def test_an_operator_makes_pages_again_in_the_ui(ui: DagsterUi, page: Page) -> None:
    launch_backfill(ui, page)
    (backfill,) = ui.instance.get_backfills()
    assert sorted(backfill.partition_names or []) == sorted(ui.keys)

    materialize(ui, page, ui.keys[0])
    run = ui.run()
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert run.tags[PARTITION_TAG] == ui.keys[0]
    assert run.tags[ROW_TAG] == "row-0"
    assert {CONNECTION_TAG, VIDEO_TAG} <= run.tags.keys()
    assert len(run.asset_selection or ()) == ASSETS

    ui.instance.report_run_failed(run)
    reexecute_from_failure(ui, page, run.run_id)
    again = ui.run()
    assert again.parent_run_id == run.run_id
    assert again.tags.items() >= {name: run.tags[name] for name in (PARTITION_TAG, ROW_TAG, VIDEO_TAG)}.items()


def launch_backfill(ui: DagsterUi, page: Page) -> None:
    """Launch a backfill of the job for all partitions."""
    page.goto(f"{ui.url}/locations/svp_dagster/jobs/process_link/partitions")
    page.get_by_role("button", name="Materialize…").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="All", exact=True).click()
    expect(dialog).to_contain_text("4 partitions")
    dialog.get_by_role("button", name="Launch backfill").click()
    expect(page.get_by_text("Created backfill")).to_be_visible()


def materialize(ui: DagsterUi, page: Page, key: str) -> None:
    """Materialize one partition of the content page; Dagster asks for the assets before it."""
    page.goto(f"{ui.url}/assets/content_page?view=partitions&partition={key.replace('/', '%2F')}")
    expect(page.locator("span", has_text=key).first).to_be_visible()
    page.get_by_role("button", name="Materialize…").first.click()
    page.get_by_role("button", name="Confirm").click()
    with page.expect_response(lambda answer: "mutation Launch" in (answer.request.post_data or "")):
        page.get_by_role("button", name="Launch 1 run").click()


def reexecute_from_failure(ui: DagsterUi, page: Page, run_id: str) -> None:
    """Choose *From failure* in the menu of a failed run."""
    page.goto(f"{ui.url}/runs/{run_id}")
    page.get_by_role("button", name="Re-execute all (*)").locator("xpath=following::button[1]").click()
    page.get_by_role("menuitem", name="From failure").click()
    page.wait_for_url(lambda url: "/runs/" in url and run_id not in url)
