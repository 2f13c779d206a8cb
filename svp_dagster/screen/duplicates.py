"""Choose the parts of frames that show text which no part before has shown.

Comparing whole pictures doesn't work: the background moves behind a caption, and a new caption changes few pixels. So
only strokes of letters are compared, and of these the ones that stand still for two samples: a caption does, while what
was filmed moves. That makes a fine sampling affordable, because its cost follows the number of texts, not of samples:

- A text that grows is taken once, when it is complete: before the first part of it goes.
- Only the rows with the new text are taken. A caption takes an eighth of a frame.
- A whole frame is taken every few seconds if its letters differ from those of the last one. It shows what doesn't stand
  still, or has too little contrast to be noticed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from svp_dagster.media.pictures import Picture
from svp_dagster.screen.bands import bands
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.strokes import (
    Counts,
    Mask,
    Scale,
    Strokes,
    cells_of,
    letters,
    per_cell,
    rows_of,
    spread,
    strokes,
)

CHANGE = 0.2
"""Share of a cell's strokes that must differ. A lower value takes more frames, a higher one loses captions."""

GONE = 0.3
"""Share of a cell's strokes without which its text has gone."""

MIN_STROKES = 20
"""Least number of stroke pixels in a cell that is compared: fewer are grain."""

GROWTH = 1.03
"""A text has grown if it has so many times the strokes: less is flicker."""

FIRST_WHOLE_S, WHOLE_EVERY_S = 1.0, 4.0
"""When whole frames are taken: the first not before titles have faded in."""

CUT_PX = 2
"""A line this near to an edge of a part that is not one of its frame is cut."""

EARLY = 0.35
"""Quantile of the cells' times at which a line began: its first words, but not the odd stroke behind it."""

MOSTLY = 0.6
"""Share of a frame's rows from which the whole frame is taken."""

Cells = NDArray[np.bool_]
"""Whether something is so, per cell."""

Times = NDArray[np.float64]
"""A second per cell, or NaN."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """Rows of a frame that are read, from `top` to `bottom` of its `height`.

    `news` is how many strokes of new text it has. `shown` has per kind of strokes the cells with text, since when they
    have shown it, and until when. The last is complete once all frames were compared.
    """

    picture: Picture
    top: int
    bottom: int
    height: int
    at_s: float | None
    slide: int | None
    news: int = 0
    shown: tuple[tuple[Scale, Cells, Times, Times], ...] = ()

    def cuts(self, top: float, bottom: float) -> bool:
        """Return whether a line at the edge of these rows goes on in the frame."""
        cut_above = self.top > 0 and top < self.top + CUT_PX
        return cut_above or (self.bottom < self.height and bottom > self.bottom - CUT_PX)

    def seconds(self, rows: slice, columns: slice) -> tuple[float | None, float | None]:
        """Return the first and the last second at which the text in a box of the frame was seen."""
        if self.at_s is None or self.slide is not None:
            return None, None
        first, last = [self.at_s], [self.at_s]
        for scale, has_text, since, until in self.shown:
            cells = cells_of(rows, columns, scale)
            there = has_text[cells]
            first += since[cells][there].tolist()
            last += until[cells][there].tolist()
        return min(self.at_s, float(np.nanquantile(first, EARLY))), max(self.at_s, float(np.nanmedian(last)))


def distinct(frames: Iterable[Frame]) -> Iterator[Part]:
    """Yield parts of the frames that together show each text, those of a video in the order in which their texts end.

    Of slides each whole one whose text differs from the slide before. The clips between slides are videos.
    """
    for is_still, group in groupby(frames, key=lambda frame: frame.at_s is None):
        if is_still:
            yield from _stills(group)
        else:
            for _, of_one in groupby(group, key=lambda frame: frame.slide):
                yield from _moving(of_one)


def _stills(frames: Iterable[Frame]) -> Iterator[Part]:
    before: tuple[Strokes, ...] = ()
    for frame in frames:
        seen = _lettered(strokes(frame.picture))
        if not before or not same_text(before, seen):
            yield _whole(frame)
            before = seen


def _moving(frames: Iterator[Frame]) -> Iterator[Part]:
    watch = _Watch.of(next(frames))
    for frame in frames:
        yield from watch.see(frame)
    yield from watch.end()


def same_text(one: tuple[Strokes, ...], other: tuple[Strokes, ...]) -> bool:
    """Return whether no cell's strokes differ by `CHANGE` or more. Pictures of different sizes are never the same."""
    return all(_same_strokes(before, now) for before, now in zip(one, other, strict=True))


def _same_strokes(before: Strokes, now: Strokes) -> bool:
    if before.clear.shape != now.clear.shape:
        return False
    there = np.maximum(per_cell(before.clear), per_cell(now.clear))
    differing = per_cell((before.clear & ~now.faint) | (now.clear & ~before.faint))
    return not bool(np.any(_is_share(differing, there, CHANGE)))


