"""Sizes of pictures."""

from __future__ import annotations


def fit(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Return the size with the same shape whose short side is at most `short_side`; even, at least 2."""
    scale = min(1.0, short_side / min(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
