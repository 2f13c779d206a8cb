from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import Evidence
from svp_dagster.summary.evidence import QuoteChecker
from svp_dagster.summary.words import comparable, is_unspaced
from tests.summary.recipe import material, whole


def check(quote: str, *, source: str = "speech", at_s: float | None = None) -> Evidence:
    evidence = Evidence.model_validate({"source": source, "quote": quote, "at_s": at_s})
    return QuoteChecker(whole().passages).check(evidence)


@pytest.mark.parametrize(
    ("quote", "at_s"),
    [
        ("boil the spaghetti in salted water", 3.0),
        ("BLEND CASHEWS, with lemon-juice", 7.0),
        ("an Italian classic, creamy lemon pasta", 0.0),
        ("honestly the best pasta I've made this year", 13.0),
        ("Then toss everythin together", 7.0),
    ],
)
def test_a_real_quote_is_found_with_its_second(quote: str, at_s: float) -> None:
    found = check(quote, at_s=99.0)
    assert found.checked
    assert found.at_s == at_s
    assert found.quote == quote


@pytest.mark.parametrize(
    "quote",
    [
        "Simmer the tomatoes for an hour",
        "boil the spaghetti in sugared milk with honey",
        "the",
        "a",
        "",
        "🍋",
        "Boil 9 minutes",
        "200 g spaghetti and 3 lemons",
        "Italian classics of my grandmother",
    ],
)
def test_an_invented_or_meaningless_quote_is_not(quote: str) -> None:
    found = check(quote, at_s=3.0)
    assert not found.checked
    assert found.at_s is None


def test_a_number_must_be_the_same() -> None:
    made = material(speech="Add 250 grams of the very best flour to the bowl.")
    checker = QuoteChecker(made.passages)
    for quote, real in (
        ("Add 250 grams of the very best flower", True),
        ("Add 25 grams of the very best flour", False),
    ):
        assert checker.check(Evidence(source="speech", quote=quote)).checked is real


def test_the_source_is_corrected() -> None:
    assert check("Boil 8 minutes", source="speech").source == "screen"
    assert check("200 g spaghetti", source="speech").source == "caption"
    assert check("Uploader: chef_anna", source="caption").checked


def test_of_several_places_the_one_nearest_to_the_claimed_second_is_taken() -> None:
    checker = QuoteChecker(material(speech="now stir it well|then wait|now stir it well").passages)
    assert checker.check(Evidence(source="speech", quote="stir it well", at_s=18.0)).at_s == 20.0
    assert checker.check(Evidence(source="speech", quote="stir it well")).at_s == 0.0


def test_quotes_in_scripts_without_spaces_are_found() -> None:
    checker = QuoteChecker(material(speech="今日は東京で一番美味しいラーメンを食べます|とても美味しい").passages)
    assert checker.check(Evidence(source="speech", quote="東京で一番美味しいラーメン")).checked
    assert not checker.check(Evidence(source="speech", quote="大阪で一番美味しいうどん")).checked


words = st.text(st.characters(categories=["Ll", "Lo"]), min_size=2, max_size=8)


@given(st.lists(words, min_size=3, max_size=60), st.data())
def test_every_stretch_of_the_material_is_a_real_quote(said: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(said) - 3))
    end = data.draw(st.integers(start + 3, min(len(said), start + 20)))
    segments = "|".join(" ".join(said[at : at + 7]) for at in range(0, len(said), 7))
    quote = " ".join(said[start:end])
    normal = comparable(quote)
    if len(normal) < 4 and not is_unspaced(normal):
        return
    found = QuoteChecker(material(speech=segments).passages).check(
        Evidence(source="speech", quote=quote.upper() + " !?", at_s=1.0)
    )
    assert found.checked
    assert found.at_s is not None


@given(st.integers(0, 10_000))
def test_a_quote_of_other_words_is_not_found(seed: int) -> None:
    letters = random.Random(seed)
    said = " ".join("".join(letters.choices("abcdefghij", k=6)) for _ in range(300))
    quote = " ".join("".join(letters.choices("klmnopqrst", k=6)) for _ in range(6))
    assert not QuoteChecker(material(speech=said).passages).check(Evidence(source="speech", quote=quote)).checked


@given(st.text(st.characters(), max_size=400), st.text(st.characters(), max_size=400))
def test_any_quote_against_any_text_is_decided(said: str, quote: str) -> None:
    found = QuoteChecker(material(caption=said).passages).check(Evidence(source="caption", quote=quote, at_s=1.0))
    assert found.at_s is None


def test_nothing_is_found_in_nothing() -> None:
    assert not QuoteChecker([]).check(Evidence(source="speech", quote="lemon pasta")).checked
