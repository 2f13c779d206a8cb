"""People of an identity provider: their accounts, and how they connect Notion. Each test runs on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from oauth_app.security import Shares, rate_limit_key
from oauth_app.services import Services
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox, RunningNotion
from tests.oauth_app.identity_provider import ADA, BEA, ISSUER, SECRET, by_secret
from tests.oauth_app.people import Person
from tests.oauth_app.videos.sending import CLIP, FORM, UPLOAD, form, refused
from tests.store.examples import all_at_once, link

VIDEO = "https://www.tiktok.com/@ada/video/7300000000000000001"
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture
def app_database(database_url: str) -> str:
    return database_url


@pytest.fixture
def environment(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An installation with an identity provider."""
    environment.setenv("SVP_JWT_SECRET", SECRET)
    environment.setenv("SVP_JWT_ISSUER", ISSUER)
    return environment


class Account:
    """Somebody who signs in at the identity provider."""

    def __init__(self, app: Flask, subject: str = ADA, **claims: Any) -> None:
        self._app = app
        self.token = by_secret(subject, **claims)

    def ask(self, method: str, path: str, json: Any = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self._app.test_client().open(path, method=method, json=json, headers=headers)

    @property
    def about(self) -> Any:
        answer = self.ask("GET", "/api/connection")
        assert answer.status_code == 200, answer.text
        return answer.json

    def link(self) -> str:
        """Ask for a link to connect Notion."""
        answer = self.ask("POST", "/api/v1/account/notion")
        assert answer.status_code == 201, answer.text
        body: Any = answer.json
        assert datetime.fromisoformat(body["expires_at"]) > datetime.now(UTC) + timedelta(minutes=9)
        parts = urlsplit(body["url"])
        assert (parts.scheme, parts.netloc) == ("http", "localhost")
        return f"{parts.path}?{parts.query}"


def press(client: FlaskClient, address: str) -> TestResponse:
    """Open a link in a browser and press its button."""
    page = client.get(address)
    assert page.status_code == 200, page.text
    token = _CSRF.search(page.text)
    assert token
    secret = parse_qs(urlsplit(address).query)["link"][0]
    return client.post("/auth/notion/connect", data={"link": secret, "csrf_token": token[1]})


def asked_of(answer: TestResponse) -> dict[str, str]:
    """What Notion's authorize page is asked by the page that leads there."""
    assert answer.status_code == 200, answer.text
    url = answer.headers["Refresh"].removeprefix("0; url=")
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def connect(account: Account, browser: Person) -> TestResponse:
    """Connect Notion to an account in a browser: all of it."""
    asked = asked_of(press(browser.client, account.link()))
    return browser.come_back(browser.answer_notion(asked))


def test_the_account_is_made_once_however_many_requests_come_first(app: Flask, store: Store) -> None:
    account = Account(app)
    assert {answer.status_code for answer in all_at_once(lambda _: account.ask("GET", "/api/entries"), times=6)} == {
        200
    }
    (made,) = store.connections.all()
    assert account.about["id"] == made.id
    assert (made.has_notion, made.trusted) == (False, False)


def test_another_persons_entry_is_not_there(app: Flask, store: Store) -> None:
    ada, bea = Account(app), Account(app, BEA)
    store.entries.request(link(ada.about["id"], at=datetime.now(UTC), page_id="hers"), now=datetime.now(UTC))
    assert ada.ask("GET", "/api/entries/hers").status_code == 200
    for method, path in (("GET", ""), ("POST", "/retry"), ("GET", "/thumbnail.jpg")):
        assert bea.ask(method, f"/api/entries/hers{path}").status_code == 404
    listed: Any = bea.ask("GET", "/api/entries").json
    assert listed["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/link-database", None),
        ("POST", "/api/link-database/check", {}),
        ("POST", "/api/link-database/register", {"database": "0" * 32}),
        ("POST", "/api/link-database/make", {"parent_page": "0" * 32}),
        ("POST", "/api/databases/register", {"database": "0" * 32, "tag": "cooking"}),
        ("POST", "/api/databases/make", {"parent_page": "0" * 32, "template": "cooking"}),
        ("POST", "/api/entries/retry", {}),
    ],
)
def test_what_needs_notion_says_so(app: Flask, method: str, path: str, body: Any) -> None:
    answer = Account(app).ask(method, path, body)
    problem: Any = answer.json
    assert (answer.status_code, problem["error"]) == (409, "not_connected")
    assert problem["message"].startswith("Connect Notion to ")


def test_notion_is_connected_to_the_account_and_the_library_stays(
    app: Flask, store: Store, person: Person, notion: NotionSandbox
) -> None:
    account = Account(app)
    before = account.about["id"]
    store.entries.request(link(before, at=datetime.now(UTC), page_id="hers"), now=datetime.now(UTC))

    assert connect(account, person).status_code == 302

    about = account.about
    assert (about["id"], about["has_notion"]) == (before, True)
    assert about["workspace_name"]
    assert account.ask("GET", "/api/entries/hers").status_code == 200
    made = account.ask("POST", "/api/link-database/make", {"parent_page": notion.page_id})
    assert made.status_code == 201
    assert account.ask("POST", "/api/v1/account/notion").status_code == 409
    assert len(store.connections.all()) == 1


