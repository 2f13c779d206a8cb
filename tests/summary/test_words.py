from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.summary.words import clean, comparable, occurs, one_line, sentences, tokens

wild = st.text(st.characters(), max_size=200)


@given(wild)
def test_cleaned_text_can_be_stored_and_is_clean_already(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert clean(cleaned) == cleaned
    assert not any(unicodedata.category(character) in ("Cc", "Cs") and character != "\n" for character in cleaned)


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\x00", "\ud800", "\u00ad"])
def test_what_can_not_be_seen_is_taken_out(hidden: str) -> None:
    assert clean(f"lemon{hidden} pasta") == "lemon pasta"


@pytest.mark.parametrize("text", ["👩‍👩‍👧", "می‌خواهم", "नमस्ते", "עברית", "مرحبا", "かぼちゃ"])
def test_joiners_marks_and_scripts_of_honest_text_stay(text: str) -> None:
    assert clean(text) == text


def test_lines_and_paragraphs_are_kept_but_no_more_than_one_empty_line() -> None:
    assert clean("a\r\nb\u2028c\n\n \n\nd") == "a\nb\nc\n\nd"


def test_a_long_line_is_shortened_at_a_word() -> None:
    assert one_line("Creamy lemon\npasta with capers", at_most=20) == "Creamy lemon pasta…"
    assert len(one_line("x" * 100, at_most=20)) == 20


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Crème  BRÛLÉE!", "creme brulee"),
        ("don’t", "dont"),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("カフェ", "ｶﾌｪ"),
        ("½ cup", "1⁄2 cup"),
    ],
)
def test_case_accents_punctuation_and_width_do_not_count(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


def test_signs_that_make_another_word_count() -> None:
    assert comparable("कि") != comparable("का")


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("thai", "thailand", False),
        ("thai", "the thai curry", True),
        ("gluten free", "it is gluten free", True),
        ("拉面", "东京拉面店", True),
        ("", "anything", False),
    ],
)
def test_a_phrase_is_found_as_whole_words_or_anywhere_where_words_are_not_spaced(
    phrase: str, text: str, found: bool
) -> None:
    assert occurs(phrase, text) is found


def test_sentences_end_in_every_script() -> None:
    assert sentences("Boil 1.5 l. Then stir! 煮る。食べる。\nDone") == [
        "Boil 1.5 l.",
        "Then stir!",
        "煮る。",
        "食べる。",
        "Done",
    ]


@given(wild)
def test_any_text_has_sentences_and_tokens(text: str) -> None:
    assert all(sentence.strip() for sentence in sentences(text))
    assert all(token and " " not in token for token in tokens(text))
