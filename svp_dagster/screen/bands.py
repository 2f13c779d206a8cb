"""Cut the rows with new text out of frames, and stack them into pictures of a frame's height."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from svp_dagster.media.pictures import Picture
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.strokes import Cells, Scale, Times, cells_of

MARGIN_PX = 12
"""Rows around a text that the reader needs to find it."""

LINE_PX = 90
"""Tallest line that is followed to its end rather than cut."""

JOIN_PX = 40
"""Bands with fewer rows between them are one."""

GAP_PX = 12
"""Grey rows between two bands of a picture."""

OPEN_PILES = 8
"""Piles that wait for a band that fits."""

GREY = 128

LASTING_S = 0.3
"""Text was seen in three samples if there is so much time between the first and the last."""

CUT_PX = 2
"""A line this near to an edge of a part that is not one of its frame is cut."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Rows of a stacked picture, and the number of the part that lies there."""

    top: int
    bottom: int
    part: int

    def holds(self, row: float) -> bool:
        """Return whether a row of the picture belongs to it. The gap belongs to both its neighbours' halves."""
        return self.top - GAP_PX / 2 <= row < self.bottom + GAP_PX / 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """Rows of a frame that are read, from `top` to `bottom` of its `height`.

    `shown` has per kind of strokes the cells with text, since when they have shown it, and until when. The last is
    complete once all frames were compared. `new` has per kind those with text that no part before shows. It is empty
    for a part that is taken whatever it shows.
    """

    picture: Picture
    top: int
    bottom: int
    height: int
    at_s: float | None
    slide: int | None
    new: tuple[Cells, ...] = ()
    shown: tuple[tuple[Scale, Cells, Times, Times], ...] = ()

    @property
    def news(self) -> float:
        """How many of its cells have new text that stood still for a while, by what is known; infinite if taken anyway.

        Shapes of a moving background that look like letters stand still for a sample or two, by chance.
        """
        if not self.new:
            return math.inf
        return sum(
            int((new & has_text & ~(until - since < LASTING_S)).sum())
            for new, (_, has_text, since, until) in zip(self.new, self.shown, strict=True)
        )

    def cuts(self, top: float, bottom: float) -> bool:
        """Return whether a line at the edge of these rows goes on in the frame."""
        cut_above = self.top > 0 and top < self.top + CUT_PX
        return cut_above or (self.bottom < self.height and bottom > self.bottom - CUT_PX)

    def seconds(self, rows: slice, columns: slice) -> tuple[float | None, float | None]:
        """Return the first and the last second at which the text in a box of the frame was seen."""
        if self.at_s is None or self.slide is not None:
            return None, None
        first, last = [self.at_s], [self.at_s]
        for scale, has_text, since, until in self.shown:
            cells = cells_of(rows, columns, scale)
            there = has_text[cells]
            first += since[cells][there].tolist()
            last += until[cells][there].tolist()
        return min(self.at_s, _usual(first)), max(self.at_s, _usual(last))


def _usual(times: Sequence[float]) -> float:
    """Return the median without averaging: cells at the edge of a text may show what stood there before."""
    return float(np.nanquantile(times, 0.5, method="nearest"))


def whole(frame: Frame) -> Part:
    """Return all rows of a frame."""
    height = frame.picture.shape[0]
    return Part(picture=frame.picture, top=0, bottom=height, height=height, at_s=frame.at_s, slide=frame.slide)


def bands(*, ink: NDArray[np.bool_], new: NDArray[np.bool_]) -> Iterator[slice]:
    """Yield the rows that are `new`, with a margin and without cutting a line. `ink` has the rows with text."""
    height = len(new)
    found: list[slice] = []
    for start, stop in _runs(new):
        top = max(_line_end(ink[:start][::-1], start) - MARGIN_PX, 0)
        bottom = min(height - _line_end(ink[stop:], height - stop) + MARGIN_PX, height)
        if found and top - found[-1].stop < JOIN_PX:
            found[-1] = slice(found[-1].start, max(bottom, found[-1].stop))
        else:
            found.append(slice(top, bottom))
    yield from found


def _runs(marked: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    for start, stop in edges.reshape(-1, 2):
        yield int(start), int(stop)


def _line_end(beyond: NDArray[np.bool_], rest: int) -> int:
    """Return how many of the `rest` rows beyond an edge are left behind the line that goes over it."""
    empty = np.flatnonzero(~beyond[:LINE_PX])
    more = int(empty[0]) if len(empty) else min(len(beyond), LINE_PX)
    return rest - more


def stack(pictures: Iterable[Picture]) -> Iterator[tuple[Picture, tuple[Place, ...]]]:
    """Yield pictures in which the given ones lie below each other, as many as fit the height of the tallest yet.

    One as high as that is yielded alone at once. The others wait for more, `OPEN_PILES` of them at most.
    """
    piles: list[list[tuple[int, Picture]]] = []
    tallest = 0
    for number, picture in enumerate(pictures):
        tallest = max(tallest, picture.shape[0])
        if picture.shape[0] == tallest:
            yield _piled([(number, picture)])
            continue
        pile = next((pile for pile in piles if _fits(picture, pile, tallest)), None)
        if pile is not None:
            pile.append((number, picture))
            continue
        if len(piles) == OPEN_PILES:
            yield _piled(piles.pop(0))
        piles.append([(number, picture)])
    for pile in piles:
        yield _piled(pile)


def _fits(picture: Picture, pile: Sequence[tuple[int, Picture]], tallest: int) -> bool:
    height = sum(each.shape[0] + GAP_PX for _, each in pile) + picture.shape[0]
    return bool(height <= tallest and pile[0][1].shape[1] == picture.shape[1])


def _piled(pile: Sequence[tuple[int, Picture]]) -> tuple[Picture, tuple[Place, ...]]:
    places: list[Place] = []
    top = 0
    for number, picture in pile:
        places.append(Place(top=top, bottom=top + picture.shape[0], part=number))
        top += picture.shape[0] + GAP_PX
    stacked = np.full((top - GAP_PX, *pile[0][1].shape[1:]), GREY, dtype=np.uint8)
    for place, (_, picture) in zip(places, pile, strict=True):
        stacked[place.top : place.bottom] = picture
    return stacked, tuple(places)
