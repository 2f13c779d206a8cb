"""What only some of Notion's users meet: wikis, linked views, ids of other places, a block at the edge."""

from __future__ import annotations

import re

import pytest

from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.notion.client.workspace import Workspace
from tests.notion.client.notion_sandbox import NotionSandbox, titled


def test_a_block_at_the_edge_is_neither_an_outage_nor_a_refusal_of_notions(
    notion: NotionSandbox, workspace: Workspace
) -> None:
    notion.control("edge_block", matching="/users/me")

    with pytest.raises(SvpError) as caught:
        workspace.me()

    error = caught.value
    assert (error.code, error.retry) == (Code.NOTION_BLOCKED, Retry.LATER)
    assert re.search(r"cf-ray [0-9a-f]{16}-FRA", error.detail)
    assert "Ray" in error.sentence
    assert len(notion.requests(path="/users/me")) == 1


def test_an_id_that_notion_takes_for_none_is_nothing_that_is_there(notion: NotionSandbox, workspace: Workspace) -> None:
    no_uuid = "12345678-1234-0234-0234-123456789abc"

    for call in (
        lambda: workspace.database(no_uuid),
        lambda: workspace.schema(no_uuid),
        lambda: workspace.row(no_uuid),
    ):
        with pytest.raises(SvpError) as caught:
            call()
        assert caught.value.code in (Code.DATABASE_NOT_SHARED, Code.ROW_GONE)
    assert len(notion.requests("GET", no_uuid)) == 3


@pytest.mark.parametrize("refusal", ["linked", "no_sources"])
def test_a_linked_view_is_told_as_one_in_either_wording(
    notion: NotionSandbox, workspace: Workspace, refusal: str
) -> None:
    made = notion.odd_database("linked", refusal=refusal)

    with pytest.raises(SvpError) as caught:
        workspace.database(made["database_id"])

    assert caught.value.code is Code.LINKED_VIEW
    assert "original database" in caught.value.sentence


def test_only_the_pages_of_a_wiki_are_read(notion: NotionSandbox, workspace: Workspace) -> None:
    (wiki,) = notion.odd_database("wiki", data_sources=["Inside"])["data_source_ids"]
    page_id = notion.page(wiki, titled("Salt", column="Name"))

    found = workspace.find_page(wiki, workspace.schema(wiki).title_column, "Salt")

    assert found is not None
    assert found.page_id == page_id
    assert workspace.find_page(wiki, workspace.schema(wiki).title_column, "Inside") is None
    assert workspace.pages_titled(wiki, ["Salt", "Inside"]) == {"salt": page_id}
