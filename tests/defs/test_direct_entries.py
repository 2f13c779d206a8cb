"""Entries without a row in Notion, from the request to their end."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sandbox.media import files
from svp_dagster import engines
from svp_dagster.defs.housekeeping import sweeps
from svp_dagster.defs.work_folder import WorkFolder
from svp_dagster.errors import Code, failure
from svp_dagster.models import Link, LinkEntry, Status, Summary, Transcript, Video, upload_link
from svp_dagster.rows.sources.work import wait_for_work
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.storage import Storage
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.polling.parts import ALL
from svp_dagster.store.uploads import Upload
from tests.defs.installation import Installation
from tests.defs.test_reexecution import FailingSummarizer
from tests.media.making import ffmpeg
from tests.sandbox.ai_service import AiService, ai_service

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site",)

CLIPS = Path(__file__).parents[2] / "sandbox" / "media" / "clips"
PASTA = Link(
    url="https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501",
    platform="tiktok",
    post_id="7512345678901234501",
)


@pytest.fixture
def ai(monkeypatch: pytest.MonkeyPatch) -> Iterator[AiService]:
    """A speech engine, which an upload needs: no site has captions for it."""
    with ai_service() as service:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-speech")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
        yield service


def upload(installation: Installation, path: Path, *, tag: str = "", filename: str = "") -> str:
    """Upload a file as a person does in the app; returns its entry's id."""
    page_id, now = str(uuid.uuid4()), datetime.now(UTC)
    key = f"uploads/{page_id}/media{path.suffix}"
    storage(Settings()).put(key, path)
    link = upload_link(page_id)
    installation.store.uploads.add(
        Upload(
            page_id=page_id,
            filename=filename or path.name,
            content_type="video/mp4",
            size_bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            storage_key=key,
        ),
        LinkEntry(
            page_id=page_id,
            connection_id=installation.connection_id,
            url=link.url,
            link=link,
            tag=tag,
            has_row=False,
            last_edited_time=now,
        ),
        now=now,
    )
    return page_id


def add_link(installation: Installation, link: Link, *, tag: str = "") -> str:
    page_id, now = str(uuid.uuid4()), datetime.now(UTC)
    entry = LinkEntry(
        page_id=page_id,
        connection_id=installation.connection_id,
        url=link.url,
        link=link,
        tag=tag,
        has_row=False,
        last_edited_time=now,
    )
    installation.store.entries.request(entry, now=now)
    return page_id


def without_notion(installation: Installation) -> None:
    """Leave the connection without any database, and Notion without memory of what was asked before."""
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM link_databases")
        connection.exec_driver_sql("DELETE FROM content_databases")
    installation.notion.raw.delete("/_sandbox/requests")


def asked_of_notion(installation: Installation) -> list[str]:
    requests = installation.notion.raw.get("/_sandbox/requests").json()["requests"]
    return [request["path"] for request in requests]


def made(installation: Installation, page_id: str, name: str, shape: type[Any]) -> Any:
    """What an op of the entry's run handed on, kept since the run was not done."""
    run_id = installation.entry(page_id).run_id
    text = WorkFolder(root=Settings().work_folder).get_value(run_id or "", name)
    assert text is not None
    return shape.model_validate_json(text)


