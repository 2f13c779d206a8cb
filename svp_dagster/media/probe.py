"""Find out what a media file holds, without decoding it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from svp_dagster.errors import Code, failure
from svp_dagster.media import ffmpeg
from svp_dagster.models import MediaFile

PROBE_LIMIT_S = 30.0
"""Reading every packet of a 50 MB file takes a tenth of a second."""

_OUTPUT = "\nOutput #0, null, to 'pipe:':\n"
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_STREAM = re.compile(r"^  Stream #0:\d+: (Video|Audio): (\w+)([^\n]*)", re.MULTILINE)
_SIZE = re.compile(r", (\d{1,6})x(\d{1,6})\b")
_ROTATION = re.compile(r"Display Matrix: rotation of (-?[\d.]+) degrees")
_PROGRESS = re.compile(rb"^out_time_us=(\d+)", re.MULTILINE)
_HDR = "smpte2084"
_NO_CODEC = "none"
"""What ffmpeg calls a codec that it doesn't know."""


def probe(path: Path) -> MediaFile:
    """Read a file's headers and walk through its packets.

    Raises the failure `media_unreadable` for everything that isn't a video or sound file in a container that holds
    its own data: empty, junk, HTML, a playlist or a script that names other files, or one without a stream that can
    be decoded.
    """
    opened = ffmpeg.source(path)
    packets = ffmpeg.sink(
        opened["V?"], opened["a?"], format="null", codec="copy", map_metadata=-1, map_chapters=-1
    ).global_args("-progress", "pipe:1")
    output = ffmpeg.run(packets, limit_s=PROBE_LIMIT_S, on_error=Code.MEDIA_UNREADABLE, loglevel="info")
    return parse(path, output.log, output.stdout)


def parse(path: Path, log: str, progress: bytes) -> MediaFile:
    """Return the facts in ffmpeg's log and its progress report.

    The streams are read from the description of the output. It lists them flat, while the input's puts some below a
    stream group, or leaves them out (libavformat/dump.c). Without metadata and chapters it also holds no text of the
    file's own: in the input's description, a language with line breaks can pose as a stream.
    """
    described, _, copied = log.rpartition(_OUTPUT)
    read_to = [int(value) / 1e6 for value in _PROGRESS.findall(progress)]
    readable_s = read_to[-1] if read_to else 0.0
    stated = _DURATION.search(described)
    duration_s = int(stated[1]) * 3600 + int(stated[2]) * 60 + float(stated[3]) if stated else readable_s

    streams = list(_STREAM.finditer(copied))
    video = next((found for found in streams if found[1] == "Video"), None)
    has_audio = any(found[1] == "Audio" for found in streams)
    if all(found[2] == _NO_CODEC for found in streams):
        raise failure(Code.MEDIA_UNREADABLE, detail="no video or audio stream that can be decoded")
    return MediaFile(
        path=path,
        duration_s=duration_s,
        readable_s=readable_s,
        has_video=video is not None,
        has_audio=has_audio,
        **({} if video is None else _picture(video, _after(copied, video, streams))),
    )


def _picture(stream: re.Match[str], details: str) -> dict[str, Any]:
    """Return codec, size and transfer curve from a video stream's line and the lines below it."""
    _, codec, line = stream.groups()
    size, rotation = _SIZE.search(line), _ROTATION.search(details)
    width, height = (int(size[1]), int(size[2])) if size else (None, None)
    if rotation and round(float(rotation[1]) / 90) % 2:
        width, height = height, width
    return {"codec": codec, "width_px": width, "height_px": height, "hdr": _HDR in line}


def _after(copied: str, stream: re.Match[str], streams: list[re.Match[str]]) -> str:
    """Return the lines that belong to `stream`: up to the next one."""
    following = [other.start() for other in streams if other.start() > stream.start()]
    return copied[stream.end() : min(following, default=len(copied))]
