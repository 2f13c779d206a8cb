"""In production the Dagster UI is its operator's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus

from oauth_app.app import create_app
from oauth_app.services import Services
from svp_dagster.cli import main
from svp_dagster.store.crypto import new_key
from svp_dagster.webserver.sign_in import COOKIE, FAILURES
from tests.security.conftest import OPERATOR_KEY
from tests.security.dagster_web import TIMEOUT_S, DagsterWeb, mutation, new_pool
from tests.security.test_dagster_web import websocket

pytestmark = pytest.mark.slow

HTML = {"Accept": "text/html"}
READ = {"query": "{ version }"}


def sign_in(web: DagsterWeb, key: str, path: str = "/", **headers: str) -> httpx.Response:
    """Send the form, as a browser of the address that the headers name."""
    return web.send("POST", path, data={"key": key}, headers={**HTML, **headers})


def cookie(token: str) -> dict[str, str]:
    """Return the header with this session."""
    return {"Cookie": f"{COOKIE}={token}"}


def status_of(web: DagsterWeb, headers: dict[str, str]) -> int:
    """Return the status of a question that only the operator may ask."""
    return web.send("POST", "/graphql", json=READ, headers=headers).status_code


@pytest.mark.parametrize(
    "path", ["/", "/runs", "/server_info", "/graphql?query={version}", "/favicon.png", "/logs/a/b.err"]
)
def test_nothing_is_shown_to_who_has_not_signed_in(production_web: DagsterWeb, path: str) -> None:
    answer = production_web.send("GET", path)
    assert (answer.status_code, answer.text) == (401, "Sign in with the operator's key.")
    form = production_web.send("GET", path, headers=HTML)
    assert form.status_code == 401
    assert 'type="password"' in form.text
    assert "dagster" not in form.text.lower()


def test_nothing_is_changed_for_who_has_not_signed_in(production_web: DagsterWeb) -> None:
    pool = new_pool()
    assert production_web.send("POST", "/graphql", json={"query": mutation(pool)}).status_code == 401
    with pytest.raises(InvalidStatus) as refused, websocket(production_web):
        pass
    assert refused.value.response.status_code == 401
    assert pool not in production_web.pools()


def test_the_key_opens_the_page_that_was_asked_for(production_web: DagsterWeb) -> None:
    answer = sign_in(production_web, OPERATOR_KEY, "/runs/abc?tab=logs")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/runs/abc?tab=logs")
    kept = answer.headers["Set-Cookie"]
    assert kept.startswith(f"{COOKIE}=")
    assert {part.strip().lower() for part in kept.split(";")[1:]} == {"httponly", "path=/", "samesite=strict", "secure"}
    assert OPERATOR_KEY not in kept

    session = {"Cookie": kept.split(";")[0]}
    assert ">Dagster</title>" in production_web.send("GET", "/runs/abc", headers={**HTML, **session}).text
    pool = new_pool()
    sent = production_web.send("POST", "/graphql", json={"query": mutation(pool)}, headers=session)
    assert sent.status_code == 200
    assert pool in production_web.pools()
    with websocket(production_web, **session) as connected:
        connected.send(json.dumps({"type": "connection_init"}))
        assert json.loads(connected.recv(timeout=TIMEOUT_S)) == {"type": "connection_ack"}


def test_who_has_signed_in_is_still_guarded(production_web: DagsterWeb) -> None:
    session = {"Cookie": sign_in(production_web, OPERATOR_KEY).headers["Set-Cookie"].split(";")[0]}
    pool = new_pool()
    params = {"query": mutation(pool)}
    assert production_web.send("GET", "/graphql", params=params, headers=session).status_code == 405
    assert production_web.send("POST", "/graphql", params=params, headers=session).status_code == 415
    foreign = {**session, "Origin": "https://evil.example"}
    assert production_web.send("POST", "/graphql", json=params, headers=foreign).status_code == 403
    assert sign_in(production_web, OPERATOR_KEY, Origin="https://evil.example").status_code == 403
    assert pool not in production_web.pools()


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "/%5Cevil.example", "/%2F/evil.example"])
def test_signing_in_leads_to_no_other_host(production_web: DagsterWeb, path: str) -> None:
    address = httpx.URL(production_web.url).join(sign_in(production_web, OPERATOR_KEY, path).headers["Location"])
    assert address.host == "127.0.0.1"
    assert "\\" not in str(address)


@pytest.mark.parametrize(
    "token", ["", "made-up", "%C3%A9", OPERATOR_KEY, "x" * 4000], ids=["none", "a word", "no ASCII", "the key", "long"]
)
def test_a_session_can_not_be_made_up(production_web: DagsterWeb, token: str) -> None:
    assert status_of(production_web, cookie(token)) == 401


def test_programs_send_the_key_itself(production_web: DagsterWeb) -> None:
    from_here = {"X-Forwarded-For": "198.51.100.7"}
    assert status_of(production_web, {"Authorization": f"Bearer {OPERATOR_KEY}", **from_here}) == 200
    assert status_of(production_web, {"Authorization": f"Bearer {OPERATOR_KEY[:-1]}", **from_here}) == 401
    assert status_of(production_web, {"Authorization": "Bearer x", **from_here}) == 401


def test_the_apps_check_of_the_daemon_is_let_through(
    production_web: DagsterWeb, new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "SVP_HOME": str(tmp_path),
        "DATABASE_URL": new_sqlite(),
        "NOTION_BASE_URL": "http://127.0.0.1:9",
        "SVP_DAGSTER_URL": production_web.url,
        "SVP_OPERATOR_KEY": OPERATOR_KEY,
    }.items():
        monkeypatch.setenv(name, value)
    app = create_app()
    answer = app.test_client().get("/ready").get_json()
    assert answer["checks"]["daemon"]["note"].startswith("no heartbeat of")
    services: Services = app.extensions["svp"]
    services.store.engine.dispose()


def test_guessing_is_slowed_down_for_who_guesses_alone(production_web: DagsterWeb) -> None:
    guesser, other = {"X-Forwarded-For": "198.51.100.8"}, {"X-Forwarded-For": "198.51.100.9"}
    guesses = [sign_in(production_web, f"guess {number}", **guesser) for number in range(FAILURES.amount)]
    assert {guess.status_code for guess in guesses} == {401}
    assert "Set-Cookie" not in guesses[0].headers
    refused = sign_in(production_web, OPERATOR_KEY, **guesser)
    assert refused.status_code == 429
    assert "Too many wrong keys" in refused.text
    assert status_of(production_web, {"Authorization": f"Bearer {OPERATOR_KEY}", **guesser}) == 429
    assert sign_in(production_web, OPERATOR_KEY, **other).status_code == 303


def test_a_form_that_is_too_long_is_not_read(production_web: DagsterWeb) -> None:
    assert sign_in(production_web, "x" * 5000).status_code == 413
    chunks = iter([b"key=", b"x" * 10])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert production_web.send("POST", "/", content=chunks, headers=headers).status_code == 413


@pytest.mark.parametrize("key", ["", "a-short-one"])
@pytest.mark.parametrize("command", ["up", "webserver"])
def test_production_without_a_key_for_the_operator_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, key: str
) -> None:
    for name, value in {
        "SVP_HOME": str(tmp_path),
        "SVP_PRODUCTION": "true",
        "SVP_ENCRYPTION_KEYS": new_key(),
        "SVP_APP_SECRET_KEY": new_key(),
        "SVP_OPERATOR_KEY": key,
        "SVP_APP_PORT": "9",
        "SVP_DAGSTER_PORT": "9",
    }.items():
        monkeypatch.setenv(name, value)
    refused = CliRunner().invoke(main, [command])
    assert refused.exit_code == 1
    assert "SVP_OPERATOR_KEY is not set, or shorter than 32 bytes; make a key with `svp new-key`" in refused.output
