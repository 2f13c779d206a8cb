"""Files that say they are videos."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

from tests.media.making import ffmpeg, plain_video


def empty(path: Path) -> None:
    path.write_bytes(b"")


def junk(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(5000))


def web_page(path: Path) -> None:
    path.write_text("<!doctype html><html><body>Log in to see this post</body></html>")


def script_of_files(path: Path) -> None:
    plain_video(path.with_name("other.mp4"))
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")


def playlist_of_files(path: Path) -> None:
    plain_video(path.with_name("other.mp4"))
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nother.mp4\n#EXT-X-ENDLIST\n")


def playlist_of_secrets(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n#EXTINF:4,\nhttp://169.254.169.254/\n#EXT-X-ENDLIST\n")


def without_its_end(path: Path) -> None:
    """Its index is at the end, and gone."""
    whole = plain_video(path.with_name("whole.mp4")).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def subtitles_alone(path: Path) -> None:
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,000 --> 00:00:02,000\nhello\n")
    ffmpeg("-i", str(text), "-c:s", "mov_text", "-f", "mp4", str(path))


UNREADABLE: list[Callable[[Path], None]] = [
    empty,
    junk,
    web_page,
    script_of_files,
    playlist_of_files,
    playlist_of_secrets,
    without_its_end,
    subtitles_alone,
]
"""Each writes a file that has to be refused."""


def huge_picture(path: Path) -> None:
    """A few kilobytes whose header claims 60,000 × 60,000 pixels."""
    small = path.with_name("small.mkv")
    ffmpeg("-f", "lavfi", "-i", "color=size=16x16:duration=1:rate=5", "-c:v", "rawvideo", str(small))
    width, height = b"\xb0\x81\x10", b"\xba\x81\x10"
    content = small.read_bytes()
    assert content.count(width) == 1
    assert content.count(height) == 1
    claimed = content.replace(width, b"\xb0\x82\xea\x60").replace(height, b"\xba\x82\xea\x60")
    path.write_bytes(claimed)


def claims_to_be_short(path: Path, *, claimed_s: float) -> None:
    """Make a Matroska file's header claim another length than its data has."""
    content, duration = path.read_bytes(), b"\x44\x89\x88"  # the element Duration: a number of 8 bytes, in milliseconds
    assert content.count(duration) == 1
    at = content.index(duration) + len(duration)
    path.write_bytes(content[:at] + struct.pack(">d", claimed_s * 1000) + content[at + 8 :])
