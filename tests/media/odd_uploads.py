"""Files that get past the door, since they begin as they should, and that nobody should upload."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.media import hostile
from tests.media.making import CLIPS, ffmpeg, plain_video

HOURS_S = 3 * 3600
BOMB_BYTES = 400_000_000
MANY_STREAMS = 3000

_PNG = b"\x89PNG\r\n\x1a\n"


def without_its_index(path: Path) -> None:
    """An upload that broke off before the index at the end."""
    hostile.without_its_end(path)


def broken_off(path: Path) -> None:
    """The index is at the beginning, and half of the rest is missing."""
    whole = plain_video(path.with_name("whole.mp4"), "-movflags", "faststart").read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])


def without_streams(path: Path) -> None:
    """A film without a track."""
    content, film = plain_video(path.with_name("whole.mp4")).read_bytes(), b"mvhd"
    header = content[content.index(film) - 4 :][:108]
    path.write_bytes(_box(b"ftyp", b"isom\0\0\2\0isom") + _box(b"moov", header) + _box(b"mdat", b"\0" * 1000))


def without_length(path: Path) -> None:
    """One picture, at second 0."""
    ffmpeg("-i", str(CLIPS / "reading_list.jpg"), "-vf", "scale=540:-2,setpts=0", "-c:v", "libx264", str(path))


def of_black_silence(path: Path) -> None:
    ffmpeg(
        "-f", "lavfi", "-i", "color=size=320x568:duration=3:rate=5", "-f", "lavfi", "-i", "anullsrc=d=3",
        "-c:v", "libx264", "-c:a", "aac", "-t", "3", str(path),
    )  # fmt: skip


def without_a_picture(path: Path) -> None:
    """Sound alone where a picture is expected."""
    ffmpeg("-i", str(CLIPS / "pasta.mp4"), "-vn", "-c:a", "copy", str(path))


def of_three_hours(path: Path) -> None:
    minute = path.with_name("minute.m4a")
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=60", "-c:a", "aac", "-b:a", "8k", str(minute))
    ffmpeg("-stream_loop", "-1", "-i", str(minute), "-c", "copy", "-t", str(HOURS_S), str(path))


def of_an_unknown_codec(path: Path) -> None:
    """Pictures that no decoder knows, and no sound."""
    content = plain_video(path, sound=False).read_bytes()
    path.write_bytes(content.replace(b"avc1", b"zzzz").replace(b"avcC", b"zzzC"))


def of_an_old_codec(path: Path) -> None:
    """Apple's Animation of 1991, which no browser plays."""
    ffmpeg("-i", str(CLIPS / "reading_list.jpg"), "-vf", "scale=360:-2", "-c:v", "qtrle", "-r", "5", str(path))


def of_zeros(path: Path) -> None:
    """The index is whole, and all that it points to is gone."""
    content = plain_video(path).read_bytes()
    at = content.index(b"mdat")
    size = int.from_bytes(content[at - 4 : at], "big") - 8
    path.write_bytes(content[: at + 4] + bytes(size) + content[at + 4 + size :])


def encrypted(path: Path) -> None:
    """As shops sell it: whoever has no key hears noise."""
    key = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    sound = ("-f", "lavfi", "-i", "sine=duration=4", "-c:a", "aac", "-f", "mp4", "-brand", "M4A ")
    ffmpeg(*sound, "-encryption_scheme", "cenc-aes-ctr", *key, str(path))


def of_a_shop(path: Path) -> None:
    """Sound of a kind that ffmpeg has no decoder for."""
    ffmpeg("-f", "lavfi", "-i", "sine=duration=4", "-c:a", "aac", str(path))
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"drms").replace(b"esds", b"esdz"))


def tags_alone(path: Path) -> None:
    """An MP3 file that ends where its sound should begin."""
    text = b"\3A title\0"
    frame = b"TIT2" + struct.pack(">IH", len(text), 0) + text
    path.write_bytes(b"ID3\3\0\0" + bytes((0, 0, 0, len(frame))) + frame)


def lies_about_its_size(path: Path) -> None:
    """A sound of 2 seconds whose header claims 13 hours."""
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2:sample_rate=44100", "-fflags", "+bitexact", str(path))
    content = path.read_bytes()
    at = content.index(b"data") + 4
    path.write_bytes(content[:at] + struct.pack("<I", 0xFFFFFF00) + content[at + 4 :])


def lies_about_its_channels(path: Path) -> None:
    """A sound of 65,535 channels, a sample a second each."""
    format_ = struct.pack("<HHIIHH", 1, 0xFFFF, 1, 0xFFFF * 2, 0xFFFE, 16)
    data = bytes(1_000_000)
    chunks = b"WAVEfmt " + struct.pack("<I", len(format_)) + format_ + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)


