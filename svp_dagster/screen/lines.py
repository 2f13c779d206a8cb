"""Join the words of a picture to lines.

Lines are those of the engine where it says how its words are parted, and are found by distance where it doesn't.
Scripts without spaces are joined without spaces, and scripts that are written from right to left in their order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from svp_dagster.models import Word

SAME_LINE = 0.5
"""Words are on one line if their centres differ by less than this share of their height."""

SAME_LINE_GAP = 1.6
"""A gap wider than this many heights separates two columns."""

LEAST_TILT, LEAST_TILT_PX = 0.09, 4
"""Slope of tilted text (5°), and by how many pixels it has to go up or down."""

_NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff00-\uffef\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of one picture, with its box in the picture's pixels, and when it was on the screen."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    is_level: bool = True
    first_s: float | None = None
    last_s: float | None = None


def join_words(words: Sequence[Word]) -> list[Line]:
    """Return the lines of one picture in reading order. Drops only words of blanks and control characters."""
    readable = [word for word in (_cleaned(word) for word in words) if word.text]
    parted = _parted_lines([word for word in readable if word.after is not None])
    placed = _placed_lines([word for word in readable if word.after is None])
    return by_columns(sorted([*parted, *placed], key=lambda line: (line.top + line.bottom, line.left)))


def by_columns(lines: Sequence[Line]) -> list[Line]:
    """Return lines, given from the top, with those of one column after each other.

    Columns are two rows or more of which each has as many lines, one below the other. A table stays in rows: the lines
    behind the first of a row are figures.
    """
    rows: list[list[Line]] = []
    for line in lines:
        if rows and _is_beside(rows[-1][-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    blocks: list[list[list[Line]]] = []
    for row in (sorted(row, key=lambda line: line.left) for row in rows):
        if blocks and _is_below(blocks[-1][-1], row):
            blocks[-1].append(row)
        else:
            blocks.append([row])
    return [line for block in blocks for part in _in_order(block) for line in part]


def _is_beside(one: Line, other: Line) -> bool:
    apart = abs((one.top + one.bottom) - (other.top + other.bottom)) / 2
    return apart < SAME_LINE * min(one.bottom - one.top, other.bottom - other.top) and not _shares_columns(one, other)


def _is_below(above: Sequence[Line], row: Sequence[Line]) -> bool:
    """Return whether a row goes on with the columns of the one above."""
    return len(above) == len(row) > 1 and all(_shares_columns(*pair) for pair in zip(above, row, strict=True))


def _shares_columns(one: Line, other: Line) -> bool:
    return one.left < other.right and other.left < one.right


def _in_order(block: Sequence[Sequence[Line]]) -> Iterable[Sequence[Line]]:
    is_table = all(any(char.isdigit() for char in line.text) for row in block for line in row[1:])
    return block if is_table else list(zip(*block, strict=True))


def _parted_lines(words: Sequence[Word]) -> list[Line]:
    """Join words by the engine's breaks. A wide gap separates two columns, but no mark from what it belongs to."""
    parts: list[list[Word]] = []
    for word in words:
        if parts and parts[-1][-1].after != "\n" and not _is_column_gap(parts[-1][-1], word):
            parts[-1].append(word)
        else:
            parts.append([word])
    return [_boxed("".join(f"{word.text}{word.after}" for word in part).strip(), part) for part in parts]


def _is_column_gap(one: Word, other: Word) -> bool:
    gap = max(one.left, other.left) - min(one.right, other.right)
    height = max(one.bottom - one.top, other.bottom - other.top)
    return gap >= SAME_LINE_GAP * height and not _is_mark(one) and not _is_mark(other)


def _is_mark(word: Word) -> bool:
    return all(unicodedata.category(char)[0] == "P" for char in word.text)


