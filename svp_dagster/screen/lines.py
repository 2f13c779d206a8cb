"""Join words to lines, and the same line in successive pictures to one line with a first and a last second.

Lines are those of the engine where it says how its words are parted, and are found by distance where it doesn't.
Scripts without spaces are joined without spaces, and scripts that are written from right to left in their order.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from svp_dagster.models import ScreenLine, Word
from svp_dagster.screen.certainty import is_certain

SAME_LINE = 0.5
"""Words are on one line if their centres differ by less than this share of their height."""

SAME_LINE_GAP = 1.6
"""A gap wider than this many heights separates two columns."""

SAME_TEXT = 90
"""Two readings at one place are the same line from this similarity (0 to 100) on."""

_NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff00-\uffef\U00020000-\U0003ffff]"
)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of one picture, with its box in the picture's pixels."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, kw_only=True)
class Page:
    """The lines of one picture, and when it was on the screen: from second to second, or as a slide."""

    lines: Sequence[Line]
    first_s: float | None = None
    last_s: float | None = None
    slide: int | None = None


def join_words(words: Sequence[Word]) -> list[Line]:
    """Return the lines of one picture in reading order. Drops blanks, control characters and uncertain words."""
    readable = [word for word in (_cleaned(word) for word in words if is_certain(word)) if word.text]
    parted = _parted_lines([word for word in readable if word.after is not None])
    placed = _placed_lines([word for word in readable if word.after is None])
    return sorted([*parted, *placed], key=lambda line: (line.top + line.bottom, line.left))


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


def follow(pages: Sequence[Page]) -> list[ScreenLine]:
    """Return each line once, in order of appearance, from the first to the last page that shows it.

    The same words later, anywhere, are the same line. Readings that differ a little are one line only if they follow
    each other at the same place and have the same numbers. So is a text that grows at its place.
    """
    tracks: list[_Track] = []
    by_reading: dict[str, list[_Track]] = {}
    before: list[_Track] = []
    for page in pages:
        here: dict[int, _Track] = {}
        for line in page.lines:
            key = essence(line.text)
            track = _track_of(line, key, by_reading.get(key, ()), before, here)
            if track is None:
                track = _Track(number=len(tracks), page=page, line=line)
                tracks.append(track)
            here[track.number] = track
            if track.see(line, page, key):
                by_reading.setdefault(key, []).append(track)
        before = [here[number] for number in sorted(here)]
    return [track.screen_line() for track in tracks]


def essence(text: str) -> str:
    """Return letters, marks and digits of any script in one case, or the text itself if it has none (emoji)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(char for char in folded if unicodedata.category(char)[0] in "LMN")
    return kept or folded.strip()


@dataclass(kw_only=True)
class _Track:
    """A line in successive pictures, with the essence of each of its readings."""

    number: int
    page: Page
    line: Line
    key: str = ""
    readings: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    last_s: float | None = None

    def see(self, line: Line, page: Page, key: str) -> bool:
        """Add a reading. Return whether none before had its essence."""
        is_new = key not in self.keys.values()
        self.readings[line.text] += 1
        self.keys[line.text] = key
        self.line, self.key, self.last_s = line, key, page.last_s
        return is_new

    def screen_line(self) -> ScreenLine:
        """Return the line with its most frequent reading, the longest of several.

        Of a line that appeared word by word it is the full text.
        """
        whole = max(self.keys.values(), key=len)

        def rank(text: str) -> tuple[bool, int, int]:
            return fuzz.ratio(self.keys[text], whole) >= SAME_TEXT, self.readings[text], len(text)

        text = max(self.readings, key=rank)
        return ScreenLine(text=text, first_s=self.page.first_s, last_s=self.last_s, slide=self.page.slide)


def _track_of(
    line: Line, key: str, same: Sequence[_Track], before: Sequence[_Track], taken: Container[int]
) -> _Track | None:
    """Return the first track with the same words, else one at this place of the page before."""
    free_again = [track for track in same if track.number not in taken]
    if free_again:
        return min(free_again, key=lambda track: track.number)
    free = (track for track in before if track.number not in taken and _overlap(track.line, line))
    return next((track for track in free if _same(track.key, key)), None)


def _same(before: str, now: str) -> bool:
    grown = len(before) >= 3 and now.startswith(before)
    return grown or (_DIGITS.findall(before) == _DIGITS.findall(now) and fuzz.ratio(before, now) >= SAME_TEXT)


def _overlap(one: Line, other: Line) -> bool:
    """Return whether the boxes share a point."""
    return one.left <= other.right and other.left <= one.right and one.top <= other.bottom and other.top <= one.bottom


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
    text = ""
    for word in _reading_order(words):
        glued = not text or (_NO_SPACES.match(text[-1]) and _NO_SPACES.match(word.text[0]))
        text += word.text if glued else f" {word.text}"
    return _boxed(text, words)


def _boxed(text: str, words: Sequence[Word]) -> Line:
    return Line(
        text=text,
        left=min(word.left for word in words),
        top=min(word.top for word in words),
        right=max(word.right for word in words),
        bottom=max(word.bottom for word in words),
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
