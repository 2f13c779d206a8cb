"""Words become lines, and lines that stay on the screen become one line with a first and a last second.

Works for any script: words are joined without a space where the script has none, and from right to left where it is
written so.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from svp_dagster.models import ScreenLine, Transcript, Word

SAME_LINE = 0.5
"""Words are on one line if their middles differ by less than this share of their height."""

SAME_LINE_GAP = 1.6
"""A gap wider than this many heights parts two columns."""

SAME_TEXT = 90
"""Two readings of a line that stayed where it was are the same from this similarity (0 to 100) on."""

SPOKEN = 85
"""A line repeats the speech from this similarity (0 to 100) to what is said at that time on."""

SPOKEN_SLACK_S = 3.0
"""Subtitles are shown this much before or after the words are said; coarse transcripts are off by as much."""

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
    """The lines of one picture, and when it was on: from second to second, or as the slide of that number."""

    lines: Sequence[Line]
    first_s: float | None = None
    last_s: float | None = None
    slide: int | None = None


def join_words(words: Sequence[Word]) -> list[Line]:
    """The lines of one picture in reading order. No word is lost, but those of blanks and control characters."""
    rows: list[list[Word]] = []
    readable = [word for word in (_cleaned(word) for word in words) if word.text]
    for word in sorted(readable, key=lambda word: (word.top + word.bottom, word.left)):
        row = next((row for row in reversed(rows) if _beside(row[-1], word)), None)
        if row is None:
            rows.append([word])
        else:
            row.append(word)
    lines = [_line(part) for row in rows for part in _columns(row)]
    return sorted(lines, key=lambda line: (line.top + line.bottom, line.left))


def follow(pages: Sequence[Page]) -> list[ScreenLine]:
    """Each line once, in the order of appearance, from the first to the last page that shows it.

    The same words anywhere later are the same line. Readings that differ a little are one line only where they
    follow each other at the same place, and never if their numbers differ; a text that grows there is one line too.
    """
    tracks: list[_Track] = []
    for number, page in enumerate(pages):
        taken: set[int] = set()
        for line in page.lines:
            track = _track_of(line, tracks, number, taken)
            if track is None:
                track = _Track(page=page, line=line)
                tracks.append(track)
            taken.add(id(track))
            track.see(line, page, number)
    return [track.screen_line() for track in tracks]


def mark_subtitles(lines: Sequence[ScreenLine], transcript: Transcript) -> tuple[ScreenLine, ...]:
    """The lines, with those marked that repeat what is said at that time."""
    return tuple(line.model_copy(update={"subtitle": _is_spoken(line, transcript)}) for line in lines)


def essence(text: str) -> str:
    """Letters, marks and digits of any script, in one case; the text itself where it has none of these (emoji)."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(char for char in folded if unicodedata.category(char)[0] in "LMN")
    return kept or folded.strip()


@dataclass(kw_only=True)
class _Track:
    """A line as it is seen in one picture after another."""

    page: Page
    line: Line
    readings: Counter[str] = field(default_factory=Counter)
    last_page: int = 0
    last_s: float | None = None

    def see(self, line: Line, page: Page, number: int) -> None:
        self.readings[line.text] += 1
        self.line, self.last_page, self.last_s = line, number, page.last_s

    def screen_line(self) -> ScreenLine:
        """With the reading that came most often, of these the longest: it had most to go by."""
        text = max(self.readings, key=lambda text: (self._grown(text), self.readings[text], len(text)))
        return ScreenLine(text=text, first_s=self.page.first_s, last_s=self.last_s, slide=self.page.slide)

    def _grown(self, text: str) -> bool:
        """Whether this is the full text of a line that was built up word by word."""
        whole = max((essence(reading) for reading in self.readings), key=len)
        return fuzz.ratio(essence(text), whole) >= SAME_TEXT


def _track_of(line: Line, tracks: list[_Track], number: int, taken: set[int]) -> _Track | None:
    free = [track for track in tracks if id(track) not in taken]
    key = essence(line.text)
    again = next((track for track in free if any(essence(text) == key for text in track.readings)), None)
    if again is not None:
        return again
    here = [track for track in free if track.last_page == number - 1 and _overlap(track.line, line)]
    return next((track for track in here if _same(essence(track.line.text), key)), None)


def _same(before: str, now: str) -> bool:
    grown = len(before) >= 3 and now.startswith(before)
    return grown or (_DIGITS.findall(before) == _DIGITS.findall(now) and fuzz.ratio(before, now) >= SAME_TEXT)


def _overlap(one: Line, other: Line) -> bool:
    """Whether the boxes share a point."""
    return one.left <= other.right and other.left <= one.right and one.top <= other.bottom and other.top <= one.bottom


def _is_spoken(line: ScreenLine, transcript: Transcript) -> bool:
    key = essence(line.text)
    if len(key) < 4:
        return False
    said = transcript.text
    if transcript.segments and line.first_s is not None and line.last_s is not None:
        start_s, end_s = line.first_s - SPOKEN_SLACK_S, line.last_s + SPOKEN_SLACK_S
        said = " ".join(s.text for s in transcript.segments if s.start_s <= end_s and start_s <= s.end_s)
    heard = essence(said)
    if len(heard) < len(key) * 0.8 or not set(_DIGITS.findall(key)) <= set(_DIGITS.findall(heard)):
        return False
    return fuzz.partial_ratio(key, heard) >= SPOKEN


def _cleaned(word: Word) -> Word:
    text = "".join(" " if unicodedata.category(char) == "Cc" else char for char in word.text)
    return word.model_copy(update={"text": " ".join(text.split())})


def _beside(one: Word, other: Word) -> bool:
    """Whether two words are on one line."""
    height = min(one.bottom - one.top, other.bottom - other.top)
    return abs((one.top + one.bottom) - (other.top + other.bottom)) / 2 < SAME_LINE * max(height, 1)


def _columns(row: Sequence[Word]) -> list[list[Word]]:
    """The words of a row from left to right, parted where the gap is wide."""
    parts: list[list[Word]] = []
    for word in sorted(row, key=lambda word: word.left):
        if parts and word.left - parts[-1][-1].right < SAME_LINE_GAP * (word.bottom - word.top):
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def _line(words: Sequence[Word]) -> Line:
    text = ""
    for word in _spoken_order(words):
        glued = not text or (_NO_SPACES.match(text[-1]) and _NO_SPACES.match(word.text[0]))
        text += word.text if glued else f" {word.text}"
    return Line(
        text=text,
        left=min(word.left for word in words),
        top=min(word.top for word in words),
        right=max(word.right for word in words),
        bottom=max(word.bottom for word in words),
    )


def _spoken_order(words: Sequence[Word]) -> list[Word]:
    """Words given from left to right, in the order they are read.

    In a line written from right to left, groups of words and numbers of the other direction keep their own order.
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
