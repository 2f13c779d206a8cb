"""Files that claim to play `FACTOR` times shorter than they do."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.media.making import CLIPS, ffmpeg

FACTOR = 6
PLAYS_S = 60

_SPOKEN = ("-stream_loop", "-1", "-i", str(CLIPS / "pancakes.mp4"))
"""Somebody speaks all the time."""
_LENGTH = ("-t", str(PLAYS_S))
_SEEN = ("-f", "lavfi", "-i", "testsrc2=size=36x64:rate=5", "-map", "0:a", "-map", "1:v", "-c:v", "libx264", "-g", "25")
_HOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts")


def header_of_mp4(path: Path) -> None:
    """The lengths in the headers of the film and of its tracks."""
    _make(path, "-c:a", "aac")
    _divide(path, {b"mvhd": 24, b"tkhd": 28, b"mdhd": 24})


def times_of_mp4(path: Path) -> None:
    """The same, the list of what is to be shown, and how long each picture and each block of sound lasts."""
    header_of_mp4(path)
    _divide(path, {b"elst": 16})
    content = bytearray(path.read_bytes())
    for at in _boxes(content, b"stts"):
        (count,) = struct.unpack_from(">I", content, at + 12)
        for entry in range(count):
            _divide_at(content, at + 16 + 8 * entry + 4)
    path.write_bytes(content)


def clock_of_mp4(path: Path) -> None:
    """How many ticks a second has."""
    _make(path, "-c:a", "aac")
    _divide(path, {b"mvhd": 20, b"mdhd": 20}, by=1 / FACTOR)


def clock_of_fragments(path: Path) -> None:
    """The same of a fragmented file, as streams are recorded."""
    _make(path, "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof")
    _divide(path, {b"mdhd": 20}, by=1 / FACTOR)


def clock_of_matroska(path: Path) -> None:
    """How long a tick is, in nanoseconds."""
    _make(path, "-c:a", "aac")
    tick = b"\x2a\xd7\xb1\x83"
    content, millisecond = path.read_bytes(), 1_000_000
    assert content.count(tick + millisecond.to_bytes(3, "big")) == 1
    faster = tick + (millisecond // FACTOR).to_bytes(3, "big")
    path.write_bytes(content.replace(tick + millisecond.to_bytes(3, "big"), faster))


def header_of_mp3(path: Path) -> None:
    """The number of frames that the first frame tells."""
    ffmpeg(*_SPOKEN, *_LENGTH, "-vn", "-b:a", "24k", str(path))
    content = bytearray(path.read_bytes())
    _divide_at(content, max(content.find(b"Xing"), content.find(b"Info")) + 8)
    path.write_bytes(content)


def header_of_flac(path: Path) -> None:
    """The number of samples, the last 36 bits of a field."""
    ffmpeg(*_SPOKEN, *_LENGTH, "-vn", "-ar", "16000", "-ac", "1", str(path))
    content = bytearray(path.read_bytes())
    field = int.from_bytes(content[18:26], "big")
    samples = field & (1 << 36) - 1
    content[18:26] = (field - samples + samples // FACTOR).to_bytes(8, "big")
    path.write_bytes(content)


def clock_of_sound(path: Path) -> None:
    """How many ticks a second of a sound in an MP4 file has."""
    ffmpeg(*_SPOKEN, *_LENGTH, "-vn", "-c:a", "aac", "-b:a", "24k", str(path))
    _divide(path, {b"mvhd": 20, b"mdhd": 20}, by=1 / FACTOR)


Lie = Callable[[Path], None]

SEEN_VIDEOS: dict[str, Lie] = {"a.mp4": header_of_mp4}
SEEN_SOUNDS: dict[str, Lie] = {"a.mp3": header_of_mp3, "a.flac": header_of_flac}
"""Lies of headers, which the times of the data contradict."""

UNSEEN_VIDEOS: dict[str, Lie] = {
    "b.mp4": times_of_mp4,
    "c.mp4": clock_of_mp4,
    "d.mp4": clock_of_fragments,
    "a.mkv": clock_of_matroska,
}
UNSEEN_SOUNDS: dict[str, Lie] = {"a.m4a": clock_of_sound}
"""Lies of the times themselves: only the decoded samples contradict them."""


def _make(path: Path, *options: str) -> None:
    ffmpeg(*_SPOKEN, *_SEEN, *_LENGTH, "-preset", "ultrafast", "-b:a", "24k", *options, str(path))


def _divide(path: Path, fields: dict[bytes, int], *, by: float = FACTOR) -> None:
    """Divide the number at an offset of each box of these kinds."""
    content = bytearray(path.read_bytes())
    for kind, offset in fields.items():
        for at in _boxes(content, kind):
            _divide_at(content, at + offset, by=by)
    path.write_bytes(content)


def _divide_at(content: bytearray, at: int, *, by: float = FACTOR) -> None:
    (number,) = struct.unpack_from(">I", content, at)
    assert number
    struct.pack_into(">I", content, at, max(1, round(number / by)))


def _boxes(content: bytearray, kind: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Yield where each box of a kind begins."""
    at = start
    while at < (len(content) if end is None else end):
        size, found = struct.unpack_from(">I4s", content, at)
        if found == kind:
            yield at
        if found in _HOLDERS:
            yield from _boxes(content, kind, at + 8, at + size)
        at += size
