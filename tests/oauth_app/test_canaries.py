"""Secrets are planted, everything is done with them that people do, and all output is searched for them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from oauth_app.app import create_app
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox
from tests.oauth_app.conftest import store_of
from tests.oauth_app.people import Person
from tests.oauth_app.test_tokens import make_token
from tests.store.examples import use_webhook_token

APP_KEY = "app-key-canary-5f2a"
WEBHOOK_TOKEN = "webhook-canary-81c3"


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All that any logger says, at every level."""
    heard, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(heard), root.level
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(exc_text)s %(stack_info)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class Listener(Person):
    """Keeps every answer that the app gives, headers and all, but the cookie that is the browser's own."""

    def __init__(self, app: Flask, notion: NotionSandbox) -> None:
        super().__init__(app, notion)
        self.heard: list[str] = []
        ask = self.client.open

        def open_and_listen(*args: Any, **kwargs: Any) -> Any:
            answer = ask(*args, **kwargs)
            headers = [f"{name}: {value}" for name, value in answer.headers if name != "Set-Cookie"]
            self.heard.append("\n".join([*headers, answer.get_data(as_text=True)]))
            return answer

        self.client.open = open_and_listen  # type: ignore[method-assign]


def test_no_secret_is_in_any_log_line_page_or_error(
    environment: pytest.MonkeyPatch, notion: NotionSandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("SVP_APP_SECRET_KEY", APP_KEY)
    with everything_logged() as logged:
        app = create_app()
        store = store_of(app)
        use_webhook_token(store, WEBHOOK_TOKEN, now=datetime.now(UTC))
        person = Listener(app, notion)
        asked = person.leave_for_notion()
        answered = person.answer_notion(asked)
        person.come_back(answered)
        person.set_up()
        tokens = store.connections.tokens(person.connection_id)
        token = make_token(person)
        person.heard.pop()  # the page that shows the token, once
        use_everything(person, app, token)
        break_everything(person, app, notion, store)
        cookie = person.client.get_cookie("svp_session")
        person.submit("/auth/disconnect")
    assert tokens is not None
    assert tokens.refresh is not None
    assert cookie is not None
    secrets = {
        "access token": tokens.access,
        "refresh token": tokens.refresh,
        "client secret": CLIENT[1],
        "app key": APP_KEY,
        "webhook token": WEBHOOK_TOKEN,
        "API token": token,
        "cookie": cookie.value,
        "code": answered["code"],
        "state": answered["state"],
    }
    printed = "".join(capfd.readouterr())
    told = "\n".join(person.heard[1:])  # the first answer sends the browser to Notion with the state
    assert "oauth_app" in logged.getvalue()
    assert "urllib3" in logged.getvalue() or "httpx" in logged.getvalue()
    for name, secret in secrets.items():
        assert secret not in logged.getvalue(), f"{name} in the log"
        assert secret not in printed, f"{name} was printed"
        assert secret not in told, f"{name} in an answer"
    store.engine.dispose()


def use_everything(person: Person, app: Flask, token: str) -> None:
    """Look at every page, and use the API token well and badly."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and not rule.arguments and rule.endpoint != "sign_in.login":
            person.client.get(rule.rule)
    for secret in (token, token + "x"):
        person.client.get("/api/entries", headers={"Authorization": f"Bearer {secret}"})
    person.submit("/operator/key", key="wrong")
    person.client.post("/webhooks/notion", json={"verification_token": WEBHOOK_TOKEN})
    person.client.post("/webhooks/notion", data=b"{", headers={"X-Notion-Signature": "sha256=wrong"})


def break_everything(person: Person, app: Flask, notion: NotionSandbox, store: Store) -> None:
    """Let Notion, a sign-in and the database fail."""
    body = {"url": "https://www.tiktok.com/@a/video/7300000000000000001", "tag": "cooking"}
    faults: list[dict[str, Any]] = [{"status": 500, "body": "oops"}, {"cut": "before_answer"}, {"status": 401}]
    for fault in faults:
        notion.fail("/v1/", times=None, **fault)
        person.ask("POST", "/api/entries", body)
        person.client.get("/databases/new")
        other = Person(app, notion)
        other.client.get("/auth/notion/callback?state=wrong&code=code")
        notion.faults.clear()
        store.connections.release_refresh(person.connection_id)
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE link_entries RENAME TO hidden"))
    assert person.client.get("/entries").status_code == 503
    assert person.ask("POST", "/api/entries", body).status_code == 503
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO link_entries"))
