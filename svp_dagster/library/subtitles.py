"""A transcript's segments as subtitle files: WebVTT for players and the web, SubRip for everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from svp_dagster.models import Segment

SHORTEST_S = 0.1
"""Shortest time that a cue is shown: players drop one that ends when it begins."""

LATEST_S = 360_000.0
"""The end of the clocks of both formats: 100 hours."""


def as_vtt(segments: Iterable[Segment]) -> str:
    """Return the segments as WebVTT."""
    cues = (f"{_clock(start, '.')} --> {_clock(end, '.')}\n{_escaped(text)}\n" for start, end, text in _cues(segments))
    return "\n".join(["WEBVTT\n", *cues])


def as_srt(segments: Iterable[Segment]) -> str:
    """Return the segments as SubRip."""
    cues = (
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n"
        for number, (start, end, text) in enumerate(_cues(segments), start=1)
    )
    return "\n".join(cues)


def _cues(segments: Iterable[Segment]) -> Iterator[tuple[float, float, str]]:
    """Yield start, end and text of the cues, in order, lyrics between notes. No text has an arrow: it begins a cue."""
    timed = (one for one in segments if abs(one.start_s) < LATEST_S and abs(one.end_s) < LATEST_S)
    for segment in sorted(timed, key=lambda one: one.start_s):
        start_s = max(0.0, segment.start_s)
        text = " ".join(segment.text.replace("-->", "→").replace("\x00", "").split())
        if text:
            shown = f"♪ {text} ♪" if segment.sung else text
            yield start_s, max(segment.end_s, start_s + SHORTEST_S), shown


def _escaped(text: str) -> str:
    """Escape what WebVTT would read as tags and entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(at_s: float, point: str) -> str:
    milliseconds = round(at_s * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"
