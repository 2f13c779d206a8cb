"""Tell level text from tilted text."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_TILT, LEAST_TILT_PX = 0.09, 4
"""Slope of tilted text (5°), and by how many pixels it has to go up or down."""


def is_level(left: Sequence[float], right: Sequence[float]) -> bool:
    """Return whether the upper corners of a box, each x and y, lie at one height. Short words need some tolerance."""
    across, down = abs(right[0] - left[0]), abs(right[1] - left[1])
    return bool(down < LEAST_TILT_PX or down < LEAST_TILT * across)
