"""Open pictures that may be hostile.

ffmpeg decodes them like frames of a video, in a process with limits of time and memory. So a header that lies, a
picture that decodes for minutes or a damaged one costs nothing but itself, and only the small result comes back.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from svp_dagster.errors import Code, failure
from svp_dagster.media import ffmpeg
from svp_dagster.media.kinds import HEAD_BYTES, is_animated, picture_suffix
from svp_dagster.media.scaling import fit_expressions

Picture = NDArray[np.uint8]
"""Height × width × 3, blue-green-red."""

MAX_BYTES: Final = 30_000_000
LIMIT_S: Final = 10.0
"""The largest picture that is decoded takes two seconds."""

MEMORY_BYTES: Final = 1024**3
"""Address space of the process: it asks for 0.4 GB before it decodes, and the largest picture for as much again."""

_WHITE: Final = 255
_HEADER: Final = re.compile(rb"P7\nWIDTH (\d+)\nHEIGHT (\d+)\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n")


def open_picture(path: Path, *, short_side_px: int, limit_s: float = LIMIT_S) -> Picture:
    """Return a JPEG, PNG or WebP file upright and scaled down to fit, its transparent parts white.

    Its size is that of `fit`. Of several frames it is the first.
    Raises `too_large`, and `media_unreadable` for a file of another kind, a damaged one, or one that takes too long.
    """
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            demuxer = _demuxer(file.read(HEAD_BYTES))
    except OSError as error:
        raise failure(Code.MEDIA_UNREADABLE, detail=f"a picture: {type(error).__name__}") from error
    if size_bytes > MAX_BYTES:
        reason = f"{size_bytes / 1e6:.0f} MB large; at most {MAX_BYTES / 1e6:.0f} MB are opened"
        raise failure(Code.TOO_LARGE, reason=reason, detail=f"a picture of {size_bytes} bytes")
    decoded = ffmpeg.run(
        _decoding(path, demuxer, short_side_px),
        limit_s=limit_s,
        memory_bytes=MEMORY_BYTES,
        on_error=Code.MEDIA_UNREADABLE,
    )
    if not decoded.stdout:
        raise ffmpeg.log_failure(decoded.log, on_error=Code.MEDIA_UNREADABLE)
    return _on_white(decoded.stdout)


def _demuxer(head: bytes) -> str:
    """Return ffmpeg's name for the kind of a picture. Without it ffmpeg would believe the file's name."""
    match picture_suffix(head):
        case ".jpg":
            return "jpeg_pipe"
        case ".png":
            return "png_pipe"
        case ".webp":
            return "webp_anim" if is_animated(head) else "webp_pipe"
        case _:
            raise failure(Code.MEDIA_UNREADABLE, detail="neither a JPEG, PNG nor WebP picture")


def _decoding(path: Path, demuxer: str, short_side_px: int) -> ffmpeg.Stream:
    """Return the conversion of the first picture in a file. Threads would multiply its memory."""
    # What follows a whole picture may be junk, so errors are no failure by themselves: without a picture there is one.
    opened = ffmpeg.source(path, containers=demuxer, f=demuxer, err_detect="explode", max_error_rate=1, threads=1)
    fitted = opened["v:0"].filter("scale", *fit_expressions(short_side_px), flags="lanczos")
    pam = ffmpeg.sink(fitted, format="image2pipe", vcodec="pam", pix_fmt="rgba", vframes=1)
    return pam.global_args("-filter_complex_threads", "1")


def _on_white(pam: bytes) -> Picture:
    """Return the picture in a PAM file, on white paper."""
    header = _HEADER.match(pam)
    if header is None:
        raise failure(Code.MEDIA_UNREADABLE, detail="no picture could be decoded")
    width, height = int(header[1]), int(header[2])
    pixels = np.frombuffer(pam, dtype=np.uint8, offset=header.end()).reshape(height, width, 4)
    alpha = pixels[:, :, 3:].astype(np.uint16)
    shown = (pixels[:, :, 2::-1] * alpha + _WHITE * (_WHITE - alpha)) // _WHITE
    return shown.astype(np.uint8)
