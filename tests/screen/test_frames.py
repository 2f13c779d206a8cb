from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from svp_dagster.errors import Code, SvpError
from svp_dagster.media.pictures import MAX_BYTES
from svp_dagster.media.probe import probe
from svp_dagster.media.scaling import LONGEST, fit
from svp_dagster.screen.frames import MAX_FRAMES, SLIDE_SHORT_SIDE_PX, Frame, sample
from svp_dagster.screen.frames import open_slide as open_slide_in_time
from tests.media.hostile import huge_picture
from tests.media.making import HDR, ffmpeg, picture, plain_video, sound, video

BLACK, GREY, WHITE = 0, 128, 255


def brightness(at_s: float) -> int:
    """Of a made video: each second has its own."""
    return 20 + 30 * int(at_s)


def steps(path: Path, *options: str, duration_s: float = 6, size: tuple[int, int] = (90, 160)) -> Path:
    """A video that becomes brighter with each second."""
    flat = np.ones((size[1], size[0], 3), dtype=np.uint8)
    return video(path, lambda at_s: flat * brightness(at_s), duration_s=duration_s, options=options)


def seen(path: Path, *, most: int = MAX_FRAMES) -> list[tuple[float | None, int]]:
    """Second and brightness of each frame."""
    frames = sample(probe(path), limit_s=30, most=most)
    return [(frame.at_s, round(float(frame.picture.mean()))) for frame in frames]


def test_no_more_frames_are_taken_than_asked_for_and_they_are_spread_over_the_whole(tmp_path: Path) -> None:
    assert [at_s for at_s, _ in seen(steps(tmp_path / "a.mp4"), most=2)] == [1.5, 4.5]


def test_each_interval_gives_the_frame_in_its_middle(tmp_path: Path) -> None:
    frames = seen(steps(tmp_path / "a.mp4"))
    assert [round(at_s or 0, 3) for at_s, _ in frames] == [round(0.1 + 0.2 * number, 3) for number in range(30)]
    assert all(abs(found - brightness(at_s or 0)) < 6 for at_s, found in frames)


@pytest.mark.parametrize("duration_s", [0.2, 0.8, 1.4])
def test_a_very_short_video_gives_a_frame(tmp_path: Path, duration_s: float) -> None:
    assert len(seen(steps(tmp_path / "a.mp4", duration_s=duration_s))) == round(duration_s / 0.2)


def test_no_keyframe_but_the_first_is_needed(tmp_path: Path) -> None:
    path = plain_video(tmp_path / "a.mp4", "-g", "9999", "-bf", "3", duration_s=6)
    assert len(seen(path)) == 30


def test_a_variable_frame_rate_keeps_the_times(tmp_path: Path) -> None:
    """The second half has a frame every two seconds only."""
    path = tmp_path / "a.mkv"
    steps(path, "-vf", "select='lt(t,4)+not(mod(n,10))'", "-fps_mode", "vfr", duration_s=8)
    frames = seen(path, most=4)
    assert [at_s for at_s, _ in frames][:3] == pytest.approx([0.775, 2.325, 3.875])
    assert frames[3][1] > frames[2][1] > frames[1][1] > frames[0][1]


@pytest.mark.parametrize(
    ("size", "shown"),
    [("1080x1920", (960, 540)), ("1920x1080", (540, 960)), ("360x640", (640, 360)), ("2560x1440", (540, 960))],
)
def test_frames_are_scaled_down_to_a_short_side_of_540_px_and_never_up(
    tmp_path: Path, size: str, shown: tuple[int, int]
) -> None:
    path = plain_video(tmp_path / "a.mp4", duration_s=1, size=size, sound=False)
    frame, *_ = sample(probe(path), limit_s=60)
    assert frame.picture.shape == (*shown, 3)


def test_a_turned_video_comes_upright(tmp_path: Path) -> None:
    half = np.full((90, 160, 3), BLACK, dtype=np.uint8)
    half[:, :80] = WHITE
    flat, turned = video(tmp_path / "a.mp4", lambda _: half, duration_s=2), tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    frame, *_ = sample(probe(turned), limit_s=30)
    assert frame.picture.shape == (160, 90, 3)
    top, bottom = frame.picture[:70].mean(), frame.picture[90:].mean()
    assert abs(top - bottom) > 200


def test_a_high_dynamic_range_becomes_as_bright_as_it_is_meant(tmp_path: Path) -> None:
    """148 of 255 is the brightness of paper in such a video."""
    paper = np.full((160, 90, 3), 148, dtype=np.uint8)
    path = video(tmp_path / "a.mp4", lambda _: paper, duration_s=2, options=HDR)
    assert all(found > 240 for _, found in seen(path))


