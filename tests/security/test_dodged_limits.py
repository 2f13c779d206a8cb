"""Who asks too often can't pass for somebody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from oauth_app.app import create_app
from oauth_app.security import limiter
from oauth_app.services import Services
from svp_dagster.cli import main
from svp_dagster.store.crypto import new_key
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token
from tests.security.app_web import TIMEOUT_S, app_web

pytestmark = pytest.mark.slow

SIGN_INS, WRITES, REQUESTS = 30, 120, 600
"""Of one minute."""


@pytest.fixture
def limited(environment: pytest.MonkeyPatch) -> Iterator[Callable[..., Flask]]:
    """Makes the app with its limits."""
    made: list[Flask] = []

    def make(**settings: str) -> Flask:
        for name, value in settings.items():
            environment.setenv(name, value)
        made.append(create_app())
        limiter.enabled = True
        return made[-1]

    yield make
    limiter.reset()
    for app in made:
        services: Services = app.extensions["svp"]
        services.store.engine.dispose()


def begin_sign_in(client: FlaskClient, **request: object) -> int:
    """Return the status."""
    return client.get("/auth/notion/login?here=1", **request).status_code


def from_address(client: FlaskClient, forwarded: str) -> int:
    """Begin a sign-in that says where it is from. Return the status."""
    return begin_sign_in(client, headers={"X-Forwarded-For": forwarded})


@pytest.mark.parametrize("production", ["true", "false"])
def test_without_a_proxy_nobody_says_themselves_where_they_are(limited: Callable[..., Flask], production: str) -> None:
    keys = {name: new_key() for name in ("SVP_APP_SECRET_KEY", "SVP_OPERATOR_KEY", "SVP_ENCRYPTION_KEYS")}
    client = limited(SVP_PRODUCTION=production, SVP_APP_URL="https://svp.example", **keys).test_client()
    statuses = [from_address(client, f"198.51.100.{number}") for number in range(SIGN_INS + 1)]
    assert statuses == [302] * SIGN_INS + [429]


def test_behind_a_proxy_people_count_for_themselves(limited: Callable[..., Flask]) -> None:
    client = limited(SVP_PROXIES="1").test_client()
    statuses = {from_address(client, f"198.51.100.{number}") for number in range(SIGN_INS + 5)}
    assert statuses == {302}


@pytest.mark.parametrize(("proxies", "appended"), [("1", "198.51.100.1"), ("2", "198.51.100.1, 10.0.0.1")])
def test_what_a_client_adds_before_the_proxies_is_not_believed(
    limited: Callable[..., Flask], proxies: str, appended: str
) -> None:
    client = limited(SVP_PROXIES=proxies).test_client()
    statuses = [from_address(client, f"203.0.113.{number}, {appended}") for number in range(SIGN_INS + 1)]
    assert statuses[-1] == 429


def test_addresses_of_one_ipv6_network_count_as_one(limited: Callable[..., Flask]) -> None:
    client = limited(SVP_PROXIES="1").test_client()
    statuses = [from_address(client, f"2001:db8:0:1::{number:x}") for number in range(SIGN_INS + 1)]
    assert statuses[-1] == 429
    assert from_address(client, "2001:db8:0:1:ffff:ffff:ffff:ffff") == 429
    assert from_address(client, "2001:db8:0:2::1") == 302


def test_an_ipv4_address_is_the_same_when_written_as_ipv6(limited: Callable[..., Flask]) -> None:
    client = limited(SVP_PROXIES="1").test_client()
    for _ in range(SIGN_INS):
        from_address(client, "198.51.100.1")
    assert from_address(client, "::ffff:198.51.100.1") == 429
    assert from_address(client, "::ffff:198.51.100.2") == 302


@pytest.mark.parametrize("address", ["198.51.100.1", "[2001:db8::1]"])
def test_the_port_that_some_proxies_append_makes_no_other_address(limited: Callable[..., Flask], address: str) -> None:
    client = limited(SVP_PROXIES="1").test_client()
    statuses = [from_address(client, f"{address}:{40_000 + number}") for number in range(SIGN_INS + 1)]
    assert statuses[-1] == 429


def test_an_address_that_is_none_still_counts(limited: Callable[..., Flask]) -> None:
    client = limited(SVP_PROXIES="1").test_client()
    assert [from_address(client, "unknown") for _ in range(SIGN_INS + 1)][-1] == 429


def test_the_tokens_of_a_connection_share_its_limit(limited: Callable[..., Flask], notion: NotionSandbox) -> None:
    app = limited()
    person = Person(app, notion).sign_in().set_up()
    tokens = [make_token(person) for _ in range(10)]
    client, statuses = app.test_client(), []
    for number in range(WRITES + 1):
        headers = {"Authorization": f"Bearer {tokens[number % len(tokens)]}"}
        statuses.append(client.post("/api/entries", json={}, headers=headers).status_code)
    assert statuses[-1] == 429
    assert person.ask("POST", "/api/entries", {}).status_code == 429


def test_requests_that_are_refused_count_too(limited: Callable[..., Flask]) -> None:
    client = limited().test_client()
    statuses = [
        client.post("/api/entries", json={}, headers={"Authorization": f"Bearer svp_guess{number}"}).status_code
        for number in range(REQUESTS + 1)
    ]
    assert statuses == [401] * REQUESTS + [429]


def test_requests_for_what_is_not_there_count_too(limited: Callable[..., Flask]) -> None:
    client = limited().test_client()
    statuses = [client.get(f"/nothing/{number}").status_code for number in range(REQUESTS + 1)]
    assert statuses == [404] * REQUESTS + [429]
    assert client.put("/entries").status_code == 429
    assert client.get("/static/app.css", buffered=True).status_code == 200


def test_there_is_one_count_for_the_whole_app(tmp_path: Path, new_sqlite: Callable[[], str]) -> None:
    client = {"NOTION_CLIENT_ID": CLIENT[0], "NOTION_CLIENT_SECRET": CLIENT[1], "DATABASE_URL": new_sqlite()}
    with app_web(tmp_path, **client) as web, ThreadPoolExecutor(8) as pool:
        login = f"{web.url}/auth/notion/login?here=1"
        statuses = list(pool.map(lambda _: httpx.get(login, timeout=TIMEOUT_S).status_code, range(SIGN_INS + 10)))
    assert sorted(statuses) == [302] * SIGN_INS + [429] * 10


def test_guesses_of_the_operators_key_are_slowed_down(limited: Callable[..., Flask]) -> None:
    client = limited().test_client()
    form = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/operator").text)
    assert form
    statuses = [
        client.post("/operator/key", data={"csrf_token": form[1], "key": f"guess {number}"}).status_code
        for number in range(11)
    ]
    assert statuses == [302] * 10 + [429]


@pytest.mark.parametrize(
    ("production", "proxies", "state"), [("true", "0", "missing"), ("true", "1", "ok"), ("false", "0", "ok")]
)
def test_the_doctor_says_where_a_proxy_is_likely_and_none_is_believed(
    environment: pytest.MonkeyPatch, production: str, proxies: str, state: str
) -> None:
    environment.setenv("SVP_PRODUCTION", production)
    environment.setenv("SVP_PROXIES", proxies)
    (line,) = [line for line in CliRunner().invoke(main, ["doctor"]).stdout.splitlines() if "Reverse proxies" in line]
    assert line.startswith(state)
    assert ("SVP_PROXIES" in line) == (state == "missing")
