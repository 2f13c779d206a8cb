"""One connection can't take all threads of the app while Notion is slow."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from oauth_app import links
from oauth_app.app import create_app
from oauth_app.errors import Refusal
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person

pytestmark = pytest.mark.slow

THREADS = 4
PAGE = "/databases/new"
PICTURE = "/api/entries/page/thumbnail.jpg"
EXPORT = "/settings/data/export"


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


def test_a_browser_may_ask_for_all_pictures_of_a_page_at_the_same_time(
    environment: pytest.MonkeyPatch, notion: NotionSandbox
) -> None:
    """Over HTTP/2 it does: as many as are in view, at once."""
    environment.setenv("SVP_APP_THREADS", str(THREADS))
    app = create_app()
    ada = Person(app, notion).sign_in()
    cookies = ada.client.get_cookie("svp_session", domain="localhost")
    assert cookies is not None
    together = Barrier(THREADS, timeout=30)

    def wait_for_the_others(*_arguments: object) -> None:
        together.wait()
        raise Refusal(404, "no_picture", "There is no picture of this link.")

    environment.setattr(links, "mine", wait_for_the_others)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = Counter(pool.map(lambda _: status_of(app, cookies.value, PICTURE), range(THREADS)))

    assert answers == {404: THREADS}


def test_an_export_counts_until_its_last_piece_is_sent(environment: pytest.MonkeyPatch, notion: NotionSandbox) -> None:
    environment.setenv("SVP_APP_THREADS", "2")
    app = create_app()
    ada = Person(app, notion).sign_in()

    export = ada.client.get(EXPORT, buffered=False)

    assert export.status_code == 200
    assert ada.client.get(PAGE).status_code == 429
    export.close()
    assert ada.client.get(PAGE).status_code == 200


def status_of(app: Flask, cookie: str, path: str = PAGE) -> int:
    """Ask for a page, by default one that asks Notion, in a browser of one's own with this session."""
    client = app.test_client()
    client.set_cookie("svp_session", cookie, domain="localhost")
    return client.get(path).status_code