def unpacks_to_far_more(path: Path) -> None:
    """400 KB that each reader of the track has to unpack to 400 MB."""
    packed = zlib.compress(bytes(BOMB_BYTES), 9)
    compression = _element(0x5034, _element(0x4254, b"\0") + _element(0x4255, b""))
    encoding = _element(
        0x6D80, _element(0x6240, _number(0x5031, 0) + _number(0x5032, 1) + _number(0x5033, 0) + compression)
    )
    blocks = _element(0xA3, b"\x81\0\0\x80" + packed) + _element(0xA3, b"\x81\x03\xe8\x80" + packed)
    path.write_bytes(_matroska(_track(1, encoding), _element(0x1F43B675, _number(0xE7, 0) + blocks)))


def has_thousands_of_streams(path: Path) -> None:
    tracks = b"".join(_track(number) for number in range(1, MANY_STREAMS))
    block = _element(0xA3, b"\x81\0\0\x80" + bytes(16 * 16 * 3 // 2))
    path.write_bytes(_matroska(tracks, _element(0x1F43B675, _number(0xE7, 0) + block)))


def has_a_huge_attachment(path: Path) -> None:
    """A font that claims a terabyte, and a title of a megabyte."""
    small, whole = path.with_name("small.mkv"), plain_video(path.with_name("whole.mp4"))
    ffmpeg("-i", str(whole), "-c", "copy", "-metadata", "title=" + "a" * 100_000, str(small))
    attached = _element(0x466E, b"font.ttf") + _element(0x4660, b"font/ttf") + _number(0x46AE, 1)
    claim = bytes.fromhex("465c") + (1 << 56 | 1 << 40).to_bytes(8, "big")
    file = bytes.fromhex("61a7") + (1 << 56 | 1 << 41).to_bytes(8, "big") + attached + claim
    path.write_bytes(small.read_bytes() + bytes.fromhex("1941a469") + (1 << 56 | 1 << 42).to_bytes(8, "big") + file)


def claims_huge_pictures(path: Path) -> None:
    hostile.huge_picture(path)


def of_one_pixel(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=size=1x1:duration=2:rate=5", "-pix_fmt", "yuv444p", "-c:v", "ffv1", str(path))


def picture_bomb(path: Path) -> None:
    """A whole PNG picture of 3,600 million pixels in less than a megabyte."""
    side = 60_000
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1 + side // 8) * 1000) for _ in range(side // 1000)) + rows.flush()
    path.write_bytes(_PNG + _png_chunk(b"IHDR", _png_header(side, side)) + _png_chunk(b"IDAT", packed) + _PNG_END)


def claims_to_be_huge(path: Path) -> None:
    """A JPEG picture whose header claims 65,000 × 65,000 pixels."""
    content = bytearray((CLIPS / "reading_list.jpg").read_bytes())
    struct.pack_into(">HH", content, content.index(b"\xff\xc0") + 5, 65_000, 65_000)
    path.write_bytes(content)


def half_a_picture(path: Path) -> None:
    """A PNG picture of which nothing but the header came."""
    path.write_bytes(_PNG + _png_chunk(b"IHDR", _png_header(600, 800)) + b"\0\0\xff\xffIDAT\x78\xda")


def beginning_of_a_picture(path: Path) -> None:
    path.write_bytes((CLIPS / "reading_list.jpg").read_bytes()[:300])


def moving_picture(path: Path) -> None:
    """An animated PNG, whose first picture is read."""
    ffmpeg("-loop", "1", "-t", "1", "-i", str(CLIPS / "reading_list.jpg"), "-r", "3", "-f", "apng", str(path))


Maker = Callable[[Path], None]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def _png_header(width: int, height: int) -> bytes:
    return struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


_PNG_END = _png_chunk(b"IEND", b"")


def _element(number: int, content: bytes) -> bytes:
    """An element of Matroska, its size in 8 bytes."""
    return (
        number.to_bytes((number.bit_length() + 7) // 8, "big") + (1 << 56 | len(content)).to_bytes(8, "big") + content
    )


def _number(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(4, "big"))


def _track(number: int, encoding: bytes = b"") -> bytes:
    """Raw pictures of 16 × 16 pixels."""
    picture = _element(0xE0, _number(0xB0, 16) + _number(0xBA, 16) + _element(0x2EB524, b"I420"))
    codec = _element(0x86, b"V_UNCOMPRESSED")
    named = _number(0xD7, number) + _number(0x73C5, number) + _number(0x83, 1)
    return _element(0xAE, named + codec + picture + encoding)


def _matroska(tracks: bytes, clusters: bytes) -> bytes:
    header = _element(0x1A45DFA3, b"\x42\x82\x88matroska" + _number(0x4287, 4) + _number(0x4285, 2))
    info = _element(0x1549A966, _number(0x2AD7B1, 1_000_000))
    return header + _element(0x18538067, info + _element(0x1654AE6B, tracks) + clusters)
