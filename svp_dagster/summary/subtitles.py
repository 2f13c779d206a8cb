"""Burned-in subtitles: lines on the screen that repeat the speech."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from itertools import accumulate

from rapidfuzz import fuzz

from svp_dagster.models import ScreenLine, Transcript
from svp_dagster.summary.words import comparable

SIMILARITY = 85
"""A line repeats the speech from this similarity (0 to 100) to the words of that time on."""

SLACK_S = 3.0
"""Subtitles are shown this much before or after the words. Coarse transcripts are off by as much."""

SHORTEST_CHARS, LONGEST_CHARS = 4, 300
"""Shorter lines occur in the speech by chance. Longer ones are no subtitles, and take long to compare."""

COMPARED_CHARS = 20_000
"""Most of the speech that one line is compared with: a quarter of an hour of it."""

_DIGITS = re.compile(r"\d+")


class Subtitles:
    """Tells subtitles from other lines on the screen. The speech is prepared once for all lines."""

    def __init__(self, transcript: Transcript) -> None:
        said = sorted(transcript.segments, key=lambda segment: segment.start_s)
        self._all = _key(transcript.text[: 2 * COMPARED_CHARS])
        self._keys = [_key(segment.text) for segment in said]
        self._starts_s = [segment.start_s for segment in said]
        self._ends_s = [segment.end_s for segment in said]
        self._latest_ends_s = list(accumulate(self._ends_s, max))

    def includes(self, line: ScreenLine, *, similarity: int = SIMILARITY) -> bool:
        """Return whether a line repeats what is said at its time. Numbers have to agree."""
        shown = _key(line.text)
        if not SHORTEST_CHARS <= len(shown) <= LONGEST_CHARS:
            return False
        said = self._said_beside(line)
        if len(said) < len(shown) * 0.8 or not set(_DIGITS.findall(shown)) <= set(_DIGITS.findall(said)):
            return False
        return fuzz.partial_ratio(shown, said, score_cutoff=similarity) > 0

    def _said_beside(self, line: ScreenLine) -> str:
        """Return the key of what is said while the line is on the screen, or of everything if a time is unknown."""
        if not self._keys or line.first_s is None or line.last_s is None:
            return self._all[:COMPARED_CHARS]
        start_s, end_s = line.first_s - SLACK_S, line.last_s + SLACK_S
        first, behind = bisect_left(self._latest_ends_s, start_s), bisect_right(self._starts_s, end_s)
        said, length = [], 0
        for number in range(first, behind):
            if self._ends_s[number] >= start_s and length < COMPARED_CHARS:
                said.append(self._keys[number])
                length += len(said[-1])
        return "".join(said)[:COMPARED_CHARS]


def _key(text: str) -> str:
    # Composed again, so that a Hangul syllable counts as one character, not as its two or three letters.
    return unicodedata.normalize("NFC", comparable(text).replace(" ", ""))
