"""How times, places and sources are put into words, wherever an outcome is shown."""

from __future__ import annotations

import math

from svp_dagster.models import Evidence, ScreenLine, Summary, Transcript

SOURCE_WORDS = {"speech": "said", "screen": "shown", "caption": "written in the caption", "picture": "seen"}
"""How a quote came to be known, by `Evidence.source`."""

_UNCONFIRMED = " (no text confirms it)"


def clock(at_s: float) -> str:
    """Return a second of a video as `1:05` or `1:01:05`."""
    seconds = max(0, int(at_s)) if math.isfinite(at_s) else 0
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def seen_at(line: ScreenLine) -> str:
    """Return when, or on which slide, a line was on the screen."""
    if line.slide is not None:
        return f"Slide {line.slide}:"
    return "•" if line.first_s is None else clock(line.first_s)


def doubt(evidence: Evidence) -> str:
    """Return the remark that belongs to a quote which text doesn't confirm word for word."""
    if evidence.source == "picture":
        return _UNCONFIRMED
    return "" if evidence.checked else " (reworded)" if evidence.reworded else " (not found word for word)"


def is_quoted(summary: Summary) -> bool:
    """Return whether the summary was made without a model."""
    return summary.engine == "extractive"


def reservation(summary: Summary) -> str:
    """Return what readers have to know first of what no model, or no text, stands behind; '' for any other summary."""
    if is_quoted(summary):
        return "Quoted, not summarised: may be incomplete."
    return "Described from the pictures alone: no text confirms it." if summary.is_seen else ""


def made_by(summary: Summary) -> str:
    """Return a sentence about who made the summary."""
    if is_quoted(summary):
        return "Summary: quoted sentences, no model (extractive)."
    return f"Summary by {summary.model} ({summary.engine.capitalize()})."


def spoken_text(transcript: Transcript) -> str:
    """Return what is said, without lyrics."""
    return transcript.text or "\n".join(segment.text for segment in transcript.spoken)
