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

from svp_dagster.media.frames import Frame, Picture

CHANGE = 0.2
"""Share of a cell's strokes that must differ. Lower keeps more frames, higher loses captions."""

CELL_HEIGHT_PX, CELL_WIDTH_PX = 24, 90
MIN_STROKES = 40
"""Pixels of strokes a cell must hold to be looked at: less is grain."""

STROKE_PX = 13
"""Strokes are thinner than this at a short side of 540 px: captions have strokes of 2 to 10."""

LARGE = 3
"""The same is done with the picture at a third of its size, for titles with thicker strokes."""

CONTRAST = 48
FAINT_CONTRAST = 24
"""Difference in brightness, of 255, between a stroke and what is around it. A stroke that is only fainter in the other
frame isn't gone."""

LETTER_HEIGHT_PX = (6, 90)
LETTER_WIDTH_PX = (2, 160)
SLACK_PX = 1
"""Strokes may tremble by this much: the encoder moves edges."""

Mask = NDArray[np.uint8]
"""1 where something is, else 0."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """Where a picture has strokes of letters, and where it might have: the bright ones, below them the dark ones,
    and below them both of the large letters, at a smaller scale.

    Not as one, because outlined letters have both, side by side, and together they would be a plain bar.
    """

    clear: Mask
    faint: Mask


def distinct(frames: Iterable[Frame]) -> Iterator[tuple[Frame, float | None]]:
    """The frames whose text differs from the last one given, each with the last second that it stands for."""
    kept: tuple[Frame, Strokes] | None = None
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


def strokes(picture: Picture) -> Strokes:
    """What looks like strokes of letters in a picture."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    shrunk = cv2.resize(grey, None, fx=1 / LARGE, fy=1 / LARGE, interpolation=cv2.INTER_AREA)
    small, large = _strokes(grey), _strokes(shrunk)
    room = ((0, 0), (0, grey.shape[1] - shrunk.shape[1]))
    return Strokes(
        clear=np.vstack([small.clear, np.pad(large.clear, room)]),
        faint=np.vstack([small.faint, np.pad(large.faint, room)]),
    )


def same_text(one: Strokes, other: Strokes) -> bool:
    """Whether no cell's strokes differ by `CHANGE` or more. Pictures of different sizes never are the same."""
    if one.clear.shape != other.clear.shape:
        return False
    differing = _per_cell(one.clear & ~other.faint) + _per_cell(other.clear & ~one.faint)
    there = np.maximum(_per_cell(one.clear), _per_cell(other.clear))
    return not bool(np.any((there >= MIN_STROKES) & (differing >= CHANGE * there)))


def _strokes(grey: Any) -> Strokes:
    import cv2

    brush = cv2.getStructuringElement(cv2.MORPH_RECT, (STROKE_PX, STROKE_PX))
    slack = np.ones((2 * SLACK_PX + 1, 2 * SLACK_PX + 1), dtype=np.uint8)
    bright_and_dark = [cv2.morphologyEx(grey, kind, brush) for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)]
    clear = [_letters((thin > CONTRAST).astype(np.uint8)) for thin in bright_and_dark]
    faint = [cv2.dilate((thin > FAINT_CONTRAST).astype(np.uint8), slack) for thin in bright_and_dark]
    return Strokes(clear=np.vstack(clear), faint=np.vstack(faint))


def _letters(mask: Mask) -> Mask:
    """`mask` without the connected parts that are too small or too large for a letter or a few joined ones."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    fits = (
        (LETTER_HEIGHT_PX[0] <= height)
        & (height <= LETTER_HEIGHT_PX[1])
        & (LETTER_WIDTH_PX[0] <= width)
        & (width <= LETTER_WIDTH_PX[1])
    )
    fits[0] = False  # the background
    letters: Mask = fits.astype(np.uint8)[labels]
    return letters


def _per_cell(mask: Mask) -> NDArray[np.int64]:
    """The sum of `mask` in each cell, in cells that overlap by half so that no letter is cut by all of them."""
    half_h, half_w = CELL_HEIGHT_PX // 2, CELL_WIDTH_PX // 2
    rows, columns = -(-mask.shape[0] // half_h), -(-mask.shape[1] // half_w)
    padded = np.zeros((rows * half_h, columns * half_w), dtype=np.int64)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    halves = padded.reshape(rows, half_h, columns, half_w).sum(axis=(1, 3))
    halves = np.pad(halves, ((0, 1), (0, 1)))
    cells: NDArray[np.int64] = halves[:-1, :-1] + halves[1:, :-1] + halves[:-1, 1:] + halves[1:, 1:]
    return cells
