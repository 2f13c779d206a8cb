from __future__ import annotations

import pytest

from svp_dagster.notion.schema import (
    ColumnType,
    DataSourceSchema,
    differences,
    fillable_columns,
    hidden_relations,
    parse_schema,
)
from tests.notion.schemas import column, schema

ANSWER = {
    "object": "data_source",
    "id": "d5000000-0000-4000-8000-000000000001",
    "parent": {"type": "database_id", "database_id": "db000000-0000-4000-8000-000000000001"},
    "title": [{"type": "text", "plain_text": "Recipes"}],
    "properties": {
        "Name": {"id": "title", "name": "Name", "type": "title", "title": {}},
        "Price": {"id": "a", "name": "Price", "type": "number", "number": {"format": "euro"}, "description": "Net"},
        "Kind": {"id": "b", "name": "Kind", "type": "select", "select": {"options": [{"id": "x", "name": "Soup"}]}},
        "Cook": {"id": "c", "name": "Cook", "type": "relation", "relation": {"data_source_id": "other"}},
        "Sum": {"id": "d", "name": "Sum", "type": "formula", "formula": {"expression": "1"}},
        "New": {"id": "e", "name": "New", "type": "hologram"},
    },
}


def test_a_schema_is_read_from_notions_answer() -> None:
    parsed = parse_schema(ANSWER)

    assert (parsed.title, parsed.title_column.name) == ("Recipes", "Name")
    assert [one.type for one in parsed.columns] == [
        ColumnType.TITLE,
        ColumnType.NUMBER,
        ColumnType.SELECT,
        ColumnType.RELATION,
        ColumnType.FORMULA,
        ColumnType.UNKNOWN,
    ]
    assert parsed.columns[-1].type_name == "hologram"
    price, kind, cook = parsed.columns[1:4]
    assert (price.number_format, price.description) == ("euro", "Net")
    assert kind.options == ("Soup",)
    assert cook.relation_data_source_id == "other"


def test_an_answer_without_a_title_column_is_refused() -> None:
    with pytest.raises(ValueError, match="title column"):
        parse_schema(ANSWER | {"properties": {}})


def test_each_column_is_fillable_or_has_a_sentence_that_says_why_not() -> None:
    parsed = parse_schema(ANSWER)

    assert [one.name for one in fillable_columns(parsed)] == ["Name", "Price", "Kind", "Cook"]
    assert {one.name: one.why_not for one in parsed.columns if not one.is_fillable} == {
        "Sum": "Notion computes this column.",
        "New": "This product doesn't know columns of type hologram.",
    }


def test_an_unchanged_schema_has_no_differences() -> None:
    assert differences(parse_schema(ANSWER), parse_schema(ANSWER)) == []


def test_renamed_retyped_and_removed_columns_are_told() -> None:
    registered = schema(column("Price", "number"), column("Kind", "select"), column("Link", "url"))
    live = schema(column("Cost", "number", id="id-Price"), column("Kind", "rich_text"))

    assert differences(registered, live) == [
        'the column "Price" is now called "Cost"',
        'the column "Kind" was of type select and is now of type rich_text',
        'the column "Link" was removed',
    ]


def test_a_relation_that_is_no_longer_seen_is_hidden_and_no_difference() -> None:
    registered = schema(
        column("Cook", "relation", relation_data_source_id="a"),
        column("Place", "relation", relation_data_source_id="b"),
        column("Sum", "formula"),
    )
    live = schema(column("Venue", "relation", relation_data_source_id="b", id="id-Place"))

    assert hidden_relations(registered, live) == ("Cook",)
    assert differences(registered, live) == ['the column "Place" is now called "Venue"']
    assert hidden_relations(registered, registered) == ()


def test_a_column_removed_and_made_again_is_the_same_column() -> None:
    assert differences(schema(column("Kind", "select")), schema(column("Kind", "select", id="new"))) == []


def test_new_columns_new_options_and_changes_of_computed_columns_are_no_difference() -> None:
    registered = schema(column("Kind", "select", options=("a",)), column("Sum", "formula"))
    live = schema(column("Kind", "select", options=("a", "b")), column("More", "date"))

    assert differences(registered, live) == []


def test_a_status_that_lost_an_option_and_a_relation_that_points_elsewhere_are_told() -> None:
    registered = schema(
        column("Stage", "status", options=("To do", "Done")), column("Cook", "relation", relation_data_source_id="a")
    )
    live = schema(column("Stage", "status", options=("Done",)), column("Cook", "relation", relation_data_source_id="b"))

    assert differences(registered, live) == [
        'the status "Stage" no longer has the option "To do"',
        'the column "Cook" now relates to another database',
    ]


@pytest.mark.parametrize("name", ["hologram", "unknown"])
def test_a_type_that_only_notion_knows_keeps_its_name_in_the_store_and_in_sentences(name: str) -> None:
    properties = {**ANSWER["properties"], "Price": {"id": "a", "name": "Price", "type": name}}  # type: ignore[dict-item]
    live = DataSourceSchema.model_validate_json(parse_schema(ANSWER | {"properties": properties}).model_dump_json())

    assert live.columns[1].type is ColumnType.UNKNOWN
    assert differences(parse_schema(ANSWER), live) == [
        f'the column "Price" was of type number and is now of type {name}'
    ]
