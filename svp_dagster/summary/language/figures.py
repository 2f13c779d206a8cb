"""Figures in a text: numbers in digits or words with what they measure.

`an hour and a half` is 90 minutes, `3 Euro 50` are 3.50 €, `SIMMER 1 H 30` 90 minutes, `4/10` a score of 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from svp_dagster.notion.numbers import parse_number
from svp_dagster.summary.language.tongues import content_words
from svp_dagster.summary.language.units import MONEY, SERVINGS, Unit, unit_at, unit_of
from svp_dagster.summary.words import comparable

_POINTED = re.compile(r"\d{1,3}(?:\.\d{3})+")
_NUMBER = re.compile(
    r"(?<![\d.,A-Za-z_])(?:(?P<before>[$€£¥₹₩]|us\$)\s?)?"
    r"(?P<digits>\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d{1,15}(?:[.,]\d{1,3})?|\.\d{1,3})(?!\d)"
)
_RANGE = re.compile(r"\s?(?:-|–|—|~|〜|～|to|till|until|or|bis|oder|a|o|à|ou|al|から)\s?(?=[$€£¥]?\d)")
_WORDS = re.compile(r"[^\W\d_]+")
_CLAUSE = re.compile(r"[,;:.!?\n|()。、，；]")
_SECOND = re.compile(r" ([^\W\d_]{4,})")
_AFTER = re.compile(r"\s?-?(?:(?:de|of|di) |d['’])?([°%$€£¥₹₩]c?|[^\W\d_]+\$?)")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number, its unit if it has one, and where it stands in the text that was read (see `idioms.read`)."""

    value: float
    unit: Unit | None
    start: int
    end: int
    opens_range: bool = False

    @property
    def base(self) -> float:
        """The value in its kind's base unit."""
        return self.value * self.unit.factor if self.unit else self.value

    def equals(self, other: Figure) -> bool:
        """Return whether both say the same, or may where one has no unit."""
        if self.unit is None or other.unit is None:
            return close(self.value, other.value)
        return self.unit.kind == other.unit.kind and close(self.base, other.base)


def figures(text: str) -> Iterator[Figure]:
    """Yield the figures of a text that went through `idioms.read`."""
    found = list(_NUMBER.finditer(text))
    units = [_unit(match, text) for match in found]
    for number, match in enumerate(found):
        unit, opens_range = units[number], False
        is_price = unit is not None and unit.kind in MONEY and _POINTED.fullmatch(match["digits"])
        value = parse_number(match["digits"].replace(".", "") if is_price else match["digits"])
        if value is None:
            continue
        if (
            number + 1 < len(found)
            and (link := _RANGE.match(text, match.end()))
            and link.end() == found[number + 1].start()
        ):
            opens_range = True
            unit = unit or units[number + 1]
        yield Figure(value=float(value), unit=unit, start=match.start(), end=match.end(), opens_range=opens_range)


def counted(text: str) -> Iterator[tuple[Figure, str]]:
    """Yield the figures of a text that went through `idioms.read`, each with the word that it counts."""
    for figure in figures(text):
        after = [
            comparable(word)
            for word in _WORDS.findall(_CLAUSE.split(text[figure.end : figure.end + 50], maxsplit=1)[0])
        ]
        named = after[1:] if after and figure.unit and unit_of(after[0]) else after
        word = next((word for word in named if len(word) > 3 and content_words(word)), None)
        if word is not None:
            yield figure, word


def ranges(found: Sequence[Figure]) -> list[tuple[Figure, Figure]]:
    """Return the pairs of figures that are the ends of ranges."""
    return [(low, high) for low, high in pairwise(found) if low.opens_range]


def close(one: float, other: float) -> bool:
    """Return whether two values are equal, fractions but for rounding."""
    if one.is_integer() and other.is_integer():
        return one == other
    return abs(one - other) <= 0.01 * max(abs(one), abs(other)) + 1e-9


def _unit(match: re.Match[str], text: str) -> Unit | None:
    before = unit_of(match["before"]) if match["before"] else None
    after = _AFTER.match(text, match.end())
    if before is not None or after is None:
        return before
    word = after.group(1)
    unit = unit_of(word) or (unit_at(word) if not word.isascii() else None)
    if unit is None and content_words(word) and (second := _SECOND.match(text, after.end())):
        people = unit_of(second[1])  # "six hungry people"
        unit = people if people and people.kind == SERVINGS else None
    return unit
