from __future__ import annotations

import numpy as np
import pytest

from svp_dagster.screen.duplicates import distinct
from svp_dagster.screen.frames import Frame
from tests.media.making import Picture, picture

SIZE = (540, 960)


def kept(*pictures: Picture) -> list[tuple[float | None, float | None]]:
    """First and last second of what is kept of frames two seconds apart."""
    frames = [Frame(picture=shown, at_s=1.0 + 2 * number) for number, shown in enumerate(pictures)]
    return [(frame.at_s, last_s) for frame, last_s in distinct(frames)]


def shown(*texts: str, seed: int = 0, height_px: int = 34) -> Picture:
    return picture(*texts, size=SIZE, seed=seed, height_px=height_px)


def test_nothing_is_kept_of_nothing() -> None:
    assert kept() == []


def test_the_same_text_on_other_backgrounds_is_seldom_kept_again() -> None:
    frames = [shown("Boil 200 g of pasta", "and salt it", seed=seed) for seed in range(8)]
    assert len(kept(*frames)) <= 3


def test_the_same_text_on_a_still_background_is_kept_once_with_its_whole_time() -> None:
    grain = np.random.default_rng(1)
    still = shown("Boil 200 g of pasta", "and salt it").astype(int)
    frames = [np.clip(still + grain.normal(0, 4, still.shape), 0, 255).astype(np.uint8) for _ in range(4)]
    assert kept(*frames) == [(1.0, 7.0)]


def test_moving_pictures_without_text_are_one() -> None:
    assert kept(*[shown(seed=seed) for seed in range(4)]) == [(1.0, 7.0)]


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
def test_a_change_of_text_is_kept_be_it_one_digit(before: str, after: str, height_px: int) -> None:
    """From the small print of a 1080 px frame, half as high here, to captions."""
    assert len(kept(shown(before, height_px=height_px), shown(after, height_px=height_px))) == 2


@pytest.mark.parametrize(("before", "after"), [("Day 1", "Day 2"), ("", "Start"), ("One", "Two")])
@pytest.mark.parametrize("height_px", [60, 120, 180])
def test_a_change_of_title_is_kept(before: str, after: str, height_px: int) -> None:
    assert len(kept(shown(before, height_px=height_px), shown(after, height_px=height_px))) == 2


def test_text_that_grows_word_by_word_is_kept_each_time() -> None:
    assert len(kept(shown("Boil"), shown("Boil the"), shown("Boil the pasta"))) == 3


def test_a_text_that_comes_back_is_kept_again() -> None:
    one, other = shown("Boil the pasta"), shown("Fry the onions")
    assert kept(one, other, one) == [(1.0, 1.0), (3.0, 3.0), (5.0, 5.0)]


def test_slow_change_is_measured_against_what_was_kept_not_against_the_frame_before() -> None:
    """A caption that fades out over many frames has gone at the end."""
    clear, gone = shown("Boil the pasta").astype(float), shown().astype(float)
    fading = [np.rint(clear * (1 - step / 12) + gone * step / 12).astype(np.uint8) for step in range(13)]
    assert len(kept(*fading)) >= 2


def test_pictures_of_different_sizes_are_never_the_same() -> None:
    assert len(kept(shown("Boil"), picture("Boil", size=(360, 640)))) == 2
