from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import Word
from svp_dagster.screen.lines import Line, essence, join_words
from svp_dagster.screen.tracks import Page, follow

LETTER_PX, HEIGHT_PX = 10, 20


def row(*texts: str, top: float = 0, left: float = 0, gap: float = 8) -> list[Word]:
    """Words beside each other, from left to right."""
    words = []
    for text in texts:
        right = left + LETTER_PX * len(text)
        words.append(Word(text=text, left=left, top=top, right=right, bottom=top + HEIGHT_PX))
        left = right + gap
    return words


def texts(words: Sequence[Word]) -> list[str]:
    return [line.text for line in join_words(words)]


def page(*shown: str, at_s: float, last_s: float | None = None, top: float = 0) -> Page:
    lines = [
        Line(text=text, left=0, top=top + 40 * number, right=100, bottom=top + 40 * number + HEIGHT_PX)
        for number, text in enumerate(shown)
    ]
    return Page(lines=lines, first_s=at_s, last_s=last_s or at_s)


def times(*pages: Page) -> list[tuple[str, float | None, float | None]]:
    return [(line.text, line.first_s, line.last_s) for line in follow(pages)]


words = st.builds(
    lambda text, left, top, width, height: Word(text=text, left=left, top=top, right=left + width, bottom=top + height),
    st.text(min_size=1, max_size=12),
    st.floats(0, 2000),
    st.floats(0, 2000),
    st.floats(0, 500),
    st.floats(0, 80),
)


@given(st.lists(words, max_size=25))
def test_no_word_is_lost_or_added_whatever_its_script_and_place(given_words: list[Word]) -> None:
    lines = join_words(given_words)
    before = sorted(char for word in given_words for char in word.text if char.isalnum())
    after = sorted(char for line in lines for char in line.text if char.isalnum())
    assert before == after
    assert all(line.text == line.text.strip() and line.text for line in lines)


def test_words_of_a_row_become_a_line_and_rows_are_read_from_the_top() -> None:
    assert texts([*row("olive", "oil", top=50), *row("200", "g", "pasta", top=0)]) == ["200 g pasta", "olive oil"]


def test_a_word_that_sits_a_little_lower_is_still_in_the_row() -> None:
    assert texts([*row("Add"), *row("salt", left=38, top=4)]) == ["Add salt"]


def test_columns_stay_apart() -> None:
    assert texts([*row("Flour"), *row("500", "g", left=300)]) == ["Flour", "500 g"]


def test_chinese_and_japanese_have_no_spaces_and_korean_has() -> None:
    assert texts(row("味噌", "ラーメン", gap=1)) == ["味噌ラーメン"]
    assert texts(row("라면", "맛집")) == ["라면 맛집"]
    assert texts(row("塩", "5", "g")) == ["塩 5 g"]


def test_arabic_and_hebrew_are_read_from_the_right() -> None:
    assert texts(row("زيت", "زيتون", "أضف")) == ["أضف زيتون زيت"]
    assert texts(row("מלח", "הוסף")) == ["הוסף מלח"]


def test_a_number_with_its_unit_keeps_its_order_in_a_line_from_the_right() -> None:
    assert texts(row("زيت", "30", "ml", "أضف")) == ["أضف 30 ml زيت"]


def test_emoji_and_devanagari_are_kept() -> None:
    assert texts(row("🍝🔥")) == ["🍝🔥"]
    assert texts(row("नमक", "डालें")) == ["नमक डालें"]


def test_a_line_that_stays_is_one_line_with_its_first_and_last_second() -> None:
    shown = times(page("Pasta", at_s=1, last_s=3), page("Pasta", at_s=5, last_s=9), page("Bread", at_s=11))
    assert shown == [("Pasta", 1, 9), ("Bread", 11, 11)]


def test_a_line_that_comes_back_is_the_same_line() -> None:
    assert times(page("Pasta", at_s=1), page("Bread", at_s=3), page("pasta", at_s=5)) == [
        ("Pasta", 1, 5),
        ("Bread", 3, 3),
    ]


def test_a_misread_letter_makes_no_second_line_and_the_reading_seen_most_often_is_given() -> None:
    readings = ["Season with smoked papnka", "Season with smoked paprika", "Season with smoked paprika"]
    pages = [page(text, at_s=1 + 2 * number) for number, text in enumerate(readings)]
    assert times(*pages) == [("Season with smoked paprika", 1, 5)]


def test_other_numbers_are_another_line() -> None:
    assert len(times(page("Step 1: mix for 10 minutes", at_s=1), page("Step 2: mix for 10 minutes", at_s=3))) == 2


def test_alike_lines_at_different_places_are_two() -> None:
    assert (
        len(times(page("Season with smoked paprika", at_s=1), page("Season with smoked papriko", at_s=3, top=500))) == 2
    )


def test_alike_lines_in_one_picture_are_two() -> None:
    assert len(times(page("photo by Anna Meyer", "photo by Anna Meier", at_s=1))) == 2


def test_a_line_that_grows_word_by_word_is_given_whole() -> None:
    shown = times(page("Boil", at_s=1), page("Boil the", at_s=3), page("Boil the pasta", at_s=5))
    assert shown == [("Boil the pasta", 1, 5)]


def test_slides_are_told_by_their_number() -> None:
    pages = [Page(lines=page("Day 1", at_s=0).lines, slide=1), Page(lines=page("Day 2", at_s=0).lines, slide=2)]
    assert [(line.text, line.slide, line.first_s) for line in follow(pages)] == [("Day 1", 1, None), ("Day 2", 2, None)]


@given(st.lists(st.lists(st.sampled_from(["Pasta", "pasta!", "Bread 1", "Bread 2", "塩", "🍝", "a"]), max_size=4)))
def test_each_line_read_is_told_with_a_time_at_which_it_was_on(shown: list[list[str]]) -> None:
    pages = [page(*lines, at_s=2.0 * number) for number, lines in enumerate(shown)]
    told = follow(pages)
    for each in pages:
        for line in each.lines:
            assert each.first_s is not None
            assert any(
                essence(found.text) == essence(line.text)
                and found.first_s is not None
                and found.last_s is not None
                and found.first_s <= each.first_s <= found.last_s
                for found in told
            )
    assert [line.first_s for line in told] == sorted(line.first_s or 0 for line in told)
