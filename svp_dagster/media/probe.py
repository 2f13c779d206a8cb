"""What a media file holds, found out without decoding it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from svp_dagster.errors import Code, failure
from svp_dagster.media import ffmpeg

PROBE_LIMIT_S = 30.0
"""Reading every packet of a 50 MB file takes a tenth of a second."""

_OUTPUT = "\nOutput #0, null, to 'pipe:':\n"
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_STREAM = re.compile(r"^  Stream #0:\d+: (Video|Audio): (\w+)([^\n]*)", re.MULTILINE)
_SIZE = re.compile(r", (\d{1,6})x(\d{1,6})\b")
_RATE = re.compile(r", ([\d.]+)(k?) fps")
_ROTATION = re.compile(r"Display Matrix: rotation of (-?[\d.]+) degrees")
_PROGRESS = re.compile(rb"^out_time_us=(\d+)", re.MULTILINE)
_HDR = "smpte2084"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a file holds. Sizes are as displayed, after `rotation_deg` (0, 90, 180, 270 clockwise) was applied.

    `hdr` marks brightness coded for 10,000 nits (PQ), which looks dull unless it is translated.
    `duration_s` is what the header claims, `readable_s` how far its data really goes: less in a truncated file.
    """

    duration_s: float
    readable_s: float
    has_video: bool
    has_audio: bool
    width_px: int | None = None
    height_px: int | None = None
    rotation_deg: int = 0
    frames_per_s: float | None = None
    hdr: bool = False
    codec: str = ""
    audio_codec: str = ""

    @property
    def length_s(self) -> float:
        """How long it plays: what the header claims, or longer where the data goes on."""
        return max(self.duration_s, self.readable_s)

    @property
    def truncated(self) -> bool:
        """Whether data is missing at the end, beyond what players and encoders disagree about."""
        return self.readable_s < self.duration_s - max(1.0, 0.02 * self.duration_s)


def probe(path: Path) -> Probe:
    """Read a file's headers and walk through its packets.

    Raises the failure `media_unreadable` for everything that isn't a video or sound file in a container that holds
    its own data: empty, junk, HTML, a playlist or a script that names other files, or one without streams.
    """
    opened = ffmpeg.source(path)
    packets = ffmpeg.sink(
        opened["V?"], opened["a?"], format="null", codec="copy", map_metadata=-1, map_chapters=-1
    ).global_args("-progress", "pipe:1")
    output = ffmpeg.run(packets, limit_s=PROBE_LIMIT_S, on_error=Code.MEDIA_UNREADABLE, loglevel="info")
    return parse(output.log, output.stdout)


def parse(log: str, progress: bytes) -> Probe:
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
    audio = next((found for found in streams if found[1] == "Audio"), None)
    if video is None and audio is None:
        raise failure(Code.MEDIA_UNREADABLE, detail="no video or audio stream")
    facts = {} if video is None else _picture(video[3], _after(copied, video, streams))
    return Probe(
        duration_s=duration_s,
        readable_s=readable_s,
        has_video=video is not None,
        has_audio=audio is not None,
        codec=video[2] if video else "",
        audio_codec=audio[2] if audio else "",
        **facts,
    )


def _picture(line: str, details: str) -> dict[str, Any]:
    """Size, rotation, frame rate and transfer curve from a video stream's line and the lines below it."""
    size, rate, rotation = _SIZE.search(line), _RATE.search(line), _ROTATION.search(details)
    width, height = (int(size[1]), int(size[2])) if size else (None, None)
    clockwise = round(-float(rotation[1]) / 90) * 90 % 360 if rotation else 0
    if clockwise in (90, 270):
        width, height = height, width
    return {
        "width_px": width,
        "height_px": height,
        "rotation_deg": clockwise,
        "frames_per_s": float(rate[1]) * (1000 if rate[2] else 1) if rate else None,
        "hdr": _HDR in line,
    }


def _after(copied: str, stream: re.Match[str], streams: list[re.Match[str]]) -> str:
    """The lines that belong to `stream`: up to the next one."""
    following = [other.start() for other in streams if other.start() > stream.start()]
    return copied[stream.end() : min(following, default=len(copied))]
