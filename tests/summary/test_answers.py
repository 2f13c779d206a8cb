from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from svp_dagster.models import JsonObject
from svp_dagster.notion.properties import askable_columns, unfit_values
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.summary.answers import (
    InvalidAnswer,
    answer_schema,
    is_open,
    parse_answer,
    repair_message,
)
from tests.notion.schemas import column, schema, schemas
from tests.summary.recipe import RECIPES

GEMINI_KEYWORDS = frozenset(
    {"$defs", "$ref", "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems", "maxItems"}
    | {"minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required", "propertyOrdering"}
)
COLUMNS = askable_columns(RECIPES)


def answer(**properties: Any) -> str:
    """An answer with null for the columns that aren't named."""
    return json.dumps(
        {"overview": "A recipe.", "properties": {column.name: properties.get(column.name) for column in COLUMNS}}
    )


def offer(value: Any, **changes: Any) -> JsonObject:
    evidence = [{"source": "speech", "quote": "boil the spaghetti", "at_s": 3.0}]
    return {"value": value, "confidence": 0.9, "evidence": evidence, **changes}


def test_the_columns_that_others_fill_are_not_asked_for() -> None:
    asked = [column.name for column in COLUMNS]
    assert "Link" not in asked
    assert "Cover" not in asked
    assert "Made by" not in asked
    assert "Lost relation" not in asked
    assert "Website" in asked
    assert "Made with" in asked
    assert asked[0] == "Name"


@given(schemas)
def test_every_schema_of_notion_gives_a_valid_schema_of_what_gemini_knows(any_schema: DataSourceSchema) -> None:
    columns = askable_columns(any_schema)
    made = answer_schema(columns)
    Draft202012Validator.check_schema(made)
    assert set(_keywords(made)) <= GEMINI_KEYWORDS
    nothing = {"overview": "", "properties": dict.fromkeys(column.name for column in columns)}
    assert parse_answer(json.dumps(nothing), columns).offers == {}


@given(schemas, st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_value_for_a_column_is_taken_or_named_as_a_fault(any_schema: DataSourceSchema, value: Any) -> None:
    columns = askable_columns(any_schema)
    given_answer = {
        "overview": "x",
        "properties": dict.fromkeys(column.name for column in columns) | {"Name": offer(value)},
    }
    try:
        parsed = parse_answer(json.dumps(given_answer), columns)
    except InvalidAnswer:
        assert len(columns) == 1
        return
    assert ("Name" in parsed.misformed) is not isinstance(value, str)
    assert ("Name" in parsed.offers) is isinstance(value, str)


def test_a_valid_answer_is_read() -> None:
    parsed = parse_answer(answer(Servings=offer(4), Cuisine=offer("Thai"), Categories=offer(["Quick"])), COLUMNS)
    assert parsed.overview == "A recipe."
    assert {name: fill.value for name, fill in parsed.offers.items()} == {
        "Servings": 4,
        "Cuisine": "Thai",
        "Categories": ["Quick"],
    }
    assert parsed.offers["Servings"].evidence[0].quote == "boil the spaghetti"


def test_a_relation_is_asked_for_titles() -> None:
    value = answer_schema(COLUMNS)["properties"]["properties"]["properties"]["Made with"]["anyOf"][0]["properties"][
        "value"
    ]
    assert value == {"type": "array", "items": {"type": "string"}}
    parsed = parse_answer(answer(**{"Made with": offer(["Lemon", "Pasta"])}), COLUMNS)
    assert parsed.offers["Made with"].value == ["Lemon", "Pasta"]


def test_a_fence_around_the_json_does_no_harm() -> None:
    assert parse_answer(f"```json\n{answer()}\n```", COLUMNS).offers == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure! Here it is:",
        "null",
        "[]",
        '"x"',
        answer()[:-20],
        "[" * 100_000,
        '{"overview": NaN}',
        "9" * 5000,
        "\ud800",
    ],
    ids=lambda text: str(text)[:15].encode("ascii", "replace").decode(),
)
def test_what_is_no_such_object_is_invalid(text: str) -> None:
    with pytest.raises(InvalidAnswer):
        parse_answer(text, COLUMNS)


@pytest.mark.parametrize(
    ("properties", "path"),
    [
        ({"Servings": offer("four")}, "$.properties.Servings.value"),
        ({"Servings": 4}, "$.properties.Servings"),
        ({"Cuisine": offer("Klingon")}, "$.properties.Cuisine.value"),
        ({"Categories": offer(["Quick", "Slow"])}, "$.properties.Categories.value[1]"),
        ({"Vegan": offer("yes")}, "$.properties.Vegan.value"),
        ({"Made with": offer("Lemon")}, "$.properties['Made with'].value"),
        ({"Steps": offer("x", confidence="high")}, "$.properties.Steps.confidence"),
        ({"Steps": offer("x", evidence=[{"source": "web", "quote": "x", "at_s": None}])}, "evidence[0].source"),
        ({"Steps": offer("x", evidence="speech")}, "$.properties.Steps.evidence"),
        ({"Steps": offer("x", more=1)}, "$.properties.Steps"),
    ],
)
def test_a_fault_is_named_with_its_place(properties: dict[str, Any], path: str) -> None:
    (name,) = properties
    parsed = parse_answer(answer(**properties), COLUMNS)
    assert path in parsed.violations[0]
    assert parsed.misformed == {name}
    assert name not in parsed.offers


