"""Join the picture and the sound of a video that a site delivers apart.

yt-dlp could do it, but would give the files to an ffmpeg without limits, which opens whatever they name.
"""

from __future__ import annotations

from pathlib import Path

from svp_dagster.errors import Code
from svp_dagster.media import ffmpeg

LIMIT_S = 60.0
"""Nothing is decoded: it takes as long as copying the files."""


def join(picture: Path, sound: Path, to: Path) -> Path:
    """Write both into one Matroska file, which takes any codec, and remove them. Raises `media_unreadable`."""
    tracks = (ffmpeg.source(picture)["V:0"], ffmpeg.source(sound)["a:0"])
    ffmpeg.run(
        ffmpeg.sink(*tracks, to=str(to), format="matroska", codec="copy"),
        limit_s=LIMIT_S,
        on_error=Code.MEDIA_UNREADABLE,
    )
    picture.unlink()
    sound.unlink()
    return to
