"""Choose the picture that stands for a post."""

from __future__ import annotations

import time
from pathlib import Path

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.media import ffmpeg
from svp_dagster.media.pictures import open_picture
from svp_dagster.media.scaling import fit
from svp_dagster.models import MediaFile, Video

WITHIN_S = 10.0
"""The frame is one of the first seconds: who shares a video shows there what it is about."""

FRAMES_PER_S = 2
SHORT_SIDE_PX = 720
LIMIT_S = 20.0
"""For all that is tried."""

_TRIAL_SIDE_PX = 64


def cover(video: Video, folder: Path) -> Path | None:
    """Return the thumbnail, else the first slide, else the most typical frame of the first ten seconds.

    Pictures that can't be opened are passed over: nobody who opens the page should have to open them either. A frame
    is written to `folder`. None where there is no picture, or none that can be decoded.
    """
    ends = time.monotonic() + LIMIT_S
    for path in filter(None, (video.cover_path, *video.slides, video.video_path)):
        clip = video.file(path)
        left_s = max(ends - time.monotonic(), 0.0)
        try:
            if clip is not None:
                return _frame(clip, folder / "cover.jpg", limit_s=left_s)
            open_picture(path, short_side_px=_TRIAL_SIDE_PX, limit_s=left_s)
        except SvpError:  # a page without a cover is still a page
            continue
        return path
    return None


def _frame(clip: MediaFile, to: Path, *, limit_s: float) -> Path:
    """Write the frame that is most like the others: neither the black one of the start nor a flash."""
    if not clip.width_px or not clip.height_px:
        raise failure(Code.MEDIA_UNREADABLE, detail="no picture size")
    width, height = fit(clip.width_px, clip.height_px, SHORT_SIDE_PX)
    opened = ffmpeg.source(clip.path, t=WITHIN_S, skip_frame="noref", max_error_rate=1)
    frames = opened["V:0"].filter("fps", fps=FRAMES_PER_S, eof_action="pass").filter("scale", width, height)
    typical = frames.filter("thumbnail", int(WITHIN_S * FRAMES_PER_S))
    jpeg = ffmpeg.sink(typical, to=str(to), format="mjpeg", vframes=1, **{"q:v": 3})
    ffmpeg.run(jpeg, limit_s=limit_s, on_error=Code.MEDIA_UNREADABLE)
    if not to.is_file() or not to.stat().st_size:
        raise failure(Code.MEDIA_UNREADABLE, detail="no frame could be decoded")
    return to
