"""Tell what a file is by its first bytes: the names and types that a site gives it prove nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 512
"""The part of a file that `picture_suffix` and `is_text` need."""

_BINARY_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """A kind of file that people may upload, with the name and type that we give it."""

    suffix: str
    content_type: str


_MP4 = FileKind(suffix=".mp4", content_type="video/mp4")
_MOV = FileKind(suffix=".mov", content_type="video/quicktime")
_M4A = FileKind(suffix=".m4a", content_type="audio/mp4")
_WEBM = FileKind(suffix=".webm", content_type="video/webm")
_MKV = FileKind(suffix=".mkv", content_type="video/x-matroska")
_MP3 = FileKind(suffix=".mp3", content_type="audio/mpeg")
_WAV = FileKind(suffix=".wav", content_type="audio/wav")
_JPG = FileKind(suffix=".jpg", content_type="image/jpeg")
_PNG = FileKind(suffix=".png", content_type="image/png")
UPLOADS: Final = (_MP4, _MOV, _WEBM, _MKV, _M4A, _MP3, _WAV, _JPG, _PNG)

# Source: mp4ra.org/registered-types/brands. The brands of pictures in the same container end in a sentence of ours.
_PICTURE_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}
)
_SOUND_BRANDS: Final = frozenset({b"M4A ", b"M4B ", b"M4P "})
# QuickTime files from before there was `ftyp` begin with one of these atoms.
_OLD_ATOMS: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_DOC_TYPE: Final = re.compile(rb"\x42\x82.(matroska|webm)", re.DOTALL)


def upload_kind(content: bytes) -> FileKind | None:
    """Return the kind of a file that begins like this; None for one that nobody may upload."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _WAV
    if content.startswith(b"\x1a\x45\xdf\xa3"):
        found = _DOC_TYPE.search(content[:HEAD_BYTES])
        return {b"webm": _WEBM, b"matroska": _MKV}[found[1]] if found else None
    if content[4:8] == b"ftyp" or content[4:8] in _OLD_ATOMS:
        return _iso_kind(content)
    if content.startswith(b"ID3") or _is_mp3_frame(content):
        return _MP3
    return {".jpg": _JPG, ".png": _PNG}.get(picture_suffix(content) or "")


def _iso_kind(content: bytes) -> FileKind | None:
    brand = content[8:12]
    if content[4:8] != b"ftyp" or brand == b"qt  ":
        return _MOV
    if brand in _PICTURE_BRANDS:
        return None
    return _M4A if brand in _SOUND_BRANDS else _MP4


def _is_mp3_frame(content: bytes) -> bool:
    """Return whether it begins with the header of a frame of MPEG audio, layer III, with no reserved value."""
    if len(content) < 4 or content[0] != 0xFF or content[1] & 0xE6 != 0xE2:
        return False
    return content[1] & 0x18 != 0x08 and content[2] >> 4 not in (0, 15) and content[2] & 0x0C != 0x0C


def picture_suffix(content: bytes) -> str | None:
    """Return `.jpg`, `.png` or `.webp` for a picture of that kind, else None."""
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    return ".webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def is_animated(webp: bytes) -> bool:
    """Return whether a WebP picture says that it has several frames."""
    # Source: RFC 9649, section 2.7: the flag `A` of the chunk VP8X.
    return webp[12:16] == b"VP8X" and len(webp) > 20 and bool(webp[20] & 0x02)


def is_picture(path: Path) -> bool:
    """Return whether a file is a picture of one of those kinds. Raises FileNotFoundError and other OSErrors."""
    with path.open("rb") as file:
        return picture_suffix(file.read(HEAD_BYTES)) is not None


def is_text(content: bytes) -> bool:
    """Return whether it looks like a text: a web page, a playlist, a script. No media file begins like one."""
    head = content[:HEAD_BYTES]
    return bool(head) and not _BINARY_CONTROLS.intersection(head)
