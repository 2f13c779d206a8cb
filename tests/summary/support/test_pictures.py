"""What is only seen describes, and states no fact that no text has."""

from __future__ import annotations

from typing import Any

import pytest

from svp_dagster.models import Evidence, PropertyFill
from svp_dagster.notion.schema import Column
from svp_dagster.summary.acceptance import Accepted, Judge
from svp_dagster.summary.support.pictures import SEEN_CONFIDENCE
from svp_dagster.summary.support.review import Question
from tests.notion.schemas import column, schema
from tests.summary.support.judging import offered, video

SEEN = "a dog runs through deep snow"
KINDS = ("Animals", "Food", "Under 15 minutes", "$$")


def seen(value: Any, *descriptions: str, confidence: float = 0.9) -> PropertyFill:
    evidence = tuple(Evidence(source="picture", quote=text, at_s=4.0) for text in descriptions or (SEEN,))
    return PropertyFill(value=value, confidence=confidence, evidence=evidence)


def accepted(one: Column, offer: PropertyFill, *, check: Any = None, **material: Any) -> Accepted:
    return Judge(schema(one), video(**material), min_confidence=0.4).accept({one.name: offer}, check=check)


def reason(one: Column, offer: PropertyFill, **material: Any) -> str:
    made = accepted(one, offer, **material)
    assert made.properties == {}
    return made.left_blank[one.name]


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (column("Name", "title"), "Dog in the snow"),
        (column("Mood", "rich_text"), "Playful and wintry."),
        (column("Kind", "select", options=KINDS), "Animals"),
        (column("Kinds", "multi_select", options=KINDS), ["Animals"]),
        (column("Kind of place", "select", options=("Park", "Café")), "Park"),
    ],
    ids=["title", "text", "select", "multi_select", "the kind of a place"],
)
def test_what_is_seen_describes_with_its_place_and_less_confidence(one: Column, value: Any) -> None:
    fill = accepted(one, seen(value)).properties[one.name]
    assert fill.value == value
    assert fill.confidence == SEEN_CONFIDENCE
    assert fill.evidence == (Evidence(source="picture", quote=SEEN, at_s=4.0),)


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (column("Dogs", "number"), 2),
        (column("Day", "date"), "2026-01-06"),
        (column("Vegan", "checkbox"), True),
        (column("Site", "url"), "https://dogs.example.com"),
        (column("Contact", "email"), "dogs@example.com"),
        (column("Phone", "phone_number"), "+49 30 1234567"),
        (column("Status", "status", options=("To do", "Done")), "Done"),
        (column("Made with", "relation"), ["Snow"]),
        (column("Address", "rich_text"), "A street by the river."),
        (column("opening hours", "rich_text"), "In the morning."),
        (column("Ort", "rich_text"), "Am See."),
        (column("City", "select", options=("Paris", "Rome")), "Paris"),
    ],
)
def test_what_is_seen_states_no_fact(one: Column, value: Any) -> None:
    assert reason(one, seen(value))


@pytest.mark.parametrize(
    "value",
    [
        "Two dogs run through the snow.",
        "A dog of 30 kg in the snow.",
        "The dog runs at 9:30.",
        "A sled for $20.",
        "A dog near the Matterhorn.",
        "Eiffel Tower",
        "Paris",
        "A dog, see dogs.example.com for more.",
        "A dog of @dog.owner in the snow.",
        "Deux chiens courent dans la neige.",
        "犬が二匹います。",
    ],
)
def test_a_description_with_a_figure_name_or_address_is_not_written(value: str) -> None:
    assert "no text confirms" in reason(column("Mood", "rich_text"), seen(value))


@pytest.mark.parametrize(
    ("value", "caption"),
    [
        ("Two dogs run through the snow.", "My two dogs love winter"),
        ("A dog near the Matterhorn.", "Winter at the Matterhorn"),
        ("A dog of @dog.owner in the snow.", "With @dog.owner"),
    ],
)
def test_a_description_may_say_what_a_text_confirms(value: str, caption: str) -> None:
    assert accepted(column("Mood", "rich_text"), seen(value), caption=caption).properties


@pytest.mark.parametrize(
    "description",
    ["a sign of Café Luna", "Café Luna", "a board: call 030 1234567", "a sheet with www.evil.example.com", ""],
)
def test_a_description_that_reads_a_sign_proves_nothing(description: str) -> None:
    assert reason(column("Mood", "rich_text"), seen("Playful and wintry.", description))
    fill = accepted(column("Mood", "rich_text"), seen("Playful and wintry.", description, SEEN)).properties["Mood"]
    assert [item.quote for item in fill.evidence] == [SEEN]


