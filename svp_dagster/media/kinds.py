"""What a file is, by how it begins: names and types that a site gives it prove nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from svp_dagster.models import Video

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


def is_picture(path: Path) -> bool:
    """Whether a file is a picture of one of those kinds. Raises FileNotFoundError and other OSErrors."""
    with path.open("rb") as file:
        return picture_suffix(file.read(HEAD_BYTES)) is not None


def playing(video: Video) -> list[Path]:
    """The files that last, and may sound: the video's, a slideshow's sound, or the clips among the slides."""
    file = video.video_path or video.audio_path
    return [file] if file else [slide for slide in video.slides if not is_picture(slide)]


def is_text(content: bytes) -> bool:
    """Whether it looks like a text: a web page, a playlist, a script. No video or sound file begins like one."""
    head = content[:HEAD_BYTES]
    return bool(head) and not _BINARY_CONTROLS.intersection(head)
