"""Jobs: what became of uploads, listed and deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from oauth_app.services import Services
from svp_dagster.download.kept_media import KeptMedia
from svp_dagster.errors import Code, EntryGone, failure
from svp_dagster.library.files import write_files
from svp_dagster.models import (
    MediaFile,
    Outcome,
    PropertyFill,
    ScreenText,
    Segment,
    Status,
    Summary,
    Transcript,
    Video,
)
from svp_dagster.rows.waiting import failure_rule
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store
from svp_dagster.store.web.callers import Scope
from tests.notion.client.notion_sandbox import RunningNotion
from tests.oauth_app.people import Person
from tests.oauth_app.test_entries import NOW, VIDEO, add, begin
from tests.oauth_app.test_tokens import make_token
from tests.oauth_app.videos.sending import CLIP, JOBS, refused, upload

TALK = Transcript(text="Boil the pasta.", segments=(Segment(start_s=0, end_s=2, text="Boil the pasta."),))


def job(person: Person, job_id: str) -> dict[str, Any]:
    answer = person.ask("GET", f"{JOBS}/{job_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def outcome(transcript: Transcript = TALK, **values: object) -> Outcome:
    file = MediaFile(
        path=Path("clip.mp4"), duration_s=9, readable_s=9, has_video=True, has_audio=True, width_px=1080, height_px=1920
    )
    filled = {name: PropertyFill(value=value) for name, value in values.items()}
    return Outcome(
        video=Video(media_key="sha256:1", url="", title="clip", duration_s=9, files=(file,)),
        transcript=transcript,
        screen_text=ScreenText(),
        summary=Summary(overview="Somebody cooks.", properties=filled, engine="e", model="m"),
    )


def complete(store: Store, storage: Storage, job_id: str, what: Outcome) -> None:
    run_id = begin(store, job_id)
    store.entries.note(job_id, run_id, stage="download", seconds=1.5, media_key="sha256:1", title="clip")
    store.library.keep(job_id, run_id, what, now=NOW)
    write_files(storage, job_id, what, sheet=None)
    store.entries.complete(job_id, run_id, now=NOW)


@pytest.fixture
def storage(app: Flask) -> Storage:
    """The app's storage."""
    services: Services = app.extensions["svp"]
    return services.storage


def test_a_new_job_is_pending(ada: Person) -> None:
    job_id = upload(ada, filename="Lemon pasta.mp4", tag="cooking")
    found = job(ada, job_id)
    assert found["video"] == {
        "filename": "Lemon pasta.mp4",
        "content_type": "video/mp4",
        "size_bytes": CLIP.stat().st_size,
    }
    assert (found["job_id"], found["status"], found["tag"], found["stages"]) == (job_id, "PENDING", "cooking", {})
    assert (found["error"], found["metadata"], found["retry_at"]) == (None, None, None)


@pytest.mark.parametrize("status", [Status.DOWNLOADING, Status.TRANSCRIBING, Status.PROCESSING, Status.SAVING])
def test_a_job_that_is_worked_on_is_processing(ada: Person, store: Store, status: Status) -> None:
    job_id = upload(ada)
    store.entries.set_status(job_id, begin(store, job_id), status, now=NOW)
    assert job(ada, job_id)["status"] == "PROCESSING"


def test_a_completed_job_has_all_that_came_out_and_where_its_files_are(
    ada: Person, store: Store, storage: Storage
) -> None:
    job_id = upload(ada, filename="clip.mov")
    complete(
        store,
        storage,
        job_id,
        outcome(title="Pasta", description="How to.", tags=["pasta", "easy"], show_notes="## 0:00 Water"),
    )
    found = job(ada, job_id)
    assert (found["status"], found["stages"]) == ("COMPLETED", {"download": 1.5})
    metadata = found["metadata"]
    assert (metadata["title"], metadata["description"], metadata["tags"]) == ("Pasta", "How to.", ["pasta", "easy"])
    assert (metadata["show_notes"], metadata["transcript"]) == ("## 0:00 Water", "Boil the pasta.")
    assert (metadata["duration_s"], metadata["resolution"], metadata["format"]) == (9, "1080x1920", "mp4")
    for name in ("transcript_url", "vtt_url", "srt_url", "media_url"):
        assert ada.client.get(metadata[name], buffered=True).status_code == 200, name
    assert "WEBVTT" in ada.client.get(metadata["vtt_url"]).text


def test_where_nothing_was_heard_there_are_no_addresses_of_it(ada: Person, store: Store, storage: Storage) -> None:
    job_id = upload(ada)
    complete(store, storage, job_id, outcome(Transcript(no_speech=True)))
    metadata = job(ada, job_id)["metadata"]
    assert (metadata["transcript_url"], metadata["vtt_url"], metadata["srt_url"]) == (None, None, None)
    assert (metadata["title"], metadata["description"], metadata["tags"]) == ("clip", "Somebody cooks.", [])


