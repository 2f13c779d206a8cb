"""Detect strokes of letters in a picture: thin, of a letter's size, much brighter or darker than their surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svp_dagster.media.pictures import Picture

CELL_HEIGHT_PX, CELL_WIDTH_PX = 24, 32
"""Strokes are counted by cells that overlap by half, so that no letter is cut by all of them."""

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

MIN_STROKES = 20
"""Least number of stroke pixels in a cell that is compared: fewer are grain."""

BUSY = 0.04
"""Share of cells whose strokes stand still by chance, from which a picture is busy. Captions that change have less."""

SAME_BRIGHTNESS = 8
"""What the brightness of a caption's pixel may change by, of 255, when it was compressed."""

ROW_CELLS = 3, 5
"""Least height and width of a short word, in cells. Shapes of a background that stand still by chance cover less."""

Mask = NDArray[np.uint8]
"""1 for a pixel that is set, else 0."""

Counts = NDArray[np.int64]
"""A number per cell."""


Cells = NDArray[np.bool_]
"""Whether something is so, per cell."""

Times = NDArray[np.float64]
"""A second per cell, or NaN."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """Strokes of one kind, bright or dark, at one scale, by a high and a low threshold. `grey` is the picture.

    Bright and dark ones are kept apart because those of outlined letters touch, and together would form a solid bar.
    """

    scale: Scale
    clear: Mask
    faint: Mask
    grey: NDArray[np.uint8]


def strokes(picture: Picture) -> tuple[Strokes, ...]:
    """Return bright and dark strokes at each scale, not only those of letters."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    brush = cv2.getStructuringElement(cv2.MORPH_RECT, (STROKE_PX, STROKE_PX))
    seen = []
    for scale in SCALES:
        share = 1 / scale.shrink
        scaled = cv2.resize(grey, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            thin = cv2.morphologyEx(scaled, kind, brush)
            clear, faint = ((thin > threshold).view(np.uint8) for threshold in (scale.contrast, scale.contrast * FAINT))
            seen.append(Strokes(scale, clear, faint, np.asarray(scaled, dtype=np.uint8)))
    return tuple(seen)


@dataclass(frozen=True, eq=False)
class Still:
    """Strokes of one kind that stand still for two samples, and whether many do so by chance."""

    mask: Mask
    is_busy: bool


def still(now: Strokes, *beside: Strokes) -> Still:
    """Return the strokes that stand still from one sample to the next, before or after.

    Where a busy background moves, there are strokes in the same places by chance. There those count that keep their
    brightness, as captions do, and only those that do both before and after where these are too many as well.
    """
    loose = now.clear & np.bitwise_or.reduce([seen.faint for seen in beside])
    if _has_strokes(loose).mean() <= BUSY:
        return Still(loose, is_busy=False)
    firm = now.clear & np.bitwise_and.reduce([seen.faint & _as_bright(now, seen) for seen in beside])
    for_sure = _has_strokes(firm)
    if (_has_strokes(loose) & ~for_sure).mean() <= BUSY:
        return Still(loose, is_busy=False)
    bright = now.clear & np.bitwise_or.reduce([seen.clear & _as_bright(now, seen) for seen in beside])
    is_noise = (rows_of_letters(_has_strokes(bright)) & ~for_sure).mean() > BUSY
    return Still(firm if is_noise else bright, is_busy=True)


def _has_strokes(mask: Mask) -> Cells:
    return np.asarray(per_cell(mask) >= MIN_STROKES, dtype=np.bool_)


def _as_bright(now: Strokes, seen: Strokes) -> Mask:
    import cv2

    return (cv2.absdiff(now.grey, seen.grey) <= SAME_BRIGHTNESS).view(np.uint8)


def rows_of_letters(cells: Cells) -> Cells:
    """Return the cells that are part of a row of letters: `ROW_CELLS` high and wide."""
    import cv2

    brush = np.ones(ROW_CELLS, dtype=np.uint8)
    return cv2.morphologyEx(cells.astype(np.uint8), cv2.MORPH_OPEN, brush).astype(np.bool_)


def letters(mask: Mask, scale: Scale) -> Mask:
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
    found: Mask = fits.astype(np.uint8)[labels]
    return found


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


def per_cell(mask: Mask) -> Counts:
    """Sum `mask` by cell."""
    import cv2

    half_h, half_w = CELL_HEIGHT_PX // 2, CELL_WIDTH_PX // 2
    rows, columns = -(-mask.shape[0] // half_h), -(-mask.shape[1] // half_w)
    padded = np.zeros((rows * half_h, columns * half_w), dtype=np.uint8)
    np.multiply(mask, half_h * half_w, out=padded[: mask.shape[0], : mask.shape[1]])
    means = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
    halves = np.pad(means.astype(np.int64), ((0, 1), (0, 1)))
    cells: Counts = halves[:-1, :-1] + halves[1:, :-1] + halves[:-1, 1:] + halves[1:, 1:]
    return cells


def cells_of(rows: slice, columns: slice, scale: Scale) -> tuple[slice, slice]:
    """Return the cells whose centre lies in a box of the unscaled picture, at least one."""
    return _centred(rows, CELL_HEIGHT_PX // 2 * scale.shrink), _centred(columns, CELL_WIDTH_PX // 2 * scale.shrink)


def _centred(pixels: slice, half_px: int) -> slice:
    first = max(-(-pixels.start // half_px) - 1, 0)
    return slice(first, max(-(-pixels.stop // half_px) - 1, first + 1))


def rows_of(cell_row: int, scale: Scale) -> slice:
    """Return the rows of the unscaled picture that a row of cells covers."""
    half_h = CELL_HEIGHT_PX // 2 * scale.shrink
    return slice(cell_row * half_h, (cell_row + 2) * half_h)


def spread(cells: Cells, mask: Mask) -> NDArray[np.bool_]:
    """Return which pixels of `mask` lie in one of the cells."""
    half_h, half_w = CELL_HEIGHT_PX // 2, CELL_WIDTH_PX // 2
    halves = cells.copy()
    halves[1:] |= cells[:-1]
    halves[:, 1:] |= halves[:, :-1].copy()
    pixels = halves.repeat(half_h, axis=0).repeat(half_w, axis=1)
    return np.asarray(pixels[: mask.shape[0], : mask.shape[1]], dtype=np.bool_)