def test_of_a_file_that_breaks_off_the_frames_until_then_come(tmp_path: Path) -> None:
    whole = plain_video(tmp_path / "whole.mp4", "-movflags", "+faststart", duration_s=20).read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole[: len(whole) // 2])
    assert 20 <= len(seen(broken)) < 90


def test_damage_in_the_middle_leaves_the_rest(tmp_path: Path) -> None:
    path = plain_video(tmp_path / "a.mp4", "-g", "15", "-movflags", "+faststart", duration_s=10, sound=False)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    assert len(seen(path)) >= 4


def test_a_sound_has_no_frames(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.mp3", "sine=duration=2")
    with pytest.raises(SvpError) as caught:
        list(sample(probe(path), limit_s=30))
    assert caught.value.code is Code.MEDIA_UNREADABLE


def test_a_header_that_claims_an_enormous_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.mkv"
    huge_picture(path)
    with pytest.raises(SvpError) as caught:
        list(sample(probe(path), limit_s=30))
    assert caught.value.code is Code.TOO_LARGE
    assert "60000 × 60000 pixels large" in caught.value.sentence


def test_a_decode_that_takes_too_long_is_a_failure_after_what_came(tmp_path: Path) -> None:
    path = plain_video(tmp_path / "a.mp4", duration_s=4, sound=False)
    with pytest.raises(SvpError, match="longer than"):
        list(sample(probe(path), limit_s=0.01))


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_a_fitted_size_keeps_the_shape_and_is_even(width: int, height: int) -> None:
    fitted_width, fitted_height = fit(width, height, 540)
    assert fitted_width % 2 == fitted_height % 2 == 0
    assert min(fitted_width, fitted_height) <= 540
    assert fitted_width <= width + 1
    assert fitted_height <= height + 1
    scale = min(1, 540 / min(width, height), 540 * LONGEST / max(width, height))
    assert fitted_width == pytest.approx(width * scale, abs=2)
    assert fitted_height == pytest.approx(height * scale, abs=2)


def open_slide(path: Path, *, slide: int) -> Frame:
    return open_slide_in_time(path, slide=slide, limit_s=30)


def test_a_slide_keeps_its_number_and_colours(tmp_path: Path) -> None:
    path = tmp_path / "slide.png"
    Image.new("RGB", (200, 300), (250, 0, 10)).save(path)
    frame = open_slide(path, slide=3)
    assert (frame.slide, frame.at_s, frame.picture.shape) == (3, None, (300, 200, 3))
    assert frame.picture[5, 5].tolist() == [10, 0, 250]


def test_a_slide_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    path = tmp_path / "slide.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 200)).save(path, exif=exif)
    assert open_slide(path, slide=1).picture.shape == (300, 200, 3)


def test_what_is_transparent_on_a_slide_is_white(tmp_path: Path) -> None:
    path = tmp_path / "slide.webp"
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(path)
    assert int(open_slide(path, slide=1).picture.min()) == WHITE


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((2160, 3840), (1080, 1920)),
        ((3840, 2160), (1920, 1080)),
        ((9000, 300), (5400, 180)),
        ((9000, 1), (5400, 2)),
        ((1, 1), (2, 2)),
    ],
)
def test_a_large_slide_is_made_smaller(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    path = tmp_path / "slide.jpg"
    Image.new("RGB", size).save(path)
    assert open_slide(path, slide=1).picture.shape == (shown[1], shown[0], 3)
    assert fit(*size, SLIDE_SHORT_SIDE_PX) == shown


@pytest.mark.parametrize(
    ("mode", "name", "options"),
    [
        ("L", "slide.jpg", {}),
        ("CMYK", "slide.jpg", {}),
        ("RGB", "slide.jpg", {"progressive": True}),
        ("1", "slide.png", {}),
        ("P", "slide.png", {}),
        ("I;16", "slide.png", {}),
        ("RGB", "slide.webp", {"lossless": True}),
        ("RGB", "slide.webp", {"save_all": True, "append_images": [Image.new("RGB", (40, 60))]}),
    ],
)
def test_every_kind_of_slide_is_opened(tmp_path: Path, mode: str, name: str, options: dict[str, Any]) -> None:
    grey = Image.new("L", (40, 60), 255) if mode != "I;16" else Image.new(mode, (40, 60), 65_535)
    path = tmp_path / name
    grey.convert(mode).save(path, **options)
    frame = open_slide(path, slide=1)
    assert frame.picture.shape == (60, 40, 3)
    assert int(frame.picture.min()) > 250


def test_a_slide_is_opened_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "slide.jpg"
    Image.new("RGB", (40, 60)).save(path, format="WEBP")
    assert open_slide(path, slide=1).picture.shape == (60, 40, 3)


@pytest.mark.parametrize("behind", [b"more bytes" * 50, b"\xff\xd8\xff\xe0"])
def test_what_follows_a_whole_slide_is_ignored(tmp_path: Path, behind: bytes) -> None:
    path = tmp_path / "slide.jpg"
    Image.new("RGB", (40, 60)).save(path)
    path.write_bytes(path.read_bytes() + behind)
    assert open_slide(path, slide=1).picture.shape == (60, 40, 3)


def html(path: Path) -> None:
    path.write_text("<html>no picture</html>")


def bomb(path: Path) -> None:
    """A few kilobytes that would fill 260 MB."""
    Image.new("1", (8_100, 8_100)).save(path, format="PNG")


def cut_off(path: Path) -> None:
    Image.fromarray(picture("text")).save(path, format="JPEG")
    path.write_bytes(path.read_bytes()[:3000])


def enormous(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(MAX_BYTES + 1)


def vector(path: Path) -> None:
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\nshowpage\n")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (html, Code.MEDIA_UNREADABLE),
        (bomb, Code.TOO_LARGE),
        (cut_off, Code.MEDIA_UNREADABLE),
        (enormous, Code.TOO_LARGE),
        (vector, Code.MEDIA_UNREADABLE),
    ],
)
def test_what_is_no_slide_is_refused(make: Callable[[Path], None], code: Code, tmp_path: Path) -> None:
    path = tmp_path / "slide.jpg"
    make(path)
    with pytest.raises(SvpError) as caught:
        open_slide(path, slide=1)
    assert caught.value.code is code