def test_a_failed_job_says_why_in_the_one_shape(ada: Person, store: Store) -> None:
    job_id = upload(ada)
    rule = failure_rule(failure(Code.MEDIA_UNREADABLE, detail="x"))
    store.entries.fail(job_id, begin(store, job_id), rule, now=NOW)
    found = job(ada, job_id)
    assert found["status"] == "FAILED"
    assert found["error"]["error"] == "media_unreadable"
    assert found["error"]["entry_id"] == job_id
    assert found["error"]["message"]
    assert found["metadata"] is None


def test_a_job_that_waits_is_pending_and_says_why(ada: Person, store: Store) -> None:
    job_id = upload(ada)
    store.entries.fail(job_id, begin(store, job_id), failure_rule(failure(Code.STORAGE_FAILED)), now=NOW)
    found = job(ada, job_id)
    assert (found["status"], found["error"]["error"]) == ("PENDING", "storage_failed")
    assert found["retry_at"]


def test_jobs_are_listed_newest_first_and_links_are_none(ada: Person, store: Store) -> None:
    link = add(ada)["id"]
    ids = [upload(ada) for _ in range(3)]
    store.entries.set_status(ids[1], begin(store, ids[1]), Status.SAVING, now=NOW)

    def listed(**query: object) -> tuple[list[str], int]:
        answer: Any = ada.client.get(JOBS, query_string=query).json
        return [each["job_id"] for each in answer["jobs"]], answer["total"]

    assert listed() == (ids[::-1], 3)
    assert listed(offset=1, limit=1) == ([ids[1]], 3)
    assert listed(status="PROCESSING") == ([ids[1]], 1)
    assert listed(status="FAILED") == ([], 0)
    assert ada.client.get(JOBS, query_string={"status": "done"}).status_code == 422
    assert refused(ada.client.get(f"{JOBS}/{link}")) == (404, "no_such_job")


def test_a_deleted_job_is_gone_with_all_its_files(ada: Person, store: Store, storage: Storage) -> None:
    job_id, other = upload(ada), upload(ada)
    complete(store, storage, job_id, outcome())
    assert storage.keys(f"library/{job_id}")
    assert ada.ask("DELETE", f"{JOBS}/{job_id}").status_code == 204
    assert (store.entries.get(job_id), store.uploads.get(job_id), store.library.get(job_id)) == (None, None, None)
    assert [*storage.keys(f"library/{job_id}"), *storage.keys(f"uploads/{job_id}")] == []
    assert refused(ada.ask("DELETE", f"{JOBS}/{job_id}")) == (404, "no_such_job")
    assert job(ada, other)["status"] == "PENDING"


def test_a_run_of_a_deleted_job_ends_at_its_next_write(ada: Person, store: Store) -> None:
    job_id = upload(ada)
    run_id = begin(store, job_id)
    ada.ask("DELETE", f"{JOBS}/{job_id}")
    with pytest.raises(EntryGone):
        store.entries.set_status(job_id, run_id, Status.SAVING, now=NOW)


def test_files_that_can_not_be_deleted_now_are_left_to_the_sweep(
    ada: Person, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = upload(ada)

    def fails(*_: object) -> None:
        raise failure(Code.STORAGE_FAILED)

    monkeypatch.setattr(Storage, "delete", fails)
    assert ada.ask("DELETE", f"{JOBS}/{job_id}").status_code == 204
    assert store.entries.get(job_id) is None


def test_somebody_elses_job_is_not_there_and_a_token_needs_its_scope(
    ada: Person, app: Flask, running: RunningNotion, store: Store
) -> None:
    job_id = upload(ada)
    with running.fresh_workspace() as workspace:
        stranger = Person(app, workspace).sign_in()
        for method in ("GET", "DELETE"):
            assert refused(stranger.ask(method, f"{JOBS}/{job_id}")) == (404, "no_such_job")
        listed: Any = stranger.ask("GET", JOBS).json
        assert listed["total"] == 0
    phone = {"Authorization": f"Bearer {make_token(ada, scopes=(Scope.ADD_LINKS,))}"}
    for method in ("GET", "DELETE"):
        assert app.test_client().open(f"{JOBS}/{job_id}", method=method, headers=phone).status_code == 403
    assert store.entries.get(job_id) is not None


def test_a_links_media_are_played_while_they_are_kept(
    ada: Person, store: Store, storage: Storage, tmp_path: Path
) -> None:
    page_id = add(ada, VIDEO)["id"]
    assert ada.client.get(f"/api/entries/{page_id}/media").status_code == 404
    store.entries.note(page_id, begin(store, page_id), stage="download", seconds=1, media_key="tiktok:1", title="Pasta")
    copy = tmp_path / "video.mp4"
    copy.write_bytes(CLIP.read_bytes())
    KeptMedia(storage=storage).put(Video(media_key="tiktok:1", url="", video_path=copy))
    answer = ada.client.get(f"/api/entries/{page_id}/media", headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.mimetype, answer.data) == (206, "video/mp4", CLIP.read_bytes()[:10])
    storage.delete("media")
    assert ada.client.get(f"/api/entries/{page_id}/media").status_code == 404
