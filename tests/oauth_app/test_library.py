"""What came out of an entry: shown, searched and downloaded by API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from oauth_app.api.library import file_name
from svp_dagster.library.files import write_files
from svp_dagster.models import LinkEntry, Outcome, Segment, Transcript
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store
from tests.library.outcomes import outcome
from tests.notion.client.notion_sandbox import RunningNotion
from tests.oauth_app.people import Person
from tests.store.examples import link

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FORMS = ("transcript.txt", "transcript.vtt", "transcript.srt", "outcome.json", "outcome.md", "sheet.jpg")


@pytest.fixture
def grace(app: Flask, running: RunningNotion) -> Iterator[Person]:
    """Someone in another workspace."""
    with running.fresh_workspace() as other:
        yield Person(app, other).sign_in()


@pytest.fixture
def storage(app: Flask) -> Storage:
    """The files of the installation."""
    found: Storage = app.extensions["svp"].storage
    return found


def begin(store: Store, person: Person, page_id: str, **changes: Any) -> None:
    entry = link(person.connection_id, at=NOW, page_id=page_id).model_copy(update=changes)
    store.entries.request(LinkEntry.model_validate(dict(entry)), now=NOW)
    store.entries.claim(page_id, "run", may_take_over=lambda _: False, now=NOW)


def keep(
    store: Store, storage: Storage, person: Person, tmp_path: Path, page_id: str, made: Outcome, **changes: Any
) -> None:
    sheet = tmp_path / "contact-sheet.jpg"
    sheet.write_bytes(b"\xff\xd8jpeg")
    begin(store, person, page_id, **changes)
    kept = store.library.keep(page_id, "run", made, now=NOW)
    write_files(storage, page_id, kept, sheet=sheet if made.screen_text.sheet else None)


@pytest.fixture
def kept(ada: Person, store: Store, storage: Storage, tmp_path: Path) -> str:
    """The id of an entry with an outcome."""
    keep(store, storage, ada, tmp_path, "kept", outcome())
    return "kept"


def test_an_entry_has_no_outcome_until_there_is_one(ada: Person, store: Store) -> None:
    begin(store, ada, "row")
    assert ada.ask("GET", "/api/entries/row").json["outcome"] is None  # type: ignore[index]


def test_an_entry_shows_what_came_out_of_it(ada: Person, kept: str) -> None:
    shown = (ada.ask("GET", f"/api/entries/{kept}").json or {})["outcome"]
    assert shown["video"]["title"] == "Garlic soup"
    assert [segment["start_s"] for segment in shown["transcript"]["segments"]] == [0, 65]
    assert shown["captions"] == [{"language": "en", "translated": False}]
    assert shown["screen"]["lines"][0]["first_s"] == 3
    assert shown["screen"]["sheet"]["tiles"][1]["at_s"] == 2.5
    assert shown["summary"]["values"]["Dish"]["value"] == "Soup"
    assert shown["summary"]["values"]["Dish"]["evidence"][0]["quote"] == "Add the garlic now."
    assert shown["chapters"] == []
    assert "/dev/null" not in json.dumps(shown)
    for address in (shown["screen"]["sheet"]["url"], *shown["downloads"].values()):
        assert ada.client.get(address).status_code == 200, address


@pytest.mark.parametrize(
    ("name", "mimetype", "beginning"),
    [
        ("transcript.txt", "text/plain", "[0:00] Today we cook a soup.\n"),
        ("transcript.vtt", "text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:04.000\n"),
        ("transcript.srt", "application/x-subrip", "1\n00:00:00,000 --> 00:00:04,000\n"),
        ("outcome.json", "application/json", '{\n  "video"'),
        ("outcome.md", "text/markdown", "# Garlic soup\n"),
    ],
)
def test_an_outcome_is_downloaded_as_a_file(ada: Person, kept: str, name: str, mimetype: str, beginning: str) -> None:
    answer = ada.client.get(f"/api/entries/{kept}/{name}")
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert answer.headers["Content-Type"].endswith("charset=utf-8")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=Garlic-soup-{name}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.text.startswith(beginning)


def test_the_sheet_is_a_picture(ada: Person, kept: str) -> None:
    answer = ada.client.get(f"/api/entries/{kept}/sheet.jpg")
    assert (answer.data, answer.mimetype) == (b"\xff\xd8jpeg", "image/jpeg")
    assert answer.headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize("name", FORMS)
def test_nobody_downloads_what_belongs_to_another(ada: Person, grace: Person, kept: str, name: str) -> None:
    answer = grace.client.get(f"/api/entries/{kept}/{name}")
    assert (answer.status_code, (answer.json or {})["error"]) == (404, "no_such_entry")


@pytest.mark.parametrize("name", FORMS)
def test_what_is_not_kept_is_no_file(ada: Person, store: Store, name: str) -> None:
    begin(store, ada, "row")
    answer = ada.client.get(f"/api/entries/row/{name}")
    assert (answer.status_code, (answer.json or {})["error"]) == (404, "no_outcome")
    assert "wasn't processed yet" in (answer.json or {})["message"]


def test_a_silent_video_has_no_subtitles(ada: Person, store: Store, storage: Storage, tmp_path: Path) -> None:
    silent = outcome().model_copy(update={"transcript": Transcript(note="Nobody speaks.", no_speech=True)})
    keep(store, storage, ada, tmp_path, "row", silent)
    assert ada.client.get("/api/entries/row/transcript.txt").text == "Nobody speaks.\n"
    for name in ("transcript.vtt", "transcript.srt"):
        answer = ada.client.get(f"/api/entries/row/{name}")
        assert (answer.status_code, (answer.json or {})["error"]) == (404, "no_file")
    shown = (ada.ask("GET", "/api/entries/row").json or {})["outcome"]
    assert set(shown["downloads"]) == {"txt", "json", "md"}


def test_links_are_found_by_what_was_said(
    ada: Person, grace: Person, store: Store, storage: Storage, tmp_path: Path
) -> None:
    spoken = outcome(said=(Segment(start_s=0, end_s=3, text="We bake a <b>Käsekuchen</b>."),))
    keep(store, storage, ada, tmp_path, "cake", spoken)
    keep(store, storage, ada, tmp_path, "soup", outcome())
    keep(store, storage, grace, tmp_path, "hers", spoken)
    found = ada.ask("GET", "/api/entries?q=KASE").json or {}
    assert (found["total"], [entry["id"] for entry in found["entries"]]) == (1, ["cake"])
    assert [part["text"] for part in found["entries"][0]["snippet"] if part["is_hit"]] == ["Käsekuchen"]
    assert "".join(part["text"] for part in found["entries"][0]["snippet"]) == "We bake a <b>Käsekuchen</b>."
    assert (ada.ask("GET", "/api/entries?q=soup&platform=instagram").json or {})["total"] == 0
    assert (ada.ask("GET", "/api/entries?q=soup&platform=tiktok&tag=Cooking").json or {})["total"] == 2
    assert all(entry["snippet"] == [] for entry in (ada.ask("GET", "/api/entries").json or {})["entries"])


def test_a_search_is_bounded(ada: Person) -> None:
    assert ada.ask("GET", f"/api/entries?q={'a' * 1_001}").status_code == 422
    assert ada.ask("GET", "/api/entries?q=%22%27*%28").status_code == 200


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Garlic soup", "Garlic-soup-outcome.md"),
        ("../../etc/passwd\r\nX: y", "etc-passwd-X-y-outcome.md"),
        ("東京 Käse\u202e.exe", "東京-Käse-exe-outcome.md"),
        ("?!", "outcome.md"),
        ("x" * 500, f"{'x' * 80}-outcome.md"),
    ],
)
def test_a_file_has_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert file_name(title, "outcome.md") == name


def test_a_title_of_any_script_makes_a_header_that_can_be_sent(
    ada: Person, store: Store, storage: Storage, tmp_path: Path
) -> None:
    keep(store, storage, ada, tmp_path, "row", outcome(title='東京 "Käse"\r\nSet-Cookie: a=b'))
    header = ada.client.get("/api/entries/row/outcome.md").headers["Content-Disposition"]
    assert header.isascii()
    assert "filename*=UTF-8''%E6%9D%B1" in header
    assert "Set-Cookie:" not in header


def test_a_page_shows_a_drawing_where_there_is_no_picture(ada: Person, store: Store, grace: Person) -> None:
    begin(store, ada, "row")
    with ada.client.get("/entries/row/thumbnail", follow_redirects=True) as shown:
        assert (shown.status_code, shown.mimetype) == (200, "image/svg+xml")
    assert grace.client.get("/entries/row/thumbnail").status_code == 404


def test_the_page_of_an_entry_shows_what_came_out_of_it(ada: Person, kept: str) -> None:
    shown = ada.see(f"/entries/{kept}")
    assert "Add the garlic now." in shown
    assert f"/api/entries/{kept}/transcript.vtt" in shown
    assert "Watch the post" in shown  # its media aren't kept
    assert "data-at" not in shown  # so there is nothing to jump in


def test_an_entry_without_a_row_is_deleted_with_its_files(
    ada: Person, store: Store, storage: Storage, tmp_path: Path, grace: Person
) -> None:
    keep(store, storage, ada, tmp_path, "direct", outcome(), has_row=False)
    assert grace.submit("/entries/direct/delete").status_code == 404
    assert "Delete for good" in ada.see("/entries/direct")
    assert ada.submit("/entries/direct/delete").location == "/entries"
    assert ada.client.get("/api/entries/direct").status_code == 404
    assert storage.keys("library") == []


def test_a_row_is_deleted_in_notion(ada: Person, store: Store, kept: str) -> None:
    assert "Delete for good" not in ada.see(f"/entries/{kept}")
    refused = ada.ask("DELETE", f"/api/entries/{kept}")
    assert (refused.status_code, (refused.json or {})["error"]) == (409, "has_row")
    ada.submit(f"/entries/{kept}/delete")
    assert "delete it in Notion" in ada.see(f"/entries/{kept}")
    assert store.library.get(kept) is not None
