from __future__ import annotations

from typing import Any

import pytest

from svp_dagster.models import JsonObject
from svp_dagster.notion.properties import link_column
from svp_dagster.notion.rows import check_columns
from svp_dagster.notion.schema import DataSourceSchema, parse_schema
from svp_dagster.notion.templates import CONTENT_TEMPLATES, COOKING, PLACES, Template, create_database, link_database
from tests.openapi import assert_valid_request


def as_notion_would_answer(template: Template) -> DataSourceSchema:
    properties: dict[str, Any] = {name: {"id": name, **made} for name, made in template.columns.items()}
    answer: JsonObject = {"id": "d5", "parent": {"database_id": "db"}, "title": [], "properties": properties}
    return parse_schema(answer)


@pytest.mark.parametrize("template", [link_database(["cooking", "places"]), *CONTENT_TEMPLATES.values()])
def test_every_template_is_a_request_that_notion_takes(template: Template) -> None:
    body = create_database(template, parent_page_id="p1")

    assert "properties" not in body
    assert_valid_request("POST", "/v1/databases", body)


def test_the_link_database_that_is_made_is_one() -> None:
    made = as_notion_would_answer(link_database(["cooking", "Berlin, Germany"]))

    assert check_columns(made) == []
    tags = made.column("tag")
    assert tags is not None
    assert tags.options == ("cooking", "Berlin Germany")


def test_the_ready_made_databases_have_their_columns() -> None:
    assert list(COOKING.columns) == ["name", "video_link", "ingredients", "steps"]
    assert list(PLACES.columns) == [
        "name",
        "address",
        "video_link",
        "categories",
        "recommendation",
        "hours",
        "website",
        "is_popup",
    ]


@pytest.mark.parametrize("template", [COOKING, PLACES])
def test_the_link_of_the_video_has_its_column(template: Template) -> None:
    found = link_column(as_notion_would_answer(template))

    assert found is not None
    assert found.name == "video_link"
