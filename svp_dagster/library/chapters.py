"""The chapters of a transcript, without a model: a chapter begins after a pause, and its title is its first words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from svp_dagster.models import Segment, Transcript, Value, Video

SHORTEST_VIDEO_S = 300.0
"""Shorter videos need no chapters."""

SHORTEST_S = 120.0
MAX_CHAPTERS = 12
TITLE_CHARS = 80

_SENTENCE_END = re.compile(r"[.!?…。！？]['\"”’)]*$")
_FIRST_SENTENCE = re.compile(r".+?[.!?…。！？](?=\s|$)")


class Chapter(Value):
    """Where a chapter begins, and its first words."""

    start_s: float
    title: str


def chapters_of(video: Video, transcript: Transcript) -> tuple[Chapter, ...]:
    """Return the chapters of a video. Doubtful words make no headings."""
    return chapters(() if transcript.doubtful else transcript.spoken, duration_s=video.duration_s)


def chapters(segments: Sequence[Segment], *, duration_s: float | None) -> tuple[Chapter, ...]:
    """Return the chapters of a video of at least five minutes; none for a shorter one, or one that can't be split.

    After at least two minutes (a twelfth of a long video) a chapter ends at the best place of the next two: between
    sentences rather than within one, and at the longest pause.
    """
    said = sorted(
        (one for one in segments if math.isfinite(one.start_s) and math.isfinite(one.end_s) and one.text.split()),
        key=lambda one: one.start_s,
    )
    if not said:
        return ()
    ends_s = duration_s or said[-1].end_s
    if ends_s < SHORTEST_VIDEO_S:
        return ()
    shortest_s = max(SHORTEST_S, ends_s / MAX_CHAPTERS)
    starts = [0]
    while (place := _next(said, starts[-1], shortest_s=shortest_s, ends_s=ends_s)) is not None:
        starts.append(place)
    if len(starts) == 1:
        return ()
    return tuple(Chapter(start_s=max(0.0, said[at].start_s), title=_title(said, at)) for at in starts)


def _next(said: Sequence[Segment], begun: int, *, shortest_s: float, ends_s: float) -> int | None:
    """Return the index of the segment that begins the next chapter."""
    from_s = said[begun].start_s + shortest_s
    until_s = min(from_s + shortest_s, ends_s - shortest_s)
    places = [at for at in range(begun + 1, len(said)) if from_s <= said[at].start_s <= until_s]
    return max(places, key=lambda at: _fitness(said, at), default=None)


def _fitness(said: Sequence[Segment], at: int) -> tuple[bool, float]:
    before = said[at - 1]
    return _SENTENCE_END.search(before.text.strip()) is not None, said[at].start_s - before.end_s


def _title(said: Sequence[Segment], at: int) -> str:
    """Return the first sentence from a segment on, or as much of it as fits."""
    words: list[str] = []
    for segment in said[at:]:
        words += segment.text.split()
        if sum(map(len, words)) + len(words) > TITLE_CHARS or _SENTENCE_END.search(words[-1]):
            break
    text = " ".join(words)
    first = _FIRST_SENTENCE.match(text)
    sentence = first.group() if first else text
    if len(sentence) <= TITLE_CHARS:
        return sentence
    return sentence[: TITLE_CHARS - 1].rsplit(" ", 1)[0] + "…"
