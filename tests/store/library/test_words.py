"""How texts and queries become words: without case and accents, and without what a database would read as syntax."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.store.library.words import MOST_BYTES, MOST_TERMS, distinct, terms, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Käse-Spätzle für 2", ["kase", "spatzle", "fur", "2"]),
        ("Straße", ["strasse"]),
        ("İstanbul", ["istanbul"]),
        ("ﬁnd Ｃａｆé", ["find", "cafe"]),
        ("don't @cook_book #soup", ["don", "t", "cook", "book", "soup"]),
        ("مَرْحَبًا العـــالم", ["مرحبا", "العالم"]),
        ("أكل", ["اكل"]),
        ("हिन्दी", ["हिन्दी"]),
        ("서울에서", ["서울에서"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー", "ー"]),
        ("iPhone15の使い方", ["iphone15", "の使", "使い", "い方", "方"]),
        ("ｶﾞﾑ", ["ガム", "ム"]),
        ("", []),
        ("\x00\ud800 -- '\"*:", []),
    ],
)
def test_a_text_becomes_these_words(text: str, found: list[str]) -> None:
    assert [word.text for word in words(text)] == found


def test_a_word_knows_where_it_stands() -> None:
    text = "Ein  Käse, 東京"
    assert [text[word.start : word.end] for word in words(text)] == ["Ein", "Käse", "東京", "京"]


@pytest.mark.parametrize(("query", "found"), [("京", ["京"]), ("東京", ["東京"]), ("東京タ", ["東京", "京タ"])])
def test_a_query_looks_for_pairs_of_characters_or_for_one_alone(query: str, found: list[str]) -> None:
    assert terms(query) == found


def test_a_query_is_bounded() -> None:
    assert len(terms(" ".join(f"w{number}" for number in range(10_000)))) == MOST_TERMS
    assert [len(term) for term in terms("x" * 10_000)] == [64]


def test_what_is_searched_of_a_text_is_bounded() -> None:
    found = distinct(f"word{number}" for number in range(200_000))
    assert MOST_BYTES * 0.9 < len(" ".join(found).encode()) <= MOST_BYTES


@given(st.text(max_size=60))
def test_words_hold_nothing_that_a_database_could_read_as_syntax(text: str) -> None:
    assert not re.search(r"[\x00-/:-@\[-`{-\x7f\s]", "".join(word.text for word in words(text)))


@given(st.text(max_size=60))
def test_each_word_of_a_text_is_found_by_itself(text: str) -> None:
    found = [word.text for word in words(text)]
    for word in words(text):
        for term in terms(text[word.start : word.end]):
            assert any(one.startswith(term) for one in found)
