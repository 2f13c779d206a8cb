from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from svp_dagster.media.probe import probe
from svp_dagster.models import Span
from svp_dagster.speech import audio, voice
from svp_dagster.speech.loudness import levelled
from svp_dagster.speech.voice import SAMPLES_PER_S
from tests.media.making import CLIPS, ffmpeg


def tone(*, peak: float, length_s: float = 10.0) -> NDArray[np.int16]:
    times = np.arange(round(length_s * SAMPLES_PER_S)) / SAMPLES_PER_S
    return (peak * np.sin(2 * np.pi * 220 * times)).astype(np.int16)


def loudness(samples: NDArray[np.int16]) -> float:
    return float(np.sqrt(np.mean((samples / 32768) ** 2)))


def spoken(folder: Path, *, peak_db: float) -> NDArray[np.int16]:
    """Recorded words whose loudest sample is so far below full scale, decoded as the product does."""
    quiet = folder / "quiet.wav"
    ffmpeg("-i", str(CLIPS / "pancakes.mp4"), "-vn", "-af", f"volume={peak_db}dB", "-c:a", "pcm_s16le", str(quiet))
    return audio.samples(audio.decode([probe(quiet)], folder, limit_s=30))


def total_s(found: list[Span]) -> float:
    return sum(span.length_s for span in found)


@pytest.mark.parametrize("peak_db", [-40, -50, -58])
def test_quiet_speech_is_found_like_loud_speech(peak_db: float, tmp_path: Path) -> None:
    assert total_s(voice.speech(spoken(tmp_path, peak_db=peak_db))) == pytest.approx(14, abs=3)


def test_what_is_quiet_beside_what_is_loud_becomes_as_loud() -> None:
    even = levelled(np.concatenate([tone(peak=20_000), tone(peak=200), tone(peak=20_000)]))
    loud, quiet = even[3 * SAMPLES_PER_S : 6 * SAMPLES_PER_S], even[13 * SAMPLES_PER_S : 17 * SAMPLES_PER_S]
    assert loudness(quiet) == pytest.approx(loudness(loud), rel=0.1)


def test_silence_stays_silence() -> None:
    assert not levelled(np.zeros(SAMPLES_PER_S, dtype=np.int16)).any()
    assert loudness(levelled(np.resize(np.array([0, 1], dtype=np.int16), SAMPLES_PER_S))) < 0.02


def test_a_long_sound_is_levelled_without_a_jump() -> None:
    long = levelled(tone(peak=3_000, length_s=150))
    assert abs(np.diff(long.astype(int))).max() < 1.2 * abs(np.diff(long[:SAMPLES_PER_S].astype(int))).max()


@given(st.lists(st.integers(-32_768, 32_767), max_size=50), st.integers(1, 400))
def test_any_sound_keeps_its_length(values: list[int], times: int) -> None:
    given_samples = np.tile(np.array(values, dtype=np.int16), times)
    assert len(levelled(given_samples)) == len(given_samples)
