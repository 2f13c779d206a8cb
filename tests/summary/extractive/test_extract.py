from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.notion.properties import askable_columns, to_properties
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.summary.evidence import QuoteChecker
from svp_dagster.summary.extractive import extract
from svp_dagster.summary.material import Material
from svp_dagster.summary.words import comparable
from tests.notion.schemas import column, schemas
from tests.summary.hostile import TEXTS
from tests.summary.recipe import RECIPES, material, whole


def fill(made: Column, text: Material) -> tuple[Any, str | None]:
    """The value for one column and the reason for none."""
    properties, left_blank = extract.extract(text, [made])
    value = properties[made.name].value if properties else None
    return value, left_blank.get(made.name)


def test_a_recipe_is_filled_from_what_is_written_said_and_shown() -> None:
    properties, left_blank = extract.extract(whole(), askable_columns(RECIPES))
    assert {name: fill.value for name, fill in properties.items()} == {
        "Name": "Creamy lemon pasta 🍋 in 15 minutes!",
        "Ingredients": "200 g spaghetti\n2 lemons",
        "Steps": (
            "First, boil the spaghetti in salted water.\n"
            "Blend cashews with lemon juice.\n"
            "Then toss everything together."
        ),
        "Servings": 4,
        "Categories": ["Vegan"],
        "Vegan": True,
        "Event": "2026-03-14T19:00",
        "Website": "https://anna.example.com/lemon-pasta",
        "Contact": "hello@anna.example.com",
        "Phone": "+49 30 1234567",
    }
    assert left_blank == {}
    assert properties["Steps"].evidence[0].at_s == 3.0


def test_the_overview_quotes_the_sentences_that_share_most() -> None:
    overview = extract.overview(whole())
    assert "Creamy lemon pasta" in overview
    assert "https://" not in overview


@pytest.mark.parametrize(
    ("caption", "screen", "speech", "title"),
    [
        ("#fyp #food\nBest ramen in town. You must go! #ramen", (), "", "Best ramen in town."),
        ("@anna https://a.example.com", ("RAMEN", "Tokyo Nights Ramen Bar"), "Hello there.", "Tokyo Nights Ramen Bar"),
        ("", ("7",), "Hello there. We eat.", "Hello there."),
        ("#ramen", (), "", "anna on TikTok"),
        ("東京のラーメン。美味しい！", (), "", "東京のラーメン。"),
    ],
)
def test_the_title_is_the_first_thing_worth_saying(
    caption: str, screen: tuple[str, ...], speech: str, title: str
) -> None:
    assert extract.title(material(caption=caption, screen=screen, speech=speech, uploader="anna")).value == title


@pytest.mark.parametrize(
    ("name", "caption", "value"),
    [
        ("Zutaten", "Zutaten: 200 g Nudeln", "200 g Nudeln"),
        ("Zutaten", "ZUTATEN\n• Nudeln\n• Salz\nFolgt mir!", "Nudeln\nSalz"),
        ("Ingredients", "Mix 2 cups flour and 1 tsp salt. Follow me.", "Mix 2 cups flour and 1 tsp salt."),
        ("Address", "Find us 📍 12 Baker Street, London", "Find us 📍 12 Baker Street, London"),
        ("Opening hours", "Come by! Mon-Fri 11:00-22:00", "Mon-Fri 11:00-22:00"),
        ("My opinion", "It is red. Honestly worth every cent.", "Honestly worth every cent."),
        ("Hashtags", "so good #ramen #tokyo #ramen", "#ramen #tokyo"),
        ("Contact", "a@b.example.com or +49 30 1234567", "a@b.example.com\n+49 30 1234567"),
        ("Colour of the walls", "It is red.", None),
        ("", "It is red.", None),
    ],
)
def test_a_text_column_gets_what_its_name_asks_for(name: str, caption: str, value: str | None) -> None:
    assert fill(column(name, "rich_text"), material(caption=caption)) == (value, None)


def test_the_uploader_and_the_platform_are_facts_that_can_be_quoted() -> None:
    text = material(caption="Hi", uploader="anna")
    assert fill(column("Creator", "rich_text"), text)[0] == "anna"
    assert fill(column("Platform", "select", options=("TikTok", "Instagram")), text)[0] == "TikTok"


@pytest.mark.parametrize(
    ("caption", "value"),
    [
        ("A Thai curry", "Thai"),
        ("#thai", "Thai"),
        ("Thailand is far", None),
        ("not Thai at all", None),
        ("Thai, Thai and Italian", "Thai"),
        ("yes, no, new and other things", None),
    ],
)
def test_an_option_that_is_named_is_chosen(caption: str, value: str | None) -> None:
    made = column("Cuisine", "select", options=("Italian", "Thai", "Other", "Yes", "No", "New"))
    assert fill(made, material(caption=caption))[0] == value


