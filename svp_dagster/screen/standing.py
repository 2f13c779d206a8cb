"""Remember which letters stand on the screen, since when and until when."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from svp_dagster.screen.strokes import (
    MIN_STROKES,
    Cells,
    Counts,
    Mask,
    Scale,
    Strokes,
    Times,
    cells_of,
    per_cell,
    rows_of_letters,
    spread,
)

CHANGE = 0.2
"""Share of a cell's strokes that must differ. A lower value takes more frames, a higher one loses captions."""

GONE = 0.3
"""Share of a cell's strokes without which its text has gone."""


def is_share(part: Counts, whole: Counts, share: float) -> Cells:
    """Return the cells with enough strokes of which a part is at least a share."""
    return np.asarray((whole >= MIN_STROKES) & (part >= share * whole), dtype=np.bool_)


@dataclass(eq=False)
class Standing:
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
    def of(cls, seen: Strokes) -> Standing:
        """Return what is known before the first frame: nothing."""
        nothing = np.zeros_like(seen.clear)
        count = per_cell(nothing)
        return cls(seen.scale, nothing, nothing.copy(), count, np.full(count.shape, np.nan))

    def date(self, fresh: Cells, still: Mask, at_s: float) -> None:
        """Note the time of cells with fresh strokes."""
        self.since[fresh] = at_s
        self.since[per_cell(still) < MIN_STROKES] = np.nan

    def news(self, found: Mask, *, is_busy: bool) -> tuple[Counts, Cells]:
        """Return per cell how many strokes no part shows, and whether these are enough."""
        new = per_cell(found & ~self.taken_faint)
        cells = is_share(new, per_cell(found), CHANGE)
        return new, rows_of_letters(cells) if is_busy else cells

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
        gone = is_share(per_cell(lost), self.taken_count, GONE)
        if not gone.any():
            return
        for has_text, until in self.standing:
            until[gone & has_text & np.isnan(until)] = at_s
        self.standing = [(has_text, until) for has_text, until in self.standing if np.isnan(until[has_text]).any()]
        pixels = spread(gone, self.taken)
        self.taken[pixels] = self.taken_faint[pixels] = 0
        self.taken_count = per_cell(self.taken)
