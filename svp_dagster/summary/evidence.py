"""Find quotes in what was said, shown or written."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from rapidfuzz import fuzz

from svp_dagster.models import Evidence
from svp_dagster.summary.language.idioms import read
from svp_dagster.summary.language.tongues import Vocabulary, content_words
from svp_dagster.summary.material import Passage
from svp_dagster.summary.words import comparable, is_unspaced, occurrences, one_line

QUOTE_CHARS = 300
"""Longer quotes are cut: they prove no more."""

_SENTENCE_PASSAGES = 3
"""A spoken sentence reaches at most so many segments beyond a quote, on either side."""
_NEAR_PASSAGES = 2
_PAUSE_S = 30.0
_SAME_MOMENT_S = 1.5
_RELATED = 0.5
_RELATED_WORDS = 2
_PLACES_OF_A_QUOTE = 3
_ENDS = (".", "!", "?", "…", "。", "！", "？", "।")

_PLACES = 1000
_NUMBER = re.compile(r"\d+")
# Least length (normalised characters) and the share in percent that has to agree. A short quote occurs by chance, and
# speech and screen engines misspell long ones, so a longer quote may differ more.
_EXACT_BELOW_CHARS = 8
_SHARES = ((60, 85.0), (20, 90.0), (_EXACT_BELOW_CHARS, 92.0))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a quote stands: its first passage, the whole sentences around it, and what is before and after these."""

    passage: Passage
    around: str
    before: str
    after: str

    def shown(self, *, at_most: int) -> str:
        """Return the sentences, and of what is near them as much as fits."""
        room = max(0, at_most - len(self.around)) // 2
        before, after = self.before[max(0, len(self.before) - room) :], self.after[:room]
        return "\n".join(filter(None, (before, self.around[:at_most], after)))


