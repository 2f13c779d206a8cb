"""A personal API token does what it was made for, and is never a whole session."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from oauth_app.services import Services
from svp_dagster.store.store import Store
from svp_dagster.store.web.callers import Scope
from tests.oauth_app.people import Person

READ, ADD_LINKS, MANAGE = "read", "add_links", "manage"
SCOPES = (READ, ADD_LINKS, MANAGE)
VIDEO = "https://www.tiktok.com/@ada/video/7300000000000000001"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')

NEEDS = {
    "api_connection.show": READ,
    "api_databases.show_link_database": READ,
    "api_databases.list_content_databases": READ,
    "api_databases.show_content_database": READ,
    "api_databases.register_link_database": MANAGE,
    "api_databases.make_link_database": MANAGE,
    "api_databases.check_link_database": MANAGE,
    "api_databases.register_content_database": MANAGE,
    "api_databases.make_content_database": MANAGE,
    "api_databases.change_content_database": MANAGE,
    "api_databases.forget_content_database": MANAGE,
    "api_databases.refresh_schema": MANAGE,
    "api_databases.check_content_database": MANAGE,
    "api_databases.show_redos": READ,
    "api_databases.redo_changed": MANAGE,
    "api_my_data.export": READ,
    "api_entries.list_entries": READ,
    "api_entries.show_entry": READ,
    "api_entries.add_entry": ADD_LINKS,
    "api_entries.retry_failed": ADD_LINKS,
    "api_entries.retry_entry": ADD_LINKS,
    "api_entries.delete_entry": MANAGE,
    "api_entries.show_thumbnail": READ,
    "api_library.show_text": READ,
    "api_library.show_vtt": READ,
    "api_library.show_srt": READ,
    "api_library.show_json": READ,
    "api_library.show_markdown": READ,
    "api_library.show_sheet": READ,
    "api_media.show": READ,
    "api_videos.upload": ADD_LINKS,
    "api_videos.list_jobs": READ,
    "api_videos.show_job": READ,
    "api_videos.delete_job": MANAGE,
}
FOR_PEOPLE = {"api_account.connect_notion", "api_my_data.delete"}
"""Operations that no API token may use."""
FOR_ANYBODY = {"static", "health", "description", "webhooks", "start"}


def make_token(person: Person, *scopes: str, expires: str = "after a year") -> str:
    """Make a token on the page."""
    page = person.submit("/tokens", name="Phone", scope=list(scopes), expires=expires).text
    found = re.search(r"svp_[\w-]{40,}", page)
    assert found, page
    return found[0]


def ask(client: FlaskClient, token: str, method: str, path: str, **options: Any) -> TestResponse:
    """Send a request with a token."""
    return client.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **options)


def path_of(rule: Rule) -> str:
    """Return an address of a rule, with ids that nobody has."""
    return re.sub("<.*?>", "0" * 32, rule.rule)


def test_a_token_can_not_make_another(ada: Person, app: Flask, store: Store) -> None:
    token = make_token(ada, *SCOPES)
    thief = app.test_client()
    form = CSRF.search(ask(thief, token, "GET", "/tokens").text)
    made = ask(thief, token, "POST", "/tokens", data={"name": "mine", "csrf_token": form[1] if form else ""})
    assert "svp_" not in made.text
    assert len(store.web.api_tokens(ada.connection_id)) == 1


def test_a_token_can_not_disconnect_notion(ada: Person, app: Flask, store: Store) -> None:
    token = make_token(ada, *SCOPES)
    thief = app.test_client()
    form = CSRF.search(ask(thief, token, "GET", "/settings").text)
    ask(thief, token, "POST", "/auth/disconnect", data={"csrf_token": form[1] if form else ""})
    assert store.connections.tokens(ada.connection_id) is not None


def test_a_token_opens_no_page_and_presses_no_button(ada: Person, app: Flask, store: Store) -> None:
    token = make_token(ada, *SCOPES)
    thief = Person(app, ada.notion)
    form = {"csrf_token": thief.csrf, "name": "mine", "scope": READ}
    walked = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in NEEDS | dict.fromkeys(FOR_PEOPLE) or rule.endpoint.split(".")[0] in FOR_ANYBODY:
            continue
        for method in {"GET", "POST"} & (rule.methods or set()):
            answer = ask(thief.client, token, method, path_of(rule), data=form if method == "POST" else None)
            is_signed_out = "Connect Notion" in answer.text or answer.status_code in (302, 400, 401, 403)
            assert is_signed_out or rule.endpoint == "operator.show", f"{method} {rule}: {answer.status_code}"
            assert "Settings</a>" not in answer.text, f"{method} {rule} shows a page of who is signed in"
            walked += 1
    assert walked > 30
    assert store.connections.tokens(ada.connection_id) is not None
    assert len(store.web.api_tokens(ada.connection_id)) == 1


def test_a_token_beside_its_owners_session_is_still_a_token_alone(ada: Person, store: Store) -> None:
    token = make_token(ada, *SCOPES)
    answer = ask(ada.client, token, "POST", "/auth/disconnect", data={"csrf_token": ada.csrf})
    assert (answer.status_code, answer.location) == (302, "/")
    assert store.connections.tokens(ada.connection_id) is not None


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_does_what_its_scope_says_and_nothing_else(ada: Person, app: Flask, scope: str) -> None:
    client, token = app.test_client(), make_token(ada, scope)
    walked = set()
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/"):
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            body: dict[str, str] | None = {} if method in ("POST", "PATCH") else None
            answer = ask(client, token, method, path_of(rule), json=body)
            if rule.endpoint in FOR_PEOPLE:
                assert answer.status_code == 403
                assert "session_needed" in answer.text
            elif NEEDS[rule.endpoint] == scope:
                assert answer.status_code not in (401, 403), f"{method} {rule}: {answer.text}"
            else:
                assert answer.status_code == 403, f"{method} {rule}: {answer.status_code}"
                assert NEEDS[rule.endpoint] in answer.text
            walked.add(rule.endpoint)
    assert walked == set(NEEDS) | FOR_PEOPLE


def test_the_refusal_names_the_scope_that_is_missing(ada: Person, app: Flask) -> None:
    token = make_token(ada, READ)
    answer = ask(app.test_client(), token, "POST", "/api/entries", json={"url": VIDEO, "tag": "cooking"})
    assert answer.status_code == 403
    assert answer.json is not None
    assert (answer.json["error"], answer.json["details"]) == ("scope_missing", ["add_links"])
    assert "add_links" in answer.json["message"]


def test_the_scope_that_a_phone_needs_adds_a_link_and_reads_nothing(ada: Person, app: Flask) -> None:
    client, token = app.test_client(), make_token(ada, ADD_LINKS)
    added = ask(client, token, "POST", "/api/entries", json={"url": VIDEO, "tag": "cooking"})
    assert added.status_code == 201
    assert added.json is not None
    assert ask(client, token, "GET", f"/api/entries/{added.json['id']}").status_code == 403
    assert ask(client, token, "GET", "/api/entries").status_code == 403


def test_a_token_of_several_scopes_has_them_all(ada: Person, app: Flask) -> None:
    client, token = app.test_client(), make_token(ada, READ, MANAGE)
    assert ask(client, token, "GET", "/api/entries").status_code == 200
    assert ask(client, token, "POST", "/api/link-database/check", json={}).status_code == 200
    assert ask(client, token, "POST", "/api/entries/retry", json={}).status_code == 403


@pytest.mark.parametrize(
    ("expires", "last_day", "first_day_without"),
    [("after 30 days", 29, 30), ("after 90 days", 89, 90), ("after a year", 364, 365)],
)
def test_a_token_expires(
    ada: Person, app: Flask, monkeypatch: pytest.MonkeyPatch, expires: str, last_day: int, first_day_without: int
) -> None:
    client, token, made = app.test_client(), make_token(ada, READ, expires=expires), datetime.now(UTC)
    for days, status in ((last_day, 200), (first_day_without, 401)):
        later = made + timedelta(days=days)
        monkeypatch.setattr(Services, "now", lambda _, later=later: later)
        assert ask(client, token, "GET", "/api/connection").status_code == status


def test_a_token_expires_after_a_year_unless_something_else_is_chosen(ada: Person, store: Store) -> None:
    ada.submit("/tokens", name="Phone", scope=READ)
    ada.submit("/tokens", name="Phone", scope=READ, expires="made up")
    make_token(ada, READ, expires="never")
    lives = sorted(
        (token.expires_at - token.created_at).days if token.expires_at else 0
        for token in store.web.api_tokens(ada.connection_id)
    )
    assert lives == [0, 365, 365]


@pytest.mark.parametrize("scopes", [[], ["everything"], [""]])
def test_a_token_that_may_do_nothing_is_not_made(ada: Person, store: Store, scopes: list[str]) -> None:
    assert ada.submit("/tokens", name="Phone", scope=scopes).location == "/tokens"
    assert store.web.api_tokens(ada.connection_id) == []
    assert "Choose at least one thing" in ada.see("/tokens")


def test_the_page_says_what_each_token_may_do_and_when_it_was_used(ada: Person, app: Flask, store: Store) -> None:
    token = make_token(ada, READ, ADD_LINKS, expires="after 30 days")
    page = ada.see("/tokens")
    assert "may add links, read" in page
    assert "never used" in page
    assert f"expires on {datetime.now(UTC) + timedelta(days=30):%d %b %Y}" in page
    ask(app.test_client(), token, "GET", "/api/connection")
    assert "last used just now" in ada.see("/tokens")
    make_token(ada, MANAGE, expires="never")
    page = ada.see("/tokens")
    assert "may manage databases" in page
    assert "never expires" in page
    assert "expired" not in page
    now = datetime.now(UTC)
    store.web.add_api_token(ada.connection_id, name="Old", scopes={Scope.READ}, expires_at=now, now=now)
    assert "<strong>expired</strong>" in ada.see("/tokens")


def test_the_page_says_that_a_token_that_reads_may_take_everything_along(ada: Person, app: Flask) -> None:
    token = make_token(ada, READ)
    assert ask(app.test_client(), token, "GET", "/api/my-data").status_code == 200
    assert "export all your data" in ada.see("/tokens")


def test_the_description_names_the_scope_of_every_operation(app: Flask) -> None:
    document: Any = app.test_client().get("/openapi.json").json
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not path.startswith("/api/"):
                assert operation["security"] == []
                continue
            needed = {
                NEEDS.get(rule.endpoint)
                for rule in app.url_map.iter_rules()
                if rule.rule.replace("<", "{").replace(">", "}") == path and method.upper() in (rule.methods or ())
            }
            *tokens, jwt, session = operation["security"]
            assert tokens == [{"token": [scope]} for scope in needed if scope]
            assert (jwt, session) == ({"jwt": []}, {"session": []})
            assert "403" in operation["responses"]
    assert all(scope in document["info"]["description"] for scope in SCOPES)
    assert "Scope: <code>add_links</code>" in app.test_client().get("/api").text