def test_a_word_with_a_capital_is_no_name_where_the_description_has_it_without() -> None:
    mood = column("Mood", "rich_text")
    assert accepted(mood, seen("Playful", "a playful dog in the snow")).properties
    assert accepted(column("Name", "title"), seen("Dog In Snow", "a dog in deep snow")).properties
    assert accepted(column("Name", "title"), seen("Playing in the Deep Snow", "a dog plays in deep snow")).properties
    assert reason(mood, seen("Bruno", "a playful dog in the snow"))
    assert reason(column("Name", "title"), seen("Night View of Paris", "a view of a river at night"))


@pytest.mark.parametrize("option", ["Birds", "Under 15 minutes", "$$"])
def test_an_option_has_to_exist_and_to_hold_no_figure(option: str) -> None:
    assert reason(column("Kind", "select", options=KINDS), seen(option))


def test_tags_from_looks_make_no_new_options() -> None:
    made = accepted(column("Tags", "multi_select", options=("Animals",)), seen(["Animals", "Winter"]))
    assert made.properties["Tags"].value == ["Animals"]


def test_what_the_text_denies_is_not_written_for_its_looks() -> None:
    kind = column("Diet", "select", options=("Vegan", "Meat"))
    assert accepted(kind, seen("Meat", "a dish on a plate"), caption="My new burger").properties
    assert "denies" in reason(kind, seen("Meat", "a dish on a plate"), caption="There is no meat in this burger")


def test_text_comes_before_looks() -> None:
    minutes = column("Minutes", "number")
    both = seen(8, "a timer").model_copy(
        update={"evidence": (*seen(8, "a timer").evidence, Evidence(source="speech", quote="boil it for 8 minutes"))}
    )
    fill = accepted(minutes, both, said="Now boil it for 8 minutes").properties["Minutes"]
    assert [(item.source, item.checked) for item in fill.evidence] == [("speech", True)]
    assert fill.confidence == 0.9
    wrong = both.model_copy(update={"value": 9})
    assert reason(minutes, wrong, said="Now boil it for 8 minutes") == "Its own quote says otherwise."


def test_a_sign_that_was_read_is_text_whatever_the_model_calls_it() -> None:
    fill = accepted(column("Address", "rich_text"), seen("12 Rua das Flores", "12 Rua das Flores"),
                    shown=("12 Rua das Flores, Porto",)).properties["Address"]  # fmt: skip
    assert [(item.source, item.checked) for item in fill.evidence] == [("screen", True)]


def test_a_made_up_quote_is_not_saved_by_calling_it_seen() -> None:
    assert reason(column("Servings", "number"), seen(4, "four plates on a table"), said="Dinner is ready")
    assert reason(column("Mood", "rich_text"), offered("Playful.", "a dog runs through deep snow"))


def test_nobody_is_asked_about_what_is_only_seen() -> None:
    asked: list[Question] = []

    def check(questions: list[Question]) -> dict[int, bool]:
        asked.extend(questions)
        return {}

    made = accepted(column("Mood", "rich_text"), seen("Playful and wintry."), check=check, said="Look at him go")
    assert made.properties
    assert asked == []


def test_an_unsure_look_stays_blank() -> None:
    assert "not sure" in reason(column("Mood", "rich_text"), seen("Playful.", confidence=0.3))


@pytest.mark.parametrize(
    ("overview", "kept", "material"),
    [
        ("A dog runs through snow. It is called Rex.", "A dog runs through snow.", {}),
        ("Two dogs run. The snow is deep.", "The snow is deep.", {}),
        ("A view of the Eiffel Tower at night.", "", {}),
        ("A still lake. Lake Bled is in Slovenia.", "A still lake.", {}),
        ("Anna cooks pasta for Tom.", "Anna cooks pasta for Tom.", {"said": "Anna cooks pasta for Tom tonight"}),
        ("She adds 3 eggs to the dough.", "She adds 3 eggs to the dough.", {"said": "Add 3 eggs to the dough now"}),
        ("Eine Frau kocht in Rom.", "Eine Frau kocht in Rom.", {"said": "She cooks the best pasta in Rome for you"}),
        ("Anna cooks pasta with basil at Trattoria Mario.", "", {"said": "Anna cooks pasta with basil and tomatoes"}),
        ("Anna cooks pasta for 4 people.", "", {"said": "Anna cooks pasta for people"}),
        ("Anna cooks pasta for $5.", "", {"said": "Anna cooks pasta in 5 minutes"}),
        (
            "Anna shows three ways to cook pasta.",
            "Anna shows three ways to cook pasta.",
            {"said": "Anna shows ways to cook pasta"},
        ),
        ("A pan costs $30. She cooks pasta.", "She cooks pasta.", {"said": "I cook pasta for you"}),
    ],
)
def test_an_overview_tells_no_fact_that_was_only_seen(overview: str, kept: str, material: Any) -> None:
    assert Judge(schema(), video(**material), min_confidence=0.4).overview(overview) == kept
