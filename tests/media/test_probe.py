from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.errors import Code, SvpError
from svp_dagster.media.probe import parse, probe
from tests.media.hostile import UNREADABLE
from tests.media.making import CLIPS, HDR, ffmpeg, immersive_sound, plain_video


def test_a_video_is_described(tmp_path: Path) -> None:
    found = probe(plain_video(tmp_path / "a.mp4"))
    assert (found.has_video, found.has_audio) == (True, True)
    assert (found.width_px, found.height_px, found.codec) == (320, 568, "h264")
    assert found.duration_s == pytest.approx(4, abs=0.1)
    assert not found.is_truncated
    assert not found.hdr


def test_a_turned_video_has_the_size_in_which_it_is_shown(tmp_path: Path) -> None:
    flat, turned = plain_video(tmp_path / "a.mp4"), tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", str(flat), "-c", "copy", str(turned))
    found = probe(turned)
    assert (found.width_px, found.height_px) == (568, 320)


def test_a_sound_has_no_picture_even_with_a_cover(tmp_path: Path) -> None:
    covered = tmp_path / "covered.mp3"
    ffmpeg(
        "-f", "lavfi", "-i", "sine=duration=2", "-i", str(CLIPS / "sunset.jpg"), "-map", "0", "-map", "1",
        "-c:v", "copy", "-disposition:v", "attached_pic", str(covered),
    )  # fmt: skip
    found = probe(covered)
    assert (found.has_video, found.has_audio, found.width_px) == (False, True, None)
    assert found.duration_s == pytest.approx(2, abs=0.2)


def test_a_video_without_sound_has_none(tmp_path: Path) -> None:
    assert not probe(plain_video(tmp_path / "a.mp4", sound=False)).has_audio


def test_a_high_dynamic_range_is_noticed(tmp_path: Path) -> None:
    assert probe(plain_video(tmp_path / "a.mp4", *HDR)).hdr


def test_a_title_can_not_pose_as_facts(tmp_path: Path) -> None:
    title = "x\n  Duration: 99:00:00.00\n  Stream #0:0: Video: vp9, 9999x9999\nOutput #0"
    found = probe(plain_video(tmp_path / "a.mp4", "-metadata", f"title={title}"))
    assert (found.width_px, found.codec) == (320, "h264")
    assert found.duration_s == pytest.approx(4, abs=0.1)


def test_a_video_with_a_timecode_track_is_no_sound_alone(tmp_path: Path) -> None:
    found = probe(plain_video(tmp_path / "a.mov", "-timecode", "01:00:00:00"))
    assert (found.has_video, found.has_audio) == (True, True)
    assert (found.width_px, found.height_px, found.codec) == (320, 568, "h264")


def test_a_turned_video_with_a_timecode_track_has_the_size_in_which_it_is_shown(tmp_path: Path) -> None:
    flat, turned = plain_video(tmp_path / "a.mov", "-timecode", "01:00:00:00"), tmp_path / "turned.mov"
    ffmpeg("-display_rotation", "90", "-i", str(flat), "-map", "0:v", "-map", "0:a", "-c", "copy", str(turned))
    found = probe(turned)
    assert (found.width_px, found.height_px, found.has_audio) == (568, 320, True)


def test_immersive_sound_is_sound(tmp_path: Path) -> None:
    assert probe(immersive_sound(tmp_path / "a.mp4")).has_audio


@pytest.mark.parametrize("indent", ["  ", "    "])
def test_a_language_can_not_pose_as_facts(indent: str, tmp_path: Path) -> None:
    language = f"x\n{indent}Stream #0:7: Audio: aac\n  Stream #0:0: Video: vp9, 9999x9999\nOutput #0, null\n"
    found = probe(plain_video(tmp_path / "a.mkv", "-metadata:s:v", f"language={language}", sound=False))
    assert (found.width_px, found.codec, found.has_audio) == (320, "h264", False)


def test_a_file_that_breaks_off_tells_how_far_it_goes(tmp_path: Path) -> None:
    whole = plain_video(tmp_path / "whole.mp4", "-movflags", "+faststart", "-g", "15", duration_s=20).read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole[: len(whole) // 2])
    found = probe(broken)
    assert found.is_truncated
    assert found.duration_s == pytest.approx(20, abs=0.2)
    assert 5 < found.readable_s < 15


@pytest.mark.parametrize("make", UNREADABLE, ids=lambda make: make.__name__)
def test_a_file_that_is_no_video_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    make(path)
    with pytest.raises(SvpError) as caught:
        probe(path)
    assert caught.value.code is Code.MEDIA_UNREADABLE


@given(st.text(), st.sampled_from(["", "\nOutput #0, null, to 'pipe:':\n  Stream #0:0: Video: h264"]), st.binary())
def test_a_description_of_any_kind_gives_facts_or_the_failure(log: str, output: str, progress: bytes) -> None:
    try:
        assert parse(Path("v.mp4"), log + output + log, progress).duration_s >= 0
    except SvpError as error:
        assert error.code is Code.MEDIA_UNREADABLE  # noqa: PT017 (both ends are fine)
