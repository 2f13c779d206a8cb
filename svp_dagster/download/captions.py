"""Parse WebVTT and SubRip (SRT) files, as platforms deliver them, into segments.

The files come from strangers: markup is dropped, what makes no sense is skipped, and the amount is limited.
"""

from __future__ import annotations

import html
import re
from typing import Final

from svp_dagster.models import Segment

MAX_CHARACTERS: Final = 2_000_000
"""Longer files are cut: an hour of speech has about 60,000 characters, times and markup come on top."""

MAX_WORDS_CHARACTERS: Final = 250_000
"""The words of all cues together: four hours of speech."""

MAX_CUES: Final = 10_000
"""A word every second for three hours."""

MAX_CUE_CHARACTERS: Final = 5_000
"""The words of one cue. A whole video's speech may stand in one."""

_TIMES: Final = re.compile(
    r"^[ \t]*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})[ \t]*-->[ \t]*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})",
    re.ASCII,
)
_MARKUP: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|<\d\d:[\d:.]{3,12}>|\{\\[^{}]{0,100}\}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\ufeff]")


def parse(text: str) -> tuple[Segment, ...]:
    """Return the segments of a WebVTT or SRT file, in order of time; none for anything else.

    A line that repeats the one before it, as rolling captions do, is kept once. What is more than any captions have is
    cut off.
    """
    segments: list[Segment] = []
    left = MAX_WORDS_CHARACTERS
    for block in re.split(r"\n[ \t]*\n", _unified(text)):
        cue = _cue(block.splitlines())
        if cue is None:
            continue
        if len(segments) == MAX_CUES or len(cue.text) > left:
            break
        left -= len(cue.text)
        segments.extend(_unrolled(cue, segments[-1] if segments else None))
    return tuple(sorted(segments, key=lambda segment: (segment.start_s, segment.end_s)))


def _unified(text: str) -> str:
    return text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")


def _cue(lines: list[str]) -> Segment | None:
    """Parse the cue in a block: an optional number or name, the times, and the words."""
    for row, line in enumerate(lines[:3]):
        if found := _TIMES.match(line):
            start_s, end_s = _seconds(*found.groups()[:4]), _seconds(*found.groups()[4:])
            words = "\n".join(filter(None, map(_plain, lines[row + 1 :])))[:MAX_CUE_CHARACTERS].rstrip()
            return Segment(start_s=start_s, end_s=end_s, text=words) if words and end_s > start_s else None
    return None


def _unrolled(cue: Segment, before: Segment | None) -> list[Segment]:
    """Return the cue on one line, without the lines that the cue before it already had."""
    lines = cue.text.split("\n")
    touching = before is not None and cue.start_s - before.end_s < 0.1
    if before is not None and touching and len(lines) > 1 and before.text.endswith(lines[0]):
        lines = lines[1:]
    text = " ".join(lines)
    if before is not None and touching and text == before.text:
        return []
    return [cue.model_copy(update={"text": text})]


def _plain(line: str) -> str:
    without_markup = html.unescape(_MARKUP.sub("", line))
    return re.sub(r"\s+", " ", _CONTROL.sub("", without_markup)).strip()


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000