def test_who_signs_in_on_the_pages_with_that_notion_is_the_same_account(
    app: Flask, person: Person, notion: NotionSandbox
) -> None:
    account = Account(app)
    connect(account, person)
    assert person.connection_id == account.about["id"]
    assert Person(app, notion).sign_in().connection_id == account.about["id"]


def test_a_notion_that_is_here_already_and_the_account_become_one(app: Flask, store: Store, ada: Person) -> None:
    account = Account(app)
    store.entries.request(link(account.about["id"], at=datetime.now(UTC), page_id="hers"), now=datetime.now(UTC))
    added: Any = ada.ask("POST", "/api/entries", {"url": VIDEO, "tag": "cooking"}).json

    assert connect(account, ada).status_code == 302

    listed: Any = account.ask("GET", "/api/entries").json
    assert {entry["id"] for entry in listed["entries"]} == {"hers", added["id"]}
    assert account.about["id"] == ada.connection_id
    assert account.ask("GET", "/api/link-database").status_code == 200
    assert [each.id for each in store.connections.all()] == [ada.connection_id]


def test_a_notion_of_another_person_is_refused_and_nothing_changes(
    app: Flask, store: Store, person: Person, notion: NotionSandbox
) -> None:
    bea = Account(app, BEA)
    connect(bea, person)
    account = Account(app)
    before = account.about

    answer = connect(account, Person(app, notion))

    assert answer.status_code == 409
    assert "connected to another account already" in answer.text
    assert account.about == before
    assert bea.about["has_notion"]


def test_a_link_waits_for_a_click_and_says_whose_account_it_is(app: Flask, store: Store, person: Person) -> None:
    account = Account(app, email="ada <b>@example.org")
    address = account.link()
    for _ in range(2):  # a preview opens it too
        page = person.client.get(address)
        assert "ada &lt;b&gt;@example.org" in page.text
        assert "close this page" in page.text
    assert "Refresh" not in page.headers
    assert not account.about["has_notion"]


def test_a_link_says_that_it_would_merge_the_account_that_is_signed_in(app: Flask, ada: Person) -> None:
    page = ada.client.get(Account(app).link()).text
    assert "You are signed in here with" in page
    assert "become one account" in page


