"""Uploads by API: what is taken in, what is refused and with which words, and what is left behind."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from oauth_app.services import Services
from oauth_app.videos.form import MAX_NAME_CHARS
from oauth_app.videos.slots import MOST_OF_ONE, Slots
from svp_dagster.errors import Code, failure
from svp_dagster.models import ProcessingType, Status
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store
from svp_dagster.store.web.callers import Scope
from tests.media.making import CLIPS, ffmpeg
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token
from tests.oauth_app.videos.sending import (
    BOUNDARY,
    CLIP,
    END,
    FORM,
    UPLOAD,
    field,
    file_part,
    form,
    refused,
    send,
    upload,
)

PNG = b"\x89PNG\r\n\x1a\n"
LIMIT = 300_000


@pytest.fixture
def storage(app: Flask) -> Storage:
    """The app's storage."""
    services: Services = app.extensions["svp"]
    return services.storage


def left_behind(store: Store, storage: Storage, person: Person) -> tuple[list[str], int]:
    """Return the files and the entries that there are."""
    drafts = [str(path) for path in Path(storage.address).rglob("*") if path.is_file()]
    return drafts, store.entries.page(person.connection_id, offset=0, limit=1)[1]


def made(folder: Path, name: str, *options: str) -> bytes:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", *options, str(folder / name))
    return (folder / name).read_bytes()


def test_an_upload_is_a_pending_entry_with_its_file(ada: Person, store: Store, storage: Storage) -> None:
    answer = send(ada, form(CLIP.read_bytes(), filename="Lemon pasta.mp4", tag="cooking", processing_type="speech"))
    assert answer.status_code == 202, answer.text
    accepted: Any = answer.json
    assert accepted == {"job_id": accepted["job_id"], "status": "PENDING"}

    entry, kept = store.entries.get(accepted["job_id"]), store.uploads.get(accepted["job_id"])
    assert entry is not None
    assert kept is not None
    assert (entry.status, entry.link.tag, entry.link.has_row) == (Status.PENDING, "cooking", False)
    assert (entry.link.processing_type, entry.title) == (ProcessingType.SPEECH, "Lemon pasta")
    assert (kept.filename, kept.content_type, kept.size_bytes) == ("Lemon pasta.mp4", "video/mp4", CLIP.stat().st_size)
    assert storage.get_bytes(kept.storage_key) == CLIP.read_bytes()
    assert kept.storage_key == f"uploads/{accepted['job_id']}/media.mp4"


def test_without_a_tag_and_without_databases_it_is_for_the_library(person: Person, store: Store) -> None:
    for body in (form(PNG), form(PNG, tag="")):
        answer: Any = send(person.sign_in(), body).json
        entry = store.entries.get(answer["job_id"])
        assert entry is not None
        assert (entry.link.tag, entry.link.has_row) == ("", False)


def test_fields_may_stand_behind_the_file(ada: Person, store: Store) -> None:
    answer = send(ada, file_part(CLIP.read_bytes()) + field("tag", "cooking") + END)
    assert answer.status_code == 202
    job: Any = answer.json
    entry = store.entries.get(job["job_id"])
    assert entry is not None
    assert entry.link.tag == "cooking"


def test_kinds_are_told_by_content_alone(ada: Person, store: Store, tmp_path: Path) -> None:
    clip, picture = str(CLIP), io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    for name in ("a.mov", "a.webm", "a.mkv"):
        codecs = ("-c:v", "libvpx", "-t", "0.4", "-an") if name == "a.webm" else ("-c", "copy")
        ffmpeg("-i", clip, *codecs, str(tmp_path / name))
    contents = {
        "video/mp4": CLIP.read_bytes(),
        "video/quicktime": (tmp_path / "a.mov").read_bytes(),
        "video/webm": (tmp_path / "a.webm").read_bytes(),
        "video/x-matroska": (tmp_path / "a.mkv").read_bytes(),
        "audio/mp4": made(tmp_path, "a.m4a"),
        "audio/mpeg": made(tmp_path, "a.mp3"),
        "audio/wav": made(tmp_path, "a.wav"),
        "image/jpeg": (CLIPS / "porto_1.jpg").read_bytes(),
        "image/png": picture.getvalue(),
    }
    for content_type, content in contents.items():
        kept = store.uploads.get(upload(ada, content, filename="whatever.mov"))
        assert kept is not None
        assert (kept.content_type, kept.filename) == (content_type, "whatever.mov")
    assert made(tmp_path, "bare.mp3", "-write_id3v1", "0", "-id3v2_version", "0")[:3] != b"ID3"
    assert upload(ada, (tmp_path / "bare.mp3").read_bytes())


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("clip.mp4", b"x" * 100)
    return packed.getvalue()


