"""The app's cookie: a sibling host can't plant one, no script reads it, no other site's form sends or replaces it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from oauth_app.app import create_app
from sandbox.media.authority import Authority
from sandbox.serving import QuietHandler
from svp_dagster.commands.processes import free_port
from svp_dagster.store.crypto import new_key
from tests.browser.chromium import chromium
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person

APP, SIBLING = "app.svp.example", "evil.svp.example"
PATIENCE_MS = 30_000
NAME = "__Host-svp_session"


def rules_of(set_cookie: str) -> set[str]:
    """Return the attributes of a cookie, but for when it expires."""
    parts = {part.strip().lower() for part in set_cookie.split(";")[1:]}
    return {part for part in parts if not part.startswith("expires=")}


@pytest.fixture
def production(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An installation for others."""
    environment.setenv("SVP_PRODUCTION", "true")
    for name in ("SVP_APP_SECRET_KEY", "SVP_ENCRYPTION_KEYS", "SVP_OPERATOR_KEY"):
        environment.setenv(name, new_key())
    environment.setenv("SVP_APP_URL", f"https://{APP}")
    return environment


@pytest.mark.parametrize("is_production", [True, False])
def test_over_https_the_cookie_belongs_to_this_host_alone(production: pytest.MonkeyPatch, is_production: bool) -> None:
    production.setenv("SVP_PRODUCTION", str(is_production))
    client = create_app().test_client()
    answer = client.get("/auth/notion/login?here=1", base_url=f"https://{APP}")
    assert answer.headers["Set-Cookie"].startswith(f"{NAME}=")
    assert rules_of(answer.headers["Set-Cookie"]) == {"secure", "httponly", "path=/", "samesite=lax"}
    document: Any = client.get("/openapi.json", base_url=f"https://{APP}").json
    assert document["components"]["securitySchemes"]["session"]["name"] == NAME


def test_without_https_the_cookie_has_a_name_that_a_browser_takes(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/auth/notion/login?here=1")
    assert answer.headers["Set-Cookie"].startswith("svp_session=")
    assert rules_of(answer.headers["Set-Cookie"]) == {"httponly", "path=/", "samesite=lax"}
    document: Any = client.get("/openapi.json").json
    assert document["components"]["securitySchemes"]["session"]["name"] == "svp_session"


def test_no_form_of_another_site_replaces_the_cookie(app: Flask, ada: Person) -> None:
    """Such a form is sent without the cookie. An answer that sets another would sign the person out."""
    form, walked = {"csrf_token": ada.csrf, "state": "x", "code": "x"}, 0
    for route in app.url_map.iter_rules():
        if "POST" in (route.methods or set()):
            path = re.sub("<.*?>", "0" * 32, route.rule)
            assert "Set-Cookie" not in app.test_client().post(path, data=form).headers, path
            walked += 1
    assert walked > 25


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, in which both names lead to this machine and any certificate is good."""
    with chromium("--host-resolver-rules=MAP *.svp.example 127.0.0.1", "--ignore-certificate-errors") as launched:
        yield launched


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser profile."""
    context = browser.new_context(ignore_https_errors=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    context.close()


@contextmanager
def served_over_tls(app: Flask, *, port: int, context: SSLContext) -> Iterator[None]:
    """Serve an app on this machine as behind its TLS proxy."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def https_app(environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    """The app over https, and its address; the sibling's is the same with its own name."""
    port = free_port()
    address = f"https://{APP}:{port}"
    environment.setenv("SVP_APP_URL", address)
    app = create_app()

    @app.get("/of-the-sibling")
    def of_the_sibling() -> str:
        return "<!doctype html><title>Sibling</title>"

    authority = Authority(tmp_path)
    with served_over_tls(app, port=port, context=authority.context("*.svp.example")):
        yield app, address


def test_signing_in_at_notion_works_over_https(https_app: tuple[Flask, str], notion: NotionSandbox, page: Page) -> None:
    _, address = https_app
    connect(page, address, notion)
    (cookie,) = page.context.cookies(address)
    assert (cookie["name"], cookie["domain"], cookie["path"]) == (NAME, APP, "/")
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    assert page.evaluate("document.cookie") == ""


def test_a_sibling_host_can_not_sign_a_person_in_as_somebody_else(
    https_app: tuple[Flask, str], notion: NotionSandbox, page: Page
) -> None:
    app, address = https_app
    attacker = sign_in_over_https(app, address, notion)
    sibling = address.replace(APP, SIBLING)
    page.goto(f"{sibling}/of-the-sibling")
    for name in (NAME, "svp_session"):
        planted = f"{name}={attacker}; Domain=svp.example; Path=/; Secure"
        page.evaluate("planted => { document.cookie = planted; }", planted)
    names = {cookie["name"] for cookie in page.context.cookies(address)}
    assert names == {"svp_session"}
    page.goto(f"{address}/entries")
    expect(page.locator("main").get_by_role("link", name="Connect Notion")).to_be_visible()
    connect(page, address, notion)
    page.goto(f"{address}/settings")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def connect(page: Page, address: str, notion: NotionSandbox) -> None:
    """Connect Notion in the browser."""
    page.goto(address)
    page.locator("main").get_by_role("link", name="Connect Notion").click()
    page.locator(f'input[name="workspace"][value="{notion.workspace_id}"]').check()
    page.get_by_role("button", name="Allow access").click()
    page.wait_for_url(f"{address}/databases")


def sign_in_over_https(app: Flask, address: str, notion: NotionSandbox) -> str:
    """Sign in as an attacker does; return the cookie's value."""
    attacker = Person(app, notion)
    asked = attacker.client.get("/auth/notion/login", base_url=address)
    answered = attacker.answer_notion(attacker.asked_of(asked))
    back = attacker.client.get("/auth/notion/callback", query_string=answered, base_url=address)
    assert back.status_code == 302
    value: str = back.headers["Set-Cookie"].split(";")[0].partition("=")[2]
    return value
