"""From frames to the pictures that a reader gets, and from its words back to the lines of each frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svp_dagster.media.pictures import Picture
from svp_dagster.models import Word
from svp_dagster.screen import sheets
from svp_dagster.screen.bands import Part, Place, stack
from svp_dagster.screen.duplicates import distinct
from svp_dagster.screen.figures import LEFT_OUT, with_units
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.lines import Line, join_words
from svp_dagster.screen.sheets import Sheet
from svp_dagster.screen.tracks import Page

FRAMES_PER_S: Final = 1.0
"""How much is read of a video at most, in frames of its size: two paid pictures a minute. Parts with the least new text
are left out first. Measured: clips with a caption a second need a quarter of it, while leaves or gravel, whose shapes
are like letters, would take many times as much."""

FEWEST_FRAMES: Final = 4
"""What a very short video may take."""

UNREAD_PX: Final = 16
"""Least height of text that has to be mentioned where it can't be read."""

FEWEST_UNREAD: Final = 2
"""One such place may be a pattern that looks like text."""

_WAITING_QUALITY: Final = 95
_NO_PIXELS: Final = np.zeros((0, 0, 3), dtype=np.uint8)


@dataclass
class Layout:
    """The parts of frames that were chosen, without their pictures, and where they lie in the pictures to read."""

    parts: list[Part] = field(default_factory=list)
    piles: list[tuple[Place, ...]] = field(default_factory=list)

    def pictures(self, frames: Iterable[Frame], *, duration_s: float | None) -> Iterator[Picture]:
        """Yield the pictures to read. `duration_s` is that of a video, None for slides, which are read in full."""
        parts = distinct(frames) if duration_s is None else within_budget(distinct(frames), duration_s)
        for picture, pile in stack(self._noted(parts)):
            self.piles.append(pile)
            yield picture

    def pages(self, written: Sequence[Sheet], words: Sequence[Sequence[Word] | None]) -> list[Page]:
        """Return the lines of each part that was read, with the seconds at which they were on the screen."""
        found: dict[int, Page] = {}
        for sheet, on_sheet in zip(written, words, strict=True):
            for tile, on_tile in enumerate(sheets.words_by_tile(sheet, on_sheet) if on_sheet is not None else ()):
                for place in self.piles[sheet.first + tile]:
                    part = self.parts[place.part]
                    here = [word for word in on_tile if place.holds((word.top + word.bottom) / 2)]
                    found[place.part] = _page(part, [_moved(word, part.top - place.top) for word in here])
        return [found[number] for number in sorted(found)]

    def _noted(self, parts: Iterable[Part]) -> Iterator[Picture]:
        for part in parts:
            self.parts.append(replace(part, picture=_NO_PIXELS))
            yield part.picture


def within_budget(parts: Iterable[Part], duration_s: float) -> Iterator[Part]:
    """Yield the parts in their order, as many as a video may have, evenly spread where there are more.

    There are more where the background itself has shapes like letters, such as leaves or gravel. How much of a part is
    new says little then, so those go first that are near in time to others of the same rows.

    Until all are known they wait as JPEGs: those of half an hour would take 900 MB.
    """
    import cv2

    kept: list[_Waiting] = []
    pixels = 0
    for part in parts:
        kept.append(_Waiting.of(part))
        pixels += kept[-1].pixels
        room = max(FEWEST_FRAMES, duration_s * FRAMES_PER_S) * part.height * part.picture.shape[1]
        while pixels > room and len(kept) > 1:
            # Never the last: what comes after it isn't known yet.
            least = min(range(len(kept) - 1), key=lambda number: _worth(kept, number))
            pixels -= kept.pop(least).pixels
    for each in kept:
        yield replace(each.part, picture=np.asarray(cv2.imdecode(each.jpeg, cv2.IMREAD_COLOR), dtype=np.uint8))


def _worth(kept: Sequence[_Waiting], number: int) -> float:
    """Return what a part shows that no other does: new text, times the seconds between those with some of its rows."""
    part = kept[number]
    if math.isinf(part.part.news):
        return math.inf
    before = next((each.at_s for each in reversed(kept[:number]) if each.overlaps(part)), 0.0)
    after = next((each.at_s for each in kept[number + 1 :] if each.overlaps(part)), kept[-1].at_s)
    return (after - before) * part.part.news / part.pixels


@dataclass(frozen=True, eq=False, kw_only=True)
class _Waiting:
    """A part without its picture, and this as a JPEG, finer than that of the sheet that it will be on."""

    part: Part
    jpeg: NDArray[np.uint8]
    pixels: int

    @property
    def at_s(self) -> float:
        """Its second."""
        return self.part.at_s or 0.0

    def overlaps(self, other: _Waiting) -> bool:
        """Return whether both show a row of the frame."""
        return self.part.top < other.part.bottom and other.part.top < self.part.bottom

    @classmethod
    def of(cls, part: Part) -> _Waiting:
        import cv2

        _, jpeg = cv2.imencode(".jpg", part.picture, [cv2.IMWRITE_JPEG_QUALITY, _WAITING_QUALITY])
        height, width = part.picture.shape[:2]
        waiting = replace(part, picture=_NO_PIXELS)
        return cls(part=waiting, jpeg=np.asarray(jpeg, dtype=np.uint8), pixels=height * width)


def _moved(word: Word, down: float) -> Word:
    return word.model_copy(update={"top": word.top + down, "bottom": word.bottom + down})


def _page(part: Part, words: Sequence[Word]) -> Page:
    """Return the lines of a part, without those that its edges cut."""
    whole = [word for word in words if not part.cuts(word.top, word.bottom)]
    lines = [_timed(line, part) for line in map(_with_figures, join_words(whole)) if line.text]
    left_out = sum(word.certainty != 0 and LEFT_OUT in word.text for word in whole)
    return Page(
        lines=lines, unread=len(unread(whole)), left_out=left_out, slide=part.slide, top=part.top, bottom=part.bottom
    )


def _with_figures(line: Line) -> Line:
    """Return a line with its units, and without signs for figures that were left out."""
    return replace(line, text=" ".join(with_units(line.text).replace(LEFT_OUT, " ").split()))


def unread(words: Iterable[Word]) -> list[Word]:
    """Return the places where the engine found text that it can't read: as large as a caption, and wider than high."""
    return [word for word in words if not word.text and UNREAD_PX <= word.bottom - word.top < word.right - word.left]


def is_mostly_unread(pages: Iterable[Page]) -> bool:
    """Return whether so much was found and not read that it can't be mere pattern in the picture."""
    counts = [(page.unread, len(page.lines)) for page in pages]
    missed, read = sum(count for count, _ in counts), sum(count for _, count in counts)
    return missed >= FEWEST_UNREAD and missed > read


def _timed(line: Line, part: Part) -> Line:
    rows = slice(max(int(line.top), 0), max(int(line.bottom) + 1, 1))
    columns = slice(max(int(line.left), 0), max(int(line.right) + 1, 1))
    first_s, last_s = part.seconds(rows, columns)
    return replace(line, first_s=first_s, last_s=last_s)
