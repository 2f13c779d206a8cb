"""What the stand-in for Vision reads: RapidOCR's lines, made into words with boxes."""

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

# Letters are read in the full size of a contact sheet. They are looked for in a smaller one, which leaves the
# frames of a sheet of 5 × 3 about 650 pixels high: none is missed and memory stays around 1 GB.
_LONGEST_SIDE_PX = 6000
_LONGEST_SIDE_OF_SEARCH_PX = 2000
_ENGINE_SETTINGS = {
    "Global.use_cls": False,
    "Global.max_side_len": _LONGEST_SIDE_PX,
    "Global.log_level": "error",
    "Det.limit_type": "max",
    "Det.limit_side_len": _LONGEST_SIDE_OF_SEARCH_PX,
    "Det.max_candidates": 5000,
    "EngineConfig.onnxruntime.intra_op_num_threads": 2,
}
_one_reader = threading.Lock()


@dataclass(frozen=True)
class Word:
    """A word; the box in pixels of the picture that was sent."""

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: float


@dataclass(frozen=True)
class Picture:
    """What a picture shows: its size in pixels and its lines from top to bottom, each at least one word."""

    width: int
    height: int
    lines: tuple[tuple[Word, ...], ...]


class UnreadableError(Exception):
    """The bytes are no picture."""


def read(image: bytes) -> Picture:
    """Really reads the picture, one at a time in this process. Raises UnreadableError."""
    pixels = _decode(image)
    with _one_reader:
        result = _engine()(pixels)
    found = [] if result.txts is None else zip(result.txts, result.boxes, result.scores, strict=True)
    lines = [_as_words(text, box=box, confidence=float(score)) for text, box, score in found if text.strip()]
    height, width = pixels.shape[:2]
    return Picture(width=width, height=height, lines=tuple(sorted(lines, key=lambda line: (line[0].top, line[0].left))))


def size_of(image: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises UnreadableError."""
    height, width = _decode(image).shape[:2]
    return width, height


def split(text: str, *, left: int, top: int, width: int, height: int, confidence: float) -> tuple[Word, ...]:
    """The words of a line, each with the share of its box that its letters have."""
    words, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        word_left = left + width * start // len(text)
        start += len(word)
        word_width = max(1, left + width * start // len(text) - word_left)
        words.append(Word(word, word_left, top, word_width, height, confidence))
    return tuple(words)


def _as_words(text: str, *, box: Any, confidence: float) -> tuple[Word, ...]:
    (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
    return split(
        text,
        left=int(left),
        top=int(top),
        width=max(1, int(right - left)),
        height=max(1, int(bottom - top)),
        confidence=confidence,
    )


def _decode(image: bytes) -> Any:
    import cv2
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) if image else None
    if pixels is None:
        raise UnreadableError
    return pixels


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params=_ENGINE_SETTINGS)
