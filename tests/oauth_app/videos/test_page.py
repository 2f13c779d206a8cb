"""Uploads on the pages, as a browser without JavaScript sends them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from oauth_app import identity
from oauth_app.services import Services
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person
from tests.oauth_app.videos.sending import CLIP, END, FORM, field, file_part, form

PAGE = "/entries/upload"


def files(app: Flask) -> list[Path]:
    services: Services = app.extensions["svp"]
    return [path for path in Path(services.storage.address).rglob("*") if path.is_file()]


def test_a_form_uploads_without_a_script(ada: Person, store: Store) -> None:
    body = form(CLIP.read_bytes(), filename="Lemon pasta.mp4", csrf_token=ada.csrf, tag="cooking")
    answer = ada.client.post(PAGE, data=body, content_type=FORM)
    assert (answer.status_code, answer.location) == (302, "/entries")
    page = ada.see("/entries")
    assert "“Lemon pasta” is here" in page
    assert page.count('<article class="entry"') == 1
    assert "Row in Notion" not in page
    (entry,), total = store.uploads.page(ada.connection_id, statuses=None, offset=0, limit=9)
    assert (total, entry.link.tag) == (1, "cooking")
    assert "Lemon pasta" in ada.see(f"/entries/{entry.link.page_id}")


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_form_of_another_site_makes_us_store_nothing(ada: Person, app: Flask, token: str) -> None:
    first = field("csrf_token", token) if token else b""
    for body in (first + file_part(CLIP.read_bytes()) + END, file_part(CLIP.read_bytes()) + first + END):
        answer = ada.client.post(PAGE, data=body, content_type=FORM)
        assert answer.status_code == 400
        assert "came from elsewhere" in answer.text
    behind = file_part(CLIP.read_bytes()) + field("csrf_token", ada.csrf) + END
    assert ada.client.post(PAGE, data=behind, content_type=FORM).status_code == 400
    assert files(app) == []


def test_what_is_refused_is_told_beside_the_form(ada: Person, app: Flask) -> None:
    body = form(b"hello", filename="<b>x</b>.mp4", csrf_token=ada.csrf)
    answer = ada.client.post(PAGE, data=body, content_type=FORM)
    assert answer.status_code == 415
    alert = re.search(r'<p class="notice bad" role="alert">(.*?)</p>', answer.text)
    assert alert
    assert "By its content this is no file of a kind that is taken here" in unescape(alert[1])
    assert "<b>x" not in answer.text
    assert files(app) == []


def test_who_is_not_signed_in_is_sent_to_the_start(person: Person, app: Flask) -> None:
    answer = person.client.post(PAGE, data=form(CLIP.read_bytes()), content_type=FORM)
    assert (answer.status_code, answer.location) == (302, "/")
    assert files(app) == []


def test_the_page_offers_no_tag_and_all_tags_and_says_the_limit(ada: Person) -> None:
    page = ada.see("/entries")
    offered = page.partition('id="upload"')[2].partition("</form>")[0]
    assert "no tag: only in the library" in offered
    assert "<option>cooking</option>" in offered
    assert "up to 200 MB" in offered
    assert ".mp4,.mov,.webm,.mkv,.m4a,.mp3,.wav,.jpg,.png" in offered
    assert re.search(r'<script src="/static/upload.js\?v=\w+" defer>', page)


@pytest.fixture
def bea(app: Flask, notion: NotionSandbox, store: Store) -> Person:
    """Someone without Notion, with a session."""
    now = datetime.now(UTC)
    account = store.connections.of_subject("https://id.example", "bea", issued_at=now, now=now)
    assert account is not None
    bea = Person(app, notion)
    secret = "s" * 43
    store.web.begin_session(secret, connection_id=account.id, expires_at=now + timedelta(days=1), now=now)
    with bea.client.session_transaction() as session:
        session[identity._SESSION] = secret
    return bea


def test_who_has_no_notion_adds_links_and_files_without_a_tag(bea: Person) -> None:
    empty = bea.see("/entries")
    assert "Nothing here yet" in empty
    assert 'id="upload"' in empty
    assert bea.submit("/entries", url="https://vm.tiktok.com/ZMabc123/", tag="").location == "/entries"
    assert "vm.tiktok.com/ZMabc123" in bea.see("/entries")
    body = form(CLIP.read_bytes(), filename="Talk.mp4", csrf_token=bea.csrf)
    assert bea.client.post(PAGE, data=body, content_type=FORM).status_code == 302
    assert "Talk</a>" in bea.see("/entries")


@pytest.mark.parametrize("name", ["ada", "bea"])
def test_an_upload_leads_to_no_row(name: str, request: pytest.FixtureRequest, store: Store) -> None:
    person: Person = request.getfixturevalue(name)
    body = form(CLIP.read_bytes(), filename="Talk.mp4", csrf_token=person.csrf)
    assert person.client.post(PAGE, data=body, content_type=FORM).status_code == 302
    (account,) = store.connections.all()
    (entry,), _ = store.uploads.page(account.id, statuses=None, offset=0, limit=9)
    detail = f"/entries/{entry.link.page_id}"
    for page in ("/entries", detail):
        assert "Row in Notion" not in person.see(page)
    answer = person.client.get(f"{detail}/notion")
    assert answer.status_code == 404
    assert "no row in Notion" in answer.text


def test_a_storage_that_fails_is_told_on_the_page(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "I/O error")

    monkeypatch.setattr("svp_dagster.storage.folder.FolderDraft.write", fails)
    body = form(CLIP.read_bytes(), csrf_token=ada.csrf)
    assert ada.client.post(PAGE, data=body, content_type=FORM).status_code == 503
