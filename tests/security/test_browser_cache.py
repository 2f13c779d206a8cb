"""What a browser kept of a person's pages and pictures is not shown to whoever uses it next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import chromium, profile_on_disk
from tests.browser.conftest import Site
from tests.browser.gallery import a_picture
from tests.browser.walking import VIDEO, Worker, add_link, set_up
from tests.security.dagster_web import DagsterWeb
from tests.security.test_dagster_in_chromium import sign_in as sign_in_to_dagster

pytestmark = pytest.mark.slow

PATIENCE_MS = 30_000

FROM_THE_CACHE = """url => fetch(url, {cache: "only-if-cached", mode: "same-origin"})
  .then(answer => answer.status, () => null)"""
"""What the cache alone answers: a status, or nothing."""
STATUS = "url => fetch(url, {redirect: 'manual'}).then(answer => answer.status)"
KEEP = """async () => {
  localStorage.setItem("kept", "yes");
  await (await caches.open("kept")).put("/kept", new Response("yes"));
}"""
KEPT = """async () => [localStorage.getItem("kept"), await caches.has("kept")]"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser profile."""
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    context.close()


def show_picture(page: Page, site: Site) -> str:
    """Let somebody sign in and see a picture; return its address."""
    set_up(page, site)
    add_link(page, VIDEO)
    worker = Worker(site)
    link = worker.newest()
    run_id = worker.start(link)
    worker.complete(link, run_id, title="Lemon pasta", page_url=site.url, thumbnail=a_picture())
    page.goto(f"{site.url}/entries")
    shown = page.locator("img.thumbnail")
    expect(shown).to_be_visible()
    address: str = shown.evaluate("async found => { await found.decode(); return found.src; }")
    return address


def press(page: Page, site: Site, words: str) -> None:
    """Press a button of the settings."""
    page.goto(f"{site.url}/settings")
    if words == "Yes, disconnect":
        page.get_by_text("Disconnect Notion…").click()
    page.get_by_role("button", name=words, exact=True).click()
    expect(page.locator("main").get_by_role("link", name="Connect Notion")).to_be_visible()


def files_with(found: bytes, folder: Path) -> list[Path]:
    """Return the files below a folder that hold these bytes."""
    return [path for path in folder.rglob("*") if path.is_file() and found in path.read_bytes()]


@pytest.mark.parametrize("signs_out", [True, False])
def test_no_picture_is_on_the_disk_of_who_has_seen_it(
    browser: Browser, app_site: Site, tmp_path: Path, signs_out: bool
) -> None:
    profile = tmp_path / "profile"  # beside the installation, which keeps the picture
    with profile_on_disk(browser, profile) as context:
        page = context.new_page()
        show_picture(page, app_site)
        if signs_out:
            press(page, app_site, "Sign out")
    assert files_with(a_picture(), profile) == []
    assert signs_out or files_with(b"<svg", profile)  # the app's icon may stay: this is where the cache is


@pytest.mark.parametrize("words", ["Sign out", "Sign out everywhere", "Yes, disconnect"])
def test_nothing_stays_in_the_browser(page: Page, app_site: Site, words: str) -> None:
    picture = show_picture(page, app_site)
    by_api = f"{picture.replace('/entries/', '/api/entries/')}.jpg"
    assert page.evaluate(STATUS, by_api) == 200
    page.evaluate(KEEP)
    assert page.evaluate(KEPT) == ["yes", True]
    press(page, app_site, words)
    assert [page.evaluate(FROM_THE_CACHE, address) for address in (picture, by_api)] == [None, None]
    assert page.evaluate(KEPT) == [None, False]
    assert page.evaluate(STATUS, by_api) == 401
    assert page.evaluate(STATUS, picture) == 0  # it leads to the start page


def test_going_back_shows_nothing_of_who_was_signed_in(browser: Browser, app_site: Site, tmp_path: Path) -> None:
    with profile_on_disk(browser, tmp_path) as context:
        page = context.new_page()
        show_picture(page, app_site)
        page.evaluate("() => { window.isAlive = true; }")
        page.goto(f"{app_site.url}/api")
        page.go_back(wait_until="commit")
        expect(page.locator("main")).to_contain_text("Lemon pasta")
        assert page.evaluate("window.isAlive")  # Back shows the page as it was left
        press(page, app_site, "Sign out")
        for _ in range(3):
            page.go_back(wait_until="commit")
            expect(page.locator("main").get_by_role("link", name="Connect Notion")).to_be_visible()


def test_the_operators_pages_do_not_stay_either(page: Page, app_site: Site) -> None:
    answer: Any = page.request.get(f"{app_site.url}/operator")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/favicon.png", "/server_info", "/graphql?query={version}"])
def test_the_dagster_ui_answers_from_no_cache_once_the_operator_has_left(
    production_web: DagsterWeb, page: Page, path: str
) -> None:
    sign_in_to_dagster(page, production_web)
    page.evaluate(KEEP)
    address = f"{production_web.url}{path}"
    assert page.evaluate(STATUS, address) == 200
    cookies = page.context.cookies()
    page.context.clear_cookies()
    assert page.evaluate(STATUS, address) == 401
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(f"{production_web.url}/sign-out")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()
    assert page.evaluate(KEPT) == [None, False]
