"""Sizes of pictures."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 5
"""A fitted picture is at most this many short sides long, so that a strip doesn't keep millions of pixels."""


def fit(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Return the size with the same shape that fits into `short_side` times `LONGEST` of them; even, at least 2."""
    scale = min(1.0, short_side / min(width, height), LONGEST * short_side / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def fit_expressions(short_side: int) -> tuple[str, str]:
    """Return `fit` as ffmpeg's filter `scale` computes it, for a picture whose size isn't known yet."""
    scale = f"min(1,min({short_side}/min(iw,ih),{LONGEST * short_side}/max(iw,ih)))"
    return f"max(2,round(iw*{scale}/2)*2)", f"max(2,round(ih*{scale}/2)*2)"
