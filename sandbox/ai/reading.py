"""What the stand-in for Vision reads: RapidOCR's lines, made into words with boxes."""

import re
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

# Letters are read in the full size of a contact sheet. They are looked for in a smaller one, which leaves the
# frames of a sheet of 5 × 3 about 650 pixels high: none is missed and memory stays around 1 GB.
# Assumed: Vision reads the frames of a sheet in the size in which they are sent. If wrong: small print on a frame is
# missed. Check: vision: sheet of 30.
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

# Source: 13 recorded lines compared in November 2026: `( 972 ) 243 - 2932`, `# pasta`: a mark is a word of its own.
# Assumed: a mark between two digits, and an apostrophe, dot or at-sign between two letters, stays inside its word. If
# wrong: nothing, text is joined by its breaks. Check: vision: sheet of 30.
_MARKS = (
    r"!-/:-@\[-^`{-~¡-§«»¿\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u3001-\u3003\u3008-\u3011\uff01-\uff0f\uff1a-\uff20"
)
_LETTERS = rf"[^\s{_MARKS}]+"
_VISION_WORD = re.compile(rf"\d+(?:[.,:/]\d+)+|{_LETTERS}(?:['’.@]{_LETTERS})*|[{_MARKS}]")


@dataclass(frozen=True)
class Word:
    """A word; the box in pixels of the picture that was sent, whose right side is `skew` lower than its left one.

    `is_before_space`: whether a space parts it from the next word of its line.
    """

    text: str
    left: int
    top: int
    width: int
    height: int
    confidence: float
    skew: int = 0
    is_before_space: bool = True


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


def split(
    text: str, *, left: int, top: int, width: int, height: int, confidence: float, skew: int = 0
) -> tuple[Word, ...]:
    """The words of a line, each with the share of its box that its letters have."""
    words = []
    for found in _VISION_WORD.finditer(text):
        start, end = width * found.start() // len(text), width * found.end() // len(text)
        lower_start, lower_end = skew * start // width, skew * end // width
        words.append(
            Word(
                found.group(),
                left + start,
                top + lower_start,
                max(1, end - start),
                height,
                confidence,
                skew=lower_end - lower_start,
                is_before_space=text[found.end() : found.end() + 1].isspace(),
            )
        )
    return tuple(words)


def _as_words(text: str, *, box: Any, confidence: float) -> tuple[Word, ...]:
    """Keep the corners of the line's box, which follow a line that isn't level."""
    (left, top), (right, right_top), _, (_, bottom) = ((round(float(x)), round(float(y))) for x, y in box)
    return split(
        text,
        left=left,
        top=top,
        width=max(1, right - left),
        height=max(1, bottom - top),
        confidence=confidence,
        skew=right_top - top,
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
