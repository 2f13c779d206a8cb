"""Filter text that speech models invent over music and silence, and judge how certain the rest is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from svp_dagster.models import Segment

NO_SPEECH, UNSURE = 0.6, -0.8
"""Drop a segment above this no-speech probability and below this mean log-probability.

Whisper's own rule has -1.0. The voice gate lets more music through than that rule expects, and words invented over
humming were measured at 0.77 and -1.00, words understood under music at 0.54 and less.
"""

HOPELESS = 0.9
"""Drop a segment above this no-speech probability, whatever its log-probability."""

MIN_CONFIDENCE, MIN_LANGUAGE = -1.0, 0.5
"""A transcript below this mean log-probability, or this certainty of its language, is doubtful.

Of 24 measured transcripts two lay below the first: a Russian one that became invented English, and a garbled one.
"""

REPEATS = 3
"""Keep one of this many or more repetitions in a row: people don't speak so, models do."""

LONGEST_PHRASE = 12
"""Longest phrase, in words, that is checked for repetition."""

_BREAKS = re.compile(r"(?<=[.!?…。！？])\s*")


@dataclass(frozen=True, kw_only=True)
class RawSegment:
    """A segment with the model's probability of no speech and the mean log-probability of its words."""

    segment: Segment
    no_speech: float
    confidence: float


def believable(raw: Iterable[RawSegment]) -> list[Segment]:
    """Return the segments that were probably spoken, without repetitions."""
    said = [one.segment.model_copy(update={"text": without_loops(one.segment.text)}) for one in raw if _was_spoken(one)]
    return _without_repeats(said)


def _was_spoken(one: RawSegment) -> bool:
    return one.no_speech < HOPELESS and not (one.no_speech > NO_SPEECH and one.confidence < UNSURE)


def mean_confidence(raw: Iterable[RawSegment]) -> float | None:
    """Return the mean log-probability of the segments that were probably spoken, weighted by their length."""
    return weighted_mean((one.segment.end_s - one.segment.start_s, one.confidence) for one in raw if _was_spoken(one))


def weighted_mean(weighted: Iterable[tuple[float, float]]) -> float | None:
    """Return the mean of pairs of weight and value, None without weights."""
    pairs = list(weighted)
    total = sum(weight for weight, _ in pairs)
    return sum(weight * value for weight, value in pairs) / total if total > 0 else None


def is_doubtful(*, confidence: float | None, language_certainty: float | None) -> bool:
    """Return whether a transcript is hard to rely on. What an engine doesn't say is no reason to doubt."""
    return (confidence is not None and confidence < MIN_CONFIDENCE) or (
        language_certainty is not None and language_certainty < MIN_LANGUAGE
    )


def without_loops(text: str) -> str:
    """Return the text with each phrase or sentence that is repeated `REPEATS` times or more kept once."""
    sentences = [part for part in _BREAKS.split(text.strip()) if part]
    once = " ".join(_unlooped(sentences, longest=4))
    return " ".join(_unlooped(once.split(), longest=LONGEST_PHRASE))


def _unlooped(items: Sequence[str], *, longest: int) -> list[str]:
    """Return the items without immediate repetitions of groups of up to `longest` items."""
    kept: list[str] = []
    place = 0
    while place < len(items):
        size = next((size for size in range(1, longest + 1) if _repeats(items, place, size) >= REPEATS), None)
        if size is None:
            kept.append(items[place])
            place += 1
        else:
            kept += items[place : place + size]
            place += size * _repeats(items, place, size)
    return kept


def _repeats(items: Sequence[str], place: int, size: int) -> int:
    """Count how often the group of `size` items at `place` occurs in a row."""
    group = [item.casefold() for item in items[place : place + size]]
    count = 1
    while [item.casefold() for item in items[place + count * size : place + (count + 1) * size]] == group:
        count += 1
    return count


def _without_repeats(segments: Sequence[Segment]) -> list[Segment]:
    """Keep the first of `REPEATS` or more segments in a row with the same words."""
    runs: list[list[Segment]] = []
    for segment in segments:
        if runs and runs[-1][0].text.casefold() == segment.text.casefold():
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return [segment for run in runs for segment in (run[:1] if len(run) >= REPEATS else run) if segment.text]
