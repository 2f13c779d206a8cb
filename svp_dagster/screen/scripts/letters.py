"""Draw the letters of a line in black on white, for an engine that expects scanned paper.

Letters are filled with one colour and stand clear of the edges of their line's box. The background, and the box behind
a caption, reach the edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from svp_dagster.media.pictures import Picture

HEIGHT_PX = 78
"""Height of the line that is drawn. Lower and higher ones are read less well on average (measured from 60 to 110)."""

WIDEST_RATIO = 30
"""Width of the widest line, in heights. Wider ones are squeezed."""

SAME_COLOUR = 100.0
"""Distance in RGB up to which a pixel belongs to letters in any case. From half of it on it is a blurred edge."""

EDGE = 0.55
"""Share of the distance to the colour around the letters up to which a pixel belongs to them. Below it strokes get too
thin, and small marks of Korean letters vanish (measured from 0 to 0.55)."""

RING_PX = (5, 9)
"""Where the colour around the letters is measured: between letters that are grown by squares of these sides."""

MARGIN_PX = 12
LEAST_PIXELS = 20

Mask = NDArray[np.bool_]


def draw_letters(line: Picture, *, light: bool, height_px: int = HEIGHT_PX) -> NDArray[np.uint8]:
    """Return the letters of a line in black on white: those lighter than what surrounds them, or the darker ones."""
    scaled = _scaled(line, height_px)
    colour = _letters_colour(scaled, light=light)
    if colour is None:
        return np.full(scaled.shape[:2], 255, dtype=np.uint8)
    distance = np.sqrt(((scaled.astype(np.float32) - colour) ** 2).sum(axis=2))
    edge = max(EDGE * _contrast(distance), SAME_COLOUR)
    drawn = np.clip((2 * distance / edge - 1) * 255, 0, 255).astype(np.uint8)
    drawn[~_clear_of_edges(distance < edge)] = 255
    return np.pad(drawn, MARGIN_PX, constant_values=255)


def _scaled(line: Picture, height_px: int) -> Picture:
    import cv2

    height, width = line.shape[:2]
    fitted = min(round(width * height_px / height), WIDEST_RATIO * height_px)
    scaled = cv2.resize(line, (max(fitted, 1), height_px), interpolation=cv2.INTER_CUBIC)
    return np.asarray(scaled, dtype=np.uint8)


def _letters_colour(line: Picture, *, light: bool) -> NDArray[np.float64] | None:
    """Return the usual colour of light or dark parts that are clear of the edges, None where there are none."""
    import cv2

    grey = np.asarray(cv2.cvtColor(line, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    if not light:
        grey = 255 - grey
    middle = _threshold(grey)
    masks = [_clear_of_edges(grey > level) for level in (middle, _threshold(grey[grey > middle]))]
    mask = max(masks, key=np.count_nonzero)
    core = cv2.erode(mask.astype(np.uint8), np.ones((2, 2), np.uint8)) > 0
    if np.count_nonzero(core) >= LEAST_PIXELS:
        mask = core
    return np.median(line[mask], axis=0) if mask.any() else None


def _contrast(distance: NDArray[np.float32]) -> float:
    """Return the distance from the letters' colour to the colour around them."""
    import cv2

    letters = (distance < SAME_COLOUR / 2).astype(np.uint8)
    near, far = (cv2.dilate(letters, np.ones((side, side), np.uint8)) for side in RING_PX)
    ring = distance[far > near]
    return float(np.median(ring)) if ring.size else 0.0


def _threshold(values: NDArray[np.uint8]) -> float:
    """Return the value that parts light from dark (Otsu)."""
    import cv2

    if not values.size:
        return 0.0
    return float(cv2.threshold(values.reshape(1, -1), 0, 255, cv2.THRESH_OTSU)[0])


def _clear_of_edges(mask: Mask) -> Mask:
    """Return the connected parts that don't touch an edge."""
    import cv2

    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    kept = np.ones(count, dtype=np.bool_)
    kept[0] = False
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        kept[edge] = False
    clear: Mask = kept[labels]
    return clear
