"""Lines and words in the shapes in which Vision tells them: `textAnnotations` and `fullTextAnnotation`."""

from typing import Any

from sandbox.ai.reading import Picture, Word

Line = tuple[Word, ...]

_WIDEST_LINE_GAP = 1.0  # line heights between two lines of one block


def annotations(picture: Picture, *, language_hints: list[str]) -> dict[str, Any]:
    """An AnnotateImageResponse as JSON; empty where the picture shows no text."""
    if not picture.lines:
        return {}
    blocks = _blocks(picture.lines)
    language = language_hints[0] if language_hints else _guessed_language(picture.lines)
    text = "\n".join(" ".join(word.text for word in line) for block in blocks for line in block)
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


def _ending(line: Line, word: Word, block: list[Line]) -> str:
    if word is not line[-1]:
        return "SPACE"
    return "LINE_BREAK" if line is block[-1] else "EOL_SURE_SPACE"


def _word(word: Word, *, ends: str) -> dict[str, Any]:
    letters = []
    for place, letter in enumerate(word.text):
        left = word.left + word.width * place // len(word.text)
        right = word.left + word.width * (place + 1) // len(word.text)
        box = Word(letter, left, word.top, max(1, right - left), word.height, word.confidence)
        letters.append({"boundingBox": _poly([box]), "text": letter, "confidence": round(word.confidence, 3)})
    letters[-1]["property"] = {"detectedBreak": {"type": ends}}
    return {"boundingBox": _poly([word]), "symbols": letters, "confidence": round(word.confidence, 3)}


def _poly(words: list[Word]) -> dict[str, Any]:
    left, top = min(word.left for word in words), min(word.top for word in words)
    right, bottom = max(word.left + word.width for word in words), max(word.top + word.height for word in words)
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return {"vertices": [{"x": max(0, x), "y": max(0, y)} for x, y in corners]}


def _confidence(words: list[Word]) -> float:
    return round(sum(word.confidence for word in words) / len(words), 3)
