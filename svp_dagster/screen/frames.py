"""Sample pictures to read: five frames a second of a video, or the slides of a slideshow.

One ffmpeg process samples the frames, without non-reference frames and without deblocking. That takes a third of the
time of seeking to each second with OpenCV, and loses no text. The interval hardly matters, as decoding takes most of
the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svp_dagster.errors import Code, failure
from svp_dagster.media import ffmpeg, pictures
from svp_dagster.media.pictures import Picture
from svp_dagster.media.scaling import fit
from svp_dagster.models import MediaFile

EVERY_S = 0.2
"""So that a caption of half a second is in two frames, which shows that it stands still."""

SHORT_SIDE_PX = 540
"""The smallest frame in which captions of 32 px on 1080 × 1920 are still read (measured)."""

SLIDE_SHORT_SIDE_PX = 1080
"""A slide is a still, which has smaller print than a passing frame."""

MAX_FRAMES = 600
"""Videos of more than two minutes are sampled less often."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture, with its second of the video or its slide (from 1)."""

    picture: Picture
    at_s: float | None = None
    slide: int | None = None


def sample(file: MediaFile, *, limit_s: float, most: int = MAX_FRAMES) -> Iterator[Frame]:
    """Yield the frame in the middle of every `EVERY_S` seconds, upright, with a short side of at most 540 px.

    A video of more than `most` such frames is sampled less often. Damaged parts are skipped. Raises
    `media_unreadable` if no frame can be decoded, or, after the frames until then, when `limit_s` is over.
    """
    if not file.width_px or not file.height_px:
        raise failure(Code.MEDIA_UNREADABLE, detail="no picture size")
    width, height = fit(file.width_px, file.height_px, SHORT_SIDE_PX)
    every_s = max(EVERY_S, file.readable_s / most)
    opened = ffmpeg.source(file.path, skip_frame="noref", skip_loop_filter="all", max_error_rate=1)
    sampled = opened["V:0"].filter("fps", fps=1 / every_s, round="near", eof_action="pass")
    pictures = sampled.filter("scale", width, height, flags="lanczos")
    out = ffmpeg.sink(pictures, format="rawvideo", pix_fmt="bgr24", vframes=most)
    size = width * height * 3
    brightness = _from_hdr() if file.hdr else np.arange(256, dtype=np.uint8)
    count = 0
    with ffmpeg.running(out, limit_s=limit_s, on_error=Code.MEDIA_UNREADABLE) as process:
        while len(data := process.stdout.read(size)) == size:
            picture = brightness[np.frombuffer(data, dtype=np.uint8)].reshape(height, width, 3)
            yield Frame(picture=picture, at_s=min((count + 0.5) * every_s, file.readable_s))
            count += 1
    if count == 0:
        raise failure(Code.MEDIA_UNREADABLE, detail="no frame could be decoded")


def open_slide(path: Path, *, slide: int, limit_s: float) -> Frame:
    """Open a slide, upright, with a short side of at most 1080 px. Transparent parts become white.

    Raises `too_large`, and `media_unreadable` for a file that is no JPEG, PNG or WebP, damaged or takes too long.
    """
    picture = pictures.open_picture(path, short_side_px=SLIDE_SHORT_SIDE_PX, limit_s=min(limit_s, pictures.LIMIT_S))
    return Frame(picture=picture, slide=slide)


def _from_hdr() -> NDArray[np.uint8]:
    """Return the SDR brightness of each PQ code (SMPTE ST 2084, 10,000 nits), with white at 203 nits."""
    coded = (np.arange(256) / 255) ** (1 / 78.84375)
    nits = 10_000 * (np.maximum(coded - 0.8359375, 0) / (18.8515625 - 18.6875 * coded)) ** (1 / 0.1593017578125)
    return np.round(255 * np.clip(nits / 203, 0, 1) ** (1 / 2.2)).astype(np.uint8)