@dataclass(frozen=True)
class _Text:
    """The joined passages of one source, and the offset at which each starts."""

    joined: str
    starts: list[int]
    passages: Sequence[Passage]

    def index_at(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def place(self, first: int, last: int) -> Place:
        """Return the place from one passage to another, with what stands around it."""
        start, end = first, last
        if self.passages[first].source == "speech":
            while start > max(0, first - _SENTENCE_PASSAGES) and not self._ends(start - 1):
                start -= 1
            while end < min(len(self.passages) - 1, last + _SENTENCE_PASSAGES) and not self._ends(end):
                end += 1
        joint = " " if self.passages[first].source == "speech" else "\n"
        before = self.passages[max(0, start - _NEAR_PASSAGES) : start]
        after = self.passages[end + 1 : end + 1 + _NEAR_PASSAGES]
        return Place(
            passage=self.passages[first],
            around=joint.join(passage.text for passage in self.passages[start : end + 1]),
            before=joint.join(passage.text for passage in before),
            after=joint.join(passage.text for passage in after),
        )

    def _ends(self, index: int) -> bool:
        """Return whether a sentence ends with a passage, or a pause follows it."""
        one, other = self.passages[index], self.passages[index + 1]
        paused = one.at_s is not None and other.at_s is not None and abs(other.at_s - one.at_s) > _PAUSE_S
        return paused or one.text.endswith(_ENDS)


class QuoteChecker:
    """Finds quotes in the passages of a video, also across passages, and speech in the engine's own spelling, too."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        sources = dict.fromkeys(passage.source for passage in passages)
        self._related: dict[str, list[Place]] = {}
        self._texts = {source: _join([p for p in passages if p.source == source]) for source in sources}
        spoken = [p for p in passages if p.source == "speech"]
        self._heard = [_join(spoken, as_heard=True)] if any(p.heard for p in spoken) else []

    def check(self, evidence: Evidence) -> Evidence:
        """Return the evidence with `checked` set, and with the source and second at which the quote was found.

        Ignores case, accents, punctuation and spacing. A long quote may differ a little more, but never in a number.
        A quote that isn't found loses its second.
        """
        place = self.find(evidence)
        if place is None:
            return evidence.model_copy(update={"checked": False, "at_s": None})
        passage = place.passage
        found = {"checked": True, "source": passage.source, "at_s": passage.at_s, "slide": passage.slide}
        return evidence.model_copy(update=found)

    def find(self, evidence: Evidence) -> Place | None:
        """Return where the quote stands, None if it doesn't."""
        quote = comparable(one_line(evidence.quote, at_most=QUOTE_CHARS))
        if not _proves(quote):
            return None
        texts = [self._texts[source] for source in sorted(self._texts, key=lambda source: source != evidence.source)]
        for find in (_exactly, _nearly):
            for text in (*texts, *self._heard):
                span = find(quote, text, evidence.at_s)
                if span is not None:
                    return text.place(text.index_at(span[0]), text.index_at(max(span[0], span[1] - 1)))
        return None

    def related(self, evidence: Evidence, language: str | None) -> list[Place]:
        """Return the places that a quote which isn't found may be about: those that have half of its words.

        Words are compared by their stems and numbers by their value, so that a reworded quote is related to its
        original, and a translated one often.
        """
        if evidence.quote not in self._related:
            self._related[evidence.quote] = self._find_related(evidence.quote, language)
        return list(self._related[evidence.quote])

    def _find_related(self, quote: str, language: str | None) -> list[Place]:
        words = _stated(quote, language)
        if len(words) < _RELATED_WORDS:
            return []
        places = self.places
        shares = [_vocabulary(place.around, language).share(words) for place in places]
        ranked = sorted(range(len(places)), key=lambda number: -shares[number])
        return [places[number] for number in ranked[:_PLACES_OF_A_QUOTE] if shares[number] >= _RELATED]

    def share(self, evidence: Evidence, place: Place, language: str | None) -> float:
        """Return the share of a quote's words and numbers that a place has, too."""
        return _vocabulary(place.around, language).share(_stated(evidence.quote, language) or ["-"])

    def at_moment(self, evidence: Evidence) -> list[Place]:
        """Return what is said and shown at the second that the evidence claims."""
        if evidence.at_s is None:
            return []
        return [
            place
            for place in self.places
            if place.passage.at_s is not None and abs(place.passage.at_s - evidence.at_s) <= _SAME_MOMENT_S
        ][:_PLACES_OF_A_QUOTE]

    @cached_property
    def places(self) -> list[Place]:
        """Every passage as a place."""
        return [text.place(index, index) for text in self._texts.values() for index in range(len(text.passages))]


def _join(passages: Sequence[Passage], *, as_heard: bool = False) -> _Text:
    starts, parts, offset = [], [], 0
    for passage in passages:
        text = comparable((as_heard and passage.heard) or passage.text)
        starts.append(offset)
        if text:
            parts.append(text)
            offset += len(text) + 1
    return _Text(" ".join(parts), starts, passages)


def _proves(quote: str) -> bool:
    """Return whether a quote is specific enough: a digit, a sign of a script without spaces, or four letters."""
    return len(quote) >= 4 or is_unspaced(quote) or any(character.isdigit() for character in quote)


def _exactly(quote: str, text: _Text, at_s: float | None) -> tuple[int, int] | None:
    """Return the span of exactly these words, the one nearest to the claimed second."""
    found = list(islice(occurrences(quote, text.joined), _PLACES))
    if not found:
        return None
    passages = [text.passages[text.index_at(offset)] for offset in found]
    nearest = 0
    if at_s is not None:
        nearest = min(range(len(found)), key=lambda number: abs((passages[number].at_s or 0.0) - at_s))
    return found[nearest], found[nearest] + len(quote)


def _nearly(quote: str, text: _Text, _at_s: float | None) -> tuple[int, int] | None:
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
    return found.dest_start, found.dest_end


@lru_cache(maxsize=4096)
def _vocabulary(text: str, language: str | None) -> Vocabulary:
    return Vocabulary(_stated(text, language))


def _stated(text: str, language: str | None) -> list[str]:
    return content_words(read(text, language))


def _numbers(text: str) -> list[str]:
    return sorted(_NUMBER.findall(text))
