"""Media for the player: whole or in parts, as what they are and nothing else."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oauth_app.security import POLICY
from oauth_app.videos.player import PART_BYTES
from svp_dagster.errors import Code, failure
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import RunningNotion
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import ask, make_token
from tests.oauth_app.videos.sending import CLIP, upload

SIZE = CLIP.stat().st_size
CONTENT = CLIP.read_bytes()


@pytest.fixture
def job_id(ada: Person) -> str:
    """An upload."""
    return upload(ada, filename="Größe.mp4")


def get(person: Person, job_id: str, *, method: str = "GET", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.client.open(f"/api/entries/{job_id}/media", method=method, headers=named, buffered=True)


def test_all_of_a_file_is_sent_as_what_it_is(ada: Person, job_id: str) -> None:
    answer = get(ada, job_id)
    assert (answer.status_code, answer.data) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("inline; filename")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=-5", SIZE - 5, SIZE),
        (f"bytes={SIZE - 3}-", SIZE - 3, SIZE),
        (f"bytes=10-{SIZE * 2}", 10, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        ("bytes=0-", 0, SIZE),
    ],
)
def test_a_part_is_sent_alone(ada: Person, job_id: str, asked: str, begin: int, end: int) -> None:
    answer = get(ada, job_id, Range=asked)
    assert (answer.status_code, answer.data) == (206, CONTENT[begin:end])
    assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{SIZE}"
    assert answer.content_length == end - begin


def test_a_request_for_all_from_a_place_on_gets_a_bounded_part(ada: Person) -> None:
    content = CONTENT + bytes(2 * PART_BYTES)
    job_id = upload(ada, content)
    answer = get(ada, job_id, Range="bytes=100-")
    assert (answer.status_code, answer.content_length) == (206, PART_BYTES)
    assert answer.headers["Content-Range"] == f"bytes 100-{100 + PART_BYTES - 1}/{len(content)}"
    assert len(get(ada, job_id, Range=f"bytes=0-{len(content) - 1}").data) == len(content)


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "items=0-5", "bytes=9-0", "bytes", "nonsense", "bytes=a-b"])
def test_what_is_no_single_part_gets_all(ada: Person, job_id: str, asked: str) -> None:
    assert get(ada, job_id, Range=asked).status_code == 200


def test_a_part_that_is_not_there_is_refused_with_the_size(ada: Person, job_id: str) -> None:
    answer = get(ada, job_id, Range=f"bytes={SIZE}-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{SIZE}")


def test_a_part_of_another_content_is_not_mixed_in(ada: Person, job_id: str) -> None:
    etag = get(ada, job_id).headers["ETag"]
    assert get(ada, job_id, Range="bytes=0-1", If_Range=etag).status_code == 206
    for other in ('"other"', "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert get(ada, job_id, Range="bytes=0-1", If_Range=other).status_code == 200


def test_head_tells_the_size(ada: Person, job_id: str) -> None:
    answer = get(ada, job_id, method="HEAD")
    assert (answer.status_code, answer.content_length, answer.data) == (200, SIZE, b"")
    assert get(ada, job_id, method="HEAD", Range="bytes=0-9").content_length == 10


def test_a_storage_that_signs_gives_it_to_scripts_itself(
    ada: Person, app: Flask, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Storage, "signed_url", lambda *_, **__: "https://bucket.example/x?signature=1")
    answer = ask(app, make_token(ada), f"/api/entries/{job_id}/media")
    assert (answer.status_code, answer.location) == (302, "https://bucket.example/x?signature=1")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_gets_it_from_the_app_alone_as_its_policy_demands(
    ada: Person, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Storage, "signed_url", lambda *_, **__: "https://bucket.example/x?signature=1")
    assert (get(ada, job_id).status_code, get(ada, job_id).data) == (200, CONTENT)
    assert "media-src 'self'" in POLICY


def test_what_is_gone_or_out_of_reach_is_told(
    ada: Person, job_id: str, app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.extensions["svp"].storage.delete(f"uploads/{job_id}")
    assert get(ada, job_id).status_code == 404

    def fails(*_: object) -> None:
        raise failure(Code.STORAGE_FAILED)

    monkeypatch.setattr(Storage, "size", fails)
    answer = get(ada, job_id)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_a_file_that_is_deleted_while_it_is_asked_for_is_gone(
    ada: Person, job_id: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.extensions["svp"].storage.delete(f"uploads/{job_id}")
    monkeypatch.setattr(Storage, "size", lambda *_: 100)
    assert get(ada, job_id).status_code == 404


def test_a_picture_that_is_out_of_reach_is_a_drawing(ada: Person, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise failure(Code.STORAGE_FAILED)

    monkeypatch.setattr(Storage, "get_bytes", fails)
    answer = ada.client.get(f"/entries/{job_id}/thumbnail")
    assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/static/no-picture.svg")
    assert ada.client.get(f"/api/entries/{job_id}/thumbnail.jpg").status_code == 503


def test_somebody_elses_is_not_there(app: Flask, running: RunningNotion, job_id: str) -> None:
    with running.fresh_workspace() as workspace:
        stranger = Person(app, workspace).sign_in()
        assert get(stranger, job_id).status_code == 404
        assert get(Person(app, workspace), job_id).status_code == 401
