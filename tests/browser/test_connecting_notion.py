"""A person of an identity provider connects Notion, in a real browser that applies the app's policy."""

from __future__ import annotations

from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect
from pydantic_core import from_json

from tests.browser.conftest import Site
from tests.browser.walking import set_up
from tests.oauth_app.identity_provider import ISSUER, SECRET, by_secret


@pytest.fixture(autouse=True)
def identity_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_JWT_SECRET", SECRET)
    monkeypatch.setenv("SVP_JWT_ISSUER", ISSUER)


def link_of(site: Site, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    asked = Request(f"{site.url}/api/v1/account/notion", method="POST", headers=headers)
    with urlopen(asked, timeout=10) as answer:
        return str(from_json(answer.read())["url"])


def allow(page: Page, site: Site) -> None:
    """Press the button of a link's page, and allow access at Notion."""
    page.get_by_role("button", name="This is my account: connect Notion").click()
    page.locator(f'input[name="workspace"][value="{site.notion.workspace_id}"]').check()
    page.get_by_role("button", name="Allow access").click()


def test_notion_is_connected_after_a_click_on_a_page_that_names_the_account(page: Page, site: Site) -> None:
    page.goto(link_of(site, by_secret(email="ada@example.org")))
    expect(page.locator("main")).to_contain_text("ada@example.org")
    allow(page, site)
    expect(page.get_by_role("heading", name="Set up")).to_be_visible()
    (account,) = site.store.connections.all()
    assert account.has_notion


def test_who_is_signed_in_is_told_that_two_accounts_become_one(page: Page, site: Site) -> None:
    set_up(page, site)
    page.goto(link_of(site, by_secret(email="ada@example.org")))
    expect(page.locator("main")).to_contain_text("the two become one account")
    allow(page, site)
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    assert len(site.store.connections.all()) == 1
