"""Drop frames that show the same text as the frame before.

Comparing whole pictures doesn't work: the background moves behind a caption, and a new caption changes few pixels. So
only strokes of letters are compared: thin, of a letter's size, much brighter or darker than their surroundings. The
comparison is by small cells, so that one new digit in a long line still counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svp_dagster.media.pictures import Picture
from svp_dagster.screen.frames import Frame

CHANGE = 0.2
"""Share of a cell's strokes that must differ. A lower value keeps more frames, a higher one loses captions."""

CELL_HEIGHT_PX, CELL_WIDTH_PX = 24, 32
MIN_STROKES = 20
"""Least number of stroke pixels in a cell that is compared: fewer are grain."""

STROKE_PX = 13
"""Strokes are thinner than this at a short side of 540 px. Strokes of captions have 2 to 10 px."""

FAINT = 0.5
"""A stroke with this share of the contrast in the other frame is still there."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes of letters to detect in a picture scaled down by `shrink`.

    `contrast` is the least difference in brightness, of 255, between strokes and their surroundings.
    """

    shrink: int
    contrast: int
    lowest_px: int
    highest_px: int = 90
    narrowest_px: int = 2
    widest_px: int = 160


SCALES = (
    Scale(shrink=1, contrast=48, lowest_px=6),
    Scale(shrink=3, contrast=96, lowest_px=16),  # titles: their strokes are too thick for the other
)

TALLEST, LEAST_INK = 9, 0.15
"""Highest ratio of height to width of a letter, and least share of its box that is ink. Outlines have less."""

NEAR, ALIKE, WORD = 1.2, 2.5, 1.5
"""Letters stand in rows or columns: a neighbour is less than `NEAR` heights away and less than `ALIKE` times as high.
Strokes `WORD` times as wide as high are joined letters."""

MOST_CANDIDATES = 1_500
"""Skip the search for neighbours with more strokes than this: it is quadratic."""

Mask = NDArray[np.uint8]
"""1 for a pixel that is set, else 0."""

Counts = NDArray[np.int64]
"""A number per cell."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """Strokes of one kind, bright or dark, at one scale, by a high and a low threshold."""

    clear: Mask
    faint: Mask


Seen = tuple[Strokes, ...]
"""Bright and dark strokes at each scale. They are kept apart because those of outlined letters touch, and together
would form a solid bar."""


def distinct(frames: Iterable[Frame]) -> Iterator[tuple[Frame, float | None]]:
    """Yield the frames whose text differs from the last one yielded, each with the last second that it represents."""
    kept: tuple[Frame, Seen] | None = None
    last_s: float | None = None
    for frame in frames:
        seen = strokes(frame.picture)
        if kept is None or not same_text(kept[1], seen):
            if kept is not None:
                yield kept[0], last_s
            kept = frame, seen
        last_s = frame.at_s
    if kept is not None:
        yield kept[0], last_s


def strokes(picture: Picture) -> Seen:
    """Detect strokes of letters in a picture."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    brush = cv2.getStructuringElement(cv2.MORPH_RECT, (STROKE_PX, STROKE_PX))
    seen = []
    for scale in SCALES:
        share = 1 / scale.shrink
        scaled = cv2.resize(grey, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            thin = cv2.morphologyEx(scaled, kind, brush)
            clear, faint = (thin > scale.contrast, thin > scale.contrast * FAINT)
            seen.append(Strokes(clear=_letters(clear.astype(np.uint8), scale), faint=faint.astype(np.uint8)))
    return tuple(seen)


def same_text(one: Seen, other: Seen) -> bool:
    """Return whether no cell's strokes differ by `CHANGE` or more. Pictures of different sizes are never the same."""
    return all(_same_strokes(before, now) for before, now in zip(one, other, strict=True))


def _same_strokes(before: Strokes, now: Strokes) -> bool:
    if before.clear.shape != now.clear.shape:
        return False
    differing = _per_cell((before.clear & ~now.faint) | (now.clear & ~before.faint))
    there = np.maximum(_per_cell(before.clear), _per_cell(now.clear))
    return not bool(np.any((there >= MIN_STROKES) & (differing >= CHANGE * there)))


def _letters(mask: Mask, scale: Scale) -> Mask:
    """Return `mask` without the components that can't be letters by their size, shape and neighbours."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height, area = (stats[:, kind] for kind in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    fits = (
        (scale.lowest_px <= height)
        & (height <= scale.highest_px)
        & (scale.narrowest_px <= width)
        & (width <= scale.widest_px)
        & (height <= TALLEST * width)
        & (area >= LEAST_INK * width * height)
    )
    fits[0] = False  # the background
    candidates = np.flatnonzero(fits)
    if len(candidates) <= MOST_CANDIDATES:
        fits[candidates] = _has_neighbour(stats[candidates])
    letters: Mask = fits.astype(np.uint8)[labels]
    return letters


def _has_neighbour(stats: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which boxes are as wide as a word, or have a neighbour of similar height beside or below them."""
    left, top, width, height = (stats[:, kind].astype(np.int64) for kind in range(4))

    def apart(start: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the gap between each pair, negative if they overlap."""
        end = start + length
        gaps: NDArray[np.int64] = np.maximum(start[:, None], start[None]) - np.minimum(end[:, None], end[None])
        return gaps

    larger, smaller = np.maximum(height[:, None], height[None]), np.minimum(height[:, None], height[None])
    near = NEAR * larger
    across, down = apart(left, width), apart(top, height)
    alike = larger <= ALIKE * smaller
    neighbours = alike & (((across < near) & (down < -smaller / 2)) | ((down < near) & (across < -smaller / 2)))
    np.fill_diagonal(neighbours, val=False)
    return np.asarray(neighbours.any(axis=1) | (width >= WORD * height), dtype=np.bool_)


def _per_cell(mask: Mask) -> Counts:
    """Sum `mask` by cell. Cells overlap by half, so that no letter is cut by all of them."""
    half_h, half_w = CELL_HEIGHT_PX // 2, CELL_WIDTH_PX // 2
    rows, columns = -(-mask.shape[0] // half_h), -(-mask.shape[1] // half_w)
    padded = np.zeros((rows * half_h, columns * half_w), dtype=np.uint8)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    halves = padded.reshape(rows, half_h, columns, half_w).sum(axis=(1, 3), dtype=np.int64)
    halves = np.pad(halves, ((0, 1), (0, 1)))
    cells: Counts = halves[:-1, :-1] + halves[1:, :-1] + halves[:-1, 1:] + halves[1:, 1:]
    return cells
