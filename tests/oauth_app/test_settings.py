"""What a person chooses for their connection."""

from __future__ import annotations

import pytest

from oauth_app.app import create_app
from svp_dagster.store.store import Store
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.people import Person


def test_language_and_budget_are_kept(ada: Person, store: Store) -> None:
    ada.submit("/settings", output_language="  Deutsch ", monthly_budget_usd="$2,50")
    connection = store.connections.get(ada.connection_id)
    assert connection is not None
    assert (connection.output_language, connection.monthly_budget_usd) == ("Deutsch", 2.5)
    page = ada.see("/settings")
    assert 'value="Deutsch"' in page
    assert 'value="2.50"' in page


@pytest.mark.parametrize(
    ("of_the_installation", "default"),
    [("", "Empty: the language of each video."), ("Suomi", "Empty: Suomi, the language of this installation.")],
)
def test_the_page_says_which_language_applies_where_none_is_chosen(
    environment: pytest.MonkeyPatch, notion: NotionSandbox, of_the_installation: str, default: str
) -> None:
    environment.setenv("SVP_OUTPUT_LANGUAGE", of_the_installation)
    assert default in Person(create_app(), notion).sign_in().see("/settings")


def test_an_empty_budget_is_no_cap(ada: Person, store: Store) -> None:
    ada.submit("/settings", monthly_budget_usd="5")
    ada.submit("/settings", monthly_budget_usd="")
    connection = store.connections.get(ada.connection_id)
    assert connection is not None
    assert connection.monthly_budget_usd is None


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "1e9", "five", "1 000", "0x10"])
def test_what_is_no_amount_is_refused_and_nothing_is_changed(ada: Person, store: Store, amount: str) -> None:
    ada.submit("/settings", output_language="Deutsch", monthly_budget_usd=amount)
    assert "must be an amount" in ada.see("/settings")
    connection = store.connections.get(ada.connection_id)
    assert connection is not None
    assert (connection.output_language, connection.monthly_budget_usd) == ("", None)


def test_digests_are_made_below_the_page_whose_link_was_given(ada: Person, store: Store, notion: NotionSandbox) -> None:
    ada.submit("/settings/digest", page=f"https://www.notion.so/My-page-{notion.page_id.replace('-', '')}?pvs=4")
    connection = store.connections.get(ada.connection_id)
    assert connection is not None
    assert connection.digest_home_id == notion.page_id
    assert "Digests are made below" in ada.see("/settings")

    ada.submit("/settings/digest", page="")
    connection = store.connections.get(ada.connection_id)
    assert connection is not None
    assert connection.digest_home_id is None


@pytest.mark.parametrize("page", ["https://example.com/", "../../users/me", "00000000-0000-4000-8000-000000000000"])
def test_a_page_that_the_app_can_not_see_takes_no_digests(ada: Person, store: Store, page: str) -> None:
    ada.submit("/settings/digest", page=page)
    assert "see that page" in ada.see("/settings")
    connection = store.connections.get(ada.connection_id)
    assert connection is not None
    assert connection.digest_home_id is None
