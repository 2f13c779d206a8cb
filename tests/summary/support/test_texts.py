"""A text or title is written if its figures, negations and names are those of the material."""

from __future__ import annotations

import pytest

from svp_dagster.summary.acceptance import Judge
from tests.notion.schemas import column, schema
from tests.summary.support.judging import is_written, offered, video

TEXT = column("Notes", "rich_text")


@pytest.mark.parametrize(
    ("right", "wrong", "said", "language"),
    [
        ("200 g spaghetti, 2 lemons", "300 g spaghetti, 2 lemons", "two hundred grams of spaghetti and 2 lemons", "en"),
        ("500 ml stock", "500 g stock", "half a litre of stock", "en"),
        ("Bake for 90 minutes", "Bake for 60 minutes", "bake it for an hour and a half", "en"),
        ("2 eggs, 3 tins of beans", "3 eggs, 2 tins of beans", "take 2 eggs and 3 tins of beans", "en"),
        ("9 to 21 h", "9 to 18 h", "open 9 to 21 h, kitchen till 18 h", "en"),
        ("Seestraße 14, 79112 Freiburg", "Seestraße 41, 79112 Freiburg", "Seestraße 14, 79112 Freiburg", "de"),
        ("3 series de 20", "4 series de 20", "tres series de veinte abdominales", "es"),
        ("80 g de beurre", "24 g de beurre", "quatre-vingts grammes de beurre", "fr"),
        ("東京都台東区浅草1-2-3", "東京都台東区浅草1-3-2", "住所は東京都台東区浅草1-2-3です", "ja"),
        ("面粉500克", "面粉600克", "面粉五百克", "zh"),
    ],
)
def test_figures_in_a_text_have_to_be_those_of_the_material(right: str, wrong: str, said: str, language: str) -> None:
    assert is_written(TEXT, right, said, language=language)
    assert not is_written(TEXT, wrong, said, language=language)


def test_numbers_of_steps_are_no_figures() -> None:
    said = "Chop the onions and fry them slowly."
    assert is_written(TEXT, "1. Chop the onions\n2. Fry them slowly", said)


@pytest.mark.parametrize(
    ("value", "quote", "said"),
    [
        ("Use lean mince", "use lean mince", "Please don't use lean mince."),
        ("Take tram 28", "tram 28", "Skip tram 28, it is packed."),
        ("Hunde sind erlaubt", "Hunde sind hier leider", "Hunde sind hier leider nicht erlaubt."),
        ("Ajoutez de la gélatine", "ajoutez pas de gélatine", "Surtout, n'ajoutez pas de gélatine."),
        ("Usa el microondas", "uses el microondas", "Nunca uses el microondas."),
        ("放味精", "放味精", "汤里不要放味精。"),
        ("電子レンジを使う", "電子レンジ", "電子レンジは使いません。"),
    ],
)
def test_a_text_that_loses_the_negation_of_its_sentence_stays_blank(value: str, quote: str, said: str) -> None:
    assert not is_written(TEXT, value, quote, said=said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Don't use lean mince", "Please don't use lean mince."),
        ("The museum is closed on Mondays", "The museum isn't open on Mondays."),
        ("Never use the microwave", "Never use the microwave."),
        ("Add the cream last, the soup must not boil", "Add the cream last. The soup must not boil."),
    ],
)
def test_a_text_that_keeps_the_negation_is_written(value: str, said: str) -> None:
    assert is_written(TEXT, value, said.rstrip("."), said=said)


@pytest.mark.parametrize("value", ["Ravioli with chef Giorgio Bianchi", "A tower of nachos", "12 ways to cook rice"])
def test_a_title_that_names_something_else_is_not_written(value: str) -> None:
    said = "Creamy lemon pasta for a weeknight."
    made = Judge(schema(), video(said=said, language="en"), min_confidence=0.4).accept({"Name": offered(value, said)})
    assert made.properties == {}
    assert set(made.left_blank) == {"Name"}


@pytest.mark.parametrize(
    "value", ["Lemon pasta", "Creamy weeknight lemon pasta", "Cremige Zitronenpasta unter der Woche"]
)
def test_a_title_in_the_materials_words_or_in_another_language_is_written(value: str) -> None:
    said = "Creamy lemon pasta for a weeknight."
    made = Judge(schema(), video(said=said, language="en"), min_confidence=0.4).accept({"Name": offered(value, said)})
    assert made.properties["Name"].value == value


def test_a_name_that_the_material_lacks_is_not_written_wherever_it_stands() -> None:
    said = "we cook pasta with fresh tomatoes in my kitchen"
    assert is_written(TEXT, "Cooking pasta with fresh tomatoes", said)
    for invented in (
        "Anna's friend Tom cooks pasta with fresh tomatoes",
        "Cooking pasta with fresh tomatoes at Luigi's",
    ):
        assert not is_written(TEXT, invented, said)


def test_title_case_makes_no_names() -> None:
    title = column("Name", "title")
    assert is_written(title, "Fresh Tomato Pasta Made with Love", "pasta with fresh tomatoes, made with love")
    assert is_written(title, "Easy Pasta Recipe with Fresh Tomatoes", "pasta with fresh tomatoes")