def test_between_options_named_alike_none_is_chosen_and_it_is_said() -> None:
    made = column("Cuisine", "select", options=("Italian", "Thai"))
    assert fill(made, material(caption="Thai meets Italian")) == (None, "Several options fit: Italian, Thai.")


def test_several_options_fill_a_multi_select_and_hashtags_make_no_new_ones() -> None:
    text = material(caption="quick and vegan #HealthyRecipes #fyp")
    options = ("Vegan", "Quick", "Healthy recipes", "Baking")
    assert fill(column("Categories", "multi_select", options=options), text)[0] == ["Vegan", "Quick", "Healthy recipes"]
    assert fill(column("Tags", "multi_select", options=("Vegan",)), text)[0] == ["Vegan"]
    assert fill(column("Topics", "multi_select"), text)[0] is None
    assert fill(column("Hashtags", "multi_select"), text)[0] == ["HealthyRecipes", "fyp"]
    assert fill(column("People in it", "multi_select"), text)[0] is None


@pytest.mark.parametrize(
    ("name", "caption", "value"),
    [
        ("Vegan", "a vegan cake", True),
        ("Vegan", "not vegan", None),
        ("Vegan", "not vegan? the vegan one is", True),
        ("Gluten free", "#glutenfree", True),
        ("Gluten free", "free gluten", None),
        ("Read", "read this", None),
        ("Already tried", "already tried it", None),
    ],
)
def test_a_check_mark_is_set_only_where_its_words_occur(name: str, caption: str, value: bool | None) -> None:
    assert fill(column(name, "checkbox"), material(caption=caption))[0] == value


def test_a_status_is_its_owners() -> None:
    made = column("Status", "status", options=("To do", "Done", "Cooked"))
    assert fill(made, material(caption="Done! Cooked!")) == (None, None)


@pytest.mark.parametrize(
    ("name", "kind", "caption", "reason"),
    [
        ("Event", "date", "2026-01-02 and 2026-01-03", "Several days fit: 2026-01-02, 2026-01-03."),
        ("Shop", "url", "https://a.com and https://b.com", "Several web addresses fit: https://a.com, https://b.com."),
        ("Calories", "number", "450 kcal or 500 kcal", "Several numbers fit: 450, 500."),
    ],
)
def test_of_several_that_fit_none_is_taken_and_it_is_said(name: str, kind: str, caption: str, reason: str) -> None:
    assert fill(column(name, kind), material(caption=caption)) == (None, reason)


def test_of_several_the_one_beside_the_columns_name_is_taken() -> None:
    text = material(caption="Opening: 2026-01-02\nClosing: 2026-01-03")
    assert fill(column("Closing", "date"), text) == ("2026-01-03", None)


def test_the_day_of_publication_is_for_columns_that_ask_for_it() -> None:
    assert fill(column("Published", "date"), whole()) == ("2026-03-01", None)


wild_columns = st.one_of(
    schemas,
    st.just(RECIPES),
)
wild = st.text(st.characters(), max_size=300) | st.sampled_from(sorted(TEXTS.values(), key=len)[:15])


@given(wild_columns, wild, wild, st.lists(wild, max_size=3))
def test_whatever_is_found_fits_its_column_and_is_really_there(
    any_schema: DataSourceSchema, caption: str, speech: str, screen: list[str]
) -> None:
    text = material(caption=caption, speech=speech, screen=tuple(screen), uploader="anna")
    properties, left_blank = extract.extract(text, askable_columns(any_schema))
    assert any_schema.title_column.name in properties
    assert to_properties(any_schema, {name: fill.value for name, fill in properties.items()}).left_out == {}
    checker = QuoteChecker(text.passages)
    for found in properties.values():
        for evidence in found.evidence:
            assert checker.check(evidence).checked or len(comparable(evidence.quote)) < 4
    assert not set(left_blank) & set(properties)
    extract.overview(text).encode()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_orders_in_a_video_are_quoted_at_most(text: str) -> None:
    honest = "A Thai curry with 200 g rice. Serves 4."
    found = material(caption=f"{honest}\n{text}", speech=f"{honest}|{text}", screen=(text,))
    properties, _ = extract.extract(found, askable_columns(RECIPES))
    assert properties["Name"].value == "A Thai curry with 200 g rice."
    assert properties["Servings"].value == 4
    assert properties["Cuisine"].value == "Thai"
    assert not {"Status", "Rating", "Event", "Contact", "Phone", "Vegan"} & set(properties)
