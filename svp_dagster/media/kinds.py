"""What a file is, by how it begins: names and types that a site gives it prove nothing."""

from __future__ import annotations

from typing import Final

HEAD_BYTES: Final = 512
"""How much of a file `picture_suffix` and `is_text` look at."""

_BINARY_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")


def picture_suffix(content: bytes) -> str | None:
    """`.jpg`, `.png` or `.webp` for a picture of that kind, else None."""
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    return ".webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def is_text(content: bytes) -> bool:
    """Whether it looks like a text: a web page, a playlist, a script. No video or sound file begins like one."""
    head = content[:HEAD_BYTES]
    return bool(head) and not _BINARY_CONTROLS.intersection(head)