def test_a_link_is_used_once_and_dies_after_ten_minutes(
    app: Flask, person: Person, notion: NotionSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(app)
    address = account.link()
    press(person.client, address)
    for client in (person.client, app.test_client()):
        assert client.get(address).status_code == 400
    late, now = account.link(), datetime.now(UTC)
    monkeypatch.setattr(Services, "now", lambda _: now + timedelta(minutes=11))
    answer = person.client.get(late)
    assert answer.status_code == 400
    assert "older than ten minutes" in answer.text


def test_nobody_else_comes_back_from_notion_with_what_a_link_began(
    app: Flask, store: Store, person: Person, notion: NotionSandbox
) -> None:
    account, stranger = Account(app), Person(app, notion)
    asked = asked_of(press(person.client, account.link()))
    stranger.client.get("/auth/notion/login?here=1")
    assert stranger.come_back(stranger.answer_notion(asked)).status_code == 400
    assert not account.about["has_notion"]


def test_a_form_of_another_site_begins_nothing(app: Flask, person: Person) -> None:
    account = Account(app)
    secret = parse_qs(urlsplit(account.link()).query)["link"][0]
    for data in ({"link": secret}, {"link": secret, "csrf_token": "made up"}):
        assert person.client.post("/auth/notion/connect", data=data).status_code == 400
    assert person.client.get(f"/auth/notion/connect?link={secret}").status_code == 200


def test_a_plain_sign_in_under_way_is_not_turned_into_another_accounts(
    app: Flask, store: Store, person: Person
) -> None:
    account = Account(app)
    asked = person.leave_for_notion()
    press(person.client, account.link())
    assert person.come_back(person.answer_notion(asked)).status_code == 302
    assert not account.about["has_notion"]
    assert len(store.connections.all()) == 2


def test_an_account_that_was_deleted_meanwhile_connects_nothing(app: Flask, store: Store, person: Person) -> None:
    account = Account(app)
    asked = asked_of(press(person.client, account.link()))
    assert account.ask("DELETE", "/api/my-data").status_code == 204
    assert person.come_back(person.answer_notion(asked)).status_code == 400
    assert store.connections.all() == []


def test_all_is_exported_and_deleted_and_a_page_that_is_still_open_brings_nothing_back(
    app: Flask, store: Store
) -> None:
    account = Account(app)
    store.entries.request(link(account.about["id"], at=datetime.now(UTC), page_id="hers"), now=datetime.now(UTC))
    account.link()
    exported: Any = account.ask("GET", "/api/my-data").json
    assert exported["connections"][0]["subject"] == ADA
    assert [entry["page_id"] for entry in exported["link_entries"]] == ["hers"]
    assert len(exported["sign_ins"]) == 1
    assert "hash" not in str(exported["sign_ins"])

    assert account.ask("DELETE", "/api/my-data").status_code == 204

    late = account.ask("GET", "/api/entries")
    problem: Any = late.json
    assert (late.status_code, problem["error"]) == (401, "account_deleted")
    assert store.connections.all() == []
    (pending,) = store.deletions.pending()
    assert pending.is_revoked


def test_who_signs_in_again_after_a_deletion_begins_empty(
    app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(app)
    before = account.about["id"]
    account.ask("DELETE", "/api/my-data")
    later = datetime.now(UTC) + timedelta(minutes=3)
    monkeypatch.setattr(Services, "now", lambda _: later)
    again = Account(app, iat=int(later.timestamp()), exp=int(later.timestamp()) + 60)
    assert again.about["id"] != before
    assert account.ask("GET", "/api/entries").status_code == 200  # it is the person's own account, made anew


def test_disconnecting_notion_leaves_the_account_and_its_library(app: Flask, store: Store, person: Person) -> None:
    account = Account(app)
    connect(account, person)
    store.entries.request(link(account.about["id"], at=datetime.now(UTC), page_id="hers"), now=datetime.now(UTC))
    person.submit("/auth/disconnect")
    assert not account.about["has_notion"]
    assert account.ask("GET", "/api/entries/hers").status_code == 200
    assert connect(account, person).status_code == 302
    assert account.about["has_notion"]


def test_an_upload_for_a_database_of_a_notion_that_was_disconnected_is_refused_at_the_door(
    app: Flask, store: Store, person: Person
) -> None:
    account = Account(app)
    connect(account, person)
    person.set_up()
    person.submit("/auth/disconnect")
    headers = {"Authorization": f"Bearer {account.token}"}
    body = form(CLIP.read_bytes(), tag="cooking")
    answer = app.test_client().post(UPLOAD, data=body, content_type=FORM, headers=headers)
    assert refused(answer) == (409, "not_connected")
    assert "without a tag" in answer.text
    assert store.entries.page(account.about["id"], offset=0, limit=1)[1] == 0


def test_a_person_is_counted_by_their_account_in_limits(app: Flask, store: Store) -> None:
    account = Account(app)
    connection_id = account.about["id"]
    with app.test_request_context("/api/entries", headers={"Authorization": f"Bearer {account.token}"}):
        assert rate_limit_key() == f"connection:{connection_id}"
        shares = Shares(most=1)
        shares.enter()
        assert shares._at_work[connection_id] == 1
    with app.test_request_context("/api/entries", headers={"Authorization": "Bearer a.b.c"}):
        assert rate_limit_key().startswith("address:")


def test_an_api_token_still_works_beside_jwts(app: Flask, store: Store, ada: Person) -> None:
    found = re.search(r"svp_[\w-]{40,}", ada.submit("/tokens", name="Phone", scope="read", expires="never").text)
    assert found
    headers = {"Authorization": f"Bearer {found[0]}"}
    assert app.test_client().get("/api/connection", headers=headers).status_code == 200
    assert app.test_client().post("/api/v1/account/notion", headers=headers).status_code == 403
    assert app.test_client().delete("/api/my-data", headers=headers).status_code == 403


def test_the_operator_sees_an_account_without_notion(
    app: Flask, store: Store, environment: pytest.MonkeyPatch, running: RunningNotion, notion: NotionSandbox
) -> None:
    account = Account(app)
    services: Services = app.extensions["svp"]
    key = services.settings.home / "operator.key"
    operator = Person(app, notion)
    assert "Without Notion" not in operator.see("/operator")
    assert account.about["name"] == "Your library"
    operator.submit("/operator/key", key=key.read_text())
    assert "Without Notion" in operator.see("/operator")


def test_a_link_without_a_tag_is_kept_in_the_library_alone(app: Flask, store: Store) -> None:
    account = Account(app)
    added: Any = account.ask("POST", "/api/entries", {"url": "Look! https://vm.tiktok.com/ZMabc123/?x=1"})
    assert (added.status_code, added.json["tag"], added.json["status"]) == (201, "", "pending")
    entry = store.entries.get(added.json["id"])
    assert entry is not None
    assert (entry.link.has_row, entry.is_unsynced, entry.partition_key is not None) == (False, False, True)
    refused: Any = account.ask("POST", "/api/entries", {"url": "https://example.com/cats"})
    assert (refused.status_code, refused.json["error"]) == (422, "unsupported_link")
    tagged: Any = account.ask("POST", "/api/entries", {"url": "https://vm.tiktok.com/ZMabc123/", "tag": "cooking"})
    assert (tagged.status_code, tagged.json["error"]) == (409, "not_connected")
