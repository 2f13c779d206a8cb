"""An option, a check mark or the name of a page is written if its quote names it and doesn't deny it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.notion.schemas import RELATED_IDS, column
from tests.summary.support.judging import accepted, is_written

DIET = column("Diet", "multi_select", options=("Vegan", "Vegetarian", "Gluten free"))


@pytest.mark.parametrize(
    ("name", "yes", "no", "language"),
    [
        ("Vegan", "it's completely vegan", "this is not vegan", "en"),
        ("Vegan", "a vegan cake", "it isn't really vegan", "en"),
        ("Pool", "there is a pool on the roof", "there's no pool", "en"),
        ("Parking", "parking is included", "parking is not included", "en"),
        ("Gluten free", "this is gluten free", "full of gluten", "en"),
        ("Gluten free", "there is no gluten in here", "it has gluten", "en"),
        ("Hunde erlaubt", "Hunde sind erlaubt", "Hunde sind hier leider nicht erlaubt", "de"),
        ("Sahne", "dann kommt Sahne dazu", "Sahne kommt bei mir nicht rein", "de"),
        ("Restaurant", "das Restaurant ist toll", "kein Restaurant weit und breit", "de"),
        ("Laktosefrei", "der Kuchen ist laktosefrei", "der Kuchen enthält Laktose", "de"),
        ("Vegano", "es totalmente vegano", "no es vegano", "es"),
        ("Cebolla", "con mucha cebolla", "sin cebolla", "es"),
        ("Perros", "se admiten perros", "no se permiten perros", "es"),
        ("Végane", "elle est végane", "elle n'est pas végane", "fr"),
        ("Gélatine", "avec de la gélatine", "sans gélatine", "fr"),
        ("Impermeabile", "è impermeabile", "non è impermeabile", "it"),
        ("Glutine", "c'è glutine", "senza glutine", "it"),
        ("Vegano", "é vegano", "não é vegano", "pt"),
        ("Vegan", "het is vegan", "het is niet vegan", "nl"),
        ("Wegański", "to jest wegański deser", "to nie jest wegański deser", "pl"),
        ("Веганский", "это веганский торт", "это не веганский торт", "ru"),
        ("ペット可", "ここはペット可です", "ペット可ではないので注意", "ja"),
        ("予約", "予約してください", "予約はできません", "ja"),
        ("辣", "这碗面很辣", "这碗面不辣", "zh"),
        ("味精", "加一点味精", "不要放味精", "zh"),
        ("비건", "이건 비건이에요", "비건이 아니에요", "ko"),
    ],
)
def test_a_check_mark_is_set_where_it_is_named_and_not_denied(name: str, yes: str, no: str, language: str) -> None:
    mark = column(name, "checkbox")
    assert is_written(mark, True, yes, language=language)
    assert not is_written(mark, True, no, language=language)


@pytest.mark.parametrize(
    ("said", "quote"),
    [
        ("It's not vegan, sorry.", "vegan"),
        ("We never booked the vegan menu.", "booked the vegan menu"),
        ("Is it vegan? Who knows.", "Is it vegan"),
        ("This isn't|vegan at all.", "vegan at all"),
    ],
)
def test_the_sentence_around_the_quote_decides(said: str, quote: str) -> None:
    assert not is_written(column("Vegan", "checkbox"), True, quote, said=said)


def test_a_negation_of_something_else_denies_nothing() -> None:
    mark = column("Vegan", "checkbox")
    assert is_written(mark, True, "not boring at all, but vegan and quick")
    assert is_written(mark, True, "don't forget the vegan cheese")
    assert is_written(mark, True, "not only vegan")


@pytest.mark.parametrize(
    ("option", "quote"),
    [("Vegan", "un pastel vegano"), ("Vegetarian", "eine vegetarische Suppe"), ("Vegan", "una torta vegana")],
)
def test_a_form_of_the_option_in_another_language_counts(option: str, quote: str) -> None:
    assert is_written(DIET, [option], quote)


def test_another_option_in_the_quote_speaks_against_it() -> None:
    cuisine = column("Cuisine", "select", options=("Italian", "Thai"))
    assert is_written(cuisine, "Thai", "a Thai curry", said="a Thai curry|and an Italian dessert")
    assert not is_written(cuisine, "Italian", "a Thai curry", said="a Thai curry|and an Italian dessert")
    assert not is_written(cuisine, "Italian", "boil the noodles", said="boil the noodles|in a wok")


def test_of_a_list_only_what_is_supported_is_written() -> None:
    made = accepted(DIET, ["Vegan", "Gluten free"], "it is vegan", said="it is vegan|and full of gluten")
    assert made.properties["Diet"].value == ["Vegan"]
    assert made.left_blank == {}


def test_pages_have_to_be_named() -> None:
    people = column("Made by", "relation", relation_data_source_id=RELATED_IDS[0])
    assert is_written(people, ["Marta Klein"], "a recipe by Marta Klein")
    assert not is_written(people, ["Martha Stewart"], "a recipe by Marta Klein")


def test_a_reworded_quote_needs_a_place_that_says_so() -> None:
    cuisine = column("Cuisine", "select", options=("Italian", "Thai"))
    said: dict[str, Any] = {"said": "Today I cook a Thai curry.|It is quick."}
    assert is_written(cuisine, "Thai", "I am cooking some Thai curry today", **said)
    assert not is_written(cuisine, "Italian", "I am cooking an Italian curry today", **said)
    assert not is_written(cuisine, "Thai", "we fly to Bangkok in the summer", **said)


def test_invented_quotes_for_many_options_take_no_minutes() -> None:
    names = [f"option{number}" for number in range(60)]
    tags = column("Tags", "multi_select", options=tuple(names))
    said = "|".join(f"Sentence {number} about lemon, garlic and butter." for number in range(150))
    began_s = time.process_time()
    made = accepted(tags, names, *(" ".join(names[at : at + 10]) for at in range(0, 60, 10)), said=said, language="en")
    assert "Tags" in made.left_blank
    assert time.process_time() - began_s < 5
