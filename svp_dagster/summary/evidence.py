"""Find quotes in what was said, shown or written."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from rapidfuzz import fuzz

from svp_dagster.models import Evidence
from svp_dagster.summary.material import Passage
from svp_dagster.summary.words import comparable, is_unspaced, occurrences, one_line

QUOTE_CHARS = 300
"""Longer quotes are cut: they prove no more."""

_PLACES = 1000
_NUMBER = re.compile(r"\d+")
# Least length (normalised characters) and the share in percent that has to agree. A short quote occurs by chance, and
# speech and screen engines misspell long ones, so a longer quote may differ more.
_EXACT_BELOW_CHARS = 8
_SHARES = ((60, 85.0), (20, 90.0), (_EXACT_BELOW_CHARS, 92.0))


@dataclass(frozen=True)
class _Text:
    """The joined passages of one source, and the offset at which each starts."""

    joined: str
    starts: list[int]
    passages: Sequence[Passage]

    def passage_at(self, offset: int) -> Passage:
        return self.passages[bisect_right(self.starts, offset) - 1]


class QuoteChecker:
    """Finds quotes in the passages of a video, also across passages."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        sources = dict.fromkeys(passage.source for passage in passages)
        self._texts = {source: _join([p for p in passages if p.source == source]) for source in sources}

    def check(self, evidence: Evidence) -> Evidence:
        """Return the evidence with `checked` set, and with the source and second at which the quote was found.

        Ignores case, accents, punctuation and spacing. A long quote may differ a little more, but never in a number.
        A quote that isn't found loses its second.
        """
        quote = comparable(one_line(evidence.quote, at_most=QUOTE_CHARS))
        if not _proves(quote):
            return evidence.model_copy(update={"checked": False, "at_s": None})
        for find in (_exactly, _nearly):
            for source in sorted(self._texts, key=lambda source: source != evidence.source):
                passage = find(quote, self._texts[source], evidence.at_s)
                if passage is not None:
                    return evidence.model_copy(update={"checked": True, "source": source, "at_s": passage.at_s})
        return evidence.model_copy(update={"checked": False, "at_s": None})


def _join(passages: Sequence[Passage]) -> _Text:
    starts, parts, offset = [], [], 0
    for passage in passages:
        text = comparable(passage.text)
        starts.append(offset)
        if text:
            parts.append(text)
            offset += len(text) + 1
    return _Text(" ".join(parts), starts, passages)


def _proves(quote: str) -> bool:
    """Return whether a quote is specific enough: a digit, a sign of a script without spaces, or four letters."""
    return len(quote) >= 4 or is_unspaced(quote) or any(character.isdigit() for character in quote)


def _exactly(quote: str, text: _Text, at_s: float | None) -> Passage | None:
    """Return the passage with exactly these words, the one nearest to the claimed second."""
    found = [text.passage_at(offset) for offset in islice(occurrences(quote, text.joined), _PLACES)]
    if not found or at_s is None:
        return next(iter(found), None)
    return min(found, key=lambda passage: abs((passage.at_s or 0.0) - at_s))


def _nearly(quote: str, text: _Text, _at_s: float | None) -> Passage | None:
    share = next((share for length, share in _SHARES if len(quote) >= length), None)
    if share is None:
        return None
    found = fuzz.partial_ratio_alignment(quote, text.joined, score_cutoff=share)
    if found is None or found.dest_end - found.dest_start < len(quote) * share / 100:
        return None
    # The match may start or end inside a word. Compare whole numbers: "25" is not in "250".
    start = text.joined.rfind(" ", 0, found.dest_start + 1) + 1
    end = text.joined.find(" ", found.dest_end)
    if _numbers(quote) != _numbers(text.joined[start : end if end >= 0 else None]):
        return None
    return text.passage_at(found.dest_start)


def _numbers(text: str) -> list[str]:
    return sorted(_NUMBER.findall(text))
