"""Burned-in subtitles: lines on the screen that repeat the speech."""

from __future__ import annotations

import re
import unicodedata

from rapidfuzz import fuzz

from svp_dagster.models import ScreenLine, Transcript
from svp_dagster.summary.words import comparable

SIMILARITY = 85
"""A line repeats the speech from this similarity (0 to 100) to the words of that time on."""

SLACK_S = 3.0
"""Subtitles are shown this much before or after the words. Coarse transcripts are off by as much."""

SHORTEST_CHARS = 4
"""Shorter lines occur in the speech by chance."""

_DIGITS = re.compile(r"\d+")


def is_subtitle(line: ScreenLine, transcript: Transcript) -> bool:
    """Return whether a line repeats what is said at its time. Numbers have to agree."""
    shown = _key(line.text)
    if len(shown) < SHORTEST_CHARS:
        return False
    said = _said_beside(line, transcript)
    if len(said) < len(shown) * 0.8 or not set(_DIGITS.findall(shown)) <= set(_DIGITS.findall(said)):
        return False
    return fuzz.partial_ratio(shown, said) >= SIMILARITY


def _said_beside(line: ScreenLine, transcript: Transcript) -> str:
    """Return the key of what is said while the line is on the screen, or of everything if a time is unknown."""
    if not transcript.segments or line.first_s is None or line.last_s is None:
        return _key(transcript.text)
    start_s, end_s = line.first_s - SLACK_S, line.last_s + SLACK_S
    return "".join(_key(one.text) for one in transcript.segments if one.start_s <= end_s and start_s <= one.end_s)


def _key(text: str) -> str:
    # Composed again, so that a Hangul syllable counts as one character, not as its two or three letters.
    return unicodedata.normalize("NFC", comparable(text).replace(" ", ""))