def test_a_misformed_column_leaves_the_others() -> None:
    parsed = parse_answer(answer(Servings=offer("four"), Cuisine=offer("Thai")), COLUMNS)
    assert {name: fill.value for name, fill in parsed.offers.items()} == {"Cuisine": "Thai"}


WRONG_VALUES: tuple[Any, ...] = (None, {}, [[1]], [None], {"start": "2026-01-01"}, 1e999, float("nan"))


@pytest.mark.parametrize("wrong", [*WRONG_VALUES, "an offer"], ids=str)
@pytest.mark.parametrize("name", [column.name for column in COLUMNS])
def test_a_wrong_form_costs_its_column_alone_whatever_the_type(name: str, wrong: Any) -> None:
    other = "Steps" if name != "Steps" else "Ingredients"
    properties = {name: wrong if wrong == "an offer" else offer(wrong), other: offer("Boil the spaghetti.")}
    read = parse_answer(answer(**properties), COLUMNS)
    assert other in read.offers
    if name not in read.misformed:  # an endless number has the right form, and fits no column
        assert unfit_values(RECIPES, {name: read.offers[name].value}).keys() == {name}
    assert read.misformed <= {name}


@pytest.mark.parametrize("part", ["evidence", "confidence"])
@pytest.mark.parametrize("wrong", [None, {}, "high", [1], float("nan")], ids=str)
def test_a_wrong_quote_or_confidence_costs_its_column_alone(part: str, wrong: Any) -> None:
    read = parse_answer(answer(Servings=offer(4, **{part: wrong}), Steps=offer("Boil.")), COLUMNS)
    assert set(read.offers) == {"Steps"}
    assert read.misformed == {"Servings"}


def test_missing_and_foreign_columns_are_faults() -> None:
    parsed = parse_answer('{"overview": "x", "properties": {"Name": null}}', COLUMNS)
    assert parsed.misformed == {column.name for column in COLUMNS} - {"Name"}
    foreign = json.loads(answer())
    foreign["properties"]["admin"] = offer(True)
    parsed = parse_answer(json.dumps(foreign), COLUMNS)
    assert "admin" in parsed.violations[0]
    assert (parsed.misformed, parsed.offers) == (frozenset(), {})


def test_a_misformed_overview_is_a_fault_and_left_out() -> None:
    parsed = parse_answer(json.dumps(json.loads(answer(Servings=offer(4))) | {"overview": ["A recipe."]}), COLUMNS)
    assert "$.overview" in parsed.violations[0]
    assert (parsed.overview, set(parsed.offers)) == ("", {"Servings"})


def test_an_answer_without_one_well_formed_column_is_invalid() -> None:
    nothing = {"overview": "A recipe.", "properties": {column.name: 4 for column in COLUMNS}}
    with pytest.raises(InvalidAnswer):
        parse_answer(json.dumps(nothing), COLUMNS)


def test_confidence_beyond_its_range_is_taken_as_its_end() -> None:
    parsed = parse_answer(answer(Servings=offer(4, confidence=95), Rating=offer(1, confidence=-1)), COLUMNS)
    assert parsed.offers["Servings"].confidence == 1
    assert parsed.offers["Rating"].confidence == 0


def test_the_repair_message_names_the_faults_and_stays_short() -> None:
    parsed = parse_answer(answer(Cuisine=offer("K" * 100_000), Servings=offer("four")), COLUMNS)
    message = repair_message(parsed.violations)
    assert "$.properties.Servings.value" in message
    assert len(message) < 2_000


@pytest.mark.parametrize(
    ("name", "kind", "options", "free"),
    [
        ("Tags", "multi_select", ("Quick",), True),
        ("Hashtags", "multi_select", (), True),
        ("Categories", "multi_select", ("Quick",), False),
        ("Categories", "multi_select", (), True),
        ("Tag", "select", ("Quick",), False),
    ],
)
def test_lists_of_tags_and_columns_without_options_take_new_words(
    name: str, kind: str, options: tuple[str, ...], free: bool
) -> None:
    made = column(name, kind, options=options)
    assert is_open(made) is free
    asked = answer_schema(askable_columns(schema(made)))["properties"]["properties"]["properties"][name]
    value = asked["anyOf"][0]["properties"]["value"]
    assert ("enum" not in value.get("items", value)) is free


def _keywords(part: Any, *, are_names: bool = False) -> list[str]:
    """All keywords of a JSON schema, names of properties and definitions aside."""
    if isinstance(part, list):
        return [keyword for item in part for keyword in _keywords(item)]
    if not isinstance(part, dict):
        return []
    found = [] if are_names else list(part)
    for name, inner in part.items():
        found += _keywords(inner, are_names=not are_names and name in ("properties", "$defs"))
    return found