@pytest.fixture
def kept_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs leave what their ops handed on."""
    monkeypatch.setattr(WorkFolder, "done", lambda _folder: None)


def test_an_uploaded_video_gets_show_notes_and_nothing_is_asked_of_notion(
    installation: Installation, ai: AiService, kept_values: None
) -> None:
    without_notion(installation)
    page_id = upload(installation, CLIPS / "pasta.mp4", filename="IMG_4711.mp4")

    (run,) = installation.run_requested()

    entry = installation.entry(page_id)
    assert run.success
    assert (entry.status, entry.is_unsynced, entry.content_page_id) == (Status.COMPLETED, False, None)
    assert entry.title == "IMG_4711"
    assert asked_of_notion(installation) == []
    summary: Summary = made(installation, page_id, "summary", Summary)
    assert set(summary.properties) >= {"title", "description", "show_notes"}
    assert "IMG" not in summary.properties["title"].value
    assert summary.properties["show_notes"].value.startswith("- 0:0")
    assert made(installation, page_id, "video", Video).cover_path
    assert Thumbnails(storage=storage(Settings())).get(entry.media_key or "")
    assert storage(Settings()).keys("media") == []
    assert storage(Settings()).size(f"uploads/{page_id}/media.mp4")


def test_an_upload_of_the_same_file_is_paid_for_once(installation: Installation, ai: AiService) -> None:
    first = upload(installation, CLIPS / "pasta.mp4")
    second = upload(installation, CLIPS / "pasta.mp4", filename="another name.mp4")
    assert installation.tags(first)["svp/video"] == installation.tags(second)["svp/video"]

    installation.run_requested()

    assert {installation.entry(each).status for each in (first, second)} == {Status.COMPLETED}
    assert ai.ledger["openai"]["calls"] == 1


def test_uploaded_sound_is_heard_though_it_has_no_picture(
    installation: Installation, ai: AiService, kept_values: None, tmp_path: Path
) -> None:
    episode = tmp_path / "episode.mp3"
    ffmpeg("-i", str(CLIPS / "pasta.mp4"), "-vn", str(episode))
    page_id = upload(installation, episode)

    (run,) = installation.run_requested()

    assert run.success
    assert installation.entry(page_id).status is Status.COMPLETED
    assert made(installation, page_id, "transcript", Transcript).text
    video: Video = made(installation, page_id, "video", Video)
    assert (video.video_path, video.cover_path, video.title) == (None, None, "episode")


def test_an_uploaded_picture_is_read(installation: Installation, kept_values: None) -> None:
    page_id = upload(installation, CLIPS / "reading_list.jpg")

    (run,) = installation.run_requested()

    assert run.success
    assert installation.entry(page_id).status is Status.COMPLETED
    assert "Slide 1:" in made(installation, page_id, "summary", Summary).properties["show_notes"].value


def test_a_link_of_an_account_without_notion_gets_show_notes(installation: Installation) -> None:
    without_notion(installation)
    page_id = add_link(installation, PASTA)

    (run,) = installation.run_requested()

    assert run.success
    assert installation.entry(page_id).status is Status.COMPLETED
    assert installation.entry(page_id).media_key == "tiktok:7512345678901234501"
    assert asked_of_notion(installation) == []


def test_uploads_with_a_tag_get_a_page_each_though_their_titles_are_equal(
    installation: Installation, ai: AiService, tmp_path: Path
) -> None:
    installation.store.databases.poll_now(installation.connection_id, now=datetime.now(UTC))
    pictures = (CLIPS / "porto_1.jpg", CLIPS / "porto_2.jpg")
    same = [upload(installation, picture, tag="places", filename="Lisbon.jpg") for picture in pictures]

    runs = installation.run_requested()

    assert [run.success for run in runs] == [True, True]
    pages = installation.content_pages("places")
    assert len(pages) == 2
    assert [page["video_link"] for page in pages] == [None, None]
    entries = [installation.entry(each) for each in same]
    assert {entry.content_page_id for entry in entries} == {page["id"] for page in pages}
    assert "Uploaded file: Lisbon" in installation.body(pages[0]["id"])


def test_an_upload_does_not_take_the_page_that_another_of_its_title_got_just_before(
    installation: Installation, tmp_path: Path
) -> None:
    page_ids = []
    for mark in (b"1", b"2"):
        picture = tmp_path / "list.jpg"
        picture.write_bytes((CLIPS / "reading_list.jpg").read_bytes() + mark)
        page_ids.append(upload(installation, picture, tag="places"))
        assert [run.success for run in installation.run_requested()] == [True]
    assert len({installation.entry(each).content_page_id for each in page_ids}) == 2


def test_an_upload_whose_run_was_killed_is_done_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "GRACE", timedelta(0))
    page_id = upload(installation, CLIPS / "reading_list.jpg")
    assert all(run.success for run in installation.run_requested())
    installation.forget_failure()  # as if the run had died: its claim stands, and nobody wrote down its end

    installation.evaluate("orphaned_rows")

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code, entry.holder) == (Status.PENDING, Code.INTERRUPTED, None)
    assert "this file" in (entry.sentence or "")
    installation.let_time_pass("retry_at")
    assert [run.success for run in installation.run_requested()] == [True]
    assert installation.entry(page_id).status is Status.COMPLETED


def test_a_run_of_an_upload_that_goes_on_elsewhere_starts_again_from_the_file(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = FailingSummarizer(engines.summarizer(Settings()))
    monkeypatch.setattr(engines, "summarizer", lambda _settings: broken)
    with dg.instance_for_test() as instance:
        installation.instance = instance
        page_id = upload(installation, CLIPS / "reading_list.jpg")
        (run,) = installation.run_requested()
        assert "Press Try again in the app" in (installation.entry(page_id).sentence or "")
        broken.is_mended = True

        again = installation.reexecute(run.run_id)

        assert not again.success
        assert installation.entry(page_id).status is Status.PENDING
        assert [each.success for each in installation.run_requested()] == [True]
        assert installation.entry(page_id).status is Status.COMPLETED


def test_a_storage_that_fails_costs_an_upload_nothing_but_time(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> bool:
        raise failure(Code.STORAGE_FAILED, detail="away for the test")

    page_id = upload(installation, CLIPS / "reading_list.jpg")
    with monkeypatch.context() as away:
        away.setattr(Storage, "fetch", fails)
        installation.run_requested()
    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code) == (Status.PENDING, Code.STORAGE_FAILED)

    installation.let_time_pass("retry_at")
    installation.run_requested()
    assert installation.entry(page_id).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("empty.mp4", Code.MEDIA_EMPTY, "upload it again"),
        ("page.mp4", Code.MEDIA_WRONG_KIND, "This file holds a text"),
        ("cut.mp4", Code.MEDIA_TRUNCATED, "upload it again"),
    ],
)
def test_a_file_that_can_not_be_used_fails_with_words_for_a_file(
    installation: Installation, tmp_path: Path, name: str, code: Code, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(files.read(name))
    page_id = upload(installation, path)
    installation.run_requested()

    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code) == (Status.FAILED, code)
    assert says in (entry.sentence or "")


def test_a_file_that_is_gone_from_the_storage_fails_for_good(installation: Installation) -> None:
    page_id = upload(installation, CLIPS / "reading_list.jpg")
    storage(Settings()).delete(f"uploads/{page_id}")
    installation.run_requested()
    assert installation.entry(page_id).sentence == "The uploaded file is no longer kept. Upload it again."


def test_a_tag_without_a_database_is_refused_before_a_run(installation: Installation) -> None:
    page_id = upload(installation, CLIPS / "reading_list.jpg", tag="unknown")
    assert installation.run_requested() == []
    entry = installation.entry(page_id)
    assert (entry.status, entry.failure_code, entry.is_unsynced) == (Status.FAILED, Code.UNKNOWN_TAG, False)
    assert "press Try again in the app" in (entry.sentence or "")


def test_direct_entries_start_though_no_link_database_is_due(installation: Installation) -> None:
    installation.tick()
    page_id = add_link(installation, PASTA)
    result = installation.evaluate("pending_links")
    assert isinstance(result, dg.SensorResult)
    assert [request.partition_key for request in result.run_requests or []] == [installation.key(page_id)]


def test_a_tick_waits_beside_entries_that_have_a_run_and_starts_one_that_comes(installation: Installation) -> None:
    installation.tick()  # nothing is due for a minute
    store, added = installation.store, add_link(installation, PASTA)
    mark = store.sweep.direct_mark(now=datetime.now(UTC))
    assert not wait_for_work(store, part=ALL, direct_mark=mark, limit_s=0.5)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_for_work, store, part=ALL, direct_mark=mark, limit_s=20)
        assert upload(installation, CLIPS / "reading_list.jpg") != added
        assert waiting.result(timeout=20)


def test_rows_and_direct_entries_share_what_a_connection_may_run(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVP_RUNS_PER_CONNECTION", "3")
    rows = [installation.add_row(f"{PASTA.url[:-1]}{number}", "cooking") for number in range(2)]
    direct = [upload(installation, CLIPS / "reading_list.jpg") for _ in range(3)]

    result = installation.tick()

    assert isinstance(result, dg.SensorResult)
    requests = result.run_requests or []
    assert len(requests) == 3
    ranks = [int(request.tags["dagster/priority"]) for request in requests]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == 3
    started = {request.partition_key for request in requests}
    assert {installation.key(page_id) for page_id in rows} < started
    assert len({installation.key(page_id) for page_id in direct} & started) == 1


def test_an_upload_becomes_show_notes_on_postgresql_too(
    new_postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("DATABASE_URL", new_postgresql())
    installation: Installation = request.getfixturevalue("installation")
    page_id = upload(installation, CLIPS / "reading_list.jpg")
    assert [run.success for run in installation.run_requested()] == [True]
    assert installation.entry(page_id).status is Status.COMPLETED
