"""Words that a speech model made up: on music and in pauses they say thanks for watching, or one line for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from svp_dagster.models import Segment

NO_SPEECH, UNSURE = 0.6, -1.0
"""A segment is dropped if speech is this unlikely and the model this unsure of its words: Whisper's own rule."""

HOPELESS = 0.9
"""A segment is dropped if speech is this unlikely, however sure the model is of its words."""

REPEATS = 3
"""The same words so many times in a row are said once: nobody speaks so, models do."""

LONGEST_PHRASE = 12
"""Words of a phrase that is looked at for repetition."""

_BREAKS = re.compile(r"(?<=[.!?…。！？])\s*")


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A segment and what the model thinks of it: probability of no speech, mean log-probability of its words."""

    segment: Segment
    no_speech: float
    confidence: float


def believable(heard: Iterable[Heard]) -> list[Segment]:
    """The segments that were probably said, loops said once."""
    said = [
        one.segment.model_copy(update={"text": without_loops(one.segment.text)})
        for one in heard
        if one.no_speech < HOPELESS and not (one.no_speech > NO_SPEECH and one.confidence < UNSURE)
    ]
    return _once(said)


def without_loops(text: str) -> str:
    """The text with a phrase or sentence that is said three times or more in a row said once."""
    sentences = [part for part in _BREAKS.split(text.strip()) if part]
    once = " ".join(_unlooped(sentences, longest=4))
    return " ".join(_unlooped(once.split(), longest=LONGEST_PHRASE))


def _unlooped(items: Sequence[str], *, longest: int) -> list[str]:
    """The items without what repeats itself at once `REPEATS` times or more, in groups of up to `longest`."""
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
    """How many times in a row the group of `size` items at `place` is there."""
    group = [item.casefold() for item in items[place : place + size]]
    count = 1
    while [item.casefold() for item in items[place + count * size : place + (count + 1) * size]] == group:
        count += 1
    return count


def _once(segments: Sequence[Segment]) -> list[Segment]:
    """Runs of segments with the same words become their first one."""
    runs: list[list[Segment]] = []
    for segment in segments:
        if runs and runs[-1][0].text.casefold() == segment.text.casefold():
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return [segment for run in runs for segment in (run[:1] if len(run) >= REPEATS else run) if segment.text]
