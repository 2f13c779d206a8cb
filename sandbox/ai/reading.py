"""What the stand-ins make of pictures: Vision reads RapidOCR's lines as words with boxes, Gemini sees colours."""

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

# Source: docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/image-understanding: the kinds of pictures.
_KINDS_SEEN = {"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}
_COLOURS = {
    "black": (20, 20, 20), "white": (235, 235, 235), "grey": (128, 128, 128), "red": (190, 50, 45),
    "orange": (225, 140, 60), "yellow": (230, 215, 90), "green": (75, 145, 75), "blue": (60, 95, 175),
    "purple": (115, 70, 140), "pink": (230, 160, 180), "brown": (115, 80, 55),
}  # fmt: skip

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


def look(image: bytes, *, kind: str) -> str:
    """What a picture shows, as far as its colours go. Raises UnreadableError with Gemini's sentence about it."""
    # Source: charmbracelet/crush issue 995: "Unsupported MIME type: png".
    if kind not in _KINDS_SEEN:
        msg = f"Unsupported MIME type: {kind}"
        raise UnreadableError(msg)
    try:
        pixels = _decode(image)
    except UnreadableError as error:
        # Source: google-gemini/gemini-cli issue 5064: this sentence for a picture that can't be decoded.
        msg = "Unable to process input image. Please retry or report in "
        raise UnreadableError(f"{msg}https://developers.generativeai.google/guide/troubleshooting") from error
    middle = len(pixels) // 2
    above, below = (_colour_of(half) for half in (pixels[:middle] if middle else pixels, pixels[middle:]))
    return f"a scene in {above}" if above == below else f"a scene with {above} above and {below} below"


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


def _colour_of(pixels: Any) -> str:
    """The name of the colour nearest to the mean."""
    blue, green, red = pixels.reshape(-1, 3).mean(axis=0)
    distances = {name: (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2 for name, (r, g, b) in _COLOURS.items()}
    return min(distances, key=lambda name: distances[name])


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
