"""Contact sheets: many frames in one picture, so that they cost one reading.

Frames are tiles between grey gutters. Words are assigned to tiles by the centre of their boxes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from svp_dagster.errors import Code, failure
from svp_dagster.media.pictures import Picture
from svp_dagster.models import Word

GUTTER_PX = 24
GREY = 128
SHEET_PIXELS = 19_000_000
"""30 tiles of 540 × 1170, a phone's shape. A sheet of larger tiles, such as slides, has fewer. Google Vision takes 75
million."""

SHEET_BYTES = 7_000_000
"""Google Vision takes 10 MB of JSON, and base64 adds 37 %."""

QUALITIES = (85, 70, 50, 30)
"""JPEG qualities to try until the sheet is small enough."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`count` tiles of one size in rows with gutters. All sizes are in pixels."""

    count: int
    columns: int
    tile_width: int
    tile_height: int

    @property
    def width(self) -> int:
        """Width of the sheet."""
        return self.columns * (self.tile_width + GUTTER_PX) + GUTTER_PX

    @property
    def height(self) -> int:
        """Height of the sheet."""
        return math.ceil(self.count / self.columns) * (self.tile_height + GUTTER_PX) + GUTTER_PX

    def corner(self, tile: int) -> tuple[int, int]:
        """Return left and top of a tile."""
        row, column = divmod(tile, self.columns)
        return (
            GUTTER_PX + column * (self.tile_width + GUTTER_PX),
            GUTTER_PX + row * (self.tile_height + GUTTER_PX),
        )

    def tile_at(self, x: float, y: float) -> int | None:
        """Return the tile nearest to a point, None for a point beyond the last tile."""
        column = math.floor((x - GUTTER_PX / 2) / (self.tile_width + GUTTER_PX))
        row = math.floor((y - GUTTER_PX / 2) / (self.tile_height + GUTTER_PX))
        column, row = min(max(column, 0), self.columns - 1), max(row, 0)
        tile = row * self.columns + column
        return tile if tile < self.count else None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A contact sheet on disk. Its tiles are the pictures from number `first` on, in order."""

    path: Path
    first: int
    layout: Layout


def arrange(count: int, tile_width: int, tile_height: int) -> Layout:
    """Return the layout closest to a square, because readers scale long sides down."""

    def longest_side(columns: int) -> int:
        rows = math.ceil(count / columns)
        return max(columns * (tile_width + GUTTER_PX), rows * (tile_height + GUTTER_PX))

    columns = min(range(1, count + 1), key=longest_side)
    return Layout(count=count, columns=columns, tile_width=tile_width, tile_height=tile_height)


def write_sheets(pictures: Iterable[Picture], folder: Path, *, tiles: int) -> list[Sheet]:
    """Write the pictures to JPEG files in `folder`, as few as `tiles` per sheet and the size limit allow."""
    sheets: list[Sheet] = []
    first = 0
    for group in _groups(pictures, tiles):
        layout = arrange(len(group), max(p.shape[1] for p in group), max(p.shape[0] for p in group))
        path = folder / f"sheet-{len(sheets):03d}.jpg"
        path.write_bytes(jpeg(draw(group, layout)))
        sheets.append(Sheet(path=path, first=first, layout=layout))
        first += len(group)
    return sheets


def words_by_tile(sheet: Sheet, words: Sequence[Word]) -> list[list[Word]]:
    """Return the words of each tile, their boxes in pixels of the tile. No line goes on in another tile."""
    tiles: list[list[Word]] = [[] for _ in range(sheet.layout.count)]
    places = [_tile_of(word, sheet.layout) for word in words]
    for word, tile, next_tile in zip(words, places, [*places, None][1:], strict=True):
        if tile is not None:
            left, top = sheet.layout.corner(tile)
            moved = {
                "left": word.left - left,
                "right": word.right - left,
                "top": word.top - top,
                "bottom": word.bottom - top,
                "after": "\n" if word.after is not None and next_tile != tile else word.after,
            }
            tiles[tile].append(word.model_copy(update=moved))
    return tiles


def _tile_of(word: Word, layout: Layout) -> int | None:
    return layout.tile_at((word.left + word.right) / 2, (word.top + word.bottom) / 2)


def _groups(pictures: Iterable[Picture], tiles: int) -> Iterator[list[Picture]]:
    group: list[Picture] = []
    for picture in pictures:
        together = [*group, picture]
        largest = max(p.shape[0] for p in together) * max(p.shape[1] for p in together)
        if group and (len(together) > tiles or len(together) * largest > SHEET_PIXELS):
            yield group
            together = [picture]
        group = together
    if group:
        yield group


def draw(group: Sequence[Picture], layout: Layout) -> Picture:
    """Return the pictures on grey, each in the top left corner of its tile."""
    sheet = np.full((layout.height, layout.width, 3), GREY, dtype=np.uint8)
    for tile, picture in enumerate(group):
        left, top = layout.corner(tile)
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet


def jpeg(sheet: Picture) -> bytes:
    """Return a sheet as a JPEG that services take. Raises `screen_failed` for one that is too large."""
    import cv2

    for quality in QUALITIES:
        encoded, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if encoded and len(data) <= SHEET_BYTES:
            return bytes(data)
    raise failure(Code.SCREEN_FAILED, detail=f"a contact sheet of {sheet.shape} is no JPEG of {SHEET_BYTES} bytes")
