"""A relation column of a Content Database, from the row to the page's links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from svp_dagster.models import JsonObject, ProcessingType
from svp_dagster.notion.schema import parse_schema
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts
from tests.sandbox.ai_service import AiService
from tests.sandbox.notion_service import NotionWorkspace, titled

pytest_plugins = ("tests.media_site", "tests.paid_engines")


def test_titles_are_linked_and_a_database_that_is_no_longer_shared_stops_no_row(
    installation: Installation, ai: AiService
) -> None:
    notion, posts = installation.notion, WrittenPosts()
    installation.downloader = posts
    pantry_page, pantry = make_pantry(notion)
    carrot = notion.row(pantry, Name=titled("Carrots"))["id"]
    relate(installation, "cooking", "pantry", pantry)

    ai.steer("gemini", answer=answer(name="Soup", pantry=["carrots", "leeks"]))
    installation.add_row(SOUP, "cooking", processing_type=ProcessingType.CAPTION)
    assert [run.success for run in installation.run_requested()] == [True]

    (page,) = installation.content_pages("cooking")
    assert page["pantry"] == [{"id": carrot}]
    assert 'pantry: No page of the related database is called "leeks".' in installation.body(page["id"])

    notion.control("share", bot_id=notion.bot_id, object_id=pantry_page, shared=False)
    ai.steer("gemini", answer=answer(name="Carrot soup"))
    installation.add_row(STEW, "cooking", processing_type=ProcessingType.CAPTION)
    assert [run.success for run in installation.run_requested()] == [True]

    stew = next(page for page in installation.content_pages("cooking") if page["name"] == "Carrot soup")
    assert "Left blank: pantry. Notion no longer shows this relation" in installation.body(stew["id"])


def test_a_related_database_that_is_unshared_while_a_row_is_worked_on_stops_it_neither(
    installation: Installation, ai: AiService
) -> None:
    notion = installation.notion
    pantry_page, pantry = make_pantry(notion)
    relate(installation, "cooking", "pantry", pantry)
    installation.downloader = WrittenPosts(
        meanwhile=lambda: notion.control("share", bot_id=notion.bot_id, object_id=pantry_page, shared=False)
    )
    ai.steer("gemini", answer=answer(name="Soup", pantry=["carrots"]))
    installation.add_row(SOUP, "cooking", processing_type=ProcessingType.CAPTION)

    assert [run.success for run in installation.run_requested()] == [True]

    (page,) = installation.content_pages("cooking")
    assert page["name"] == "Soup"
    assert "Left blank: pantry. The related database can't be found" in installation.body(page["id"])


def make_pantry(notion: NotionWorkspace) -> tuple[str, str]:
    """A page that is shared by itself, and the data source below it."""
    top: Any = notion.client.pages.create(parent={"type": "workspace", "workspace": True}, properties={})
    made: Any = notion.client.databases.create(
        parent={"type": "page_id", "page_id": top["id"]}, initial_data_source={"properties": {"Name": {"title": {}}}}
    )
    return str(top["id"]), str(made["data_sources"][0]["id"])


def relate(installation: Installation, tag: str, name: str, data_source_id: str) -> None:
    """Give a Content Database a relation column, and read its columns again."""
    source_id = installation.content_source_ids[tag]
    column = {"type": "relation", "relation": {"data_source_id": data_source_id, "single_property": {}}}
    changed: Any = installation.notion.client.data_sources.update(source_id, properties={name: column})
    databases, connection_id = installation.store.databases, installation.connection_id
    database = databases.for_tag(connection_id, tag)
    assert database is not None
    databases.update_content_database(connection_id, database.id, schema=parse_schema(changed), now=datetime.now(UTC))


def answer(**values: Any) -> JsonObject:
    """What the model says: these values of the columns that are asked for, each with the caption as its proof."""
    evidence = [{"source": "caption", "quote": "Carrots, leeks, salt.", "at_s": None}]
    offers = {name: {"evidence": evidence, "value": value, "confidence": 1} for name, value in values.items()}
    return {"overview": "A dish.", "properties": {"ingredients": None, "steps": None} | offers}
