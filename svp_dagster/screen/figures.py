"""Read fractions that RapidOCR's model merges into other numbers: "⅓ cup" becomes "13 cup" or "½ cup", all certain.

The model was hardly trained with signs for fractions: ¼, ⅓ and ⅔ come out as ½, or as their digits without the slash.
Neither its certainty nor the width of the letters tells. The picture does: a fraction has two digits of which the left
one ends in the middle of the line where the right one begins. So lines in which a fraction may hide are searched for
such pairs, and the two digits are read alone. A sign that can't be read so is left out.

Where small digits can't be seen at all, as in a noisy frame, the reading lacks them: "1 cup" beside "1/3 cup" of
another frame. Letters of units look like digits, too: "lb" becomes "Ib" or "1b".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from svp_dagster.media.pictures import Picture
from svp_dagster.screen.lines import essence

LEFT_OUT = "\N{REPLACEMENT CHARACTER}"
"""Stands for a figure that can't be read."""

_SIGNS = "¼-¾⅐-⅞"
_SUSPECT = re.compile(rf"\d[/\s]?\d|\d/|[{_SIGNS}¹²³⁰-₉]|\d\s*[a-zA-Z]")
_UNPROVEN = re.compile(rf"\d*\s?[{_SIGNS}¹²³⁰-₉]+(?:/?\d)*|\d+/(?!\d)")
_OF_FRACTION = re.compile(rf"[{_SIGNS}¹²³⁰-₉\d/]")
_LOOKALIKES = str.maketrans("Il|iZzSsOo", "1111225500")
_FRACTION = re.compile(r"\d+/\d+")
_DIGIT = re.compile(r"\d")
_FRACTIONS = frozenset({"12", "13", "23", "14", "34", "15", "25", "35", "45", "16", "56", "18", "38", "58", "78"})

_UNIT = re.compile(rf"(?<=[\d{_SIGNS}{LEFT_OUT}])(\s?)([lI1|]\s?(bs?)|([mcd])[lI1|]|[oO0](z))\b")
"""A unit after a number, as it is read: lb and lbs, ml, cl and dl, oz. The letters in inner groups are read right."""

SAME_WORDS = 90
"""Two readings differ in their figures alone if the rest is so similar (0 to 100)."""

LINE_PX = 96
"""Height to which a line is scaled before it is searched."""

SMALLEST, LARGEST = 0.3, 0.75
"""Heights of a fraction's digits, in heights of the line's tallest letters."""

APART = 0.3
"""How much lower, in the same measure, the middle of the second digit is."""

SLACK = 0.8
"""The model places a letter up to so many digits' widths behind its middle."""

REPEATS = 3
"""A digit is read several times in a row: alone it may be taken for anything."""

MOST_PAIRS = 12
"""No line has so many fractions, and each is read in two steps: a pattern full of digits would take minutes."""

SURE = 0.7
"""Least certainty of a digit."""

Read = Callable[[Picture], tuple[str, float]]
"""Reads a line: its text, and how certain that is."""

Place = Callable[[Picture], Sequence[tuple[str, float]]]
"""Reads a line: its letters, each with the middle of its place from 0 (left) to 1."""


@dataclass(frozen=True, kw_only=True)
class _Digit:
    """A piece of ink, in shares of the scaled line's width, and in pixels of it."""

    left: int
    top: int
    width: int
    height: int
    ink: NDArray[np.uint8]

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def checked(text: str, line: Picture, *, read: Read, places: Place) -> str:
    """Return the text with its fractions as "1/3", and with `LEFT_OUT` for a fraction's sign that can't be read."""
    if not _SUSPECT.search(text):
        return text
    found = _apart(_fractions(line, read))
    letters = list(places(line)) if found else []
    if letters:
        text = _replaced(letters, found)
    return _UNPROVEN.sub(LEFT_OUT, text)


def with_units(text: str) -> str:
    """Return the text with "lb" for "Ib", "1b" and the like after a number. Words are no units."""
    return _UNIT.sub(_unit, text)


def _unit(found: re.Match[str]) -> str:
    gap, read, pounds, litres, _ = found.groups()
    unit = f"l{pounds}" if pounds else f"{litres}l" if litres else "oz"
    may_be_number = not gap and any(char.isdigit() for char in read)
    return found[0] if unit == read or may_be_number else f" {unit}"


def fractions(text: str) -> int:
    """Return how many fractions a text has."""
    return len(_FRACTION.findall(text))


