from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.media.pictures import Picture
from svp_dagster.models import Word
from svp_dagster.screen.sheets import GUTTER_PX, SHEET_BYTES, SHEET_PIXELS, Layout, Sheet, arrange, words_by_tile
from svp_dagster.screen.sheets import write_sheets as write

layouts = st.builds(arrange, st.integers(1, 40), st.integers(2, 1200), st.integers(2, 2000))
shares = st.floats(0, 1)


def flat(brightness: int, *, width: int = 60, height: int = 100) -> Picture:
    return np.full((height, width, 3), brightness, dtype=np.uint8)


@given(layouts)
def test_tiles_lie_apart_and_inside_the_sheet(layout: Layout) -> None:
    boxes = [layout.corner(tile) for tile in range(layout.count)]
    assert len(set(boxes)) == layout.count
    for left, top in boxes:
        assert left >= GUTTER_PX
        assert top >= GUTTER_PX
        assert left + layout.tile_width + GUTTER_PX <= layout.width
        assert top + layout.tile_height + GUTTER_PX <= layout.height


@given(layouts, st.data(), shares, shares)
def test_a_word_in_a_tile_is_given_back_to_it(layout: Layout, data: st.DataObject, across: float, down: float) -> None:
    tile = data.draw(st.integers(0, layout.count - 1))
    left, top = layout.corner(tile)
    x, y = left + across * layout.tile_width, top + down * layout.tile_height
    word = Word(text="a", left=x - 3, top=y - 2, right=x + 3, bottom=y + 2)
    found = words_by_tile(Sheet(path=Path("x.jpg"), first=0, layout=layout), [word])
    assert [len(words) for words in found] == [int(number == tile) for number in range(layout.count)]
    (moved,) = found[tile]
    assert moved.left == pytest.approx(across * layout.tile_width - 3, abs=0.01)
    assert moved.bottom == pytest.approx(down * layout.tile_height + 2, abs=0.01)


@given(layouts, st.floats(-1e4, 1e5), st.floats(-1e4, 1e5))
def test_a_point_anywhere_is_in_one_tile_or_in_none(layout: Layout, x: float, y: float) -> None:
    tile = layout.tile_at(x, y)
    assert tile is None or 0 <= tile < layout.count


@pytest.mark.parametrize(("width", "height", "columns"), [(540, 960, 5), (960, 540, 3), (540, 540, 4)])
def test_a_sheet_is_as_square_as_it_gets(width: int, height: int, columns: int) -> None:
    layout = arrange(15, width, height)
    assert layout.columns == columns
    assert max(layout.width, layout.height) < 1.4 * min(layout.width, layout.height)


def test_thirty_portrait_frames_make_two_sheets_that_fit_a_request(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (960, 540, 3), dtype=np.uint8) for _ in range(30)]
    sheets = write(noise, tmp_path, tiles=15)
    assert [sheet.first for sheet in sheets] == [0, 15]
    assert [(sheet.layout.width, sheet.layout.height) for sheet in sheets] == [(2844, 2976)] * 2
    assert all(sheet.path.stat().st_size <= SHEET_BYTES for sheet in sheets)


def test_each_picture_is_in_its_tile(tmp_path: Path) -> None:
    (sheet,) = write([flat(40 * number) for number in range(5)], tmp_path, tiles=15)
    drawn = cv2.imread(str(sheet.path))
    assert drawn is not None
    for number in range(5):
        left, top = sheet.layout.corner(number)
        assert drawn[top + 50, left + 30].tolist() == pytest.approx([40 * number] * 3, abs=4)


def test_pictures_of_different_sizes_share_a_sheet(tmp_path: Path) -> None:
    (sheet,) = write([flat(10), flat(90, width=200, height=40), flat(200)], tmp_path, tiles=15)
    assert (sheet.layout.tile_width, sheet.layout.tile_height) == (200, 100)


def test_large_slides_make_more_sheets_of_fewer_tiles(tmp_path: Path) -> None:
    sheets = write([flat(99, width=1080, height=1920)] * 19, tmp_path, tiles=15)
    assert len(sheets) == 3
    for sheet in sheets:
        assert sheet.layout.count * sheet.layout.tile_width * sheet.layout.tile_height <= SHEET_PIXELS


def test_the_number_of_tiles_is_a_choice(tmp_path: Path) -> None:
    assert [sheet.layout.count for sheet in write([flat(1)] * 7, tmp_path, tiles=3)] == [3, 3, 1]


def test_no_pictures_make_no_sheets(tmp_path: Path) -> None:
    assert write([], tmp_path, tiles=15) == []
