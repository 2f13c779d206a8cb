from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from svp_dagster.screen.engines import LocalReader
from svp_dagster.screen.figures import LEFT_OUT, checked, lacks_digits, with_units
from tests.fakes import CountingMeter
from tests.media.making import Picture

HEIGHT_PX = 40


def line(before: str, fraction: tuple[int, int] | None, after: str) -> Picture:
    """A line with a fraction that is one sign: small digits above and below a slash, as fonts draw it."""
    picture = Image.new("RGB", (540, 90), (110, 90, 120))
    pen, left = ImageDraw.Draw(picture), 20.0
    pieces = [(before, HEIGHT_PX, 0.0), (after, HEIGHT_PX, 0.0)]
    if fraction:
        small = round(HEIGHT_PX * 0.62)
        signs = [(str(fraction[0]), small, 1.0), ("/", HEIGHT_PX, 0.0), (str(fraction[1]), small, HEIGHT_PX * 0.42)]
        pieces[1:1] = signs
    for text, height_px, down in pieces:
        font = ImageFont.load_default(size=height_px)
        pen.text((left, 20 + down), text, font=font, fill="white", stroke_width=2, stroke_fill="black")
        left += pen.textlength(text, font=font)
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


@pytest.mark.parametrize(
    ("before", "fraction", "after", "text"),
    [
        ("", (1, 3), " cup oil", "1/3 cup oil"),
        ("1", (1, 2), " lb flour", "1 1/2 lb flour"),
        ("2", (1, 4), " cups milk", "2 1/4 cups milk"),
        ("", (3, 4), " tsp salt", "3/4 tsp salt"),
        ("13 eggs", None, "", "13 eggs"),
        ("12 figs 34 nuts", None, "", "12 figs 34 nuts"),
    ],
)
def test_a_fraction_is_read_with_its_slash_or_left_out_and_whole_numbers_stay(
    tmp_path: Path, before: str, fraction: tuple[int, int] | None, after: str, text: str
) -> None:
    path = tmp_path / "line.png"
    cv2.imwrite(str(path), line(before, fraction, after))
    (words,) = LocalReader().read([path], meter=CountingMeter(), limit_s=60)
    assert words is not None
    plain = {"".join(word.text.split()) for word in words}
    assert plain in ({"".join(text.split())}, {LEFT_OUT + "".join(after.split())})


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("1 1/2 Ib beef", "1 1/2 lb beef"),
        ("2 1b beef", "2 lb beef"),
        ("3 l bs apples", "3 lbs apples"),
        (f"{LEFT_OUT} Ib beef", f"{LEFT_OUT} lb beef"),
        ("250 mI milk", "250 ml milk"),
        (f"{LEFT_OUT}Ib beef", f"{LEFT_OUT} lb beef"),
        ("2Ib beef", "2 lb beef"),
        ("4 0z gin, 2 Ib ice", "4 oz gin, 2 lb ice"),
    ],
)
def test_letters_of_a_unit_after_a_number_are_no_look_alikes(read: str, text: str) -> None:
    assert with_units(read) == text


@pytest.mark.parametrize(
    "text",
    [
        "Ib from Lagos",
        "Flat 1b",
        "11b",
        "40z",
        "5lb",
        "500ml",
        "Room 12 I be there",
        "5 Ibiza clubs",
        "2 oz gin",
        "Day 3 I bake",
    ],
)
def test_words_and_numbers_that_are_no_units_stay(text: str) -> None:
    assert with_units(text) == text


@pytest.mark.parametrize("poorer", ["1 cup oil", "3 cup oil", "cup oil", "13 cup oil"])
def test_a_reading_without_some_digits_of_a_fraction_lacks_them(poorer: str) -> None:
    assert lacks_digits(poorer, "1/3 cup oil")


@pytest.mark.parametrize(
    "text", ["1/3 cup oil", "2 cups oil", "1/4 cup oil", "1 1/3 cup oil", "1 cup milk", "31 cup oil"]
)
def test_another_amount_or_another_thing_lacks_no_digits(text: str) -> None:
    assert not lacks_digits(text, "1/3 cup oil")
    assert not lacks_digits("1 cup oil", "13 cup oil")


def blank() -> Picture:
    return np.full((40, 200, 3), 90, dtype=np.uint8)


@pytest.mark.parametrize(
    ("read", "kept"),
    [
        ("½ cup", f"{LEFT_OUT} cup"),
        ("²½ cup", f"{LEFT_OUT} cup"),
        ("1½ lb", f"{LEFT_OUT} lb"),
        ("3/ hour", f"{LEFT_OUT} hour"),
        ("1 ½ lb", f"{LEFT_OUT} lb"),
        ("12½ lb", f"{LEFT_OUT} lb"),
        ("Add 2 ⅓/3 cups", f"Add {LEFT_OUT} cups"),
    ],
)
def test_a_sign_that_is_not_seen_in_the_picture_is_left_out(read: str, kept: str) -> None:
    assert checked(read, blank(), read=lambda _: ("", 0.0), places=lambda _: []) == kept


@pytest.mark.parametrize("text", ["12 eggs", "24/7", "$4.99", "£5 each", "Boil the pasta", "塩 5 g", ""])
def test_a_text_without_such_a_sign_stays(text: str) -> None:
    assert checked(text, blank(), read=lambda _: ("", 0.0), places=lambda _: []) == text


def test_digits_that_are_not_read_for_sure_make_no_fraction() -> None:
    picture = line("", (1, 3), " cup oil")
    assert checked("13 cup oil", picture, read=lambda _: ("111", 0.2), places=lambda _: []) == "13 cup oil"


def row(*pieces: str | tuple[int, int]) -> tuple[Picture, list[tuple[str, float]]]:
    """A line of texts and fractions, and its letters with their places as the model would give them: no slashes."""
    picture = Image.new("RGB", (1400, 90), (110, 90, 120))
    pen, left = ImageDraw.Draw(picture), 20.0
    letters: list[tuple[str, float]] = []

    def write(text: str, size: int, down: float) -> None:
        nonlocal left
        font = ImageFont.load_default(size=size)
        for letter in text:
            pen.text((left, 20 + down), letter, font=font, fill="white")
            width = pen.textlength(letter, font=font)
            if letter != "/":
                letters.append((letter, (left + width / 2) / 1400))
            left += width

    for piece in pieces:
        if isinstance(piece, str):
            write(piece, HEIGHT_PX, 0.0)
        else:
            write(str(piece[0]), round(HEIGHT_PX * 0.62), 1.0)
            write("/", HEIGHT_PX, 0.0)
            write(str(piece[1]), round(HEIGHT_PX * 0.62), HEIGHT_PX * 0.42)
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]), letters


def test_a_fraction_that_comes_twice_is_kept_twice() -> None:
    picture, letters = row((1, 2), " cup oil ", (1, 2), " cup figs")
    digits = iter(["111", "222"] * 2)
    text = checked("12 cup oil 12 cup figs", picture, read=lambda _: (next(digits), 1.0), places=lambda _: letters)
    assert text == "1/2 cup oil 1/2 cup figs"


def test_a_line_full_of_small_digits_takes_no_more_than_a_moment() -> None:
    picture, letters = row(*[(1, 2)] * 30)
    read: list[Picture] = []

    def count(digit: Picture) -> tuple[str, float]:
        read.append(digit)
        return "", 0.0

    checked("12" * 30, picture, read=count, places=lambda _: letters)
    assert 2 <= len(read) <= 48
