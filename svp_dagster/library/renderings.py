"""An outcome as text and as JSON."""

from __future__ import annotations

import json
from typing import Any, Final

from svp_dagster.library.words import clock, spoken_text
from svp_dagster.models import Outcome, Transcript
from svp_dagster.notion.rich_text import clean, one_line

_FILES: Final[dict[str, Any]] = {
    "video": {
        "video_path": True,
        "audio_path": True,
        "slides": True,
        "cover_path": True,
        "files": {"__all__": {"path"}},
    },
    "screen_text": {"sheet": {"path", "recipe"}},
}
"""The fields that name files: these are gone once the run is over."""


def as_text(transcript: Transcript) -> str:
    """Return the transcript as lines with their times, lyrics between notes; without segments, as it was written.

    Where nothing is heard, the note says why.
    """
    lines = [
        f"[{clock(segment.start_s)}] {f'♪ {text} ♪' if segment.sung else text}"
        for segment in transcript.segments
        if (text := one_line(segment.text))
    ]
    text = "\n".join(lines) or clean(spoken_text(transcript)) or one_line(transcript.note)
    return f"{text}\n" if text else ""


def as_json(outcome: Outcome) -> str:
    """Return the outcome as JSON, without the paths of files."""
    return json.dumps(outcome.model_dump(mode="json", exclude=_FILES), ensure_ascii=False, indent=2)
