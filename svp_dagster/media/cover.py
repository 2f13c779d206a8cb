"""Choose the picture that stands for a post."""

from __future__ import annotations

from pathlib import Path

from svp_dagster.errors import Code, SvpError
from svp_dagster.media import ffmpeg
from svp_dagster.media.scaling import fit
from svp_dagster.models import MediaFile, Video

WITHIN_S = 10.0
"""The frame is one of the first seconds: who shares a video shows there what it is about."""

FRAMES_PER_S = 2
SHORT_SIDE_PX = 720
LIMIT_S = 20.0


def cover(video: Video, folder: Path) -> Path | None:
    """Return the thumbnail, else the first slide, else the most typical frame of the first ten seconds.

    The frame is written to `folder`. None where there is no picture, or none that can be decoded.
    """
    if video.cover_path is not None:
        return video.cover_path
    first = next(iter(video.slides), video.video_path)
    clip = video.file(first)
    return first if clip is None else _frame(clip, folder / "cover.jpg")


def _frame(clip: MediaFile, to: Path) -> Path | None:
    """Write the frame that is most like the others: neither the black one of the start nor a flash."""
    if not clip.width_px or not clip.height_px:
        return None
    width, height = fit(clip.width_px, clip.height_px, SHORT_SIDE_PX)
    opened = ffmpeg.source(clip.path, t=WITHIN_S, skip_frame="noref", max_error_rate=1)
    frames = opened["V:0"].filter("fps", fps=FRAMES_PER_S).filter("scale", width, height)
    typical = frames.filter("thumbnail", int(WITHIN_S * FRAMES_PER_S))
    jpeg = ffmpeg.sink(typical, to=str(to), format="mjpeg", vframes=1, **{"q:v": 3})
    try:
        ffmpeg.run(jpeg, limit_s=LIMIT_S, on_error=Code.MEDIA_UNREADABLE)
    except SvpError:  # a page without a cover is still a page
        return None
    return to if to.is_file() and to.stat().st_size else None
