"""The cover picture of a content page."""

from __future__ import annotations

from pathlib import Path

from svp_dagster.errors import Code, SvpError
from svp_dagster.media import ffmpeg
from svp_dagster.media.kinds import is_picture
from svp_dagster.media.probe import probe
from svp_dagster.models import Video
from svp_dagster.screen.frames import fit

WITHIN_S = 10.0
"""The frame is one of the first seconds: who shares a video shows there what it is about."""

FRAMES_PER_S = 2
SHORT_SIDE_PX = 720
LIMIT_S = 20.0


def cover(video: Video, folder: Path) -> Path | None:
    """The thumbnail, else the first slide, else the most typical frame of the first ten seconds, written to `folder`.

    None where there is no picture, or none that can be decoded.
    """
    if video.thumbnail_path is not None:
        return video.thumbnail_path
    if video.slides and is_picture(video.slides[0]):
        return video.slides[0]
    clip = next(iter(video.slides), video.video_path)
    return None if clip is None else _frame(clip, folder / "cover.jpg")


def _frame(path: Path, to: Path) -> Path | None:
    """The frame that is most like the others: neither the black one that a video begins with nor a flash."""
    try:
        facts = probe(path)
        if not facts.width_px or not facts.height_px:
            return None
        width, height = fit(facts.width_px, facts.height_px, SHORT_SIDE_PX)
        opened = ffmpeg.source(path, t=WITHIN_S, skip_frame="noref", max_error_rate=1)
        frames = opened["V:0"].filter("fps", fps=FRAMES_PER_S).filter("scale", width, height)
        typical = frames.filter("thumbnail", int(WITHIN_S * FRAMES_PER_S))
        jpeg = ffmpeg.sink(typical, to=str(to), format="mjpeg", vframes=1, **{"q:v": 3})
        ffmpeg.run(jpeg, limit_s=LIMIT_S, on_error=Code.MEDIA_UNREADABLE)
    except SvpError:  # the page does without
        return None
    return to if to.is_file() and to.stat().st_size else None
