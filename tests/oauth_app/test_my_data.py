"""Taking one's data along, and having them deleted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oauth_app.app import create_app
from oauth_app.security import limiter
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox, RunningNotion
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import ask, make_token

VIDEO = "https://www.tiktok.com/@ada/video/7300000000000000001"
DELETE = "/settings/data/delete"


@pytest.fixture
def added(ada: Person) -> str:
    """The row of a link that Ada added."""
    return str(ada.ask("POST", "/api/entries", {"url": VIDEO, "tag": "cooking"}).json["id"])  # type: ignore[index]


def read(answer: TestResponse) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    return json.loads(answer.text)


def test_the_settings_lead_to_both(ada: Person) -> None:
    page = ada.see("/settings")
    assert 'href="/settings/data/export"' in page
    assert f'href="{DELETE}"' in page


def test_an_export_is_a_file_with_everything_but_secrets(ada: Person, added: str, store: Store) -> None:
    secret = make_token(ada)
    tokens = store.connections.tokens(ada.connection_id)
    assert tokens is not None

    answer = ada.client.get("/settings/data/export")

    exported = read(answer)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=social-video-processor-20")
    assert exported["complete"] is True
    assert [entry["page_id"] for entry in exported["link_entries"]] == [added]
    assert [database["tag"] for database in exported["content_databases"]] == ["cooking"]
    assert [token["name"] for token in exported["api_tokens"]] == ["Phone"]
    for hidden in (secret, tokens.access, str(tokens.refresh)):
        assert hidden not in answer.text


def test_a_script_gets_the_same_export(ada: Person, added: str, app: Flask) -> None:
    exported = read(ask(app, make_token(ada), "/api/my-data"))
    assert exported["link_entries"] == read(ada.client.get("/settings/data/export"))["link_entries"]


def test_an_export_is_streamed(ada: Person, added: str) -> None:
    for path in ("/settings/data/export", "/api/my-data"):
        assert ada.client.get(path).is_streamed


def test_exports_are_limited(environment: pytest.MonkeyPatch, notion: NotionSandbox) -> None:
    app = create_app()
    limiter.enabled = True
    limiter.reset()
    person = Person(app, notion).sign_in()
    codes = [person.client.get("/settings/data/export", buffered=True).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]
    limiter.reset()


def test_before_it_deletes_it_says_what_will_be_gone(ada: Person, added: str, store: Store) -> None:
    make_token(ada)
    (connection,) = store.connections.all()
    page = " ".join(ada.see(DELETE).split())
    whose = f"“{connection.workspace_name}”"
    for words in (whose, "1 link,", "1 API token", "your Link Database and 1 Content Database,", "exactly as they are"):
        assert words in page
    assert store.connections.get(connection.id) is not None


def test_one_click_deletes_everything_ends_the_session_and_revokes_the_grant(
    ada: Person, added: str, app: Flask, store: Store, notion: NotionSandbox
) -> None:
    connection_id, secret = ada.connection_id, make_token(ada)
    tokens, cookie = store.connections.tokens(connection_id), ada.client.get_cookie("svp_session")
    assert tokens is not None
    assert cookie is not None

    answer = ada.submit(DELETE)

    assert (answer.status_code, answer.location) == (302, "/")
    assert "Your data are deleted here" in ada.see("/")
    assert store.connections.get(connection_id) is None
    assert store.entries.get(added) is None
    introspected = httpx.post(f"{notion.url}/v1/oauth/introspect", json={"token": tokens.access}, auth=CLIENT)
    assert introspected.json()["active"] is False
    assert [left.is_revoked for left in store.deletions.pending()] == [True]
    assert ada.client.get("/entries").location == "/"
    assert ask(app, secret).status_code == 401
    other_browser = app.test_client()
    other_browser.set_cookie("svp_session", cookie.value)
    assert other_browser.get("/entries").location == "/"


def test_what_notion_holds_stays(ada: Person, added: str, notion: NotionSandbox, store: Store) -> None:
    link_database = store.databases.link_database(ada.connection_id)
    assert link_database is not None
    before = notion.ledger(link_database.data_source_id)
    ada.submit(DELETE)
    assert notion.ledger(link_database.data_source_id) == before


def test_no_other_site_can_delete(ada: Person, store: Store) -> None:
    assert ada.client.post(DELETE).status_code == 400
    assert ada.client.get(DELETE).status_code == 200
    assert store.connections.get(ada.connection_id) is not None


def test_a_token_can_not_delete(ada: Person, app: Flask, store: Store) -> None:
    answer = ask(app, make_token(ada), DELETE, method="POST")
    assert (answer.status_code, answer.location) == (302, "/")
    assert store.connections.get(ada.connection_id) is not None


def test_deleting_works_while_notion_does_not_and_the_access_is_revoked_later(
    ada: Person, store: Store, notion: NotionSandbox
) -> None:
    connection_id = ada.connection_id
    tokens = store.connections.tokens(connection_id)
    notion.fail("/v1/oauth/revoke", status=503, body={}, times=None)

    ada.submit(DELETE)

    assert "couldn&#39;t be told yet" in ada.see("/")
    assert store.connections.get(connection_id) is None
    assert tokens is not None
    assert store.deletions.access_token(connection_id) == tokens.access


def test_who_connects_again_starts_empty(ada: Person, added: str, store: Store) -> None:
    before = ada.connection_id
    ada.submit(DELETE)
    ada.sign_in()
    assert ada.connection_id != before
    assert ada.ask("GET", "/api/entries").json == {"entries": [], "total": 0, "offset": 0, "limit": 20}
    assert ada.ask("GET", "/api/link-database").status_code == 404
    assert "Get a Link Database" in ada.see("/databases")


def test_a_link_that_is_added_while_the_data_are_deleted_is_refused(
    ada: Person, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id, request = ada.connection_id, store.entries.request

    def request_late(*arguments: Any, **options: Any) -> Any:
        store.deletions.delete(connection_id, now=datetime.now(UTC))
        return request(*arguments, **options)

    monkeypatch.setattr(store.entries, "request", request_late)
    answer = ada.ask("POST", "/api/entries", {"url": VIDEO, "tag": "cooking"})
    assert answer.status_code == 401


def test_anothers_data_stay_as_they_are(
    ada: Person, added: str, app: Flask, running: RunningNotion, store: Store
) -> None:
    with running.fresh_workspace() as other:
        stranger = Person(app, other).sign_in().set_up()
        before = read(stranger.client.get("/settings/data/export"))
        ada.submit(DELETE)
        after = read(stranger.client.get("/settings/data/export"))
        assert stranger.ask("GET", "/api/connection").status_code == 200
    assert before | {"exported_at": ""} == after | {"exported_at": ""}
