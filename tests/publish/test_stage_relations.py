"""Relation columns: titles that an engine named become links to the pages that are called so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import (
    ContentPage,
    JsonObject,
    PageOptions,
    PropertyFill,
    ScreenText,
    Summary,
    Transcript,
    Video,
)
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.relations import MAX_TITLES, named_titles, title_key
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.ports import Pages
from svp_dagster.publish.stage import Place, publish
from tests.notion.client.notion_sandbox import NotionSandbox, titled
from tests.notion.schemas import RELATED_IDS, column, create_page, schema, schemas, values
from tests.openapi import assert_valid_request, require_description

VIDEO = Video(media_key="TikTok:1", url="https://www.tiktok.com/@cook/video/1", title="Soup")


@dataclass(frozen=True)
class Kitchen:
    """Recipes whose `Ingredients` and `Garnish` relate to a pantry, which can be shared by itself."""

    notion: NotionSandbox
    workspace: Workspace
    columns: DataSourceSchema
    pantry: str
    pantry_page: str
    folder: Path

    def stock(self, *titles: str) -> list[str]:
        """Put pages into the pantry; returns their ids."""
        return [self.notion.page(self.pantry, titled(title, column="Name")) for title in titles]

    def publish(self, columns: DataSourceSchema | None = None, **named: Any) -> ContentPage:
        """Publish a recipe for which an engine gave these titles."""
        return published(named, self.workspace, columns or self.columns, self.folder)

    def links(self, page: ContentPage, column: str = "Ingredients") -> list[str]:
        """The pages that a column of a page links to."""
        found = self.notion.raw.get(f"/v1/pages/{page.page_id}").raise_for_status().json()
        return [item["id"] for item in found["properties"][column]["relation"]]

    def words(self, page: ContentPage) -> str:
        """What the body of a page text_runs, blocks inside of others aside."""
        return "\n".join(text for _, text, _ in self.notion.body(page.page_id))


@pytest.fixture
def kitchen(notion: NotionSandbox, tmp_path: Path) -> Kitchen:
    pantry_page = notion.top_page()
    pantry = notion.data_source({}, title="Pantry", below=pantry_page)
    relation: JsonObject = {"relation": {"data_source_id": pantry, "single_property": {}}}
    recipes = notion.data_source({"Ingredients": relation, "Garnish": relation, "link": {"url": {}}})
    workspace = notion.workspace()
    return Kitchen(notion, workspace, workspace.schema(recipes), pantry, pantry_page, tmp_path)


def published(
    named: dict[str, Any], pages: Pages, columns: DataSourceSchema, folder: Path, *, hidden: tuple[str, ...] = ()
) -> ContentPage:
    given_values = {"Name": "Soup"} | named
    fills = {name: PropertyFill(value=value) for name, value in given_values.items()}
    asked_at = datetime(2026, 1, 1, tzinfo=UTC)
    return publish(
        VIDEO,
        Transcript(),
        ScreenText(),
        Summary(overview="A soup.", properties=fills, engine="gemini", model="gemini"),
        place=Place(
            columns=columns,
            hidden_relations=hidden,
            known_page_id=None,
            pages_of_others=frozenset(),
            asked_at=asked_at,
        ),
        pages=pages,
        record_page=lambda _: True,
        options=PageOptions(page_subtitle_files=False, page_cover=False),
        folder=folder,
    )


def test_the_one_page_of_a_title_is_linked_whatever_its_case(kitchen: Kitchen) -> None:
    tomato, basil, _ = kitchen.stock("Tomato", "Fresh Basil", "Salt")

    page = kitchen.publish(Ingredients=["tomato", "FRESH  basil"])

    assert kitchen.links(page) == [tomato, basil]
    assert "Ingredients" not in kitchen.words(page)


def test_a_title_of_several_pages_or_of_none_is_left_out_and_told(kitchen: Kitchen) -> None:
    tomato, *_ = kitchen.stock("Tomato", "Basil", "basil")

    page = kitchen.publish(Ingredients=["Basil", "Tomato", "Saffron"], Garnish=["Saffron"])

    assert kitchen.links(page) == [tomato]
    assert kitchen.links(page, "Garnish") == []
    unknown = 'No page of the related database is called "Saffron".'
    unclear = 'Several pages of the related database are called "Basil".'
    assert f"Ingredients: {unknown} {unclear}" in kitchen.words(page)
    assert f"Left blank: Garnish. {unknown}" in kitchen.words(page)
    assert "Left blank: Ingredients" not in kitchen.words(page)


def test_a_page_in_the_trash_is_nobody(kitchen: Kitchen) -> None:
    old, new, gone = kitchen.stock("Basil", "Basil", "Mint")
    kitchen.notion.trash(old)
    kitchen.notion.trash(gone)

    page = kitchen.publish(Ingredients=["Basil", "Mint"])

    assert kitchen.links(page) == [new]
    assert 'No page of the related database is called "Mint".' in kitchen.words(page)


def test_all_titles_of_a_row_are_looked_up_in_one_query(kitchen: Kitchen) -> None:
    titles = [f"Spice {number}" for number in range(15)]
    ids = kitchen.stock(*titles)
    kitchen.notion.forget()

    page = kitchen.publish(Ingredients=titles, Garnish=[titles[0].upper(), "Parsley"])

    assert len(kitchen.notion.requests("POST", f"{kitchen.pantry}/query")) == 1
    assert kitchen.links(page) == ids
    assert kitchen.links(page, "Garnish") == ids[:1]


def test_of_thirty_titles_the_first_are_linked_and_the_rest_is_told(kitchen: Kitchen) -> None:
    titles = [f"Spice {number}" for number in range(30)]
    ids = kitchen.stock(*titles)
    kitchen.notion.forget()

    page = kitchen.publish(Ingredients=titles)

    assert len(kitchen.notion.requests("POST", f"{kitchen.pantry}/query")) == 1
    assert kitchen.links(page) == ids[:25]
    assert "Ingredients: Only the first 25 of 30 titles were looked up." in kitchen.words(page)


def test_without_titles_nothing_is_looked_up(kitchen: Kitchen) -> None:
    kitchen.publish()

    assert kitchen.notion.requests("POST", f"{kitchen.pantry}/query") == []


def test_a_page_is_made_though_the_related_database_is_no_longer_shared(kitchen: Kitchen) -> None:
    kitchen.stock("Tomato")
    kitchen.notion.unshare(kitchen.pantry_page)

    page = kitchen.publish(Ingredients=["Tomato"])

    assert kitchen.links(page) == []
    assert "Left blank: Ingredients. The related database can't be found" in kitchen.words(page)


def test_a_column_that_notion_hides_is_told_and_keeps_nothing_back(kitchen: Kitchen) -> None:
    kitchen.notion.unshare(kitchen.pantry_page)
    live = kitchen.workspace.schema(kitchen.columns.data_source_id)
    assert [column.name for column in live.columns] == ["Name", "link"]

    page = published({"Garnish": ["Mint"]}, kitchen.workspace, live, kitchen.folder, hidden=("Ingredients", "Garnish"))

    words = kitchen.words(page)
    assert "Left blank: Ingredients. Notion no longer shows this relation" in words
    assert "Left blank: Garnish. Notion no longer shows this relation" in words


def test_an_outage_at_the_look_is_the_rows_failure_and_no_blank(kitchen: Kitchen) -> None:
    kitchen.notion.fail(f"{kitchen.pantry}/query", times=None, status=503)

    with pytest.raises(SvpError, match="notion_unreachable"):
        kitchen.publish(Ingredients=["Tomato"])

    assert kitchen.notion.ledger(kitchen.columns.data_source_id)["created"] == 0


def test_an_id_that_an_engine_gives_is_a_title_like_any_other(kitchen: Kitchen) -> None:
    (tomato,) = kitchen.stock("Tomato")

    page = kitchen.publish(Ingredients=[tomato])

    assert kitchen.links(page) == []


@dataclass
class RecordingPages:
    """Knows some pages by title, refuses some related databases for good, and keeps what is to be written."""

    known: dict[str, str | None]
    refused: frozenset[str]
    written: JsonObject = field(default_factory=dict)

    def content_page(self, page_id: str) -> None:
        return None

    def find_page(self, *_: Any, **__: Any) -> None:
        return None

    def pages_titled(self, data_source_id: str, titles: Sequence[str]) -> dict[str, str | None]:
        if data_source_id in self.refused:
            raise failure(Code.DATABASE_NOT_SHARED, database="related database")
        keys = map(title_key, titles)
        return {key: self.known[key] for key in keys if key in self.known}

    def create_page(self, data_source_id: str, properties: JsonObject, **_: Any) -> ContentPage:
        self.written = properties
        return ContentPage(page_id="p", url="https://www.notion.so/p", created=True, has_whole_body=True)

    def update_page(self, page_id: str, properties: JsonObject) -> ContentPage:
        raise AssertionError("there is no page yet")

    def replace_body(self, page_id: str, blocks: Sequence[JsonObject]) -> None:
        raise AssertionError("the page has its whole body")


titles = st.sampled_from(["Basil", " BASIL", "Salt", "Sea  salt", "Mint"]) | st.text(max_size=4)
page_ids = st.uuids(version=4).map(str)
known_pages = st.dictionaries(titles.map(title_key), st.none() | page_ids)


@settings(max_examples=60, deadline=None)
@given(schemas, st.sampled_from(RELATED_IDS), known_pages, st.frozensets(st.sampled_from(RELATED_IDS)), st.data())
def test_any_answer_for_any_schema_is_written_as_notion_accepts_it(
    tmp_path_factory: pytest.TempPathFactory,
    any_schema: DataSourceSchema,
    related_id: str,
    known: dict[str, str | None],
    refused: frozenset[str],
    data: st.DataObject,
) -> None:
    require_description()
    columns = schema(*any_schema.columns[1:], column("Goes with", "relation", relation_data_source_id=related_id))
    answer = {
        one.name: data.draw(st.lists(titles, max_size=120) if one.type == "relation" else values)
        for one in columns.columns[1:]
    }
    pages = RecordingPages(known=known, refused=refused)

    published(answer, pages, columns, tmp_path_factory.getbasetemp())

    assert_valid_request("POST", "/v1/pages", create_page(pages.written))
    linked = [item["id"] for item in pages.written.get("Goes with", {"relation": []})["relation"]]
    asked = map(title_key, named_titles(answer["Goes with"])[:MAX_TITLES])
    expected = [] if related_id in refused else [page_id for title in asked if (page_id := known.get(title))]
    assert linked == expected
