"""The pictures of a video on one small sheet, for an engine that sees."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import ContactSheet, ProcessingType, ScreenText, Video
from svp_dagster.ports import ScreenReader
from svp_dagster.screen.contact_sheet import MOST_TILES, SIDE_PX, Gallery
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.stage import read_screen
from tests.fakes import ContentsInMemory, CountingMeter, ShowingReader
from tests.media.hostile import junk
from tests.media.making import CLIPS, probed
from tests.media.making import Picture as Drawn
from tests.media.making import video as make_video

COLOURS = ("navy", "gold", "green", "white", "maroon")


def scene(at_s: float) -> Drawn:
    """Another colour every two seconds, and nothing to read."""
    drawn = np.asarray(Image.new("RGB", (360, 640), COLOURS[int(at_s // 2) % len(COLOURS)]))
    return np.ascontiguousarray(drawn[:, :, ::-1])


def clip(path: Path, *, duration_s: int = 10) -> Video:
    return post(video_path=make_video(path, scene, duration_s=duration_s, frames_per_s=2))


def post(**fields: object) -> Video:
    return probed(Video.model_validate({"media_key": "TikTok:1", "url": "https://x"} | fields))


def read(
    given: Video,
    folder: Path,
    *,
    reader: ScreenReader | None = None,
    contents: ContentsInMemory | None = None,
    processing_type: ProcessingType = ProcessingType.FULL,
    with_sheet: bool = True,
) -> ScreenText:
    return read_screen(
        given,
        processing_type=processing_type,
        reader=reader or ShowingReader(),
        contents=contents or ContentsInMemory(),
        meter=CountingMeter(),
        folder=folder,
        with_sheet=with_sheet,
    )


def sheet_of(given: Video, folder: Path, **how: object) -> ContactSheet:
    sheet = read(given, folder, **how).sheet  # type: ignore[arg-type]
    assert sheet is not None
    return sheet


def frames(count: int, *, width: int = 540, height: int = 960) -> Iterator[Frame]:
    """Pictures that all differ from the one before."""
    for number in range(count):
        brightness = 40 if number % 2 else 200
        yield Frame(picture=np.full((height, width, 3), brightness, dtype=np.uint8), at_s=float(number))


def test_a_clip_without_any_text_is_shown_scene_by_scene(tmp_path: Path) -> None:
    sheet = sheet_of(clip(tmp_path / "a.mp4"), tmp_path)
    assert [round(tile.at_s or 0) for tile in sheet.tiles] == [0, 2, 4, 6, 8]
    with Image.open(sheet.path) as picture:
        assert picture.format == "JPEG"
        assert max(picture.size) <= SIDE_PX
        middle = [
            picture.getpixel((picture.width * (2 * column + 1) // (2 * sheet.columns), picture.height // 4))
            for column in range(sheet.columns)
        ]
    assert sheet.columns == 3
    assert middle[0][2] > 100 > middle[0][0]  # type: ignore[index]
    assert middle[1][0] > 200 > 100 > middle[1][2]  # type: ignore[index]


def test_what_stays_the_same_is_one_tile(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", lambda _: scene(0), duration_s=20, frames_per_s=1)
    still = post(video_path=path)
    assert len(sheet_of(still, tmp_path).tiles) == 1


def test_a_long_clip_is_spread_over_its_whole_length() -> None:
    gallery = Gallery()
    assert sum(1 for _ in gallery.watched(frames(300))) == 300
    times = [tile.at_s or 0 for tile in gallery.tiles]
    assert len(times) == MOST_TILES
    assert (times[0], times[-1] > 280) == (0, True)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(gaps) <= 2 * min(gaps)


@pytest.mark.parametrize(("width", "height"), [(540, 960), (960, 540), (540, 540), (540, 2400)])
@pytest.mark.parametrize("count", [1, 2, 7, MOST_TILES, 40])
def test_the_sheet_keeps_its_size_whatever_the_shape(tmp_path: Path, width: int, height: int, count: int) -> None:
    gallery = Gallery()
    for _ in gallery.watched(frames(count, width=width, height=height)):
        pass
    sheet = gallery.write(tmp_path)
    assert sheet is not None
    assert len(sheet.tiles) == min(count, MOST_TILES)
    with Image.open(sheet.path) as picture:
        assert max(picture.size) <= SIDE_PX
    assert sheet.path.stat().st_size < 1_000_000


def test_pictures_of_several_shapes_share_a_sheet(tmp_path: Path) -> None:
    gallery = Gallery()
    shapes = [*frames(1), *frames(2, width=1080, height=1920), *frames(1, width=1440, height=1080)]
    for _ in gallery.watched(iter(shapes)):
        pass
    assert gallery.write(tmp_path) is not None


def test_each_tile_says_where_its_picture_stands(tmp_path: Path) -> None:
    gallery = Gallery()
    shades = {0: 40, 1: 120, 2: 220}
    sizes = {0: (960, 540), 1: (540, 960), 2: (960, 540)}
    shown = [
        Frame(picture=np.full((*sizes[number], 3), shade, dtype=np.uint8), at_s=float(number))
        for number, shade in shades.items()
    ]
    for _ in gallery.watched(iter(shown)):
        pass
    sheet = gallery.write(tmp_path)
    assert sheet is not None
    with Image.open(sheet.path) as drawn:
        assert drawn.size == (sheet.width, sheet.height)
        for tile, shade in zip(sheet.tiles, shades.values(), strict=True):
            box = (tile.left + 8, tile.top + 8, tile.left + tile.width - 8, tile.top + tile.height - 8)  # JPEG's edges
            pixels = np.asarray(drawn.convert("L").crop(box)).astype(int)
            assert np.abs(pixels - shade).max() < 10


def test_slides_are_named_by_their_number(tmp_path: Path) -> None:
    slides = (CLIPS / "stretch_1.jpg", CLIPS / "stretch_2.jpg", CLIPS / "stretch_3.jpg")
    sheet = sheet_of(post(slides=slides), tmp_path)
    assert [(tile.at_s, tile.slide) for tile in sheet.tiles] == [(None, 1), (None, 2), (None, 3)]


@pytest.mark.parametrize(
    "problem", [failure(Code.SERVICE_UNREACHABLE, service="Vision"), failure(Code.BUDGET_REACHED, budget="$5")]
)
def test_what_could_not_be_read_can_still_be_looked_at(tmp_path: Path, problem: SvpError) -> None:
    sheet = sheet_of(clip(tmp_path / "a.mp4"), tmp_path, reader=ShowingReader(problem=problem))
    assert len(sheet.tiles) == 5


def test_the_second_time_the_sheet_is_made_again_and_no_picture_is_kept(tmp_path: Path) -> None:
    video, contents, reader = clip(tmp_path / "a.mp4"), ContentsInMemory(), ShowingReader()
    first = sheet_of(video, tmp_path, contents=contents, reader=reader)
    first.path.unlink()
    paid = len(reader.pictures)
    second = sheet_of(video, tmp_path, contents=contents, reader=reader)
    assert len(reader.pictures) == paid
    assert second == first
    assert second.path.is_file()
    assert [kept.sheet for kept in contents.kept.values() if isinstance(kept, ScreenText)] == [None]


def test_kept_text_of_a_file_that_is_gone_comes_without_a_sheet(tmp_path: Path) -> None:
    video, contents = clip(tmp_path / "a.mp4"), ContentsInMemory()
    read(video, tmp_path, contents=contents)
    assert video.video_path is not None
    junk(video.video_path)
    assert read(video, tmp_path, contents=contents).sheet is None


def test_nothing_is_drawn_for_an_engine_that_does_not_see(tmp_path: Path) -> None:
    contents = ContentsInMemory()
    for _ in range(2):
        assert read(clip(tmp_path / "a.mp4"), tmp_path, with_sheet=False, contents=contents).sheet is None
    assert [left.name for left in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("kind", [ProcessingType.SPEECH, ProcessingType.CAPTION])
def test_a_processing_type_that_does_not_read_does_not_look_either(kind: ProcessingType, tmp_path: Path) -> None:
    assert read(clip(tmp_path / "a.mp4"), tmp_path, processing_type=kind).sheet is None


def test_screen_text_with_a_sheet_is_plain_json(tmp_path: Path) -> None:
    text = read(clip(tmp_path / "a.mp4"), tmp_path)
    assert ScreenText.model_validate_json(text.model_dump_json()) == text
