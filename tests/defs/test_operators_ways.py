"""Each way in which an operator makes pages again keeps the limits, pays once and updates in place.

By GraphQL, as the Dagster UI and scripts do it, through Dagster's own queue with the limits of `dagster.yaml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from svp_dagster import engines
from svp_dagster.defs.runs import CONNECTION_TAG, PARTITION_TAG, ROW_TAG, VIDEO_TAG
from svp_dagster.store.engine import make_engine
from tests.defs.graphql import IMPLICIT, Operator, operator
from tests.defs.installation import Installation, set_up
from tests.defs.posts import SOUP, STEW, WrittenPosts
from tests.sandbox.ai_service import AiService
from tests.sandbox.notion_service import NotionService

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.paid_engines",)

ASSETS = ("video", "transcript", "screen_text", "summary", "content_page")
CAKE = "https://www.tiktok.com/@cook/video/7300000000000000003"
AGAIN = f"{SOUP}?is_from_webapp=1"


@dataclass(frozen=True)
class Kitchen:
    """An installation with paid engines, and its operator."""

    installation: Installation
    operator: Operator
    posts: WrittenPosts
    ai: AiService

    @property
    def paid_calls(self) -> int:
        """How many calls the paid services have carried out."""
        return int(sum(service["calls"] for service in self.ai.ledger.values()))

    def start(self, *urls: str) -> list[str]:
        """Add rows that Dagster knows and no run has worked on; returns their partition keys."""
        page_ids = [self.installation.add_row(url, "cooking") for url in urls]
        self.installation.tick()
        for page_id in page_ids:
            self.installation.add_partition(page_id)
        return [self.installation.key(page_id) for page_id in page_ids]

    def work_off(self) -> list[set[str]]:
        """Let the queue run empty; returns the runs that went on side by side, in order."""
        rounds = []
        while side_by_side := self.operator.dequeue():
            for run in side_by_side:
                self.installation.execute(run)
            rounds.append({run.run_id for run in side_by_side})
        return rounds

    def launched(self, answer: dict[str, Any]) -> dg.DagsterRun:
        """Work off a run that was launched, and return it."""
        assert answer["__typename"] == "LaunchRunSuccess", answer
        self.work_off()
        run = self.installation.instance.get_run_by_id(answer["run"]["runId"])
        assert run is not None
        return run

    def stages(self, run: dg.DagsterRun) -> list[str]:
        """The ops that a run began, in order."""
        begun = self.installation.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
        return [str(entry.step_key).rpartition(".")[2] for entry in begun]

    def pages(self) -> list[str]:
        """The content pages that there are."""
        return sorted(page["id"] for page in self.installation.content_pages("cooking"))


@pytest.fixture(params=["sqlite", "postgresql"])
def kitchen(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    notion_server: NotionService,
    ai: AiService,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Kitchen]:
    """Its store and Dagster's storage are SQLite files or in a PostgreSQL."""
    new: Callable[[], str] = request.getfixturevalue(f"new_{request.param}")
    engine, posts = make_engine(new()), WrittenPosts()
    for name, value in {
        "SVP_HOME": str(tmp_path / "home"),
        "NOTION_BASE_URL": notion_server.url,
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
    }.items():
        monkeypatch.setenv(name, value)
    engine.dispose()
    monkeypatch.setattr(engines, "downloader", lambda _settings: posts)
    with notion_server.workspace("Kitchen") as workspace, operator(tmp_path / "dagster") as dagster:
        yield Kitchen(set_up(workspace, dagster.instance), dagster, posts, ai)


# Dagster 1.13 calls a function that it has deprecated (`AssetSelection.sources`).
@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("way", ["job", "assets"])
def test_a_backfill_makes_the_same_video_one_after_the_other_and_pays_for_it_once(kitchen: Kitchen, way: str) -> None:
    keys = kitchen.start(SOUP, AGAIN, STEW, CAKE)

    if way == "job":
        runs = kitchen.operator.backfill("process_link", keys)
    else:
        runs = kitchen.operator.backfill_assets(ASSETS, keys)

    assert {run.job_name for run in runs} == {"process_link" if way == "job" else IMPLICIT}
    assert sorted(run.tags[PARTITION_TAG] for run in runs) == sorted(keys)
    assert {run.tags[CONNECTION_TAG] for run in runs} == {kitchen.installation.connection_id}
    assert len({run.tags[ROW_TAG] for run in runs}) == 4
    videos = {run.run_id: run.tags[VIDEO_TAG] for run in runs}
    assert sorted(Counter(videos.values()).values()) == [1, 1, 2]
    first, second = kitchen.work_off()
    assert (len(first), len(second)) == (3, 1)
    assert len({videos[run_id] for run_id in first}) == 3
    assert {run.status for run in kitchen.installation.instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}
    assert len(kitchen.pages()) == 4
    assert len(kitchen.posts.asked) == 4
    paid_calls = kitchen.paid_calls
    assert paid_calls % 3 == 0
    assert paid_calls > 0


def test_a_run_that_failed_in_summarize_goes_on_from_there(kitchen: Kitchen) -> None:
    (key,) = kitchen.start(SOUP)
    kitchen.ai.steer("faults", path=":generateContent", status=400, times=None)
    failed = kitchen.launched(kitchen.operator.launch("process_link", {PARTITION_TAG: key}))
    assert failed.status is dg.DagsterRunStatus.FAILURE
    kitchen.ai.control.delete("/_sandbox/faults")

    again = kitchen.launched(kitchen.operator.reexecute(failed.run_id, strategy="FROM_FAILURE"))

    assert again.status is dg.DagsterRunStatus.SUCCESS
    assert kitchen.stages(again) == ["summarize", "publish"]
    assert again.tags[VIDEO_TAG] == failed.tags[VIDEO_TAG]
    assert kitchen.posts.asked == [SOUP]
    assert len(kitchen.pages()) == 1


@pytest.mark.parametrize("way", ["launchpad", "catalogue"])
def test_a_partition_that_is_made_again_updates_its_page_and_pays_for_nothing(kitchen: Kitchen, way: str) -> None:
    (key,) = kitchen.start(SOUP)
    tags = {PARTITION_TAG: key}
    kitchen.launched(kitchen.operator.launch("process_link", tags))
    pages, paid_calls = kitchen.pages(), kitchen.paid_calls
    assert paid_calls > 0

    if way == "launchpad":
        again = kitchen.operator.launch("process_link", tags)
    else:
        again = kitchen.operator.launch(IMPLICIT, tags, assets=ASSETS)
    run = kitchen.launched(again)

    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags[CONNECTION_TAG] == kitchen.installation.connection_id
    assert kitchen.pages() == pages
    assert kitchen.paid_calls == paid_calls