def _lettered(seen: tuple[Strokes, ...]) -> tuple[Strokes, ...]:
    return tuple(replace(kind, clear=letters(kind.clear, kind.scale)) for kind in seen)


def _is_share(part: Counts, whole: Counts, share: float) -> Cells:
    """Return the cells with enough strokes of which a part is at least a share."""
    return np.asarray((whole >= MIN_STROKES) & (part >= share * whole), dtype=np.bool_)


def _whole(frame: Frame) -> Part:
    height = frame.picture.shape[0]
    return Part(picture=frame.picture, top=0, bottom=height, height=height, at_s=frame.at_s, slide=frame.slide)


@dataclass(eq=False)
class _Kind:
    """What is known about the strokes of one kind: the letters that a part shows and that still stand.

    `since` has per cell when its strokes appeared. `standing` has per part its cells with text, and until when.
    """

    scale: Scale
    taken: Mask
    taken_faint: Mask
    taken_count: Counts
    since: Times
    standing: list[tuple[Cells, Times]] = field(default_factory=list)

    @classmethod
    def of(cls, seen: Strokes) -> _Kind:
        """Return what is known before the first frame: nothing."""
        nothing = np.zeros_like(seen.clear)
        count = per_cell(nothing)
        return cls(seen.scale, nothing, nothing.copy(), count, np.full(count.shape, np.nan))

    def date(self, still: Mask, before: Mask, at_s: float) -> None:
        """Note the time of cells whose strokes are mostly new."""
        there = per_cell(still)
        self.since[_is_share(per_cell(still & ~before), there, GONE)] = at_s
        self.since[there < MIN_STROKES] = np.nan

    def news(self, found: Mask) -> tuple[Counts, Cells]:
        """Return per cell how many strokes no part shows, and whether these are enough."""
        new = per_cell(found & ~self.taken_faint)
        return new, _is_share(new, per_cell(found), CHANGE)

    def take(self, rows: slice, found: Mask, faint: Mask) -> tuple[Scale, Cells, Times, Times]:
        """Note that the letters of these rows are in a part. Return its cells with text and their times."""
        within = slice(rows.start // self.scale.shrink, -(-rows.stop // self.scale.shrink))
        self.taken[within], self.taken_faint[within] = found[within], faint[within]
        self.taken_count = per_cell(self.taken)
        cells = cells_of(rows, slice(0, found.shape[1] * self.scale.shrink), self.scale)
        has_text, until = np.zeros(self.since.shape, dtype=np.bool_), np.full(self.since.shape, np.nan)
        has_text[cells] = per_cell(found)[cells] >= MIN_STROKES
        self.standing.append((has_text, until))
        return self.scale, has_text, self.since.copy(), until

    def forget(self, after: Mask | None, at_s: float) -> None:
        """Forget the letters that the next frame lacks, all without a next one. They were last seen at `at_s`."""
        lost = self.taken if after is None else self.taken & ~after
        gone = _is_share(per_cell(lost), self.taken_count, GONE)
        if not gone.any():
            return
        for has_text, until in self.standing:
            until[gone & has_text & np.isnan(until)] = at_s
        self.standing = [(has_text, until) for has_text, until in self.standing if np.isnan(until[has_text]).any()]
        pixels = spread(gone, self.taken)
        self.taken[pixels] = self.taken_faint[pixels] = 0
        self.taken_count = per_cell(self.taken)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Candidate:
    """The frame to take for texts that are still standing. `new` are the cells in which `letters` has new text."""

    frame: Frame
    seen: tuple[Strokes, ...]
    letters: tuple[Mask, ...]
    counts: tuple[Counts, ...]
    new: tuple[Cells, ...]

    @property
    def size(self) -> int:
        """How much new text it has in all."""
        return self.news(slice(0, self.frame.picture.shape[0]))

    def loses(self, after: tuple[Strokes, ...]) -> bool:
        """Return whether a cell loses the new text in it."""
        return any(
            bool((new & _is_share(per_cell(mask & ~then.faint), per_cell(mask), CHANGE)).any())
            for new, mask, then in zip(self.new, self.letters, after, strict=True)
        )

    def news(self, rows: slice) -> int:
        """Return how many strokes of new text these rows have. Cells overlap, so each counts four times."""
        columns = slice(0, self.frame.picture.shape[1])
        return sum(
            int(np.where(new, count, 0)[cells_of(rows, columns, seen.scale)].sum())
            for new, count, seen in zip(self.new, self.counts, self.seen, strict=True)
        )

    def bands(self) -> Iterator[slice]:
        """Yield the rows that have new text, without cutting a line."""
        height = self.frame.picture.shape[0]
        ink, new = np.zeros(height, dtype=np.bool_), np.zeros(height, dtype=np.bool_)
        for kind, mask, cells in zip(self.seen, self.letters, self.new, strict=True):
            inked = mask.any(axis=1).repeat(kind.scale.shrink)[:height]
            ink[: len(inked)] |= inked
            for row in np.flatnonzero(cells.any(axis=1)):
                new[rows_of(int(row), kind.scale)] = True
        return bands(ink=ink, new=new)


@dataclass(eq=False)
class _Watch:
    """Compares the frames of one video. A frame is judged once the next one shows what of it stands still."""

    frame: Frame
    seen: tuple[Strokes, ...]
    kinds: tuple[_Kind, ...]
    before: tuple[Strokes, ...] | None = None
    candidate: _Candidate | None = None
    whole_s: float | None = None
    """When a whole frame was last taken, or seen to have the same letters."""
    whole: tuple[Strokes, ...] = ()

    @classmethod
    def of(cls, frame: Frame) -> _Watch:
        """Begin with the first frame."""
        seen = strokes(frame.picture)
        return cls(frame, seen, tuple(_Kind.of(kind) for kind in seen))

    @property
    def at_s(self) -> float:
        """The last frame's second."""
        assert self.frame.at_s is not None
        return self.frame.at_s

    def see(self, frame: Frame) -> Iterator[Part]:
        """Judge the frame before."""
        after = strokes(frame.picture)
        yield from self._judge(after)
        self.frame, self.seen, self.before = frame, after, self.seen

    def end(self) -> Iterator[Part]:
        """Judge the last frame."""
        yield from self._judge(None)
        if self.whole_s is None:
            yield _whole(self.frame)

    def _judge(self, after: tuple[Strokes, ...] | None) -> Iterator[Part]:
        still = self._still(after)
        for kind, mask, before in zip(self.kinds, still, self.before or self.seen, strict=True):
            kind.date(mask, before.faint if self.before else np.zeros_like(mask), self.at_s)
        self._propose(still)
        if self.candidate is not None and (after is None or self.candidate.loses(after)):
            yield from self._take(self.candidate)
            self.candidate = None
        if self.candidate is None and self._is_due(self.at_s):
            yield from self._take_whole(still)
        for number, kind in enumerate(self.kinds):
            kind.forget(after[number].faint if after else None, self.at_s)

    def _still(self, after: tuple[Strokes, ...] | None) -> tuple[Mask, ...]:
        """Return the strokes of the last frame that stand still. A picture alone stands still."""
        beside = [seen for seen in (self.before, after) if seen is not None] or [self.seen]
        return tuple(
            now.clear & np.bitwise_or.reduce([seen[number].faint for seen in beside])
            for number, now in enumerate(self.seen)
        )

    def _propose(self, still: tuple[Mask, ...]) -> None:
        """Make the last frame the candidate if it shows more new text."""
        if not any(kind.news(mask)[1].any() for kind, mask in zip(self.kinds, still, strict=True)):
            return
        found = tuple(letters(mask, kind.scale) for kind, mask in zip(self.kinds, still, strict=True))
        counts, new = zip(*(kind.news(mask) for kind, mask in zip(self.kinds, found, strict=True)), strict=True)
        proposed = _Candidate(frame=self.frame, seen=self.seen, letters=found, counts=counts, new=new)
        if proposed.size > (self.candidate.size * GROWTH if self.candidate else 0):
            self.candidate = proposed

    def _take(self, candidate: _Candidate) -> Iterator[Part]:
        """Yield the rows of the candidate that have new text, or all of them if a whole frame is due."""
        at_s, height = candidate.frame.at_s, candidate.frame.picture.shape[0]
        assert at_s is not None
        parts = list(candidate.bands())
        if self._is_due(at_s) or sum(rows.stop - rows.start for rows in parts) > MOSTLY * height:
            self.whole_s, self.whole = at_s, _lettered(candidate.seen)
            parts = [slice(0, height)]
        for rows in parts:
            yield self._part(candidate, rows)

    def _part(self, candidate: _Candidate, rows: slice) -> Part:
        shown = tuple(
            kind.take(rows, found, seen.faint)
            for kind, found, seen in zip(self.kinds, candidate.letters, candidate.seen, strict=True)
        )
        whole = _whole(candidate.frame)
        picture = whole.picture[rows].copy()
        return replace(whole, picture=picture, top=rows.start, bottom=rows.stop, news=candidate.news(rows), shown=shown)

    def _is_due(self, at_s: float) -> bool:
        """Return whether it is time for a whole frame."""
        return at_s >= FIRST_WHOLE_S if self.whole_s is None else at_s - self.whole_s >= WHOLE_EVERY_S

    def _take_whole(self, still: tuple[Mask, ...]) -> Iterator[Part]:
        """Yield the last frame, unless its letters are those of the last whole one, standing still or not."""
        seen = _lettered(self.seen)
        self.whole_s = self.at_s
        if not self.whole or not same_text(self.whole, seen):
            self.whole = seen
            found = tuple(letters(mask, kind.scale) for kind, mask in zip(self.kinds, still, strict=True))
            none = tuple(np.zeros_like(kind.taken_count) for kind in self.kinds)
            new = tuple(count > 0 for count in none)
            candidate = _Candidate(frame=self.frame, seen=self.seen, letters=found, counts=none, new=new)
            yield self._part(candidate, slice(0, self.frame.picture.shape[0]))
