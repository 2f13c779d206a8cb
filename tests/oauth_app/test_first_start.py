"""The app before the installation has a public connection at Notion: it leads through making one."""

from __future__ import annotations

import pytest

from oauth_app.app import create_app

REDIRECT_URI = "http://localhost/auth/notion/callback"


@pytest.mark.parametrize("missing", ["NOTION_CLIENT_ID", "NOTION_CLIENT_SECRET"])
def test_the_start_page_says_what_is_missing_and_where_to_get_it(environment: pytest.MonkeyPatch, missing: str) -> None:
    environment.delenv(missing)
    page = create_app().test_client().get("/").text
    assert f"{missing} is not set" in page
    assert 'href="https://app.notion.com/developers/connections"' in page
    assert f">{REDIRECT_URI}<" in page
    assert "make up" in page
    assert "/auth/notion/login" not in page


def test_the_start_page_offers_to_connect_once_it_can(environment: pytest.MonkeyPatch) -> None:
    page = create_app().test_client().get("/").text
    assert "/auth/notion/login" in page
    assert REDIRECT_URI not in page


def test_a_sign_in_that_cannot_begin_shows_the_same_instructions(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("NOTION_CLIENT_ID")
    answer = create_app().test_client().get("/auth/notion/login?here=1")
    assert answer.status_code == 503
    assert f">{REDIRECT_URI}<" in answer.text
    assert "Tell the operator" not in answer.text
