"""A Link Database, recipes and pages to try the client on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from svp_dagster.models import ContentPage, JsonObject
from svp_dagster.notion.blocks import paragraph
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.properties import to_properties
from svp_dagster.notion.rich_text import text_item
from svp_dagster.notion.rows import new_row
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.notion.templates import link_database
from tests.notion.client.notion_sandbox import (
    NotionSandbox,
)

NOBODY = "00000000-0000-4000-8000-000000000000"


LINK = "https://www.tiktok.com/@cook/video/1"


def make_link_database(workspace: Workspace, notion: NotionSandbox) -> DataSourceSchema:
    made = workspace.create_database(link_database(["cooking"]), parent_page_id=notion.page_id)
    return workspace.schema(made.data_sources[0].data_source_id)


def add_row(notion: NotionSandbox, schema: DataSourceSchema, *, url: str = LINK, tag: str = "cooking") -> str:
    properties = new_row(schema, url=url, tag=tag, processing_type=None, at=datetime.now(UTC))
    return notion.page(schema.data_source_id, properties)


def make_recipes(notion: NotionSandbox, workspace: Workspace) -> DataSourceSchema:
    return workspace.schema(notion.data_source({"link": {"url": {}}, "steps": {"rich_text": {}}}, title="Recipes"))


def column(schema: DataSourceSchema, name: str) -> Column:
    found = schema.column(name)
    assert found is not None
    return found


def recipe(schema: DataSourceSchema) -> JsonObject:
    return to_properties(schema, {"Name": "Soup", "link": LINK}).properties


def create(workspace: Workspace, schema: DataSourceSchema, **options: Any) -> ContentPage:
    return workspace.create_page(
        schema.data_source_id,
        recipe(schema),
        find=lambda: workspace.find_page(schema.data_source_id, column(schema, "link"), LINK),
        **options,
    )


def said(*texts: str) -> list[JsonObject]:
    return [paragraph([text_item(text)]) for text in texts]


def notion_error(code: str, message: str = "Try again.", status: int = 500) -> JsonObject:
    return {"object": "error", "status": status, "code": code, "message": message, "request_id": "r1"}


# What each kind of silence or nonsense looks like; all but the first lose the answer after the work was done.
LOST_ANSWERS: dict[str, dict[str, Any]] = {
    "cut before": {"cut": "before_answer"},
    "cut after": {"cut": "before_answer", "when": "after"},
    "cut within": {"cut": "mid_answer", "when": "after"},
    "html": {"garbage": "html", "when": "after"},
    "broken json": {"garbage": "broken_json", "when": "after"},
    "502 html": {"status": 502, "body": "<html>Bad gateway</html>", "when": "after"},
    "500": {
        "status": 500,
        "body": {"object": "error", "code": "internal_server_error", "message": "x"},
        "when": "after",
    },
    "504": {"status": 504, "body": {"object": "error", "code": "gateway_timeout", "message": "x"}, "when": "after"},
    "409": {"status": 409, "body": {"object": "error", "code": "conflict_error", "message": "x"}},
}


lost_answer = pytest.mark.parametrize("fault", LOST_ANSWERS.values(), ids=LOST_ANSWERS)
