"""Tell what a file is by its first bytes: the names and types that a site gives it prove nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 512
"""The part of a file that `picture_suffix` and `is_text` need."""

_BINARY_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")


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
