"""Choose the parts of frames that show text which no part before has shown.

Comparing whole pictures doesn't work: the background moves behind a caption, and a new caption changes few pixels. So
only strokes of letters are compared, and of these the ones that stand still for two samples: a caption does, while what
was filmed moves. That makes a fine sampling affordable, because its cost follows the number of texts, not of samples:

- A text that grows is taken once, when it is complete: before the first part of it goes.
- Only the rows with the new text are taken. A caption takes an eighth of a frame.
- Where a busy background has strokes in the same places by chance, they also have to keep their brightness and form a
  row. The reader gets the median of the frames with the text, in which the background is blurred.
- A whole frame is taken every few seconds if its letters differ from those of the last one. It shows what doesn't stand
  still, or has too little contrast to be noticed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from svp_dagster.media.pictures import Picture
from svp_dagster.screen.bands import Part, bands, whole
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.standing import CHANGE, GONE, Standing, is_share
from svp_dagster.screen.strokes import (
    MIN_STROKES,
    Cells,
    Counts,
    Mask,
    Still,
    Strokes,
    letters,
    per_cell,
    rows_of,
    still,
    strokes,
)

GROWTH = 1.03
"""A text has grown if it has so many times the strokes: less is flicker."""

FIRST_WHOLE_S, WHOLE_EVERY_S = 1.0, 5.0
"""When whole frames are taken: the first not before titles have faded in."""

GONE_SHARE = 0.25
"""Share of the cells with new text that lose it when a text goes from a busy background."""

MOST_LATER = 4
"""Frames after a candidate that show its text on a busy background."""

MOSTLY = 0.6
"""Share of a frame's rows from which the whole frame is taken."""


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
            yield whole(frame)
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
    return not bool(np.any(is_share(differing, there, CHANGE)))


