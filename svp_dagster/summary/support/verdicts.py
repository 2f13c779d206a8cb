"""What the rules read of a video, and what they say of a value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import cached_property

from svp_dagster.summary.language.figures import Figure, counted, figures
from svp_dagster.summary.language.idioms import read
from svp_dagster.summary.language.moments import time_ranges, times, weekdays
from svp_dagster.summary.language.tongues import Vocabulary, content_words, guess
from svp_dagster.summary.language.units import MONEY, POUND, unit_of
from svp_dagster.summary.material import Material

_WORD_OR_SIGN = re.compile(r"[^\W\d_]+|[$€£¥₹₩]")


class Verdict(IntEnum):
    """Whether a value is supported. The rules can't tell where it is `LIKELY` or `UNLIKELY`: a model may be asked.

    Without its answer, likely values are written and unlikely ones left blank.
    """

    CONTRADICTED = 0
    UNLIKELY = 1
    LIKELY = 2
    SUPPORTED = 3

    @property
    def is_open(self) -> bool:
        """Whether the rules can't tell."""
        return self in (Verdict.LIKELY, Verdict.UNLIKELY)


@dataclass(frozen=True)
class Statement:
    """Quoted words, and the sentences of the material that they stand in."""

    quote: str
    around: str


class Whole:
    """All of a video's material, as the rules compare with it."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self.texts = [passage.text for passage in material.passages]
        # Without the facts: the day of publication has figures that nobody said.
        self._said = [passage.text for passage in (*material.caption, *material.speech, *material.screen)]
        joined = " ".join(self.texts[:200])
        self.language = (material.language or "")[:2].casefold() or guess(joined) or ""

    @property
    def published(self) -> date | None:
        """The day of publication."""
        stated = self._material.fact("Published")
        return date.fromisoformat(stated) if stated else None

    @cached_property
    def words(self) -> Vocabulary:
        """Every word with content."""
        return Vocabulary(word for text in self.texts for word in content_words(f"{text} {self.read(text)}"))

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure."""
        return tuple(figure for text in self._said for figure in self.figures_of(text))

    @cached_property
    def currencies(self) -> frozenset[str]:
        """Every currency that is named, with an amount or without."""
        units = {unit_of(word) for text in self._said for word in _WORD_OR_SIGN.findall(text)}
        units |= {figure.unit for figure in self.figures}  # in scripts without spaces only these are apart
        named = {unit.kind for unit in units if unit is not None and unit.kind in MONEY}
        return frozenset(named | {"£"} if POUND in units else named)

    @cached_property
    def counted(self) -> tuple[tuple[Figure, str], ...]:
        """Every figure with the word that it counts."""
        return tuple(pair for text in self._said for pair in counted(self.read(text)))

    @cached_property
    def times(self) -> list[frozenset[int]]:
        """Every time of day, in minutes, with both of an hour that may be in either half of the day."""
        return [stated for text in self._said for stated in times(text, self.language)]

    @cached_property
    def weekdays(self) -> frozenset[int]:
        """Every weekday, Monday as 0."""
        return frozenset(day for text in self._said for day in weekdays(text))

    @cached_property
    def time_ranges(self) -> list[tuple[frozenset[int], frozenset[int]]]:
        """Every pair of times of day from one to the other."""
        return [pair for text in self._said for pair in time_ranges(text, self.language)]

    def read(self, text: str) -> str:
        """Return a text of this video in the form in which figures are found."""
        return read(text, self.language)

    def figures_of(self, text: str) -> Iterable[Figure]:
        """Return the figures of a text of this video."""
        return figures(self.read(text))


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict over several quotes: one that supports is enough, else one that contradicts decides."""
    found = set(verdicts)
    if Verdict.SUPPORTED in found or not found:
        return Verdict.SUPPORTED if found else Verdict.UNLIKELY
    return Verdict.CONTRADICTED if Verdict.CONTRADICTED in found else max(found)
