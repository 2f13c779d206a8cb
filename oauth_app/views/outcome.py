"""What came out of an entry as people see it: moments of the video with what was said, shown and found there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from svp_dagster.library.words import SOURCE_WORDS, doubt, reservation
from svp_dagster.models import ContactSheet, Evidence, LineKind, Outcome, ScreenLine, Segment, Tile


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A second of the video or a slide (from 1), with the lines that appear there, and its frame if one is kept."""

    at_s: float | None
    slide: int | None
    lines: tuple[ScreenLine, ...]
    frame: Tile | None


@dataclass(frozen=True, kw_only=True)
class Quote:
    """Where a value was found, and what is doubtful about that; '' for nothing."""

    source: str
    text: str
    at_s: float | None
    slide: int | None
    doubt: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """A column with its value, as paragraphs or as items, and where it was found."""

    name: str
    text: str
    items: tuple[str, ...]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, kw_only=True)
class OutcomeView:
    """An outcome for the page of its entry."""

    outcome: Outcome

    @property
    def mark(self) -> str:
        """Return what has to be known about the whole page; '' for nothing."""
        return reservation(self.outcome.summary)

    @property
    def found(self) -> list[Found]:
        """Return the columns that were filled."""
        return [
            _found(name, fill.value, [_quote(evidence) for evidence in fill.evidence])
            for name, fill in self.outcome.summary.properties.items()
        ]

    @property
    def lines(self) -> tuple[Segment, ...]:
        """Return what is said, in the order of its time."""
        return self.outcome.transcript.segments

    @property
    def sheet(self) -> ContactSheet | None:
        """Return the sheet with the frames."""
        return self.outcome.screen_text.sheet

    @property
    def moments(self) -> list[Moment]:
        """Return what is to be read on the screen, by the moment at which it appears. Watermarks are left out."""
        shown = [line for line in self.outcome.screen_text.lines if line.kind is not LineKind.WATERMARK]
        return [
            Moment(at_s=at_s, slide=slide, lines=tuple(lines), frame=self._frame(at_s, slide))
            for (at_s, slide), lines in groupby(shown, key=lambda line: (line.first_s, line.slide))
        ]

    @property
    def slides(self) -> list[Tile]:
        """Return the pictures of a post that is no single video."""
        return [tile for tile in self.sheet.tiles if tile.slide] if self.sheet else []

    @property
    def resolution(self) -> str:
        """Return width and height of the video, as `1080 × 1920`; '' for sound and pictures."""
        file = next((file for file in self.outcome.video.files if file.width_px and file.height_px), None)
        return f"{file.width_px} × {file.height_px}" if file else ""

    def _frame(self, at_s: float | None, slide: int | None) -> Tile | None:
        tiles = self.sheet.tiles if self.sheet else ()
        if slide is not None:
            return next((tile for tile in tiles if tile.slide == slide), None)
        return _nearest(tiles, at_s) if at_s is not None else None


def _nearest(tiles: Iterable[Tile], at_s: float) -> Tile | None:
    timed = [(abs(tile.at_s - at_s), number, tile) for number, tile in enumerate(tiles) if tile.at_s is not None]
    return min(timed)[2] if timed else None


def _quote(evidence: Evidence) -> Quote:
    return Quote(
        source=SOURCE_WORDS[evidence.source],
        text=evidence.quote,
        at_s=evidence.at_s,
        slide=evidence.slide,
        doubt=doubt(evidence),
    )


def _found(name: str, value: Any, quotes: Sequence[Quote]) -> Found:
    items = tuple(_words(each) for each in value) if isinstance(value, (list, tuple)) else ()
    return Found(name=name, text="" if items else _words(value), items=items, quotes=tuple(quotes))


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    return "" if value is None else str(value)