def _lettered(seen: tuple[Strokes, ...]) -> tuple[Strokes, ...]:
    return tuple(replace(kind, clear=letters(kind.clear, kind.scale)) for kind in seen)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Candidate:
    """The frame to take for texts that are still standing. `new` are the cells in which `letters` has new text."""

    frame: Frame
    seen: tuple[Strokes, ...]
    letters: tuple[Mask, ...]
    counts: tuple[Counts, ...]
    new: tuple[Cells, ...]
    is_busy: bool
    later: list[Picture] = field(default_factory=list)

    def picture(self, rows: slice) -> Picture:
        """Return rows of the frame. Of a busy background the median of the frames with its text."""
        if not self.is_busy or not self.later:
            return self.frame.picture[rows].copy()
        shown = [picture[rows] for picture in (self.frame.picture, *self.later)]
        return np.asarray(np.median(shown, axis=0), dtype=np.uint8)

    def stands_in(self, picture: Picture) -> None:
        """Note that a later frame shows its text, too."""
        if self.is_busy and len(self.later) < MOST_LATER:
            self.later.append(picture)

    def grows(self, other: _Candidate) -> bool:
        """Return whether the other has more new text of any kind: outlines that meet are no letters any more."""
        pairs = zip(self._sizes(), other._sizes(), strict=True)
        return any(after > before * GROWTH + MIN_STROKES for before, after in pairs)

    def _sizes(self) -> list[int]:
        return [int(np.where(new, count, 0).sum()) for new, count in zip(self.new, self.counts, strict=True)]

    def loses(self, after: tuple[Strokes, ...]) -> bool:
        """Return whether a cell loses the new text in it, or `GONE_SHARE` of them where shapes pass by for letters."""
        lost = [
            new & is_share(per_cell(mask & ~then.faint), per_cell(mask), CHANGE)
            for new, mask, then in zip(self.new, self.letters, after, strict=True)
        ]
        least = GONE_SHARE * sum(int(new.sum()) for new in self.new) if self.is_busy else 1
        return sum(int(cells.sum()) for cells in lost) >= least

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
    kinds: tuple[Standing, ...]
    before: tuple[Strokes, ...] | None = None
    candidate: _Candidate | None = None
    whole_s: float | None = None
    """When a whole frame was last taken, or seen to have the same letters."""
    whole: tuple[Strokes, ...] = ()

    @classmethod
    def of(cls, frame: Frame) -> _Watch:
        """Begin with the first frame."""
        seen = strokes(frame.picture)
        return cls(frame, seen, tuple(Standing.of(kind) for kind in seen))

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
            yield whole(self.frame)

    def _judge(self, after: tuple[Strokes, ...] | None) -> Iterator[Part]:
        beside = [seen for seen in (self.before, after) if seen is not None] or [self.seen]
        if self.candidate is not None:
            self.candidate.stands_in(self.frame.picture)
        standing = tuple(still(now, *(seen[number] for seen in beside)) for number, now in enumerate(self.seen))
        for number, (kind, seen) in enumerate(zip(self.kinds, standing, strict=True)):
            kind.date(self._fresh(number, standing) | self._fresh(number ^ 1, standing), seen.mask, self.at_s)
        self._propose(standing)
        if self.candidate is not None and (after is None or self.candidate.loses(after)):
            yield from self._take(self.candidate)
            self.candidate = None
        if self.candidate is None and self._is_due(self.at_s):
            yield from self._take_whole(standing)
        for number, kind in enumerate(self.kinds):
            kind.forget(after[number].faint if after else None, self.at_s)

    def _fresh(self, number: int, standing: Sequence[Still]) -> Cells:
        """Return the cells with mostly new strokes. Bright and dark ones, at even and odd numbers, change together."""
        mask = standing[number].mask
        return is_share(per_cell(mask & ~self.before[number].faint if self.before else mask), per_cell(mask), GONE)

    def _propose(self, standing: Sequence[Still]) -> None:
        """Make the last frame the candidate if it shows more new text."""
        if not any(cells.any() for _, cells in self._news(standing, [seen.mask for seen in standing])):
            return
        found = self._letters(standing)
        counts, new = zip(*self._news(standing, found), strict=True)
        is_busy = any(seen.is_busy for seen in standing)
        proposed = _Candidate(frame=self.frame, seen=self.seen, letters=found, counts=counts, new=new, is_busy=is_busy)
        if any(cells.any() for cells in new) and (self.candidate is None or self.candidate.grows(proposed)):
            self.candidate = proposed

    def _letters(self, standing: Sequence[Still]) -> tuple[Mask, ...]:
        return tuple(letters(seen.mask, kind.scale) for kind, seen in zip(self.kinds, standing, strict=True))

    def _news(self, standing: Sequence[Still], found: Sequence[Mask]) -> list[tuple[Counts, Cells]]:
        return [
            kind.news(mask, is_busy=seen.is_busy) for kind, seen, mask in zip(self.kinds, standing, found, strict=True)
        ]

    def _take(self, candidate: _Candidate) -> Iterator[Part]:
        """Yield the rows of the candidate that have new text, or all of them if a whole frame is due.

        A busy one is no whole frame, as what moves isn't seen in it.
        """
        at_s, height = candidate.frame.at_s, candidate.frame.picture.shape[0]
        assert at_s is not None
        parts, is_due = list(candidate.bands()), self._is_due(at_s) and not candidate.is_busy
        if is_due or sum(rows.stop - rows.start for rows in parts) > MOSTLY * height:
            self.whole_s, self.whole = at_s, _lettered(candidate.seen)
            parts = [slice(0, height)]
        for rows in parts:
            yield self._part(candidate, rows, is_due=is_due)

    def _part(self, candidate: _Candidate, rows: slice, *, is_due: bool) -> Part:
        shown = tuple(
            kind.take(rows, found, seen.faint)
            for kind, found, seen in zip(self.kinds, candidate.letters, candidate.seen, strict=True)
        )
        part = whole(candidate.frame)
        picture = candidate.picture(rows)
        new = candidate.new if not is_due else ()
        return replace(part, picture=picture, top=rows.start, bottom=rows.stop, new=new, shown=shown)

    def _is_due(self, at_s: float) -> bool:
        """Return whether it is time for a whole frame."""
        return at_s >= FIRST_WHOLE_S if self.whole_s is None else at_s - self.whole_s >= WHOLE_EVERY_S

    def _take_whole(self, standing: Sequence[Still]) -> Iterator[Part]:
        """Yield the last frame, unless its letters are those of the last whole one, standing still or not."""
        seen = _lettered(self.seen)
        self.whole_s = self.at_s
        if not self.whole or not same_text(self.whole, seen):
            self.whole = seen
            found = self._letters(standing)
            candidate = _Candidate(frame=self.frame, seen=self.seen, letters=found, counts=(), new=(), is_busy=False)
            yield self._part(candidate, slice(0, self.frame.picture.shape[0]), is_due=True)
