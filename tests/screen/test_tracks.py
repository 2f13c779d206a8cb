from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import LineKind
from svp_dagster.screen.lines import Line, essence
from svp_dagster.screen.tracks import Page, follow

HEIGHT_PX = 20


def page(*shown: str, at_s: float, last_s: float | None = None, top: float = 0) -> Page:
    """Texts, one below the other, that stand from second to second."""
    lines = [
        Line(
            text=text,
            left=0,
            top=top + 40 * number,
            right=100,
            bottom=top + 40 * number + HEIGHT_PX,
            first_s=at_s,
            last_s=last_s or at_s,
        )
        for number, text in enumerate(shown)
    ]
    return Page(lines=lines)


def times(*pages: Page) -> list[tuple[str, float | None, float | None]]:
    return [(line.text, line.first_s, line.last_s) for line in follow(pages)]


def found(*pages: Page) -> list[str]:
    return [line.text for line in follow(pages)]


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


def test_a_number_is_not_the_beginning_of_a_longer_one() -> None:
    assert found(page("Day 1", at_s=1, last_s=3), page("Day 10", at_s=3, last_s=5)) == ["Day 1", "Day 10"]


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
    line = Line(text="Day 1", left=0, top=0, right=100, bottom=20)
    pages = [Page(lines=[line], slide=1), Page(lines=[replace(line, text="Day 2")], slide=2)]
    assert [(line.text, line.slide, line.first_s) for line in follow(pages)] == [("Day 1", 1, None), ("Day 2", 2, None)]


@given(st.lists(st.lists(st.sampled_from(["Pasta", "pasta!", "Bread 1", "Bread 2", "塩", "🍝", "a"]), max_size=4)))
def test_each_line_read_is_told_with_a_time_at_which_it_was_on(shown: list[list[str]]) -> None:
    pages = [page(*lines, at_s=2.0 * number) for number, lines in enumerate(shown)]
    told = follow(pages)
    for each in pages:
        for line in each.lines:
            assert line.first_s is not None
            assert any(
                essence(found.text) == essence(line.text)
                and found.first_s is not None
                and found.last_s is not None
                and found.first_s <= line.first_s <= found.last_s
                for found in told
            )
    assert [line.first_s for line in told] == sorted(line.first_s or 0 for line in told)


def test_a_caption_that_is_typed_is_given_once_and_whole() -> None:
    typed = [page("How to make soup"[:length], at_s=length / 10) for length in (2, 3, 6, 9, 13, 16)]
    assert times(*typed, page("How to make soup", at_s=2, last_s=4)) == [("How to make soup", 0.2, 4)]


def test_words_of_a_caption_that_comes_word_by_word_are_one_line() -> None:
    said = ["this", "is", "the", "one", "pan", "I", "use", "for", "the", "soup"]
    pages = [page(word, at_s=1 + 0.4 * number, last_s=1.2 + 0.4 * number) for number, word in enumerate(said)]
    ((text, first_s, last_s),) = times(*pages)
    assert text == "this is the one pan I use for the soup"
    assert first_s == 1
    assert last_s == pytest.approx(4.8)


def test_a_pause_and_the_end_of_a_sentence_part_captions_that_come_word_by_word() -> None:
    words = [("you", 1.0), ("can", 1.4), ("bake.", 1.8), ("or", 2.2), ("you", 2.6), ("can", 3.0), ("fry", 5.0),
             ("it", 5.4), ("too", 5.8)]  # fmt: skip
    shown = [page(word, at_s=at_s, last_s=at_s + 0.3) for word, at_s in words]
    assert found(*shown) == ["you can bake.", "or you can", "fry it too"]


@pytest.mark.parametrize(
    "shown",
    [("Eggs", "Flour", "Sugar", "Milk"), ("3", "2", "1"), ("Chop two red onions", "Add the olive oil", "Fry it")],
)
def test_items_figures_and_whole_captions_that_pass_quickly_stay_lines(shown: tuple[str, ...]) -> None:
    assert found(*[page(text, at_s=1 + 0.5 * at, last_s=1.3 + 0.5 * at) for at, text in enumerate(shown)]) == [*shown]


