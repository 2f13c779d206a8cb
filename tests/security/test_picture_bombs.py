"""Small pictures and videos that need far too much memory or time to be opened."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import pictures
from benchmarks.hostile_pictures import PICTURES, many_scans, png
from svp_dagster.errors import Code, SvpError
from svp_dagster.media.cover import cover
from svp_dagster.media.pictures import open_picture
from svp_dagster.media.thumbnail import small_jpeg
from svp_dagster.models import ProcessingType, ScreenText, Video, Word
from svp_dagster.screen.frames import sample
from svp_dagster.screen.sheets import write_sheets
from svp_dagster.screen.stage import read_screen
from tests.fakes import ContentsInMemory, CountingMeter, ShowingReader
from tests.media.making import ffmpeg, plain_video, probed

pytestmark = pytest.mark.slow

SHOWN = Word(text="Pasta", left=40, top=50, right=140, bottom=80)


def post(**fields: object) -> Video:
    return probed(Video.model_validate({"media_key": "tiktok:1", "url": "https://x"} | fields))


def read(video: Video, folder: Path) -> ScreenText:
    return read_screen(
        video,
        processing_type=ProcessingType.FULL,
        reader=ShowingReader(words=[SHOWN]),
        contents=ContentsInMemory(),
        meter=CountingMeter(),
        folder=folder,
        with_sheet=True,
    )


def bomb(path: Path) -> Path:
    path.write_bytes(png(16_000, 16_000, depth=1, colour=0))
    return path


def slide(path: Path) -> Path:
    Image.new("RGB", (540, 960), "navy").save(path)
    return path


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("thumbnail", "png_16000_px"),
        ("thumbnail", "webp_16383_px"),
        ("thumbnail", "jpeg_progressive_cmyk"),
        ("cover", "png_16_bit_with_alpha"),
        ("read_screen", "png_line"),
        ("read_screen", "png_column"),
    ],
)
def test_a_picture_takes_little_memory_and_time(tmp_path: Path, task: str, name: str) -> None:
    """In a process of its own, which is ended where it takes too much."""
    path = tmp_path / name
    path.write_bytes(PICTURES[name]())

    took = pictures.measure(task, path, limit_s=60)

    assert took.outcome is not None
    assert took.memory_mb < pictures.MOST_MB


def test_one_bomb_among_the_slides_costs_that_slide_alone(tmp_path: Path) -> None:
    slides = (slide(tmp_path / "1.png"), bomb(tmp_path / "2.png"), slide(tmp_path / "3.png"))

    found = read(post(slides=slides), tmp_path)

    assert found.note == "Slide 2 can't be read."
    assert [line.text for line in found.lines] == ["Pasta"]


def test_a_post_of_one_bomb_is_told_to_be_too_large(tmp_path: Path) -> None:
    found = read(post(slides=(bomb(tmp_path / "1.png"),)), tmp_path)

    assert found.lines == ()
    assert "16000 × 16000 pixels large; at most 36 million pixels are opened" in found.note


def test_a_cover_that_can_not_be_opened_is_passed_over(tmp_path: Path) -> None:
    huge, good = bomb(tmp_path / "cover.png"), slide(tmp_path / "slide.png")
    clip = plain_video(tmp_path / "clip.mp4", duration_s=1)

    assert cover(post(cover_path=huge, slides=(huge, good)), tmp_path) == good
    assert cover(post(cover_path=huge, video_path=clip), tmp_path) == tmp_path / "cover.jpg"
    assert cover(post(slides=(huge,)), tmp_path) is None


def test_no_thumbnail_is_made_of_what_can_not_be_opened(tmp_path: Path) -> None:
    assert small_jpeg(bomb(tmp_path / "cover.png")) is None
    assert small_jpeg(tmp_path / "nothing.png") is None
    assert small_jpeg(slide(tmp_path / "slide.png")) is not None


def test_a_picture_that_decodes_for_minutes_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "slide.jpg"
    path.write_bytes(many_scans(4_000, scans=20_000))
    started = time.monotonic()

    with pytest.raises(SvpError, match="longer than") as caught:
        open_picture(path, short_side_px=1080, limit_s=1.0)

    assert caught.value.code is Code.MEDIA_UNREADABLE
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("png_iccp", Code.MEDIA_UNREADABLE),
        ("png_cut_off", Code.MEDIA_UNREADABLE),
        ("png_claim", Code.TOO_LARGE),
        ("jpeg_two_sizes", Code.TOO_LARGE),
        ("jpeg_65500_px", Code.TOO_LARGE),
        ("webp_canvas", Code.TOO_LARGE),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, name: str, code: Code) -> None:
    path = tmp_path / name
    path.write_bytes(PICTURES[name]())

    with pytest.raises(SvpError) as caught:
        open_picture(path, short_side_px=1080)

    assert caught.value.code is code


@pytest.mark.parametrize("name", ["png_ztxt", "jpeg_exif", "png_3000_frames", "webp_3000_frames"])
def test_what_else_is_in_a_file_does_no_harm(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(PICTURES[name]())

    assert open_picture(path, short_side_px=1080).size < 10_000_000


def test_a_video_of_too_many_pixels_is_told_to_be_too_large(tmp_path: Path) -> None:
    """The header of a small file, changed: to make such a video would take what is to be avoided."""
    small = tmp_path / "small.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=size=16x16:duration=1:rate=5", "-c:v", "rawvideo", str(small))
    claimed = (
        small.read_bytes().replace(b"\xb0\x81\x10", b"\xb0\x82\x40\x00").replace(b"\xba\x81\x10", b"\xba\x82\x40\x00")
    )
    path = tmp_path / "huge.mkv"
    path.write_bytes(claimed)

    with pytest.raises(SvpError) as caught:
        post(video_path=path)

    assert caught.value.code is Code.TOO_LARGE
    assert "This video is 16384 × 16384 pixels large" in caught.value.sentence


@pytest.mark.parametrize(("size", "frames"), [("640x360", 4), ("8208x4400", 2)])
def test_a_video_that_changes_its_size_gives_frames_of_one_size(tmp_path: Path, size: str, frames: int) -> None:
    path, parts = tmp_path / "a.ts", []
    for number, (each, duration_s) in enumerate([("320x568", 4), (size, 4 if size == "640x360" else 0.2)]):
        part = tmp_path / f"{number}.ts"
        colour = f"color=size={each}:rate=5:duration={duration_s}"
        ffmpeg("-f", "lavfi", "-i", colour, "-c:v", "mpeg2video", "-output_ts_offset", str(number * 4), str(part))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))
    (file,) = post(video_path=path).files

    shapes = [frame.picture.shape for frame in sample(file, limit_s=30)]

    assert len(shapes) >= frames
    assert set(shapes) == {(568, 320, 3)}


@pytest.mark.parametrize(("size", "shown"), [((30_000, 1_000), (180, 5_400)), ((60_000, 1), (2, 5_400))])
def test_a_strip_keeps_few_pixels(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    path = tmp_path / "strip.jpg"
    Image.new("RGB", size).save(path)

    assert open_picture(path, short_side_px=1080).shape == (*shown, 3)
    assert read(post(slides=(path,)), tmp_path).frames_read == 1


def test_a_sheet_that_can_not_be_a_jpeg_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(SvpError) as caught:
        write_sheets([np.zeros((2, 70_000, 3), dtype=np.uint8)], tmp_path, tiles=1)

    assert caught.value.code is Code.SCREEN_FAILED
