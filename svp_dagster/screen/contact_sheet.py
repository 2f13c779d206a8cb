"""A small contact sheet of a whole video, for a summarizer that sees.

It is another picture than the sheets that are read: those hold each frame with new text at a size at which print can be
read, while this one shows what happens. So it takes the frames that look different, whatever text they have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svp_dagster.media.pictures import Picture
from svp_dagster.models import ContactSheet, Tile
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.sheets import GUTTER_PX, Layout, arrange, draw, jpeg

MOST_TILES = 16
"""A picture is 1,120 tokens to Gemini 3, whatever it shows. 16 tiles get 70 each, as many as Gemini gives a frame of a
video (ai.google.dev, media resolution). At the low resolution of 280 tokens they would get 17."""

SIDE_PX = 1_536
"""Longest side of the sheet: a token has 46 × 46 pixels of a square one, and more pixels would only be scaled down."""

DIFFERENCE = 2.0
"""Least mean difference in brightness, of 255, between two pictures that are both shown. A still has 0.2 (measured)."""

RECIPE = f"sheet 1: {MOST_TILES} tiles, {SIDE_PX} px"
NAME = "contact-sheet.jpg"

_TILE_PX = SIDE_PX // 2
_COMPARED_PX = 16
_LABEL_SCALE, _LABEL_THICKNESS, _LABEL_RISE_PX = 0.8, 2, 4

Glance = NDArray[np.int16]
"""A tiny picture in grey, to compare."""


class Gallery:
    """Collects small copies of the pictures that pass, and writes them on a sheet.

    It holds at most twice as many pictures as the sheet has tiles, evenly spread over those that differ from the one
    before.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Picture, Tile]] = []
        self._last: Glance | None = None
        self._every = 1
        self._count = 0

    def watched(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield the frames as they are, and collect those that look different."""
        for frame in frames:
            self._look_at(frame)
            yield frame

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """When the pictures of the sheet were on the screen."""
        return tuple(tile for _, tile in self._chosen())

    def write(self, folder: Path) -> ContactSheet | None:
        """Write the sheet into `folder`. None where nothing was seen."""
        chosen = self._chosen()
        if not chosen:
            return None
        pictures, layout = _laid_out([picture for picture, _ in chosen])
        sheet = draw(pictures, layout)
        for tile in range(layout.count):
            _label(sheet, layout, tile)
        path = folder / NAME
        path.write_bytes(jpeg(sheet))
        return ContactSheet(
            path=path,
            width=layout.width,
            height=layout.height,
            columns=layout.columns,
            tiles=tuple(_placed(chosen[at][1], pictures[at], layout.corner(at)) for at in range(layout.count)),
            recipe=RECIPE,
        )

    def _look_at(self, frame: Frame) -> None:
        glance = _glance(frame.picture)
        if self._last is not None and float(np.abs(glance - self._last).mean()) < DIFFERENCE:
            return
        self._last = glance
        if self._count % self._every == 0:
            self._kept.append((_shrunk(frame.picture), Tile(at_s=frame.at_s, slide=frame.slide)))
        self._count += 1
        if len(self._kept) > 2 * MOST_TILES:
            self._kept = self._kept[::2]
            self._every *= 2

    def _chosen(self) -> list[tuple[Picture, Tile]]:
        """Return the pictures of the sheet, the first and the last among them."""
        last = len(self._kept) - 1
        if last < MOST_TILES:
            return self._kept
        return [self._kept[round(number * last / (MOST_TILES - 1))] for number in range(MOST_TILES)]


def _glance(picture: Picture) -> Glance:
    import cv2

    tiny = cv2.resize(picture, (_COMPARED_PX, _COMPARED_PX), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(tiny, cv2.COLOR_BGR2GRAY).astype(np.int16)


def _shrunk(picture: Picture) -> Picture:
    return _scaled(picture, min(1.0, _TILE_PX / max(picture.shape[:2])))


def _laid_out(pictures: list[Picture]) -> tuple[list[Picture], Layout]:
    """Return the pictures scaled down by one factor, and the layout that fits the sheet's side."""
    width, height = (max(picture.shape[axis] for picture in pictures) for axis in (1, 0))
    columns = arrange(len(pictures), width, height).columns
    rows = math.ceil(len(pictures) / columns)
    room = [(SIDE_PX - GUTTER_PX * (count + 1)) // count for count in (columns, rows)]
    scale = min(1.0, room[0] / width, room[1] / height)
    scaled = [_scaled(picture, scale) for picture in pictures]
    tile_width, tile_height = (max(picture.shape[axis] for picture in scaled) for axis in (1, 0))
    return scaled, Layout(count=len(scaled), columns=columns, tile_width=tile_width, tile_height=tile_height)


def _placed(tile: Tile, picture: Picture, corner: tuple[int, int]) -> Tile:
    left, top = corner
    height, width = picture.shape[:2]
    return tile.model_copy(update={"left": left, "top": top, "width": width, "height": height})


def _scaled(picture: Picture, scale: float) -> Picture:
    import cv2

    size = [max(1, math.floor(side * scale)) for side in picture.shape[1::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _label(sheet: Picture, layout: Layout, tile: int) -> None:
    """Write a tile's number into the gutter above it, where it covers nothing."""
    import cv2

    left, top = layout.corner(tile)
    place = (left, top - _LABEL_RISE_PX)
    cv2.putText(sheet, str(tile + 1), place, cv2.FONT_HERSHEY_SIMPLEX, _LABEL_SCALE, (255, 255, 255), _LABEL_THICKNESS)