WRONG_KINDS: dict[str, bytes] = {
    "text": b"hello, this is a video, honestly",
    "web page": b"<!doctype html><html><body>Log in</body></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "zip": zipped(),
    "gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    "exe": b"MZ\x90\x00\x03\x00\x00\x00",
    "elf": b"\x7fELF\x02\x01\x01\x00",
    "webp": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "avi": b"RIFF\x24\x00\x00\x00AVI LIST",
    "heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    "aac": b"\xff\xf1\x50\x80\x02\x1f\xfc",
    "utf-16": "hello".encode("utf-16"),
    "playlist": b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n",
    "concat": b"ffconcat version 1.0\nfile other.mp4\n",
    "another EBML": b"\x1a\x45\xdf\xa3\x84\x42\x82\x81x",
    "one byte": b"\x00",
}


@pytest.mark.parametrize("content", WRONG_KINDS.values(), ids=WRONG_KINDS)
def test_what_is_no_media_file_is_refused_whatever_it_is_called(
    ada: Person, store: Store, storage: Storage, content: bytes
) -> None:
    for name in ("clip.mp4", "clip.jpg"):
        answer = send(ada, form(content, filename=name))
        assert refused(answer) == (415, "wrong_kind")
        assert "mp4, mov, webm, mkv, m4a, mp3, wav, jpg, png" in answer.text
    assert left_behind(store, storage, ada) == ([], 0)


ODD_FORMS: dict[str, tuple[bytes, str, tuple[int, str]]] = {
    "0 bytes": (form(b""), FORM, (400, "empty_file")),
    "no file": (field("tag", "cooking") + END, FORM, (400, "no_file")),
    "no file chosen": (file_part(b"", filename="") + END, FORM, (400, "no_file")),
    "nothing": (END, FORM, (400, "no_file")),
    "no body": (b"", FORM, (400, "no_file")),
    "a field called file": (field("file", "x") + END, FORM, (400, "no_file")),
    "another field": (file_part(PNG, name="video") + END, FORM, (400, "wrong_field")),
    "two files": (file_part(PNG + b"x") + file_part(PNG) + END, FORM, (400, "several_files")),
    "a second file elsewhere": (file_part(PNG) + file_part(PNG, name="b") + END, FORM, (400, "several_files")),
    "wrong boundary": (form(PNG), "multipart/form-data; boundary=other", (400, "no_form")),
    "wrong boundary, long": (form(PNG + b"x" * 500_000), "multipart/form-data; boundary=other", (400, "no_form")),
    "no boundary": (form(PNG), "multipart/form-data", (400, "no_form")),
    "a long boundary": (form(PNG), f"multipart/form-data; boundary={'x' * 500}", (400, "no_form")),
    "cut off": (file_part(PNG + b"x" * 1000), FORM, (400, "no_form")),
    "cut off in a head": (form(PNG)[:60], FORM, (400, "no_form")),
    "endless head": (f"\r\n--{BOUNDARY}\r\nX-A: ".encode() + b"a" * 500_000, FORM, (400, "no_form")),
    "endless end": (form(PNG) + b"x" * 500_000, FORM, (400, "no_form")),
    "no disposition": (f"\r\n--{BOUNDARY}\r\n\r\nx".encode() + END, FORM, (400, "no_form")),
    "many fields": (b"".join(field(f"f{number}", "x") for number in range(50)) + END, FORM, (400, "no_form")),
    "a long field": (field("tag", "x" * 20_000) + file_part(PNG) + END, FORM, (413, "field_too_long")),
    "an unknown field": (form(PNG, title="x"), FORM, (422, "invalid_request")),
    "an unknown field behind": (file_part(PNG) + field("title", "x") + END, FORM, (422, "invalid_request")),
    "an unknown type": (form(PNG, processing_type="all"), FORM, (422, "invalid_request")),
    "an unknown tag": (form(PNG, tag="travel"), FORM, (422, "unknown_tag")),
    "an unknown tag behind": (file_part(PNG) + field("tag", "travel") + END, FORM, (422, "unknown_tag")),
    "NUL in a field": (form(PNG, tag="a\x00"), FORM, (400, "invalid_text")),
    "a field in no encoding": (field("tag", "x") + b"\xff" + file_part(PNG) + END, FORM, (400, "no_form")),
    "JSON": (b"{}", "application/json", (415, "no_form")),
    "a plain form": (b"file=x", "application/x-www-form-urlencoded", (415, "no_form")),
    "the file alone": (PNG, "image/png", (415, "no_form")),
}


@pytest.mark.parametrize(("body", "content_type", "expected"), ODD_FORMS.values(), ids=ODD_FORMS)
def test_an_odd_form_is_refused_with_a_sentence_and_nothing_is_kept(
    ada: Person, store: Store, storage: Storage, body: bytes, content_type: str, expected: tuple[int, str]
) -> None:
    assert refused(send(ada, body, content_type=content_type)) == expected
    assert left_behind(store, storage, ada) == ([], 0)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\\\..\\\\x.mp4", "x.mp4"),
        ("D:\\\\Films\\\\ada\\\\clip.mp4", "clip.mp4"),
        ("..", "upload"),
        ("a\x01\x7fb.mp4", "ab.mp4"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("zero\u200bwidth.mp4", "zerowidth.mp4"),
        ("Überraschung 🎉.mp4", "Überraschung 🎉.mp4"),
        ("  a   b .mp4", "a b .mp4"),
    ],
)
def test_a_name_is_a_name_and_no_path(ada: Person, store: Store, storage: Storage, sent: str, kept: str) -> None:
    job_id = upload(ada, PNG, filename=sent)
    found = store.uploads.get(job_id)
    assert found is not None
    assert (found.filename, found.storage_key) == (kept, f"uploads/{job_id}/media.png")