def lacks_digits(text: str, other: str) -> bool:
    """Return whether a text reads like another one that has a fraction, without some of the other's digits."""
    if not fractions(other):
        return False
    digits, more = _DIGIT.findall(text), _DIGIT.findall(other)
    rest = iter(more)
    if not all(digit in rest for digit in digits) or (len(digits), fractions(text)) >= (len(more), fractions(other)):
        return False
    words = (_DIGIT.sub("", essence(each)) for each in (text, other))
    return fuzz.ratio(*words) >= SAME_WORDS


def _replaced(letters: Sequence[tuple[str, float]], found: Sequence[tuple[float, float, str]]) -> str:
    """Return the letters, with a fraction in the place of those that lie where it does."""
    text = ""
    done: set[int] = set()
    for letter, middle in letters:
        number = next((number for number, (left, right, _) in enumerate(found) if left <= middle <= right), None)
        if number is None or not _OF_FRACTION.match(letter):
            text += letter
        elif number not in done:
            done.add(number)
            text += f" {found[number][2]} "
    return " ".join(text.split())


def _apart(found: Iterable[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Return the fractions from left to right, each once: an outlined digit is several pieces of ink."""
    kept: list[tuple[float, float, str]] = []
    for left, right, figure in sorted(found):
        if kept and figure == kept[-1][2] and left < kept[-1][1]:
            kept[-1] = kept[-1][0], max(right, kept[-1][1]), figure
        else:
            kept.append((left, right, figure))
    return kept


def _fractions(line: Picture, read: Read) -> Iterator[tuple[float, float, str]]:
    """Yield the fractions that are seen: left and right edge from 0 to 1, and the text."""
    import cv2

    height, width = line.shape[:2]
    scaled = cv2.resize(line, (max(width * LINE_PX // height, 1), LINE_PX), interpolation=cv2.INTER_CUBIC)
    grey = cv2.cvtColor(scaled, cv2.COLOR_BGR2GRAY)
    for kind in (cv2.THRESH_BINARY, cv2.THRESH_BINARY_INV):
        _, ink = cv2.threshold(grey, 0, 1, kind | cv2.THRESH_OTSU)
        seen = [
            (one.left / grey.shape[1], (other.right + SLACK * other.width) / grey.shape[1], figure)
            for one, other in islice(_pairs(_pieces(ink.astype(np.uint8))), MOST_PAIRS)
            if (figure := _figure(one, other, read))
        ]
        if seen:
            yield from seen
            return


def _pieces(ink: NDArray[np.uint8]) -> list[_Digit]:
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return [
        _Digit(
            left=int(left),
            top=int(top),
            width=int(width),
            height=int(height),
            ink=(labels[top : top + height, left : left + width] == number).astype(np.uint8),
        )
        for number, (left, top, width, height, _) in enumerate(stats)
        if number and height >= LINE_PX * 0.15 and width <= 2 * LINE_PX
    ]


def _pairs(pieces: Sequence[_Digit]) -> Iterator[tuple[_Digit, _Digit]]:
    """Yield pairs of small pieces of which the right one is lower."""
    tallest = float(np.quantile([piece.height for piece in pieces], 0.9)) if pieces else 0.0
    small = [piece for piece in pieces if SMALLEST * tallest <= piece.height <= LARGEST * tallest]
    for one in small:
        for other in small:
            lower = other.middle - one.middle >= APART * tallest
            beside = one.left < other.left < one.right + tallest * 0.6
            if lower and beside and max(one.height, other.height) <= 1.4 * min(one.height, other.height):
                yield one, other


def _figure(one: _Digit, other: _Digit, read: Read) -> str:
    """Return the fraction of two digits, or an empty text if they are none."""
    digits = [_digit(piece, read) for piece in (one, other)]
    return "/".join(digits) if "".join(digits) in _FRACTIONS and all(digits) else ""


def _digit(piece: _Digit, read: Read) -> str:
    import cv2

    large = cv2.resize(piece.ink * 255, None, fx=40 / piece.height, fy=40 / piece.height)
    spaced = np.pad(large, ((14, 14), (7, 7)))
    row = 255 - np.hstack([spaced] * REPEATS)
    text, certainty = read(np.dstack([np.pad(row, ((0, 0), (14, 14)), constant_values=255)] * 3))
    plain = text.replace(" ", "").translate(_LOOKALIKES)
    return plain[0] if certainty >= SURE and plain and plain == plain[0] * len(plain) and plain.isdigit() else ""
