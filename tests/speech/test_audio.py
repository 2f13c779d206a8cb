from __future__ import annotations

import random
from pathlib import Path

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.media.probe import probe
from svp_dagster.models import Span
from svp_dagster.speech import audio
from svp_dagster.speech.voice import SAMPLES_PER_S
from tests.media.making import ffmpeg, plain_video


def test_the_sound_of_a_video_becomes_mono_at_16_khz(tmp_path: Path) -> None:
    decoded = audio.decode([probe(plain_video(tmp_path / "a.mp4"))], tmp_path, limit_s=30)
    assert len(audio.samples(decoded)) / SAMPLES_PER_S == pytest.approx(4, abs=0.1)


def test_the_sounds_of_several_files_follow_each_other_whatever_their_rate(tmp_path: Path) -> None:
    high, low = tmp_path / "high.m4a", tmp_path / "low.mp3"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2:sample_rate=48000", "-ac", "2", "-c:a", "aac", str(high))
    ffmpeg("-f", "lavfi", "-i", "anullsrc=channel_layout=mono:sample_rate=22050", "-t", "3", str(low))

    heard = audio.samples(audio.decode([probe(high), probe(low)], tmp_path, limit_s=30))

    assert len(heard) / SAMPLES_PER_S == pytest.approx(5, abs=0.2)
    assert abs(heard[:SAMPLES_PER_S]).max() > 1000 > abs(heard[-SAMPLES_PER_S:]).max()


def test_a_part_is_as_long_as_asked_and_small_enough_for_an_hour_in_one_upload(tmp_path: Path) -> None:
    decoded = audio.decode([probe(plain_video(tmp_path / "a.mp4", duration_s=12))], tmp_path, limit_s=30)
    part = audio.encode(decoded, Span(1.0, 11.0), tmp_path / "part.mp3", limit_s=30)
    found = probe(part)
    assert (found.has_audio, found.has_video) == (True, False)
    assert found.duration_s == pytest.approx(10, abs=0.2)
    assert part.stat().st_size * 6 * 60 < 25_000_000


def test_a_sound_that_can_not_be_decoded_is_a_failure(tmp_path: Path) -> None:
    """Its header is whole; what it should hold is not there."""
    whole, broken = tmp_path / "a.mp4", tmp_path / "broken.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=3", "-c:a", "aac", "-movflags", "+faststart", str(whole))
    content = whole.read_bytes()
    start = content.index(b"mdat") + 4
    broken.write_bytes(content[:start] + random.Random(1).randbytes(len(content) - start))
    with pytest.raises(SvpError) as caught:
        audio.samples(audio.decode([probe(broken)], tmp_path, limit_s=30))
    assert caught.value.code is Code.AUDIO_UNREADABLE


def test_a_video_without_sound_has_none_to_decode(tmp_path: Path) -> None:
    with pytest.raises(SvpError) as caught:
        audio.decode([probe(plain_video(tmp_path / "a.mp4", sound=False))], tmp_path, limit_s=30)
    assert caught.value.code is Code.AUDIO_UNREADABLE
