"""Every route says who may call it, and is closed to all others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule as Route
from werkzeug.test import TestResponse

from oauth_app.rules import RULES, Rule, rule_of
from svp_dagster.store.crypto import new_key
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox, RunningNotion
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token
from tests.oauth_app.videos.sending import upload

OPERATOR_KEY = new_key()
OPEN_TO_ANYBODY = {
    "start.show",
    "connect_notion.show",
    "connect_notion.begin",
    "sign_in.login",
    "sign_in.sign_out",
    "operator.show",
    "operator.enter",
    "description.show",
    "description.document",
    "health.health",
    "health.ready",
    "static",
}
OPEN_TO_NOTION = {"sign_in.callback", "webhooks.receive"}
END_THE_SESSION = {
    "api_my_data.delete",
    "my_data.delete",
    "operator.sign_out",
    "sign_in.sign_out",
    "sign_in.sign_out_everywhere",
    "sign_in.disconnect",
}
NOBODY, PERSON, SCRIPT, OPERATOR = "nobody", "person", "script", "operator"
MAY = {
    Rule.PUBLIC: {NOBODY, PERSON, SCRIPT, OPERATOR},
    Rule.SESSION: {PERSON},
    Rule.FORM: {PERSON},
    Rule.API: {PERSON, SCRIPT},
    Rule.PEOPLE: {PERSON},
    Rule.MONITOR: {OPERATOR},
    Rule.OPERATOR: {OPERATOR},
}
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Caller:
    """Somebody who calls a route. `headers` are what comes with every request."""

    client: FlaskClient
    headers: dict[str, str]

    def call(self, route: Route, method: str, ids: dict[str, str], **headers: str) -> TestResponse:
        """Call a route with these ids of things."""
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids[found[1]], route.rule)
        bodies = {"POST": {}, "PATCH": {"prompt": "changed"}} if rule_of(route.endpoint) is Rule.API else {}
        return self.client.open(
            path, method=method, json=bodies.get(method), headers={**self.headers, **headers}, buffered=True
        )


@pytest.fixture
def environment(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An installation whose operator's key is known."""
    environment.setenv("SVP_OPERATOR_KEY", OPERATOR_KEY)
    return environment


@pytest.fixture
def ids(ada: Person, store: Store) -> dict[str, str]:
    """The ids of Ada's things, by the names of the routes."""
    (database,) = store.databases.content_databases(ada.connection_id)
    link = {"url": "https://www.tiktok.com/@ada/video/7300000000000000001", "tag": database.tag}
    entry: Any = ada.ask("POST", "/api/entries", link).json
    make_token(ada)
    token, *_ = store.web.api_tokens(ada.connection_id)
    return {
        "filename": "app.css",
        "page_id": entry["id"],
        "entry_id": entry["id"],
        "job_id": upload(ada),
        "database_id": database.id,
        "token_id": token.id,
    }


@pytest.fixture
def call_as(app: Flask, ada: Person) -> Callable[[str], Caller]:
    """Makes callers. Ada is the person, and the script is hers."""
    secret = make_token(ada)

    def make(who: str) -> Caller:
        if who == PERSON:
            return Caller(ada.client, {"X-CSRFToken": ada.csrf})
        client = app.test_client()
        headers = {"X-CSRFToken": csrf_of(client, "/operator")}
        if who == SCRIPT:
            headers["Authorization"] = f"Bearer {secret}"
        if who == OPERATOR:
            assert client.post("/operator/key", data={"key": OPERATOR_KEY}, headers=headers).status_code == 302
        return Caller(client, headers)

    return make


def csrf_of(client: FlaskClient, path: str) -> str:
    """Return the token of a page."""
    found = _CSRF.search(client.get(path).text)
    assert found
    return found[1]


def routes(app: Flask) -> Iterator[tuple[Route, str]]:
    """Yield every route with each of its methods. Those that end the session come last."""
    for route in sorted(app.url_map.iter_rules(), key=lambda route: route.endpoint in END_THE_SESSION):
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            yield route, method


def is_refused(answer: TestResponse) -> bool:
    """Return whether the caller may not, or their request isn't from a page of ours."""
    is_sent_to_the_start = answer.status_code == 302 and answer.location == "/"
    is_forged = answer.status_code == 400 and "came from elsewhere" in answer.text
    return is_sent_to_the_start or is_forged or answer.status_code in (401, 403)


def changes(store: Store, connection_id: str) -> tuple[object, ...]:
    """Return what calls of others must not change."""
    return (
        store.connections.get(connection_id),
        store.databases.link_database(connection_id),
        store.databases.content_databases(connection_id),
        store.entries.page(connection_id, offset=0, limit=100),
        [token.id for token in store.web.api_tokens(connection_id)],
    )