def _placed_lines(words: Sequence[Word]) -> list[Line]:
    """Join words by their distance."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom, word.left)):
        row = next((row for row in reversed(rows) if _beside(row[-1], word)), None)
        if row is None:
            rows.append([word])
        else:
            row.append(word)
    return [_line(part) for row in rows for part in _columns(row)]


def essence(text: str) -> str:
    """Return letters, marks and digits of any script in one case, or the text itself if it has none (emoji)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(char for char in folded if unicodedata.category(char)[0] in "LMN")
    return kept or folded.strip()


def _cleaned(word: Word) -> Word:
    text = "".join(" " if unicodedata.category(char) == "Cc" else char for char in word.text)
    return word.model_copy(update={"text": " ".join(text.split())})


def _beside(one: Word, other: Word) -> bool:
    """Return whether two words are on one line."""
    height = min(one.bottom - one.top, other.bottom - other.top)
    return abs((one.top + one.bottom) - (other.top + other.bottom)) / 2 < SAME_LINE * max(height, 1)


def _columns(row: Sequence[Word]) -> list[list[Word]]:
    """Split the words of a row, from left to right, at wide gaps."""
    parts: list[list[Word]] = []
    for word in sorted(row, key=lambda word: word.left):
        if parts and word.left - parts[-1][-1].right < SAME_LINE_GAP * (word.bottom - word.top):
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def _line(words: Sequence[Word]) -> Line:
    return _boxed(joined(word.text for word in _reading_order(words)), words)


def joined(texts: Iterable[str]) -> str:
    """Join texts with spaces, or without where neither side's script has any."""
    whole = ""
    for text in texts:
        glued = not whole or (_NO_SPACES.match(whole[-1]) and _NO_SPACES.match(text[0]))
        whole += text if glued else f" {text}"
    return whole


def _boxed(text: str, words: Sequence[Word]) -> Line:
    return Line(
        text=text,
        left=min(word.left for word in words),
        top=min(word.top for word in words),
        right=max(word.right for word in words),
        bottom=max(word.bottom for word in words),
        is_level=all(word.is_level for word in words),
    )


def _reading_order(words: Sequence[Word]) -> list[Word]:
    """Return words, given from left to right, in reading order.

    In a line that is written from right to left, groups of words and numbers of the other direction keep their order.
    """
    to_left = [_has(word.text, "R", "AL") for word in words]
    if sum(to_left) < max(1, sum(_has(word.text, "L") for word in words)):
        return list(words)
    ordered: list[Word] = []
    group: list[Word] = []
    for word, leftward in zip(reversed(words), reversed(to_left), strict=True):
        if leftward:
            ordered += [*reversed(group), word]
            group = []
        else:
            group.append(word)
    return [*ordered, *reversed(group)]


def _has(text: str, *directions: str) -> bool:
    return any(unicodedata.bidirectional(char) in directions for char in text)


def is_level(left: Sequence[float], right: Sequence[float]) -> bool:
    """Return whether the upper corners of a box, each x and y, lie at one height. Short words need some tolerance."""
    across, down = abs(right[0] - left[0]), abs(right[1] - left[1])
    return bool(down < LEAST_TILT_PX or down < LEAST_TILT * across)


def share_row(one: Line, other: Line) -> bool:
    """Return whether two lines stand at one height, and one above the other's middle."""
    heights = one.bottom - one.top, other.bottom - other.top
    apart = abs((one.top + one.bottom) - (other.top + other.bottom)) / 2
    return apart < max(heights) / 2 and max(heights) < 2 * min(heights) and overlap(one, other)


def overlap(one: Line, other: Line) -> bool:
    """Return whether the boxes share a point."""
    return one.left <= other.right and other.left <= one.right and one.top <= other.bottom and other.top <= one.bottom


def stood_within(line: Line, other: Line) -> bool:
    """Return whether the other was on the screen in the middle of a line's time."""
    if line.first_s is None or line.last_s is None or other.first_s is None or other.last_s is None:
        return False
    return other.first_s <= (line.first_s + line.last_s) / 2 <= other.last_s
