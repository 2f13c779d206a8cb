"""Whether a quote was really heard, read or written, and where."""

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
"""A longer quote is cut: more proves no more."""

_PLACES = 1000
_NUMBER = re.compile(r"\d+")
# A short quote is found by chance, a long one is misspelt by the engines that hear and read: so the longer the
# quote, the more may differ. Normalised characters and the share (in percent) that has to agree.
_EXACT_BELOW_CHARS = 8
_SHARES = ((60, 85.0), (20, 90.0), (_EXACT_BELOW_CHARS, 92.0))


@dataclass(frozen=True)
class _Text:
    """The passages of one source, joined; `starts` are the offsets at which they begin."""

    joined: str
    starts: list[int]
    passages: Sequence[Passage]

    def passage_at(self, offset: int) -> Passage:
        return self.passages[bisect_right(self.starts, offset) - 1]


class QuoteChecker:
    """Looks quotes up in the passages of a video, across the borders of passages."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        sources = dict.fromkeys(passage.source for passage in passages)
        self._texts = {source: _join([p for p in passages if p.source == source]) for source in sources}

    def check(self, evidence: Evidence) -> Evidence:
        """The evidence with `checked` set, and source and second corrected to where the quote was found.

        Case, accents, punctuation and spacing don't count; a few other differences are allowed in a long quote,
        but never a different number. A quote that isn't found keeps no second.
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
    """Whether finding it means anything: a digit, a sign of a script without spaces, or four letters."""
    return len(quote) >= 4 or is_unspaced(quote) or any(character.isdigit() for character in quote)


def _exactly(quote: str, text: _Text, at_s: float | None) -> Passage | None:
    """The passage with these very words, of several the one nearest to the claimed second."""
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
    # The found stretch may begin or end inside a word: compare whole numbers, "25" is not in "250".
    start = text.joined.rfind(" ", 0, found.dest_start + 1) + 1
    end = text.joined.find(" ", found.dest_end)
    if _numbers(quote) != _numbers(text.joined[start : end if end >= 0 else None]):
        return None
    return text.passage_at(found.dest_start)


def _numbers(text: str) -> list[str]:
    return sorted(_NUMBER.findall(text))
