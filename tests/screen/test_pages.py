from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from svp_dagster.models import Word
from svp_dagster.screen.bands import GAP_PX, Part, bands, stack
from svp_dagster.screen.figures import LEFT_OUT
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.lines import Line
from svp_dagster.screen.pages import FEWEST_FRAMES, FRAMES_PER_S, Layout, is_mostly_unread, unread, within_budget
from svp_dagster.screen.sheets import write_sheets
from svp_dagster.screen.strokes import SCALES
from svp_dagster.screen.tracks import Page
from tests.media.making import Picture, picture

SIZE = WIDTH, HEIGHT = (270, 480)


def part(at_s: float, *, rows: int, new: int = 1, lasting_s: float = 1.0) -> Part:
    """Rows with so many cells of new text, which stays so long."""
    blank = np.zeros((rows, WIDTH, 3), dtype=np.uint8)
    cells = np.ones((1, new), dtype=np.bool_)
    shown = (SCALES[0], cells, np.full(cells.shape, at_s), np.full(cells.shape, at_s + lasting_s))
    return Part(picture=blank, top=0, bottom=rows, height=HEIGHT, at_s=at_s, slide=None, new=(cells,), shown=(shown,))


def test_parts_with_the_least_new_text_are_left_out_where_there_are_too_many() -> None:
    whole = [part(number, rows=HEIGHT) for number in range(0, 40, 2)]
    captions = [part(number, rows=60, new=9) for number in range(1, 40, 2)]
    kept = list(within_budget(sorted([*whole, *captions], key=lambda each: each.at_s or 0), duration_s=20))
    assert [each.at_s for each in kept if each.news == 9] == [each.at_s for each in captions]
    assert sum(each.picture.shape[0] for each in kept) <= max(FEWEST_FRAMES, 20 * FRAMES_PER_S) * HEIGHT
    assert [each.at_s for each in kept] == sorted(each.at_s or 0 for each in kept)


def test_of_a_busy_video_the_parts_that_are_read_are_spread_over_its_length() -> None:
    """Leaves have shapes like letters: each sample has new ones, at first the most."""
    busy = [part(number / 5, rows=HEIGHT, new=300 - number) for number in range(100)]
    times = [each.at_s or 0 for each in within_budget(busy, duration_s=20)]
    gaps = [later - earlier for earlier, later in pairwise([0.0, *times, 20.0])]
    assert len(times) == 20 * FRAMES_PER_S
    assert max(gaps) <= 3


def test_of_a_busy_video_text_that_lasts_comes_before_shapes_that_do_not() -> None:
    leaves = [part(number / 5, rows=HEIGHT, new=300, lasting_s=0.2) for number in range(100)]
    captions = [part(at_s + 0.1, rows=HEIGHT, new=20, lasting_s=0.6) for at_s in (3, 9, 15)]
    kept = within_budget(sorted([*leaves, *captions], key=lambda each: each.at_s or 0), duration_s=20)
    assert {each.at_s for each in captions} <= {each.at_s for each in kept}


def test_what_is_taken_anyway_is_never_left_out() -> None:
    regular = [replace(part(number, rows=HEIGHT), new=()) for number in (0, 5, 10, 15)]
    busy = [part(number / 5 + 0.1, rows=HEIGHT, new=300) for number in range(100)]
    kept = list(within_budget(sorted([*regular, *busy], key=lambda each: each.at_s or 0), duration_s=20))
    assert [each.at_s for each in kept if not each.new] == [0, 5, 10, 15]


def test_the_parts_of_a_long_video_wait_in_little_memory() -> None:
    tracemalloc.start()
    kept = within_budget((part(number, rows=HEIGHT) for number in range(200)), duration_s=1800)
    next(kept)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 20 * WIDTH * HEIGHT * 3
    assert len(list(kept)) == 199


def test_a_single_part_is_kept_however_large() -> None:
    assert len(list(within_budget([part(0, rows=HEIGHT)], duration_s=0.1))) == 1