def test_a_long_name_keeps_its_end(ada: Person, store: Store) -> None:
    found = store.uploads.get(upload(ada, PNG, filename="x" * 300 + ".mp4"))
    assert found is not None
    assert (len(found.filename), found.filename[-5:]) == (MAX_NAME_CHARS, "x.mp4")


class TestTheLimit:
    """Of a file's size."""

    @pytest.fixture
    def environment(self, environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        environment.setenv("SVP_MAX_SIZE_BYTES", str(LIMIT))
        return environment

    @pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + 500_000, 3 * LIMIT + 1_000_000])
    def test_a_file_beyond_it_is_refused(self, ada: Person, store: Store, storage: Storage, size: int) -> None:
        answer = send(ada, form(PNG + b"x" * (size - len(PNG))))
        assert refused(answer) == (413, "too_large")
        assert "0.3 MB" in answer.text
        assert left_behind(store, storage, ada) == ([], 0)

    def test_a_file_at_it_is_taken(self, ada: Person) -> None:
        assert upload(ada, PNG + b"x" * (LIMIT - len(PNG)))


def test_a_storage_that_is_down_is_a_503_that_says_when_to_come_back(
    ada: Person, monkeypatch: pytest.MonkeyPatch, store: Store, storage: Storage
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise failure(Code.STORAGE_FAILED)

    monkeypatch.setattr(Storage, "write", fails)
    answer = send(ada, form(PNG))
    assert refused(answer) == (503, "storage_failed")
    assert int(answer.headers["Retry-After"]) > 0
    assert left_behind(store, storage, ada) == ([], 0)


def test_who_deletes_their_data_meanwhile_leaves_no_file(
    ada: Person, monkeypatch: pytest.MonkeyPatch, store: Store, storage: Storage
) -> None:
    connection_id, write = ada.connection_id, Storage.write

    def slow(self: Storage, *arguments: Any, **options: Any) -> int:
        size = write(self, *arguments, **options)
        store.deletions.delete(connection_id, now=Services.now(None))  # type: ignore[arg-type]
        return size

    body = form(PNG)
    ada.csrf  # noqa: B018 (asked for while there is a session)
    monkeypatch.setattr(Storage, "write", slow)
    assert refused(send(ada, body)) == (401, "not_signed_in")
    assert [path for path in Path(storage.address).rglob("*") if path.is_file()] == []


def test_only_few_uploads_of_one_connection_go_on_at_once(ada: Person, app: Flask) -> None:
    slots: Slots = app.extensions["svp"].upload_slots
    taken = [slots.taken(ada.connection_id) for _ in range(MOST_OF_ONE)]
    for each in taken:
        each.__enter__()
    assert refused(send(ada, form(PNG))) == (429, "too_many_at_once")
    for each in taken:
        each.__exit__(None, None, None)
    assert upload(ada, PNG)


def test_only_so_many_uploads_go_on_at_once_in_all(ada: Person, app: Flask) -> None:
    services: Services = app.extensions["svp"]
    services.upload_slots = Slots(most=1)
    with services.upload_slots.taken("somebody else"):
        answer = send(ada, form(PNG))
    assert refused(answer) == (503, "too_many_uploads")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_stranger_or_a_forged_request_makes_us_store_nothing(
    ada: Person, app: Flask, store: Store, storage: Storage
) -> None:
    body, stranger = form(PNG), app.test_client()
    assert refused(stranger.post(UPLOAD, data=body, content_type=FORM)) == (401, "not_signed_in")
    reader = {"Authorization": f"Bearer {make_token(ada, scopes=(Scope.READ,))}"}
    assert refused(stranger.post(UPLOAD, data=body, content_type=FORM, headers=reader)) == (403, "scope_missing")
    assert refused(ada.client.post(UPLOAD, data=body, content_type=FORM)) == (400, "csrf_token_missing")
    in_the_form = form(PNG, csrf_token=ada.csrf)
    assert refused(ada.client.post(UPLOAD, data=in_the_form, content_type=FORM)) == (400, "csrf_token_missing")
    assert left_behind(store, storage, ada) == ([], 0)


def test_a_token_that_may_add_links_may_upload(ada: Person, app: Flask) -> None:
    headers = {"Authorization": f"Bearer {make_token(ada, scopes=(Scope.ADD_LINKS,))}"}
    answer = app.test_client().post(UPLOAD, data=form(PNG), content_type=FORM, headers=headers)
    assert answer.status_code == 202
