from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import Word
from svp_dagster.screen.lines import is_level, join_words

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


def test_two_lists_side_by_side_are_read_one_after_the_other() -> None:
    rows = [*row("Pack"), *row("Leave", left=300), *row("socks", top=40), *row("laptop", left=300, top=40)]
    assert texts([*row("Holiday", "list", "for", "July", top=-60), *rows]) == [
        "Holiday list for July", "Pack", "socks", "Leave", "laptop",
    ]  # fmt: skip


def test_a_table_of_amounts_is_read_row_by_row() -> None:
    table = [*row("Flour"), *row("500 g", left=300), *row("Sugar", top=40), *row("80 g", left=300, top=40)]
    assert texts(table) == ["Flour", "500 g", "Sugar", "80 g"]


def test_a_line_of_a_tilted_word_is_not_level() -> None:
    (line,) = join_words([row("Add")[0].model_copy(update={"is_level": False}), *row("salt", left=38)])
    assert not line.is_level
    assert is_level((0, 0), (200, 3))
    assert not is_level((0, 0), (200, 30))