def test_a_band_has_the_lines_that_it_touches_in_full_and_near_bands_are_one() -> None:
    ink, new = np.zeros(480, dtype=bool), np.zeros(480, dtype=bool)
    ink[100:130] = ink[300:330] = True
    new[110:120] = new[310:320] = True
    first, second = bands(ink=ink, new=new)
    assert first.start < 100 < 130 < first.stop
    assert second.start < 300 < 330 < second.stop
    new[150:160] = True
    assert len(list(bands(ink=ink, new=new))) == 2


def test_bands_lie_below_each_other_and_a_whole_frame_alone() -> None:
    heights = (HEIGHT, 100, 200, HEIGHT, 150, 300)
    piled = list(stack(np.full((height, WIDTH, 3), 9, dtype=np.uint8) for height in heights))
    assert [[place.part for place in places] for _, places in piled] == [[0], [3], [1, 2, 4], [5]]
    shown, places = piled[2]
    assert shown.shape[0] == 450 + 2 * GAP_PX <= HEIGHT
    assert [(place.top, place.bottom) for place in places] == [(0, 100), (112, 312), (324, 474)]


def recipe_at(at_s: float) -> Picture:
    return picture("Soup", "", "", "", f"Step {int(at_s)}", size=SIZE, height_px=30)


def test_words_come_back_to_their_frame_with_their_seconds(tmp_path: Path) -> None:
    layout = Layout()
    frames = [Frame(picture=recipe_at(number / 5), at_s=0.1 + number / 5) for number in range(30)]
    written = write_sheets(layout.pictures(frames, duration_s=6), tmp_path, tiles=30)
    words = [[_word(sheet.layout.corner(tile), place.top) for tile in range(sheet.layout.count)
              for place in layout.piles[sheet.first + tile]] for sheet in written]  # fmt: skip
    pages = layout.pages(written, words)
    assert len(pages) == len(layout.parts) > 1
    for page, each in zip(pages, layout.parts, strict=True):
        assert [round(line.top) for line in page.lines] == [each.top + 20]
    assert [each.at_s for each in layout.parts] == sorted(each.at_s or 0 for each in layout.parts)


def _word(corner: tuple[int, int], top: int) -> Word:
    left, down = corner[0] + 20, corner[1] + top + 20
    return Word(text="Soup", left=left, top=down, right=left + 60, bottom=down + 20)


def test_places_of_a_caption_s_size_that_were_not_read_are_counted() -> None:
    box = Word(text="", left=0, top=0, right=100, bottom=30)
    upright = replace_box(box, right=10)
    assert unread([box, upright, replace_box(box, bottom=8), replace_box(box, text="Soup")]) == [box]


def replace_box(word: Word, **changes: object) -> Word:
    return word.model_copy(update=changes)


def test_more_unread_than_read_text_is_mentioned() -> None:
    def page(read: int, missed: int) -> Page:
        line = Line(text="", left=0, top=0, right=9, bottom=9)
        return Page(lines=[replace(line, text=str(number)) for number in range(read)], unread=missed)

    assert is_mostly_unread([page(1, 2), page(0, 1)])
    assert not is_mostly_unread([page(2, 1), page(0, 1)])
    assert not is_mostly_unread([page(0, 1)])


def test_a_figure_that_was_left_out_is_no_sign_in_the_text(tmp_path: Path) -> None:
    layout = Layout()
    frames = [Frame(picture=recipe_at(0), slide=1)]
    (sheet,) = write_sheets(layout.pictures(frames, duration_s=None), tmp_path, tiles=1)
    left, top = sheet.layout.corner(0)
    word = Word(text=f"{LEFT_OUT} cup oil", left=left, top=top, right=left + 99, bottom=top + 20, certainty=0.9)
    (page,) = layout.pages([sheet], [[word]])
    assert ([line.text for line in page.lines], page.left_out) == (["cup oil"], 1)
