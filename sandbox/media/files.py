"""The files that the media hosts serve: the clips, and those that are broken on purpose."""

from collections.abc import Callable, Iterator
from pathlib import Path

CLIPS = Path(__file__).parent / "clips"
CHUNKED = "chunked-"
"""Files asked for with this prefix are sent without a length."""

_BLOCK = 65_536

# Assumed: a HEIC picture opens in no program of an installation. If wrong: nothing, another address of the same picture
# is taken. Check: none.
_HEIC_HEAD = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1"

_MADE: dict[str, Callable[[], bytes]] = {
    "empty.mp4": lambda: b"",
    "cut.mp4": lambda: _clip("pasta.mp4")[: len(_clip("pasta.mp4")) * 2 // 5],
    "page.mp4": lambda: b"<!doctype html><html><body><h1>Please enable cookies</h1></body></html>",
    "sound.mp4": lambda: _clip("music.m4a"),
    "playlist.mp4": lambda: b"ffconcat version 1.0\nfile /etc/passwd\nfile http://127.0.0.1/secret\n",
}


def read(name: str) -> bytes:
    """The content of a file. Raises FileNotFoundError."""
    name = name.removeprefix(CHUNKED)
    if name.endswith(".heic"):
        return _HEIC_HEAD + _clip(name.replace(".heic", ".jpg"))
    name = name.replace(".jpeg", ".jpg")
    return _MADE[name]() if name in _MADE else _clip(name)


def endless() -> Iterator[bytes]:
    """A video that never ends: its beginning, then zeros for as long as someone reads."""
    yield _clip("sunset.mp4")
    while True:
        yield bytes(_BLOCK)


def blocks(content: bytes) -> Iterator[bytes]:
    """`content` in blocks, so that its length isn't announced."""
    for start in range(0, len(content), _BLOCK):
        yield content[start : start + _BLOCK]


def _clip(name: str) -> bytes:
    if "/" in name or name.startswith("."):
        raise FileNotFoundError(name)
    return (CLIPS / name).read_bytes()