def test_every_route_has_a_rule_and_every_rule_a_route(app: Flask) -> None:
    endpoints = {route.endpoint for route in app.url_map.iter_rules()}
    assert [endpoint for endpoint in endpoints if rule_of(endpoint) is None] == []
    assert set(RULES) - endpoints - set(app.blueprints) == set()


def test_no_other_route_is_open_to_anybody(app: Flask) -> None:
    endpoints = {route.endpoint for route in app.url_map.iter_rules()}
    assert {endpoint for endpoint in endpoints if rule_of(endpoint) is Rule.PUBLIC} == OPEN_TO_ANYBODY
    assert {endpoint for endpoint in endpoints if rule_of(endpoint) is Rule.NOTION} == OPEN_TO_NOTION


@pytest.mark.parametrize("who", [NOBODY, PERSON, SCRIPT, OPERATOR])
def test_a_route_without_a_rule_is_closed(app: Flask, call_as: Callable[[str], Caller], who: str) -> None:
    caller = call_as(who)
    app.view_functions["new.page"] = lambda: "open"
    app.url_map.add(Route("/new", endpoint="new.page", methods=["GET", "POST"]))
    for method in ("GET", "HEAD", "POST"):
        answer = caller.client.open("/new", method=method, headers=caller.headers)
        assert answer.status_code == 403
        assert "open" not in answer.text


@pytest.mark.parametrize("who", [NOBODY, SCRIPT, OPERATOR, PERSON])
def test_a_route_is_open_to_whom_its_rule_names(
    app: Flask, call_as: Callable[[str], Caller], store: Store, ada: Person, ids: dict[str, str], who: str
) -> None:
    caller, before, walked = call_as(who), changes(store, ada.connection_id), 0
    unknown = {name: "app.css" if name == "filename" else "0" * 32 for name in ids}
    for route, method in routes(app):
        rule = rule_of(route.endpoint)
        if rule is Rule.NOTION or rule is None or route.endpoint == "health.ready":
            continue
        may = who in MAY[rule]
        # Who may would change something: they name things that aren't there.
        answer = caller.call(route, method, unknown if may else ids)
        if route.endpoint in END_THE_SESSION and may:
            assert answer.status_code in (302, 401, 403)
        else:
            assert is_refused(answer) != may, f"{method} {route} by {who}: {answer.status_code}"
        assert answer.status_code < 500, f"{method} {route} by {who}: {answer.status_code}"
        walked += 1
    assert walked > 40
    if who != PERSON:
        assert changes(store, ada.connection_id) == before


def test_what_is_anothers_is_not_there(
    app: Flask, running: RunningNotion, store: Store, ada: Person, ids: dict[str, str]
) -> None:
    before, walked = changes(store, ada.connection_id), 0
    with running.fresh_workspace() as workspace:
        stranger = Person(app, workspace).sign_in().set_up()
        caller = Caller(stranger.client, {"X-CSRFToken": stranger.csrf})
        for route, method in routes(app):
            if route.arguments and route.endpoint != "static":
                answer = caller.call(route, method, ids)
                is_kept_silent = answer.status_code == 302 and ada.connection_id not in (answer.location or "")
                assert answer.status_code == 404 or is_kept_silent, f"{method} {route}: {answer.status_code}"
                walked += 1
    assert walked > 12
    assert changes(store, ada.connection_id) == before


@pytest.mark.parametrize("who", [NOBODY, PERSON, OPERATOR])
@pytest.mark.parametrize("forged", ["", "wrong", "of somebody else"])
def test_nothing_changes_without_the_token_of_a_page(
    app: Flask,
    notion: NotionSandbox,
    call_as: Callable[[str], Caller],
    store: Store,
    ada: Person,
    ids: dict[str, str],
    who: str,
    forged: str,
) -> None:
    caller, before, walked = call_as(who), changes(store, ada.connection_id), 0
    token = csrf_of(app.test_client(), "/operator") if forged == "of somebody else" else forged
    for route, method in routes(app):
        if method != "GET" and rule_of(route.endpoint) is not Rule.NOTION:
            answer = caller.call(route, method, ids, **{"X-CSRFToken": token})
            assert is_refused(answer), f"{method} {route} by {who}: {answer.status_code}"
            walked += 1
    assert walked > 25
    assert changes(store, ada.connection_id) == before


def test_what_notion_calls_asks_for_a_proof(app: Flask, store: Store, ada: Person) -> None:
    before, client = changes(store, ada.connection_id), app.test_client()
    event = {"type": "page.created", "entity": {"id": "0" * 32}}
    assert client.post("/webhooks/notion", json=event).status_code == 401
    assert client.post("/webhooks/notion", json=event, headers={"X-Notion-Signature": "sha256=x"}).status_code == 401
    for method in ("GET", "POST"):
        answer = ada.client.open("/auth/notion/callback", method=method, query_string={"code": "x", "state": "y"})
        assert answer.status_code == 400
    assert changes(store, ada.connection_id) == before
