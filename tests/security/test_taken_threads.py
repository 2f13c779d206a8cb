"""One connection can't take all threads of the app while Notion is slow."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from oauth_app.app import create_app
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person

THREADS = 4
PAGE = "/databases/new"


def test_of_many_slow_requests_of_one_connection_half_the_threads_stay_free(
    environment: pytest.MonkeyPatch, notion: NotionSandbox
) -> None:
    environment.setenv("SVP_APP_THREADS", str(THREADS))
    app = create_app()
    ada = Person(app, notion).sign_in()
    cookies = ada.client.get_cookie("svp_session", domain="localhost")
    assert cookies is not None
    notion.fail("/v1/search", times=None, delay_s=2)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = Counter(pool.map(lambda _: status_of(app, cookies.value), range(THREADS)))
    notion.faults.clear()

    assert answers == {200: THREADS // 2, 429: THREADS // 2}
    assert ada.client.get(PAGE).status_code == 200, "what is over counts no more"


def status_of(app: Flask, cookie: str) -> int:
    """Ask for a page that asks Notion, in a browser of one's own with this session."""
    client = app.test_client()
    client.set_cookie("svp_session", cookie, domain="localhost")
    return client.get(PAGE).status_code
