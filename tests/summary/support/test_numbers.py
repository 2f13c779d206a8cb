"""A number is written if its quote states it, in digits or words, in the column's unit or one that converts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notion.schemas import column
from tests.summary.support.judging import is_written


@pytest.mark.parametrize(
    ("name", "right", "wrong", "quote", "language"),
    [
        ("Servings", 6, 4, "this feeds six hungry people", "en"),
        ("Servings", 12, 2, "makes a dozen", "en"),
        ("Weight (g)", 250, 200, "two hundred and fifty grams of flour", "en"),
        ("Portionen", 4, 6, "das reicht für vier Personen", "de"),
        ("Gewicht (g)", 250, 50, "zweihundertfünfzig Gramm Mehl", "de"),
        ("Kalorien", 135, 35, "hat nur hundertfünfunddreißig Kalorien", "de"),
        ("Raciones", 4, 8, "salen cuatro raciones", "es"),
        ("Calorías", 350, 300, "tiene trescientas cincuenta calorías", "es"),
        ("Portions", 8, 18, "c'est pour huit personnes", "fr"),
        ("Poids (g)", 80, 24, "ajoutez quatre-vingts grammes de beurre", "fr"),
        ("Porzioni", 4, 40, "basta per quattro persone", "it"),
        ("Peso (g)", 350, 300, "trecentocinquanta grammi di farina", "it"),
        ("Porções", 4, 14, "rende quatro porções", "pt"),
        ("Porties", 4, 3, "genoeg voor vier personen", "nl"),
        ("Минуты", 25, 20, "варить двадцать пять минут", "ru"),
        ("Dakika", 35, 30, "otuz beş dakika pişirin", "tr"),
        ("人数", 3, 2, "三人分です", "ja"),
        ("値段 (円)", 1200, 1000, "千二百円でした", "ja"),
        ("分钟", 25, 20, "煮二十五分钟", "zh"),
        ("价格 (元)", 128, 28, "一百二十八元", "zh"),
        ("분", 20, 30, "이십 분 동안 끓이세요", "ko"),
    ],
)
def test_a_number_in_words_is_read(name: str, right: float, wrong: float, quote: str, language: str) -> None:
    assert is_written(column(name, "number"), right, quote, language=language)
    assert not is_written(column(name, "number"), wrong, quote, language=language)


@pytest.mark.parametrize(
    ("name", "value", "quote", "is_right"),
    [
        ("Minutes", 120, "leave it for 2 hours", True),
        ("Minutes", 2, "leave it for 2 hours", False),
        ("Minutes", 30, "hold it for 30 seconds", False),
        ("Minutes", 0.5, "hold it for 30 seconds", True),
        ("Cook time (min)", 90, "an hour and a half in the oven", True),
        ("Cook time (min)", 60, "an hour and a half in the oven", False),
        ("Cook time (min)", 90, "bake 1 h 30", True),
        ("Cook time (min)", 45, "bake three quarters of an hour", True),
        ("Cook time", 20, "cook for 20 minutes", True),
        ("Cook time", 20, "cook 20 potatoes", True),
        ("Dauer (min)", 30, "nach einer halben Stunde fertig", True),
        ("Dauer (min)", 90, "dauert anderthalb Stunden", True),
        ("Dauer (Stunden)", 1.5, "dauert 90 Minuten", True),
        ("Duración (min)", 30, "media hora al horno", True),
        ("Durée (min)", 150, "deux heures et demie", True),
        ("Durata (min)", 30, "mezz'ora in forno", True),
        ("Duração (min)", 30, "meia hora no forno", True),
        ("時間 (分)", 90, "1時間半かかります", True),
        ("时间 (分钟)", 30, "半小时就好", True),
        ("Distance (km)", 1.5, "it's only 1500 metres", True),
        ("Distance (km)", 5, "it takes 5 hours", False),
        ("Weight (kg)", 0.5, "500 g of beef", True),
        ("Weight (g)", 500, "half a kilo of beef", True),
        ("Volume (ml)", 500, "half a litre of stock", True),
        ("Servings", 30, "ready in 30 minutes", False),
        ("Rating", 4.5, "a solid 4.5 out of 5", True),
        ("Rating", 8, "I'd say 8/10", True),
        ("Rating", 10, "I'd say 8/10", False),
        ("Rating", 5, "honestly the best I ever had", False),
        ("Price", 3.5, "drei Euro fünfzig", True),
        ("Price", 14, "it's fourteen pounds", True),
        ("Protein (g)", 30, "30 g of protein, 45 g carbs", True),
        ("Protein (g)", 45, "30 g of protein, 45 g carbs", False),
        ("Sets", 3, "three sets of twelve reps", True),
        ("Sets", 12, "three sets of twelve reps", False),
        ("Total time (min)", 45, "15 minutes prep and 30 minutes in the oven", True),
        ("Hours of battery", 50, "not 50 hours as they promise", False),
        ("Minutes", 25, "it takes 20 to 30 minutes", True),
        ("Minutes", 40, "it takes 20 to 30 minutes", False),
        ("Minutes", 30, "no more than 30 minutes", True),
    ],
)  # fmt: skip
def test_units_have_to_agree_or_convert(name: str, value: float, quote: str, is_right: bool) -> None:
    assert is_written(column(name, "number"), value, quote) is is_right


def test_a_share_is_a_hundredth_in_a_column_of_percents_alone() -> None:
    assert is_written(column("Discount", "number", number_format="percent"), 0.25, "you get 25% off")
    assert not is_written(column("Discount", "number"), 0.25, "you get 25 off")


def test_the_sentence_around_a_quote_may_state_the_number() -> None:
    said: dict[str, Any] = {"said": "Roast it slowly|for forty minutes."}
    assert is_written(column("Minutes", "number"), 40, "Roast it slowly", **said)
    assert not is_written(column("Minutes", "number"), 50, "Roast it slowly", **said)


def test_a_reworded_or_translated_quote_with_the_right_number_is_kept() -> None:
    said: dict[str, Any] = {"said": "Serves four people.|Das dauert zwanzig Minuten.", "language": "en"}
    assert is_written(column("Servings", "number"), 4, "it serves about four persons", **said)
    assert is_written(column("Minutes", "number"), 20, "this takes twenty minutes", at_s=10.0, **said)
    assert not is_written(column("Servings", "number"), 8, "it serves about eight persons", **said)
    assert not is_written(column("Minutes", "number"), 30, "this takes thirty minutes", at_s=10.0, **said)


@pytest.mark.parametrize(("number_format", "is_right"), [("euro", False), ("rupee", False), (None, True)])
def test_a_bare_amount_is_in_no_currency_that_nothing_names(number_format: str | None, is_right: bool) -> None:
    price = column("Price", "number", number_format=number_format)
    assert is_written(price, 250, "Thali 250", shown=("Thali 250",)) is is_right


def test_a_bare_amount_is_in_the_currency_that_another_text_names() -> None:
    price = column("Price", "number", number_format="euro")
    assert is_written(price, 4.5, "Latte 4.50", shown=("Latte 4.50",), caption="All prices in euros")


def test_a_text_adds_no_currency() -> None:
    notes = column("Notes", "rich_text")
    assert is_written(notes, "Thali for 250", "Thali 250 per person", shown=("Thali 250 per person",))
    for value in ("Thali for €250", "Thali for 250 dollars"):
        assert not is_written(notes, value, "Thali 250 per person", shown=("Thali 250 per person",))
    assert is_written(notes, "Thali for ₹250", "Thali 250 per person", shown=("Thali 250 per person, all in rupees",))
