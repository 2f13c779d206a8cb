from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from svp_dagster.screen.bands import Part, whole
from svp_dagster.screen.duplicates import distinct
from svp_dagster.screen.frames import Frame
from tests.media.making import Picture, picture

pytestmark = pytest.mark.slow

SIZE = (540, 960)
EVERY_S = 0.2


def parts(*pictures: Picture, each: int = 5) -> list[Part]:
    """Parts of a video that shows each picture for as many samples."""
    shown = [one for one in pictures for _ in range(each)]
    frames = [Frame(picture=one, at_s=round(0.1 + EVERY_S * number, 1)) for number, one in enumerate(shown)]
    return list(distinct(frames))


def taken(found: list[Part], top: int, bottom: int) -> list[float | None]:
    """The seconds of the parts that show these rows."""
    return [part.at_s for part in found if part.top <= top and bottom <= part.bottom]


def shown(*texts: str, seed: int = 0, height_px: int = 34) -> Picture:
    return picture(*texts, size=SIZE, seed=seed, height_px=height_px)


def row_of(text_number: int, height_px: int = 34) -> tuple[int, int]:
    top = 60 + text_number * 2 * height_px
    return top + height_px // 3, top + height_px


def test_nothing_is_taken_of_nothing() -> None:
    assert parts() == []


def test_a_text_over_a_moving_background_is_taken_once_beside_whole_frames() -> None:
    moving = [shown("Boil 200 g of pasta", seed=seed) for seed in range(20)]
    found = parts(*moving, each=1)
    small = [part for part in found if part.bottom - part.top < part.height]
    assert len(small) <= 2
    assert len(found) - len(small) <= 2


def test_a_still_picture_is_taken_once() -> None:
    grain = np.random.default_rng(1)
    still = shown("Boil 200 g of pasta", "and salt it").astype(int)
    frames = [np.clip(still + grain.normal(0, 4, still.shape), 0, 255).astype(np.uint8) for _ in range(40)]
    assert len(parts(*frames, each=1)) <= 2


def test_of_moving_pictures_without_text_only_whole_frames_are_taken() -> None:
    found = parts(*[shown(seed=seed) for seed in range(30)], each=1)
    assert all((part.top, part.bottom) == (0, part.height) for part in found)
    assert 1 <= len(found) <= 2


def test_a_caption_takes_its_own_rows_and_says_from_when_until_when_it_stood() -> None:
    title = shown("Tomato soup")
    found = parts(title, shown("Tomato soup", "", "", "Boil the onions"), title, each=10)
    top, bottom = row_of(3)
    part = next(part for part in found if part.at_s and 2 < part.at_s <= 4 and part.top <= top < bottom <= part.bottom)
    assert part.seconds(slice(top, bottom), slice(20, 250)) == pytest.approx((2.1, 3.9), abs=EVERY_S)


def test_the_title_beside_the_caption_stands_to_the_end() -> None:
    title = shown("Tomato soup")
    found = parts(title, shown("Tomato soup", "", "", "Boil the onions"), title, each=10)
    top, bottom = row_of(0)
    first = next(part for part in found if part.top <= top < bottom <= part.bottom)
    assert first.seconds(slice(top, bottom), slice(20, 200)) == pytest.approx((0.1, 5.9), abs=EVERY_S)


def test_a_line_at_a_cut_edge_is_cut_and_one_at_the_frames_edge_is_not() -> None:
    part = whole(Frame(picture=shown("Boil"), at_s=1.0))
    assert not part.cuts(0, 20)
    assert replace(part, top=100).cuts(101, 130)
    assert replace(part, bottom=200).cuts(170, 199)
    assert not replace(part, top=100, bottom=200).cuts(110, 190)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Boil 200 g of pasta", "Fry two red onions"),
        ("Drain and shake dry", "Toss with the sauce"),
        ("photo 2 of 7", "photo 3 of 7"),
        ("add 100 ml of water", "add 150 ml of water"),
        ("", "new"),
        ("gone", ""),
    ],
)
@pytest.mark.parametrize("height_px", [14, 17, 34])
def test_a_change_of_text_is_taken_be_it_one_digit(before: str, after: str, height_px: int) -> None:
    """From the small print of a 1080 px frame, half as high here, to captions."""
    found = parts(shown(before, height_px=height_px), shown(after, height_px=height_px))
    seconds = taken(found, *row_of(0, height_px))
    assert not before or any(at_s < 1 for at_s in seconds if at_s)
    assert not after or any(at_s > 1 for at_s in seconds if at_s)


@pytest.mark.parametrize(("before", "after"), [("Day 1", "Day 2"), ("", "Start"), ("One", "Two")])
@pytest.mark.parametrize("height_px", [60, 120, 180])
def test_a_change_of_title_is_taken(before: str, after: str, height_px: int) -> None:
    found = parts(shown(before, height_px=height_px), shown(after, height_px=height_px))
    seconds = taken(found, *row_of(0, height_px))
    assert any(at_s > 1 for at_s in seconds if at_s)


def test_a_text_that_is_typed_is_taken_whole() -> None:
    typed = [shown("Boil the pasta"[:length]) for length in range(1, 15)]
    found = parts(*typed, *[typed[-1]] * 5, *[shown()] * 3, each=1)
    seconds = [at_s for at_s in taken(found, *row_of(0)) if at_s]
    assert any(2.7 <= at_s <= 3.8 for at_s in seconds)
    assert len(seconds) <= 3


def test_a_text_that_comes_back_is_taken_again() -> None:
    one, other = shown("Boil the pasta"), shown("Fry the onions")
    seconds = [at_s for at_s in taken(parts(one, other, one), *row_of(0)) if at_s]
    assert [sum(start < at_s < start + 1 for at_s in seconds) >= 1 for start in (0, 1, 2)] == [True] * 3


def test_a_caption_that_fades_is_taken_while_it_is_clear() -> None:
    clear, gone = shown("Boil the pasta").astype(float), shown().astype(float)
    fading = [np.rint(clear * (1 - step / 12) + gone * step / 12).astype(np.uint8) for step in range(13)]
    seconds = [at_s for at_s in taken(parts(*fading, each=1), *row_of(0)) if at_s]
    assert min(seconds) < 1.8


def test_slides_are_taken_whole_unless_they_show_the_text_of_the_one_before() -> None:
    slides = [shown("Day 1"), shown("Day 1"), shown("Day 2"), picture("Day 2", size=(360, 640))]
    found = list(distinct([Frame(picture=one, slide=number) for number, one in enumerate(slides, start=1)]))
    assert [part.slide for part in found] == [1, 3, 4]
    assert found[0].seconds(slice(0, 100), slice(0, 100)) == (None, None)
