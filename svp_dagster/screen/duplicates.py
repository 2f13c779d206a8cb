"""Frames that show no other text than the one before are dropped before anything is read.

Pictures as a whole say little: behind a caption the background moves in every frame, and a new caption changes few
pixels. So only what looks like the strokes of letters is compared: thin, much brighter or darker than what is around
it, of a letter's size. It is compared in small cells, so that one new digit in a long line still counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svp_dagster.screen.frames import Frame, Picture

CHANGE = 0.2
"""Share of a cell's strokes that must differ. Lower keeps more frames, higher loses captions."""

CELL_HEIGHT_PX, CELL_WIDTH_PX = 24, 32
MIN_STROKES = 20
"""Pixels of strokes a cell must hold to be looked at: less is grain."""

STROKE_PX = 13
"""Strokes are thinner than this at a short side of 540 px: captions have strokes of 2 to 10."""

FAINT = 0.5
"""A stroke that has this share of the contrast in the other frame isn't gone."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Letters that are looked for in a picture shrunk by `shrink`.

    `contrast` is the difference in brightness, of 255, between strokes and what is around them.
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
"""A letter is at most so many times as high as wide, and covers that share of its box: frames and curves don't."""

NEAR, ALIKE, WORD = 1.2, 2.5, 1.5
"""Letters stand in rows (or columns): the next is less than so many heights away and not so many times as high; strokes
so many times as wide as high are joined letters."""

MOST_CANDIDATES = 1_500
"""With more strokes than this all are taken for letters: comparing each with each would take too long."""

Mask = NDArray[np.uint8]
"""1 where something is, else 0."""

Counts = NDArray[np.int64]
"""A number for each cell."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """Strokes of one kind, bright or dark, at one scale: where they are, and where they might be."""

    clear: Mask
    faint: Mask


Seen = tuple[Strokes, ...]
"""Bright and dark strokes at each scale: not as one, because outlined letters have both, side by side, and together
they would be a plain bar."""


def distinct(frames: Iterable[Frame]) -> Iterator[tuple[Frame, float | None]]:
    """The frames whose text differs from the last one given, each with the last second that it stands for."""
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
    """What looks like strokes of letters in a picture."""
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
    """Whether no cell's strokes differ by `CHANGE` or more. Pictures of different sizes never are the same."""
    return all(_same_strokes(before, now) for before, now in zip(one, other, strict=True))


def _same_strokes(before: Strokes, now: Strokes) -> bool:
    if before.clear.shape != now.clear.shape:
        return False
    differing = _per_cell((before.clear & ~now.faint) | (now.clear & ~before.faint))
    there = np.maximum(_per_cell(before.clear), _per_cell(now.clear))
    return not bool(np.any((there >= MIN_STROKES) & (differing >= CHANGE * there)))


def _letters(mask: Mask, scale: Scale) -> Mask:
    """`mask` without the connected parts that can't be a letter or joined ones, by their size, shape and company."""
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
        fits[candidates] = _has_company(stats[candidates])
    letters: Mask = fits.astype(np.uint8)[labels]
    return letters


def _has_company(stats: NDArray[Any]) -> NDArray[np.bool_]:
    """Which boxes are as wide as a word, or have one of about their height beside or below them."""
    left, top, width, height = (stats[:, kind].astype(np.int64) for kind in range(4))

    def apart(start: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
        """The gap between each two; negative where they overlap."""
        end = start + length
        gaps: NDArray[np.int64] = np.maximum(start[:, None], start[None]) - np.minimum(end[:, None], end[None])
        return gaps

    larger, smaller = np.maximum(height[:, None], height[None]), np.minimum(height[:, None], height[None])
    near = NEAR * larger
    across, down = apart(left, width), apart(top, height)
    alike = larger <= ALIKE * smaller
    company = alike & (((across < near) & (down < -smaller / 2)) | ((down < near) & (across < -smaller / 2)))
    np.fill_diagonal(company, val=False)
    return np.asarray(company.any(axis=1) | (width >= WORD * height), dtype=np.bool_)


def _per_cell(mask: Mask) -> Counts:
    """The sum of `mask` in each cell, in cells that overlap by half so that no letter is cut by all of them."""
    half_h, half_w = CELL_HEIGHT_PX // 2, CELL_WIDTH_PX // 2
    rows, columns = -(-mask.shape[0] // half_h), -(-mask.shape[1] // half_w)
    padded = np.zeros((rows * half_h, columns * half_w), dtype=np.uint8)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    halves = padded.reshape(rows, half_h, columns, half_w).sum(axis=(1, 3), dtype=np.int64)
    halves = np.pad(halves, ((0, 1), (0, 1)))
    cells: Counts = halves[:-1, :-1] + halves[1:, :-1] + halves[:-1, 1:] + halves[1:, 1:]
    return cells