def test_words_at_other_places_are_no_caption_that_comes_word_by_word() -> None:
    shown = [
        page(text, at_s=0.4 * at, last_s=0.4 * at + 0.2, top=300 * at) for at, text in enumerate(["mix", "it", "well"])
    ]
    assert found(*shown) == ["mix", "it", "well"]


def test_what_stands_beside_the_rows_that_were_read_again_goes_on() -> None:
    """The title is read a second time, misread, after a page of other rows only."""
    title, caption = Line(text="Season with smoked paprika", left=0, top=0, right=100, bottom=20), (400, 420)
    below = [
        Page(lines=[replace(title, text=text, top=caption[0], bottom=caption[1])], top=380, bottom=440)
        for text in ("Boil", "Fry")
    ]
    assert found(Page(lines=[title]), *below, Page(lines=[replace(title, text="Season with smoked papnka")])) == [
        "Season with smoked paprika", "Boil", "Fry",
    ]  # fmt: skip


def kinds(*pages: Page) -> dict[str, LineKind]:
    return {line.text: line.kind for line in follow(pages)}


def test_a_handle_that_stays_or_moves_is_a_watermark_and_one_that_is_shown_for_a_moment_is_not() -> None:
    assert kinds(page("@kitchen.notes", "Tomato soup", at_s=0, last_s=20), page("Serves 4", at_s=4)) == {
        "@kitchen.notes": LineKind.WATERMARK,
        "Tomato soup": LineKind.CAPTION,
        "Serves 4": LineKind.CAPTION,
    }
    assert kinds(page("TikTok", at_s=0), page("Soup", at_s=8), page("TikTok", at_s=9, top=700))["TikTok"] == "watermark"
    assert kinds(page("@the_soup_bar", at_s=3, last_s=5), page("Soup", at_s=0, last_s=30))["@the_soup_bar"] == "caption"


def test_tilted_text_is_of_the_filmed_scene_unless_it_is_level_once() -> None:
    tilted = [replace(line, is_level=False) for line in page("Hoshi Ramen", at_s=1).lines]
    assert kinds(Page(lines=tilted)) == {"Hoshi Ramen": LineKind.SCENE}
    assert kinds(Page(lines=tilted), page("Hoshi Ramen", at_s=2)) == {"Hoshi Ramen": LineKind.CAPTION}


def test_a_reading_that_lacks_a_fraction_s_digits_is_no_amount_of_its_own() -> None:
    noisy = ["1 cup oil", "cup oil", "1/3 cup oil", "13 cup oil", "1/3 cup oil", "1 cup oil"]
    assert found(*[page(text, at_s=0, last_s=8) for text in noisy]) == ["1/3 cup oil"]


def test_a_reading_with_the_fraction_s_slash_comes_before_more_frequent_ones_without() -> None:
    assert found(*[page(text, at_s=0, last_s=8) for text in ("112 lb beef", "112 lb beef", "1 1/2 lb beef")]) == [
        "1 1/2 lb beef"
    ]


def test_amounts_that_follow_each_other_or_stand_below_each_other_are_two() -> None:
    one_after_another = [page("1 cup oil", at_s=0, last_s=2), page("1/3 cup oil", at_s=2.2, last_s=4)]
    assert found(*one_after_another) == ["1 cup oil", "1/3 cup oil"]
    assert found(*one_after_another, page("1 cup oil", at_s=6, last_s=8)) == ["1 cup oil", "1/3 cup oil"]
    assert found(page("1 cup oil", "1/3 cup oil", at_s=0, last_s=4)) == ["1 cup oil", "1/3 cup oil"]


def test_a_space_after_a_figure_is_kept_where_most_readings_lose_it() -> None:
    assert found(
        *[page(text, at_s=0, last_s=8) for text in ("2cloves garlic", "2cloves garlic", "2 cloves garlic")]
    ) == ["2 cloves garlic"]
