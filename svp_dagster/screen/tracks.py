"""Follow lines from picture to picture: each is given once, with the first and the last second at which it was seen.

Captions that come word by word, each at the place of the last, are one line.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz import fuzz

from svp_dagster.models import LineKind, ScreenLine
from svp_dagster.screen.figures import fractions, lacks_digits
from svp_dagster.screen.lines import Line, essence, joined, overlap, share_row, stood_within

SAME_TEXT = 90
"""Two readings at one place are the same line from this similarity (0 to 100) on."""

QUICK_S = 0.8
"""Words of a caption that comes word by word stand no longer than this."""

PAUSE_S = 0.65
"""A longer pause ends such a caption."""

PIECE_WORDS, PIECE_CHARS = 2, 18
"""A longer text that stands so short is a caption of its own."""

FEWEST, MOST = 3, 14
"""Pieces of such a caption. Two in a row may be two captions, and a clip may go on without a pause."""

FEWEST_LETTERS = 3
"""Shorter texts are the beginning of many others."""

STAYS_S = 4.0
"""A handle or an app's name that stands this long, and for half of the clip, is a watermark."""

_MARK = re.compile(
    r"(?:[♪♫dJ]\s*)?tik\s?tok|instagram|capcut|youtube(?:\s?shorts)?|snapchat|(?:tik\s?tok\s*)?@\s?[\w.]{2,}"
    r"|(?:www\.)?[\w-]+\.(?:com|net|org|tv)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_SPACED = re.compile(r"\d [^\W\d]")
_ENDS = (".", "!", "?", "…", "。", "！", "？")


@dataclass(frozen=True, kw_only=True)
class Page:
    """The lines of a picture, or of its rows from `top` to `bottom` alone. What stood beside these still stands.

    `unread` counts the places with text that the engine can't read, `left_out` the figures in what it read.
    """

    lines: Sequence[Line]
    unread: int = 0
    left_out: int = 0
    slide: int | None = None
    top: float = -math.inf
    bottom: float = math.inf

    def covers(self, line: Line) -> bool:
        """Return whether a line lies in its rows."""
        return self.top <= (line.top + line.bottom) / 2 <= self.bottom


def follow(pages: Sequence[Page]) -> list[ScreenLine]:
    """Return each line once, in order of appearance, from the first to the last page that shows it.

    The same words later, anywhere, are the same line. Readings that differ a little are one line only if they follow
    each other at the same place and have the same numbers. So is a text that grows at its place.
    """
    tracks: list[_Track] = []
    by_reading: dict[str, list[_Track]] = {}
    before: list[_Track] = []
    for page in join_quick(pages):
        here: dict[int, _Track] = {}
        for line in page.lines:
            key = essence(line.text)
            track = _track_of(line, key, by_reading.get(key, ()), before, here)
            if track is None:
                track = _Track(number=len(tracks), page=page, line=line, first_s=line.first_s)
                tracks.append(track)
            here[track.number] = track
            if track.see(line, key):
                by_reading.setdefault(key, []).append(track)
        beside = {track.number: track for track in before if not page.covers(track.line)}
        before = [track for _, track in sorted((beside | here).items())]
    ends = [track.last_s for track in tracks if track.last_s is not None]
    return [track.screen_line(ends_s=max(ends, default=0.0)) for track in _without_poorer(tracks)]


def _without_poorer(tracks: Sequence[_Track]) -> list[_Track]:
    """Return the tracks without those that lack digits of a fraction that stood at their places and times."""
    richer = [(track, track.text) for track in tracks if fractions(track.text)]
    return [
        track
        for track in tracks
        if not any(lacks_digits(track.text, text) and track.stands_within(other) for other, text in richer)
    ]


def join_quick(pages: Sequence[Page]) -> list[Page]:
    """Return the pages with the pieces of each caption that comes word by word joined to one line in the last page."""
    quick = [
        _Piece(number, line)
        for number, page in enumerate(pages)
        for line in page.lines
        if page.slide is None and _is_quick(line)
    ]
    lines = [list(page.lines) for page in pages]
    for chain in _chains(quick):
        words = _without_repeats(chain)
        if len(words) < FEWEST or _is_list(words):
            continue
        for piece in chain:
            lines[piece.page].remove(piece.line)
        whole = replace(chain[-1].line, text=joined(piece.line.text for piece in words), first_s=chain[0].line.first_s)
        lines[chain[-1].page].append(whole)
    return [replace(page, lines=own) for page, own in zip(pages, lines, strict=True)]


@dataclass(frozen=True)
class _Piece:
    """A line that stood for a moment, and the number of its page."""

    page: int
    line: Line


def _is_quick(line: Line) -> bool:
    return _is_brief(line) and len(line.text.split()) <= PIECE_WORDS and len(line.text) <= PIECE_CHARS


def _chains(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Group pieces that follow each other at one place without a pause."""
    chains: list[list[_Piece]] = []
    going_on: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: (piece.line.first_s or 0.0, piece.page)):
        going_on = [chain for chain in going_on if _gap_s(chain, piece) <= PAUSE_S]
        chain = next((chain for chain in reversed(going_on) if _continues(chain, piece)), None)
        if chain is None:
            chains.append([piece])
            going_on.append(chains[-1])
        else:
            chain.append(piece)
    return chains


def _continues(chain: Sequence[_Piece], piece: _Piece) -> bool:
    last, line = chain[-1].line, piece.line
    if essence(last.text) == essence(line.text):
        return share_row(last, line)
    ended = last.text.endswith(_ENDS) or len(chain) >= MOST or (last.text.isdigit() and line.text.isdigit())
    return not ended and -PAUSE_S < _gap_s(chain, piece) <= PAUSE_S and share_row(last, line)


def _gap_s(chain: Sequence[_Piece], piece: _Piece) -> float:
    return (piece.line.first_s or 0.0) - (chain[-1].line.last_s or 0.0)


def _without_repeats(chain: Sequence[_Piece]) -> list[_Piece]:
    """Return the pieces without those that were read twice, or grew into the next one."""
    kept: list[_Piece] = []
    for piece in chain:
        if kept and _grows(essence(kept[-1].line.text), essence(piece.line.text)):
            kept[-1] = piece
        else:
            kept.append(piece)
    return kept


def _is_list(pieces: Sequence[_Piece]) -> bool:
    """Return whether each piece begins like an item of a list: words of a sentence are not all capitalised."""
    return all(piece.line.text.istitle() for piece in pieces)


@dataclass(kw_only=True)
class _Track:
    """A line in successive pictures, with the essence of each of its readings."""

    number: int
    page: Page
    line: Line
    first_s: float | None
    readings: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    last_s: float | None = None
    seen: list[Line] = field(default_factory=list)
    moved: bool = False
    is_level: bool = False

    def see(self, line: Line, key: str) -> bool:
        """Add a reading. Return whether none before had its essence."""
        self.moved |= not overlap(self.line, line)
        self.is_level |= line.is_level
        is_new = key not in self.keys.values()
        self.readings[line.text] += 1
        self.keys[line.text] = key
        self.line = line
        self.seen.append(line)
        self.first_s, self.last_s = _least(self.first_s, line.first_s), _most(self.last_s, line.last_s)
        return is_new

    @property
    def text(self) -> str:
        """The most frequent reading, the longest of several. Of a line that appeared word by word it is the full text.

        Before that count fractions, and spaces after figures: readings lose these and don't invent them.
        """
        whole = max(self.keys.values(), key=len)

        def rank(text: str) -> tuple[bool, int, int, int, int]:
            is_whole = fuzz.ratio(self.keys[text], whole) >= SAME_TEXT
            return is_whole, fractions(text), len(_SPACED.findall(text)), self.readings[text], len(text)

        return max(self.readings, key=rank)

    def stands_within(self, other: _Track) -> bool:
        """Return whether the other stood at the same place whenever this one was seen."""
        return all(
            any(stood_within(line, whole) and share_row(line, whole) for whole in other.seen) for line in self.seen
        )

    def screen_line(self, *, ends_s: float) -> ScreenLine:
        """Return the line with its times."""
        return ScreenLine(
            text=self.text,
            first_s=self.first_s,
            last_s=self.last_s,
            slide=self.page.slide,
            kind=self._kind(self.text, ends_s),
        )

    def _kind(self, text: str, ends_s: float) -> LineKind:
        """Return what the line is. A handle that is shown for a moment is a hint; one that stays is a watermark."""
        if _MARK.fullmatch(text) and (self.moved or self.seconds >= max(ends_s / 2, STAYS_S)):
            return LineKind.WATERMARK
        return LineKind.CAPTION if self.is_level else LineKind.SCENE

    @property
    def seconds(self) -> float:
        """How long it was on the screen."""
        return 0.0 if self.first_s is None or self.last_s is None else self.last_s - self.first_s


def _track_of(
    line: Line, key: str, same: Sequence[_Track], before: Sequence[_Track], taken: Container[int]
) -> _Track | None:
    """Return the first track with the same words, else one at this place of the page before."""
    free_again = [track for track in same if track.number not in taken and _alike(essence(track.line.text), key)]
    if free_again:
        return min(free_again, key=lambda track: track.number)
    free = (track for track in before if track.number not in taken and overlap(track.line, line))
    return next((track for track in free if _same(track.line, line)), None)


def _same(before: Line, now: Line) -> bool:
    """Return whether two readings at one place are one text. One that stood for a moment may have been misread."""
    one, other = essence(before.text), essence(now.text)
    if _grows(one, other) and (_is_brief(before) or not _splits_number(one, other)):
        return len(one) >= FEWEST_LETTERS or _is_brief(before)
    if _is_brief(before) and len(one) < len(other) and _alike(one, other[: len(one)]):
        return True
    return _alike(one, other)


def _alike(one: str, other: str) -> bool:
    return _DIGITS.findall(one) == _DIGITS.findall(other) and fuzz.ratio(one, other) >= SAME_TEXT


def _splits_number(before: str, now: str) -> bool:
    """Return whether a text ends within a number of the longer one: "Day 1" isn't the beginning of "Day 10"."""
    return before[-1:].isdigit() and now[len(before) : len(before) + 1].isdigit()


def _grows(before: str, now: str) -> bool:
    return now.startswith(before)


def _is_brief(line: Line) -> bool:
    return line.first_s is not None and line.last_s is not None and line.last_s - line.first_s <= QUICK_S


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)
