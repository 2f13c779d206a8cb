"""Lines and words in the shapes in which Vision tells them: `textAnnotations` and `fullTextAnnotation`."""

from dataclasses import replace
from typing import Any

from sandbox.ai.reading import Picture, Word

Line = tuple[Word, ...]

_WIDEST_LINE_GAP = 1.0  # line heights between two lines of one block


def annotations(picture: Picture, *, language_hints: list[str]) -> dict[str, Any]:
    """An AnnotateImageResponse as JSON; empty where the picture shows no text."""
    # Source: cloud.google.com/vision/docs/ocr: an empty answer for a picture without text.
    if not picture.lines:
        return {}
    # Assumed: lines that stand close under each other are one block. If wrong: text on the screen is read in another
    # order. Check: vision: sheet of 30.
    blocks = _blocks(picture.lines)
    # Assumed: a hint is taken as the language. If wrong: nothing, the product reads no language of a picture. Check:
    # none.
    language = language_hints[0] if language_hints else _guessed_language(picture.lines)
    # Source: 13 recorded answers compared in November 2026: `description` and `text` are the words with their breaks.
    text = "\n".join(_joined(line) for block in blocks for line in block)
    words = [word for block in blocks for line in block for word in line]
    whole = {"locale": language, "description": text, "boundingPoly": _poly(words)}
    page = {
        "property": {"detectedLanguages": [{"languageCode": language, "confidence": 0.9}]},
        "width": picture.width,
        "height": picture.height,
        "blocks": [_block(block) for block in blocks],
        "confidence": _confidence(words),
    }
    return {
        "textAnnotations": [whole] + [{"description": word.text, "boundingPoly": _poly([word])} for word in words],
        "fullTextAnnotation": {"pages": [page], "text": text},
    }


def _joined(line: Line) -> str:
    return "".join(word.text + " " * word.is_before_space for word in line).strip()


def _blocks(lines: tuple[Line, ...]) -> list[list[Line]]:
    """Lines that stand close under each other, in one block."""
    blocks: list[list[Line]] = []
    for line in lines:
        near = next((block for block in blocks if _continues(block[-1], line)), None)
        if near is None:
            blocks.append([line])
        else:
            near.append(line)
    return blocks


def _continues(above: Line, below: Line) -> bool:
    overlap = min(_right(above), _right(below)) - max(above[0].left, below[0].left)
    gap = below[0].top - (above[0].top + above[0].height)
    return overlap > 0 and -above[0].height / 2 < gap <= _WIDEST_LINE_GAP * above[0].height


def _right(line: Line) -> int:
    return line[-1].left + line[-1].width


def _guessed_language(lines: tuple[Line, ...]) -> str:
    letters = "".join(word.text for line in lines for word in line)
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in letters) else "en"


def _block(block: list[Line]) -> dict[str, Any]:
    words = [word for line in block for word in line]
    told = [_word(word, ends=_ending(line, word, block)) for line in block for word in line]
    paragraph = {"boundingBox": _poly(words), "words": told, "confidence": _confidence(words)}
    return {
        "boundingBox": _poly(words),
        "paragraphs": [paragraph],
        "blockType": "TEXT",
        "confidence": _confidence(words),
    }


def _ending(line: Line, word: Word, block: list[Line]) -> str | None:
    # Source: cloud.google.com/vision/docs/reference/rest/v1/AnnotateImageResponse, BreakType: SPACE, EOL_SURE_SPACE for
    # a line that goes on, LINE_BREAK at the end of a paragraph; none between words that touch.
    if word is not line[-1]:
        return "SPACE" if word.is_before_space else None
    return "LINE_BREAK" if line is block[-1] else "EOL_SURE_SPACE"


def _word(word: Word, *, ends: str | None) -> dict[str, Any]:
    letters: list[dict[str, Any]] = []
    for place, letter in enumerate(word.text):
        start, end = word.width * place // len(word.text), word.width * (place + 1) // len(word.text)
        lower, lowest = word.skew * start // word.width, word.skew * end // word.width
        left, top = word.left + start, word.top + lower
        box = replace(word, left=left, top=top, width=max(1, end - start), skew=lowest - lower)
        letters.append({"boundingBox": _poly([box]), "text": letter, "confidence": round(word.confidence, 3)})
    if ends is not None:
        letters[-1]["property"] = {"detectedBreak": {"type": ends}}
    return {"boundingBox": _poly([word]), "symbols": letters, "confidence": round(word.confidence, 3)}


def _poly(words: list[Word]) -> dict[str, Any]:
    """The corners, clockwise from the text's upper left: a word's own where it is one, else around all of them."""
    # Source: recorded answers compared in November 2026: boxes follow the slope of their text, coordinates may be
    # negative; cloud.google.com/vision/docs/reference/rest/v1/BoundingPoly: the order of the vertices.
    if len(words) == 1:
        (word,) = words
        left, top, right, bottom = word.left, word.top, word.left + word.width, word.top + word.height
        corners = [(left, top), (right, top + word.skew), (right, bottom + word.skew), (left, bottom)]
    else:
        points = [(corner["x"], corner["y"]) for word in words for corner in _poly([word])["vertices"]]
        (left, right), (top, bottom) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return {"vertices": [{"x": x, "y": y} for x, y in corners]}


def _confidence(words: list[Word]) -> float:
    return round(sum(word.confidence for word in words) / len(words), 3)
