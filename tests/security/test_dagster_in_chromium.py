"""The Dagster UI in a browser that has a foreign page open too: the page gets nothing, and the UI works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from sandbox.serving import serve
from tests.browser.chromium import chromium
from tests.security.conftest import OPERATOR_KEY
from tests.security.dagster_web import DagsterWeb, mutation, new_pool

pytestmark = pytest.mark.slow

REBOUND = "rebound.example"
PATIENCE_MS = 30_000

ATTACK = """async ([target, mutations]) => {
  const url = name => `${target}/graphql?query=${encodeURIComponent(mutations[name])}`;
  const body = name => JSON.stringify({query: mutations[name]});
  const read = {};
  const settled = (name, promise) => promise.then(value => { read[name] = value; }, () => { read[name] = null; });
  const element = (tag, attributes) => new Promise(resolve => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.onload = () => resolve(tag === "iframe" ? null : "loaded");
    made.onerror = () => resolve(null);
    document.body.append(made);
  });
  const form = (name, enctype, action) => new Promise(resolve => {
    const frame = Object.assign(document.createElement("iframe"), {name: `frame-${name}`});
    document.body.append(frame);
    const made = Object.assign(document.createElement("form"), {method: "post", enctype, action, target: frame.name});
    const text = body(name);  // split at a "=", it is the body as it stands
    made.append(Object.assign(document.createElement("input"), {name: text.slice(0, -2), value: text.slice(-2)}));
    document.body.append(made);
    frame.onload = () => resolve(null);
    made.submit();
  });
  const socket = () => new Promise(resolve => {
    const made = new WebSocket(`${target.replace("http", "ws")}/graphql`, "graphql-ws");
    made.onopen = () => {
      made.send(JSON.stringify({type: "connection_init"}));
      made.send(JSON.stringify({type: "start", id: "1", payload: {query: mutations.socket}}));
    };
    made.onmessage = message => resolve(message.data);
    made.onerror = made.onclose = () => resolve(null);
  });
  const ask = (name, options) => fetch(`${target}/graphql`, {method: "POST", body: body(name), ...options})
    .then(answer => answer.type === "opaque" ? null : answer.text());
  await Promise.all([
    settled("image", element("img", {src: url("image")})),
    settled("script", element("script", {src: url("script")})),
    settled("favicon", element("img", {src: `${target}/favicon.png`})),
    settled("frame", element("iframe", {src: url("frame")})),
    settled("form", form("form", "application/x-www-form-urlencoded", url("form"))),
    settled("text_form", form("text_form", "text/plain", `${target}/graphql`)),
    settled("json", ask("json", {headers: {"Content-Type": "application/json"}})),
    settled("no_cors", ask("no_cors", {mode: "no-cors"})),
    settled("as_json", ask("as_json", {mode: "no-cors", headers: {"Content-Type": "text/plain; a=application/json"}})),
    settled("cookies", ask("cookies", {credentials: "include"})),
    settled("page", fetch(`${target}/`).then(answer => answer.text())),
    settled("beacon", Promise.resolve(navigator.sendBeacon(url("beacon"))).then(() => null)),
    settled("socket", socket()),
  ]);
  return read;
}"""
WAYS = ("image", "script", "frame", "form", "text_form", "json", "no_cors", "as_json", "cookies", "beacon", "socket")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, in which one more name leads to this machine: what a rebinding attack does to a name of its own."""
    with chromium(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as launched:
        yield launched


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser profile."""
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    context.close()


@pytest.fixture(scope="module")
def foreign_port() -> Iterator[int]:
    """Where another site is served."""
    app = Flask("foreign")

    @app.get("/")
    def empty() -> str:
        return "<!doctype html><title>Foreign</title><link rel=icon href=data:,><body>"

    with serve(app) as served:
        yield served.port


@pytest.mark.parametrize("host", ["evil.localhost", "127.0.0.1"], ids=["cross-site", "same-site"])
def test_a_foreign_page_can_neither_change_nor_read_anything(
    web: DagsterWeb, page: Page, foreign_port: int, host: str
) -> None:
    pools = {way: new_pool() for way in WAYS}
    page.goto(f"http://{host}:{foreign_port}/")
    read = attack(page, web.url, pools)
    assert {name: value for name, value in read.items() if value is not None} == {}
    assert web.pools() & set(pools.values()) == set()


def test_a_foreign_page_gets_nothing_from_an_operator_who_has_signed_in(
    production_web: DagsterWeb, page: Page, foreign_port: int
) -> None:
    sign_in(page, production_web)
    pools = {way: new_pool() for way in WAYS}
    page.goto(f"http://evil.localhost:{foreign_port}/")
    read = attack(page, production_web.url, pools)
    assert {name: value for name, value in read.items() if value is not None} == {}
    assert production_web.pools() & set(pools.values()) == set()


def test_a_name_that_was_made_to_lead_here_shows_nothing(web: DagsterWeb, page: Page) -> None:
    pools = {way: new_pool() for way in WAYS}
    own_address = f"http://{REBOUND}:{web.port}"
    answer = page.goto(own_address)
    assert answer is not None
    assert (answer.status, page.inner_text("body")) == (400, "Invalid host header")
    read = attack(page, own_address, pools)  # same origin, as the browser sees it
    assert {value for value in read.values() if value is not None} <= {"Invalid host header"}
    assert web.pools() & set(pools.values()) == set()


def test_a_link_on_a_foreign_page_opens_the_ui(web: DagsterWeb, page: Page, foreign_port: int) -> None:
    page.goto(f"http://evil.localhost:{foreign_port}/")
    page.evaluate(
        "url => document.body.append(Object.assign(document.createElement('a'), {href: url, text: 'Runs'}))",
        f"{web.url}/runs",
    )
    page.get_by_text("Runs").click()
    expect(page.get_by_role("link", name="Runs").first).to_be_visible()
    assert page.url == f"{web.url}/runs"


@pytest.mark.parametrize("kind", ["web", "production_web"])
def test_the_ui_works_with_its_live_connection(request: pytest.FixtureRequest, page: Page, kind: str) -> None:
    web: DagsterWeb = request.getfixturevalue(kind)
    if web.credentials:
        sign_in(page, web)
    watched = watch(page)
    with page.expect_websocket() as live:
        page.goto(f"{web.url}/runs")
    expect(page.get_by_text("No runs")).to_be_visible()
    assert not live.value.is_closed()
    page.goto(f"{web.url}/deployment/locations")
    with page.expect_response(
        lambda answer: "mutation ReloadWorkspace" in (answer.request.post_data or "")
    ) as reloaded:
        page.get_by_role("button", name="Reload all").click()
    assert reloaded.value.json()["data"]["reloadWorkspace"]["__typename"] == "Workspace"
    page.goto(f"{web.url}/graphql")
    expect(page.locator(".graphiql-container")).to_be_visible()
    assert '{"type":"connection_ack"}' in watched["frames"]
    assert watched["complaints"] == []


def attack(page: Page, target: str, pools: dict[str, str]) -> dict[str, Any]:
    """Let the open page try everything; return what it could read."""
    read: dict[str, Any] = page.evaluate(ATTACK, [target, {way: mutation(pool) for way, pool in pools.items()}])
    return read


def sign_in(page: Page, web: DagsterWeb) -> None:
    """Sign in as the operator."""
    page.goto(f"{web.url}/runs")
    page.get_by_label("Key").fill(OPERATOR_KEY)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("link", name="Runs").first).to_be_visible()


def watch(page: Page) -> dict[str, list[str]]:
    """Note errors of the console, failed requests, and what came over WebSockets, from now on."""
    seen: dict[str, list[str]] = {"complaints": [], "frames": []}
    page.on("pageerror", lambda error: seen["complaints"].append(str(error)))
    page.on("console", lambda said: seen["complaints"].append(said.text) if said.type == "error" else None)
    page.on("websocket", lambda made: made.on("framereceived", lambda frame: seen["frames"].append(str(frame))))
    return seen
