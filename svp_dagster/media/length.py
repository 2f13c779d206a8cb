"""Limit how long a video may be."""

from __future__ import annotations

from svp_dagster.errors import Code, failure


def require_length(duration_s: float | None, *, limit_s: float) -> None:
    """Raise the failure `too_long` for a video that is longer than the limit. An unknown length passes."""
    if duration_s is not None and duration_s > limit_s:
        reason = f"{_spoken(duration_s)} long; at most {_spoken(limit_s)} are allowed"
        raise failure(Code.TOO_LONG, reason=reason, detail=f"{duration_s:.0f} s > {limit_s:.0f} s")


def _spoken(duration_s: float) -> str:
    if duration_s < 120:
        return f"{duration_s:.0f} seconds"
    return f"{duration_s / 60:.0f} minutes" if duration_s < 2 * 3600 else f"{duration_s / 3600:.1f} hours"
