"""Pages made again after the prompt changed: what is asked, what is paid, and what the row shows meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from sandbox.media.server import MediaSandbox
from svp_dagster.defs.runs import REDO_TAG
from svp_dagster.errors import Code, failure
from svp_dagster.models import ProcessingType, RedoOutcome, Status
from svp_dagster.rows.redos.requests import plan_redo, request_redo
from svp_dagster.store.redos.redos import Progress, Redo
from svp_dagster.store.redos.selection import RedoFilter
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, WrittenPosts
from tests.sandbox.ai_service import AiService

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site", "tests.paid_engines")

PANCAKES = "https://www.instagram.com/reel/DOpancakes1/"
RAMEN = "https://www.instagram.com/reel/DOramen0001/"
POSTS = {
    PANCAKES: ProcessingType.FULL,
    RAMEN: ProcessingType.SPEECH,
    "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501": ProcessingType.SPEECH,
}
COOKING = RedoFilter(tag="cooking")
CHANGED = RedoFilter(tag="cooking", schema_changed=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def _on_each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    new: Callable[[], str] = request.getfixturevalue(f"new_{request.param}")
    monkeypatch.setenv("DATABASE_URL", new())


@pytest.fixture
def written(installation: Installation) -> Installation:
    """An installation whose posts need no site."""
    installation.downloader = WrittenPosts()
    return installation


def change_prompt(installation: Installation, prompt: str = "Write it like a pirate.") -> None:
    databases, now = installation.store.databases, datetime.now(UTC)
    cooking = databases.for_tag(installation.connection_id, "cooking")
    assert cooking is not None
    databases.update_content_database(installation.connection_id, cooking.id, prompt=prompt, now=now)


def ask(installation: Installation, asked: RedoFilter = COOKING) -> Redo:
    """Ask for a redo, whose backfill is there at once."""
    now = datetime.now(UTC)
    redo = request_redo(installation.store, installation.connection_id, asked, now=now)
    assert redo is not None
    installation.store.redos.launched(redo.id, now=now)
    return redo


def progress(installation: Installation, redo: Redo) -> Progress:
    return installation.store.redos.progress([redo.id])[redo.id]


def paid(ai: AiService) -> dict[str, int]:
    return {service: int(counts["calls"]) for service, counts in ai.ledger.items()}


def notion_writes(installation: Installation) -> list[tuple[str, str]]:
    requests: list[dict[str, Any]] = installation.notion.raw.get("/_sandbox/requests").json()["requests"]
    return [(each["method"], each["path"]) for each in requests if each["method"] != "GET"]


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("_on_each_database")
def test_a_redo_updates_every_page_in_place_and_pays_for_the_summaries_alone(
    request: pytest.FixtureRequest, ai: AiService, site: MediaSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVP_MEDIA_KEPT_HOURS", "0")
    installation: Installation = request.getfixturevalue("installation")
    page_ids = [installation.add_row(post, "cooking", processing_type=kind) for post, kind in POSTS.items()]
    installation.run_requested()
    assert [installation.entry(page_id).sentence for page_id in page_ids] == [None] * 3
    pages, before = {page["id"] for page in installation.content_pages("cooking")}, paid(ai)
    shown = [installation.row(page_id) for page_id in page_ids]
    change_prompt(installation)
    site.recorder.clear()

    redo = ask(installation, CHANGED)
    runs = [installation.run(page_id, tags={REDO_TAG: redo.id}) for page_id in page_ids]

    assert [installation.entry(page_id).sentence for page_id in page_ids] == [None] * 3
    assert [run.success for run in runs] == [True, True, True]
    assert paid(ai) == {**before, "gemini": before["gemini"] + len(POSTS)}
    assert "pirate" in str([sent for sent in ai.requests if "generateContent" in sent["path"]][-1]["body"])
    assert {page["id"] for page in installation.content_pages("cooking")} == pages
    assert len(pages) == len(POSTS)
    assert site.recorder.requests == []
    assert [installation.row(page_id) for page_id in page_ids] == shown
    assert progress(installation, redo) == Progress(made=3)
    assert installation.store.redos.count(installation.connection_id, CHANGED) == 0


def test_the_summary_of_a_kept_post_is_made_of_what_the_first_run_heard_and_read(
    installation: Installation, ai: AiService
) -> None:
    ai.steer("vision", lines=["2 ripe bananas", "80 g oats"])
    page_id = installation.process(PANCAKES, "cooking")["id"]
    change_prompt(installation)
    ask(installation)

    installation.run(page_id)

    first, second = [str(sent["body"]) for sent in ai.requests if "generateContent" in sent["path"]]
    assert first.partition("<material>")[2] == second.partition("<material>")[2]
    assert "bananas" in second.partition("<material>")[2]


def test_what_another_engine_heard_serves_a_redo_too(
    installation: Installation, ai: AiService, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_id = installation.process(PANCAKES, "cooking")["id"]
    before = paid(ai)
    monkeypatch.setenv("SVP_OPENAI_SPEECH_MODEL", "gpt-transcribe")
    change_prompt(installation)
    ask(installation)

    assert installation.run(page_id).success
    assert paid(ai) == {**before, "gemini": 2}


def test_a_post_that_is_not_kept_any_more_is_downloaded_again(written: Installation) -> None:
    page_id = written.process(SOUP, "cooking")["id"]
    assert isinstance(written.downloader, WrittenPosts)
    with written.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM contents")
    now = datetime.now(UTC)
    plan = plan_redo(written.store, written.connection_id, COOKING, now=now)
    assert (plan.rows, plan.kept, plan.downloads, plan.usd) == (1, 0, 1, None)
    redo = ask(written)

    assert written.run(page_id).success

    assert written.downloader.asked == [SOUP, SOUP]
    assert progress(written, redo) == Progress(made=1)
    assert plan_redo(written.store, written.connection_id, COOKING, now=now).kept == 1


def test_a_row_shows_nothing_of_its_redo(written: Installation) -> None:
    page_id = written.process(SOUP, "cooking")["id"]
    before, shown = written.entry(page_id), written.row(page_id)
    ask(written)

    assert written.run(page_id).success

    after = written.entry(page_id)
    assert (after.status, after.version) == (before.status, before.version)
    assert after.content_page_id == before.content_page_id
    assert after.holder is None
    assert written.row(page_id) == shown


def test_a_redo_that_fails_leaves_the_row_and_its_page_as_they_were(written: Installation) -> None:
    page_id = written.process(SOUP, "cooking")["id"]
    before, shown = written.entry(page_id), written.row(page_id)
    with written.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM contents")
    redo = ask(written)
    written.downloader = WrittenPosts(error=failure(Code.GONE))

    assert not written.run(page_id).success

    after = written.entry(page_id)
    assert (after.status, after.redo_outcome, after.holder) == (Status.COMPLETED, RedoOutcome.FAILED, None)
    assert (after.failure_code, after.sentence) == (Code.GONE, failure(Code.GONE).sentence)
    assert (after.version, after.content_page_id) == (before.version, before.content_page_id)
    assert written.row(page_id) == shown
    assert progress(written, redo) == Progress(failed=1)


def test_a_page_that_was_deleted_in_notion_stays_deleted(written: Installation) -> None:
    page_id = written.process(SOUP, "cooking")["id"]
    page = written.entry(page_id).content_page_id or ""
    written.notion.client.pages.update(page, in_trash=True)
    redo = ask(written)

    assert not written.run(page_id).success

    after = written.entry(page_id)
    assert (after.failure_code, after.redo_outcome) == (Code.PAGE_GONE, RedoOutcome.FAILED)
    assert written.content_pages("cooking") == []
    assert progress(written, redo) == Progress(failed=1)


def test_a_row_that_waits_in_a_redo_is_started_again_as_one_of_it(written: Installation) -> None:
    page_id = written.process(SOUP, "cooking")["id"]
    with written.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM contents")
    redo = ask(written)
    written.downloader = WrittenPosts(error=failure(Code.SITE_CHANGED))
    assert not written.run(page_id).success
    waiting = written.entry(page_id)
    assert (waiting.status, waiting.redo_outcome, waiting.waits) == (Status.COMPLETED, None, 1)
    assert waiting.retry_at is not None
    assert isinstance(written.evaluate("redo_requests"), dg.SkipReason)
    written.let_time_pass("retry_at")

    result = written.evaluate("redo_requests")

    assert isinstance(result, dg.SensorResult)
    (start,) = result.run_requests or []
    assert start.partition_key == written.key(page_id)
    assert (start.tags[REDO_TAG], start.tags["dagster/backfill"]) == (redo.id, redo.id)
    written.downloader = WrittenPosts()
    assert written.run(page_id, tags=dict(start.tags)).success
    assert progress(written, redo) == Progress(made=1)
    written.evaluate("redo_requests")
    assert written.store.redos.unfinished() == []


def test_a_row_that_its_owner_sets_to_pending_in_a_redo_runs_as_any_other(written: Installation) -> None:
    page_id = written.process(SOUP, "cooking")["id"]
    redo = ask(written)
    written.store.entries.request_again(page_id, now=datetime.now(UTC))

    written.run(page_id)

    assert written.entry(page_id).version > 5  # it went through every status
    assert progress(written, redo) == Progress(made=1)


def test_a_cancelled_run_ends_the_redo_of_its_row(written: Installation) -> None:
    page_id = written.process(SOUP, "cooking")["id"]
    redo = ask(written)
    job = written.definitions.resolve_job_def("process_link")
    run = written.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=written.tags(page_id))
    written.instance.report_run_canceled(run)

    written.after_failure(run.run_id, sensor="cancelled_runs")

    assert progress(written, redo) == Progress(failed=1)
    assert written.entry(page_id).failure_code is Code.CANCELLED


def test_rows_of_an_open_redo_are_not_asked_for_twice(written: Installation) -> None:
    written.process(SOUP, "cooking")
    ask(written)

    assert request_redo(written.store, written.connection_id, COOKING, now=datetime.now(UTC)) is None
