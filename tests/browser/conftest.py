"""The app and the stand-in for Notion on real sockets, and Debian's Chromium in front of them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from oauth_app.app import create_app
from oauth_app.services import Services
from sandbox.serving import serve
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.store import Store
from tests.browser.chromium import chromium
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox
from tests.oauth_app.dagster_stand_in import dagster

DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 360, "height": 740}
PATIENCE_MS = 10_000


@dataclass(frozen=True)
class Site:
    """The app as it runs."""

    url: str
    store: Store
    thumbnails: Thumbnails
    notion: NotionSandbox


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. Skips where there is none.

    Closed before other packages' tests: while Playwright is open its event loop runs in this thread, and no other can.
    """
    with chromium() as launched:
        yield launched


@pytest.fixture
def site(
    notion: NotionSandbox, new_sqlite: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """The app on a socket."""
    monkeypatch.setenv("NOTION_CLIENT_ID", CLIENT[0])
    monkeypatch.setenv("NOTION_CLIENT_SECRET", CLIENT[1])
    port = _free_port()
    monkeypatch.setenv("SVP_APP_URL", f"http://localhost:{port}")
    with _running_site(notion, new_sqlite(), tmp_path / "home", monkeypatch, port=port) as running:
        yield running


@pytest.fixture
def new_site(
    notion: NotionSandbox, new_sqlite: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """The app as it is first started: without a public connection at Notion, and with the default address."""
    with _running_site(notion, new_sqlite(), tmp_path / "home", monkeypatch, port=_free_port()) as running:
        yield running


@contextmanager
def _running_site(
    notion: NotionSandbox, database_url: str, home: Path, monkeypatch: pytest.MonkeyPatch, *, port: int
) -> Iterator[Site]:
    for name, value in {
        "SVP_HOME": str(home),
        "DATABASE_URL": database_url,
        "NOTION_BASE_URL": notion.url,
    }.items():
        monkeypatch.setenv(name, value)
    with dagster() as dagster_url:
        monkeypatch.setenv("SVP_DAGSTER_URL", dagster_url)
        app = create_app()
        services: Services = app.extensions["svp"]
        with serve(app, port=port):
            yield Site(
                url=f"http://localhost:{port}", store=services.store, thumbnails=services.thumbnails, notion=notion
            )


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser profile at desktop width; an error in its console fails the test."""
    context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    # A page that is refused with a sentence is no defect; a script or style that is refused by the policy is.
    assert [words for words in complaints if "Failed to load resource" not in words] == []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
