"""Headers, cookies, other origins, limits, and what production demands."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest
from flask import Flask

from oauth_app.app import create_app
from oauth_app.security import limiter
from svp_dagster.store.crypto import new_key
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token

FRIEND = "https://friend.example"


@pytest.fixture
def limited(environment: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The app with its limits."""
    app = create_app()
    limiter.enabled = True
    yield app
    limiter.reset()


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/nothing", "/health", "/static/app.css", "/openapi.json"])
def test_every_answer_is_protected(app: Flask, path: str) -> None:
    with app.test_client().get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_pages_and_answers_are_not_kept_by_caches_but_static_files_are(ada: Person) -> None:
    for path in ("/entries", "/api/entries", "/settings"):
        assert ada.client.get(path).headers["Cache-Control"] == "no-store"
    with ada.client.get("/static/app.css") as answer:
        assert "no-store" not in answer.headers["Cache-Control"]


def test_no_page_has_inline_scripts_or_styles_or_asks_elsewhere(ada: Person) -> None:
    for path in ("/entries", "/databases", "/settings", "/tokens", "/api", "/operator"):
        page = ada.see(path)
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page
        assert " onclick" not in page
        assert 'src="http' not in page
        assert 'rel="stylesheet" href="http' not in page


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(person: Person) -> None:
    cookie = person.client.get("/auth/notion/login?here=1").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


@pytest.fixture
def production(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An installation for others, with all that it needs."""
    environment.setenv("SVP_PRODUCTION", "true")
    environment.setenv("SVP_APP_URL", "https://svp.example")
    for name in ("SVP_APP_SECRET_KEY", "SVP_OPERATOR_KEY", "SVP_ENCRYPTION_KEYS"):
        environment.setenv(name, new_key())
    return environment


def test_in_production_cookies_are_secure_and_browsers_told_to_stay_with_https(production: pytest.MonkeyPatch) -> None:
    client = create_app().test_client()
    answer = client.get("/auth/notion/login", base_url="https://svp.example")
    assert answer.status_code == 302
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"]
    assert "redirect_uri=https%3A%2F%2Fsvp.example%2Fauth%2Fnotion%2Fcallback" in answer.location


def test_whoever_asks_too_often_is_told_to_wait(limited: Flask) -> None:
    client = limited.test_client()
    answers = [client.get("/auth/notion/login?here=1") for _ in range(31)]
    assert [answer.status_code for answer in answers[-2:]] == [302, 429]
    assert "Too many requests" in answers[-1].text
    assert answers[-1].headers["Retry-After"]


def test_a_script_that_asks_too_often_gets_json(limited: Flask, notion: NotionSandbox) -> None:
    person = Person(limited, notion).sign_in().set_up()
    answers = [person.ask("POST", "/api/entries", {}) for _ in range(125)]
    assert answers[-1].status_code == 429
    assert answers[-1].json is not None
    assert answers[-1].json["error"] == "too_many_requests"
    assert person.client.get("/api/entries").status_code == 200


def test_limits_count_each_connection_for_itself(limited: Flask, notion: NotionSandbox) -> None:
    busy, other = (Person(limited, notion).sign_in() for _ in range(2))
    assert [busy.ask("POST", "/api/entries", {}).status_code for _ in range(121)][-1] == 429
    assert other.client.get("/health").status_code == 200


def test_origins_of_the_list_may_call_the_api_with_a_token(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SVP_CORS_ORIGINS", f"{FRIEND}/, https://other.example")
    client = create_app().test_client()
    asks = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    preflight = client.options("/api/entries", headers=asks)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    answer = client.get("/api/entries", headers={"Origin": FRIEND})
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("origin", "path"),
    [("https://evil.example", "/api/entries"), ("null", "/api/entries"), ("", "/api/entries"), (FRIEND, "/entries")],
)
def test_no_other_origin_may(environment: pytest.MonkeyPatch, origin: str, path: str) -> None:
    environment.setenv("SVP_CORS_ORIGINS", FRIEND)
    client = create_app().test_client()
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert "Access-Control-Allow-Origin" not in client.open(path, method=method, headers=headers).headers


def test_without_a_list_no_origin_may(app: Flask) -> None:
    answer = app.test_client().get("/api/entries", headers={"Origin": ""})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/auth/disconnect", 405), ("/entries/x/y/z", 404)])
def test_people_get_a_page_they_understand(ada: Person, path: str, status: int) -> None:
    answer = ada.client.get(path)
    assert answer.status_code == status
    assert "To the start page" in answer.text


def test_scripts_get_the_one_shape_of_errors(ada: Person) -> None:
    for method, path, status in [
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/entries", 405),
        ("GET", "/webhooks/x", 404),
    ]:
        answer = ada.ask(method, path)
        assert answer.status_code == status
        assert answer.json is not None
        assert set(answer.json) == {
            "error",
            "message",
            "entry_id",
            "timestamp",
            "retry_count",
            "details",
            "choices",
        }


def test_what_is_too_large_is_refused(ada: Person) -> None:
    answer = ada.client.post("/api/entries", data=b"x" * 1_100_000, headers={"X-CSRFToken": ada.csrf})
    assert answer.status_code in (413, 422)
    assert ada.client.post("/webhooks/notion", data=b"x" * 1_100_000).status_code == 413


def test_everybody_gets_the_page_of_an_outage_while_the_database_is_gone(app: Flask, ada: Person, store: Store) -> None:
    token = make_token(ada)
    with store.engine.begin() as connection:
        for table in ("api_tokens", "sessions", "connections"):
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO gone_{table}")
    for client, headers in ((ada.client, {}), (app.test_client(), {"Authorization": f"Bearer {token}"})):
        for path in ("/", "/entries", "/settings"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 503
            assert "The app's database doesn't answer" in html.unescape(answer.text)
        assert client.get("/api/entries", headers=headers).status_code == 503
