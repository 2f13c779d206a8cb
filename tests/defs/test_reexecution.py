"""A run that stopped goes on from the stage where it did, or starts again where what it found is gone."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from svp_dagster import engines
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.errors import Code, failure
from svp_dagster.models import Summary
from svp_dagster.ports import Meter, SummaryRequest
from svp_dagster.settings import Settings
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

CAFE = "https://www.tiktok.com/@porto.finds/video/7512345678901234502"


class FailingSummarizer:
    """Fails for good until it is mended, then does what the engine of the installation does."""

    def __init__(self, real: Any) -> None:
        self.recipe: str = real.recipe
        self.sees: bool = real.sees
        self.is_mended = False
        self.asked: list[SummaryRequest] = []
        self._real = real

    def summarize(self, request: SummaryRequest, *, meter: Meter) -> Summary:
        self.asked.append(request)
        if not self.is_mended:
            raise failure(Code.SUMMARY_INVALID, detail="broken for the test")
        summary: Summary = self._real.summarize(request, meter=meter)
        return summary


@pytest.fixture
def posts(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> WrittenPosts:
    posts = WrittenPosts()
    monkeypatch.setattr(engines, "downloader", lambda _settings: posts)
    return posts


@pytest.fixture
def summarizer(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> FailingSummarizer:
    broken = FailingSummarizer(engines.summarizer(Settings()))
    monkeypatch.setattr(engines, "summarizer", lambda _settings: broken)
    return broken


@pytest.fixture
def kept(installation: Installation) -> Iterator[Installation]:
    """An installation whose Dagster can be asked by a run that is made of code alone."""
    with dg.instance_for_test() as instance:
        installation.instance = instance
        yield installation


def stages(installation: Installation, run_id: str) -> list[str]:
    """The ops that a run began, in order."""
    begun = installation.instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
    return [str(entry.step_key).rpartition(".")[2] for entry in begun]


def failed_run(installation: Installation, url: str) -> str:
    """A run of a row that failed; returns its id."""
    installation.add_row(url, "places" if url == CAFE else "cooking")
    (run,) = installation.run_requested()
    assert not run.success
    return run.run_id


def test_a_run_that_failed_in_summarize_runs_only_that_and_what_comes_after(
    kept: Installation, posts: WrittenPosts, summarizer: FailingSummarizer
) -> None:
    run_id = failed_run(kept, SOUP)
    summarizer.is_mended = True

    again = kept.reexecute(run_id)

    assert again.success
    assert stages(kept, again.run_id)[:2] == ["summarize", "publish"]
    assert posts.asked == [SOUP]
    assert summarizer.asked[0] == summarizer.asked[1]
    (page,) = kept.content_pages("cooking")
    assert kept.row(kept.page_id_of(again.run_id))["status"] == "completed"
    assert page["name"].startswith("Soup of the day")


@pytest.mark.usefixtures("installation")
def test_the_files_of_a_video_are_there_in_the_run_that_goes_on(
    kept: Installation, summarizer: FailingSummarizer
) -> None:
    run_id = failed_run(kept, CAFE)
    summarizer.is_mended = True

    again = kept.reexecute(run_id)

    assert again.success
    before, after = (request.video.video_path for request in summarizer.asked)
    assert before is not None
    assert after is not None
    assert before.name == after.name
    assert again.run_id in str(after)
    assert not before.exists()
    assert kept.content_pages("places")[0]["address"] == "12 Harbour Lane"


def test_what_a_run_hands_on_is_json_without_a_secret_and_goes_when_its_row_is_completed(
    kept: Installation, posts: WrittenPosts, summarizer: FailingSummarizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOTION_CLIENT_SECRET", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "canary-secret")

    run_id = failed_run(kept, SOUP)

    files = [path for path in Settings().work_folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {
        f"{name}.json" for name in ("video", "destination", "transcript", "screen_text")
    }
    for path in files:
        text = path.read_text()
        assert json.loads(text)
        assert "canary" not in text
        assert kept.notion.token not in text
    summarizer.is_mended = True
    assert kept.reexecute(run_id).success
    assert work_folders() == {run_id}


@pytest.mark.parametrize("gone", ["values", "cut off", "media"])
def test_a_run_whose_results_are_gone_lets_its_row_start_again_from_the_first_stage(
    kept: Installation, summarizer: FailingSummarizer, gone: str
) -> None:
    run_id = failed_run(kept, CAFE)
    page_id = kept.page_id_of(run_id)
    assert kept.row(page_id)["status"] == "failed"
    lose(run_id, gone)
    summarizer.is_mended = True

    again = kept.reexecute(run_id)

    assert not again.success
    assert kept.row(page_id)["status"] == "pending"
    (fresh,) = kept.run_requested()
    assert stages(kept, fresh.run_id)[0] == "download"
    assert kept.row(page_id)["status"] == "completed"
    assert len(kept.content_pages("places")) == 1


def test_a_disk_that_is_full_when_a_value_is_handed_on_is_what_the_row_says(
    installation: Installation, posts: WrittenPosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: WorkFolder, _name: str, _text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(WorkFolder, "put_value", refuse)
    page_id = installation.add_row(SOUP, "cooking")

    installation.run_requested()

    assert installation.entry(page_id).failure_code is Code.STORAGE_FULL


def lose(run_id: str, what: str) -> None:
    """Remove or damage what a run left behind."""
    values = Settings().work_folder / run_id / "values"
    if what == "values":
        shutil.rmtree(values)
    elif what == "cut off":
        (values / "transcript.json").write_text('{"text": "Fresh lem')
    else:
        shutil.rmtree(Settings().home / "files" / "media")


def work_folders() -> set[str]:
    root = Settings().work_folder
    return {path.name for path in root.iterdir()} if root.exists() else set()


def killed_run(installation: Installation, url: str, *, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run whose process was killed while it summarized; returns its id."""
    with monkeypatch.context() as dying:
        dying.setattr(WorkFolder, "close", lambda _self: None)
        run_id = failed_run(installation, url)
    # What a killed process leaves: no end of its step nor of its run.
    with installation.instance.event_log_storage.run_connection(run_id) as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql(
            "DELETE FROM event_logs WHERE step_key LIKE '%summarize' AND dagster_event_type = 'STEP_FAILURE'"
        )
    installation.forget_failure()
    return run_id


def test_a_killed_run_goes_on_from_the_stage_that_it_was_killed_in(
    kept: Installation, summarizer: FailingSummarizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = killed_run(kept, CAFE, monkeypatch=monkeypatch)
    page_id = kept.page_id_of(run_id)
    assert kept.entry(page_id).holder == run_id
    kept.after_failure(run_id)
    assert [path.name for path in (Settings().work_folder / run_id).iterdir()] == ["values"]
    kept.forget_failure()
    summarizer.is_mended = True

    again = kept.reexecute(run_id)

    assert again.success
    assert stages(kept, again.run_id)[0] == "summarize"
    assert kept.row(page_id)["status"] == "completed"
