"""Connecting Notion, every way in which it doesn't come about, and leaving again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from flask import Flask
from sqlalchemy import text

from oauth_app.app import create_app
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox, running_notion
from tests.oauth_app.people import Person


def only_connection(store: Store) -> str:
    (connection,) = store.connections.all()
    return connection.id


def test_a_person_who_allows_access_is_signed_in_and_set_up_is_next(person: Person) -> None:
    answer = person.come_back(person.answer_notion(person.leave_for_notion()))
    assert (answer.status_code, answer.location) == (302, "/")
    assert person.client.get("/").location == "/databases"
    assert "Get a Link Database" in person.see("/databases")


def test_notion_is_asked_as_its_documentation_says(person: Person) -> None:
    asked = person.leave_for_notion()
    assert asked.pop("state")
    assert asked == {
        "client_id": CLIENT[0],
        "owner": "user",
        "redirect_uri": "http://localhost/auth/notion/callback",
        "response_type": "code",
    }


def test_the_code_is_exchanged_as_json_with_http_basic(person: Person, notion: NotionSandbox) -> None:
    person.sign_in()
    (request,) = notion.requests("POST", "/v1/oauth/token")
    assert request.headers["content-type"] == "application/json"
    assert request.body["grant_type"] == "authorization_code"
    assert request.body["redirect_uri"] == "http://localhost/auth/notion/callback"
    assert CLIENT[1] not in str(request.body)


def test_tokens_are_kept_encrypted(person: Person, store: Store) -> None:
    person.sign_in()
    tokens = store.connections.tokens(only_connection(store))
    assert tokens is not None
    assert tokens.refresh is not None
    with store.engine.connect() as connection:
        rows = repr(connection.execute(text("SELECT * FROM connections")).all())
    assert tokens.access not in rows
    assert tokens.refresh not in rows


def test_signing_in_again_updates_the_connection_and_keeps_what_is_registered(ada: Person, store: Store) -> None:
    before = store.connections.tokens(only_connection(store))
    ada.sign_in()
    after = store.connections.tokens(only_connection(store))
    assert before is not None
    assert after is not None
    assert before.access != after.access
    assert "cooking" in ada.see("/entries")


def test_a_state_is_good_once(person: Person) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    assert person.come_back(answered).status_code == 302
    again = person.come_back(answered)
    assert again.status_code == 400
    assert "was used already" in again.text
    assert "Connect Notion" in again.text


def test_a_state_is_good_in_the_browser_that_began_alone(person: Person, app: Flask, notion: NotionSandbox) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    stranger = Person(app, notion)
    refused = stranger.come_back(answered)
    assert refused.status_code == 400
    assert "another browser" in refused.text
    assert stranger.client.get("/entries").location == "/"
    assert person.come_back(answered).status_code == 302


def test_a_state_dies_after_five_minutes(person: Person, store: Store) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    with store.engine.begin() as connection:
        left = connection.scalar(text("SELECT expires_at FROM sign_ins"))
        begun = datetime.now(UTC)
        assert abs(datetime.fromisoformat(left).replace(tzinfo=UTC) - begun - timedelta(minutes=5)) < timedelta(
            minutes=1
        )
        connection.execute(text("UPDATE sign_ins SET expires_at = '2026-01-01 00:00:00.000000'"))
    late = person.come_back(answered)
    assert late.status_code == 400
    assert "More than five minutes" in late.text


@pytest.mark.parametrize("state", ["", "made-up", "x" * 5000, "\x00", "\ud7ff"])
def test_a_state_that_was_never_given_out_is_refused(person: Person, state: str) -> None:
    assert person.come_back({"code": "code", "state": state}).status_code == 400
    assert person.client.get("/callback-without-anything").status_code == 404
    assert person.client.get("/auth/notion/callback").status_code == 400


def test_a_sign_in_can_end_at_another_instance_of_the_app(person: Person, app: Flask, notion: NotionSandbox) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    other = Person(create_app(), notion)
    cookie = person.client.get_cookie("svp_session")
    assert cookie is not None
    other.client.set_cookie("svp_session", cookie.value)
    assert other.come_back(answered).status_code == 302
    assert "Set up" in other.see("/databases")


def test_a_person_who_denies_access_gets_a_sentence_and_a_way_on(person: Person, store: Store) -> None:
    answered = person.answer_notion(person.leave_for_notion(), answer="cancel")
    assert answered["error"] == "access_denied"
    denied = person.come_back(answered)
    assert denied.status_code == 403
    assert "You chose not to give access" in denied.text
    assert 'href="/auth/notion/login"' in denied.text
    assert store.connections.all() == []


def test_coming_back_without_an_answer_is_told(person: Person) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    refused = person.come_back({"state": answered["state"], "error": "<script>server_error"})
    assert refused.status_code == 400
    assert "without an answer" in refused.text
    assert "server_error" not in refused.text


def test_a_wrong_code_is_told(person: Person) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    refused = person.come_back(answered | {"code": "wrong"})
    assert refused.status_code == 400
    assert "Nothing was connected" in refused.text


def test_a_wrong_code_is_told_in_oauths_own_shape_too(environment: pytest.MonkeyPatch) -> None:
    with running_notion(oauth_errors="rfc6749") as running, running.fresh_workspace() as notion:
        environment.setenv("NOTION_BASE_URL", notion.url)
        person = Person(create_app(), notion)
        asked = person.leave_for_notion()
        refused = person.come_back({"state": asked["state"], "code": "wrong"})
    assert refused.status_code == 400
    assert "Nothing was connected" in refused.text


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 500, "body": "oops"}, 503),
        ({"status": 503, "body": {"object": "error", "code": "service_unavailable"}}, 503),
        ({"garbage": "html"}, 503),
        ({"garbage": "broken_json"}, 503),
        ({"cut": "before_answer"}, 503),
        ({"status": 200, "body": {"access_token": "a"}}, 503),
        ({"status": 200, "body": []}, 503),
        ({"status": 429, "body": {"object": "error", "code": "rate_limited"}}, 429),
        ({"status": 401, "body": {"object": "error", "code": "unauthorized"}}, 503),
    ],
)
def test_whatever_the_token_endpoint_answers_becomes_a_sentence(
    person: Person, store: Store, fault: dict[str, object], status: int
) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    person.notion.fail("/v1/oauth/token", times=None, **fault)
    refused = person.come_back(answered)
    person.notion.faults.clear()
    assert refused.status_code == status
    assert "To the start page" in refused.text
    assert store.connections.all() == []


@pytest.mark.parametrize("how", ["form", "json"])
def test_the_way_back_may_be_a_post(person: Person, how: str) -> None:
    answered = person.answer_notion(person.leave_for_notion())
    sent = {"data": answered} if how == "form" else {"json": answered}
    assert person.client.post("/auth/notion/callback", **sent).status_code == 302
    assert "Set up" in person.see("/databases")


@pytest.mark.parametrize("body", [[], "text", 1, None, {"state": 1, "code": []}])
def test_odd_json_on_the_way_back_is_refused(person: Person, body: object) -> None:
    assert person.client.post("/auth/notion/callback", json=body).status_code == 400


def test_a_sign_in_begun_under_another_name_moves_to_the_apps_own(person: Person) -> None:
    moved = person.client.get("/auth/notion/login", headers={"Host": "127.0.0.1:8600"})
    assert moved.location == "http://localhost/auth/notion/login?here=1"


def test_disconnecting_revokes_forgets_and_stops_polling(ada: Person, store: Store, notion: NotionSandbox) -> None:
    connection_id = only_connection(store)
    tokens = store.connections.tokens(connection_id)
    assert tokens is not None
    assert store.databases.due(now=datetime.now(UTC), limit=10)

    answer = ada.submit("/auth/disconnect")
    assert answer.location == "/"
    told = httpx.post(f"{notion.url}/v1/oauth/introspect", json={"token": tokens.access}, auth=CLIENT)
    assert told.json()["active"] is False
    assert store.connections.tokens(connection_id) is None
    assert store.databases.due(now=datetime.now(UTC), limit=10) == []
    assert "Disconnected" in ada.see("/")
    assert ada.client.get("/entries").location == "/"


@pytest.mark.parametrize("is_noticed", [True, False], ids=["after a poll", "at once"])
def test_a_connection_that_is_removed_and_added_again_at_notion_keeps_its_set_up(
    ada: Person, store: Store, notion: NotionSandbox, is_noticed: bool
) -> None:
    (before,) = store.connections.all()
    notion.control("connections/remove", bot_id=before.bot_id)
    if is_noticed:
        store.connections.end(before.id, now=datetime.now(UTC))

    ada.sign_in()

    (after,) = store.connections.all()
    assert (after.id, after.active) == (before.id, True)
    assert after.bot_id != before.bot_id
    assert ada.ask("GET", "/api/link-database").status_code == 200
    assert ada.ask("POST", "/api/link-database/check").status_code == 200


def test_another_connection_of_the_same_person_that_works_is_left_as_it_is(
    ada: Person, store: Store, notion: NotionSandbox
) -> None:
    (before,) = store.connections.all()
    with store.engine.begin() as changing:
        changing.execute(text("UPDATE connections SET bot_id = 'another bot'"))

    ada.sign_in()

    assert {connection.active for connection in store.connections.all()} == {True}
    assert len(store.connections.all()) == 2
    assert store.connections.tokens(before.id) is not None


def test_disconnecting_works_while_notion_does_not(ada: Person, store: Store, notion: NotionSandbox) -> None:
    notion.fail("/v1/oauth/revoke", status=503, body={}, times=None)
    ada.submit("/auth/disconnect")
    assert store.connections.tokens(only_connection(store)) is None
    assert "Notion couldn&#39;t be told" in ada.see("/")


def test_a_stolen_cookie_is_of_no_use_once_disconnected(ada: Person, app: Flask) -> None:
    cookie = ada.client.get_cookie("svp_session")
    assert cookie is not None
    ada.submit("/auth/disconnect")
    thief = app.test_client()
    thief.set_cookie("svp_session", cookie.value)
    assert thief.get("/entries").location == "/"
    assert thief.get("/api/entries").status_code == 401


def test_signing_out_leaves_the_connection_alone(ada: Person, store: Store) -> None:
    ada.submit("/auth/sign-out")
    assert ada.client.get("/entries").location == "/"
    assert store.connections.tokens(only_connection(store)) is not None


def test_no_other_site_can_disconnect_a_person(ada: Person, store: Store) -> None:
    assert ada.client.post("/auth/disconnect").status_code == 400
    assert store.connections.tokens(only_connection(store)) is not None
