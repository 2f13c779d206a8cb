from __future__ import annotations

import tracemalloc
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.truth.sounds import MUSIC, at_peak, mixed, noises
from svp_dagster.media.probe import probe
from svp_dagster.models import Span
from svp_dagster.speech import audio, voice
from svp_dagster.speech.engines import PART_S
from svp_dagster.speech.parts import GAP_S
from svp_dagster.speech.voice import SAMPLES_PER_S, parts, probabilities, spans, speech
from tests.media.making import CLIPS, sound

CHORDS = "aevalsrc='0.3*sin(2*PI*220*t)+0.3*sin(2*PI*277*t)*sin(t)+0.2*sin(2*PI*330*t):d=8'"
DRUMS = "aevalsrc='0.6*sin(2*PI*60*t)*exp(-8*mod(t,0.5))+0.2*sin(2*PI*440*t)*exp(-3*mod(t,1)):d=8'"
HISS = "anoisesrc=d=8:c=pink:a=0.3"
SILENCE = "anullsrc=d=8"

stretches = st.lists(
    st.tuples(st.floats(0.1, 30), st.floats(0.1, 50)).map(lambda pair: (round(pair[0], 2), round(pair[1], 2))),
    max_size=20,
)


def laid_out(pairs: list[tuple[float, float]]) -> list[Span]:
    """Spans with pauses, from pairs of pause and length."""
    found, second = [], 0.0
    for pause_s, length_s in pairs:
        found.append(Span(second + pause_s, second + pause_s + length_s))
        second = found[-1].end_s
    return found


def recorded(sound: NDArray[np.float64], folder: Path) -> Path:
    """A sound as a file."""
    path = folder / "recorded.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def heard(path: Path, folder: Path) -> list[Span]:
    return speech(audio.samples(audio.decode([probe(path)], folder, limit_s=30)))


@pytest.mark.parametrize("source", [CHORDS, DRUMS, HISS, SILENCE])
def test_nobody_speaks_in_music_noise_and_silence(source: str, tmp_path: Path) -> None:
    assert heard(sound(tmp_path / "a.mp3", source), tmp_path) == []


def test_speech_is_found_where_it_is(tmp_path: Path) -> None:
    found = heard(CLIPS / "pancakes.mp4", tmp_path)
    assert sum(span.length_s for span in found) == pytest.approx(14, abs=3)
    assert found[0].start_s < 1


@pytest.mark.parametrize("kind", MUSIC)
def test_a_minute_of_music_costs_two_seconds_at_most(kind: str, tmp_path: Path) -> None:
    music = recorded(at_peak(MUSIC[kind](np.random.default_rng(3), 60.0), -1.0), tmp_path)
    billed = parts(heard(music, tmp_path), longest_s=PART_S, gap_s=GAP_S)
    assert sum(part.length_s for part in billed) <= 2


@pytest.mark.parametrize("kind", sorted(noises(np.random.default_rng(0), 0.2)))
def test_nobody_speaks_in_noise(kind: str, tmp_path: Path) -> None:
    noise = noises(np.random.default_rng(1), 20.0)[kind]
    for gain in (1.0, 0.01):
        assert heard(recorded(gain * noise, tmp_path), tmp_path) == []


@pytest.mark.parametrize("kind", ["pop", "rock", "piano", "strings", "hip-hop"])
def test_speech_under_louder_music_reaches_the_engine(kind: str, tmp_path: Path) -> None:
    alone = audio.samples(audio.decode([probe(CLIPS / "pancakes.mp4")], tmp_path, limit_s=30)) / 32768
    music = MUSIC[kind](np.random.default_rng(3), 20.0)
    under = heard(recorded(mixed(alone, music, music_db=5.0), tmp_path), tmp_path)
    assert sum(span.length_s for span in under) >= 0.65 * 14


def test_no_samples_hold_no_speech() -> None:
    assert speech(np.zeros(0, dtype=np.int16)) == []
    assert len(probabilities(np.zeros(5, dtype=np.int16))) == 1


@given(st.lists(st.floats(0, 1), max_size=300))
def test_stretches_are_in_order_apart_and_inside_the_sound(windows: list[float]) -> None:
    duration_s = len(windows) * 512 / SAMPLES_PER_S
    found = spans(windows, duration_s=duration_s)
    borders = [second for span in found for second in (span.start_s, span.end_s)]
    assert borders == sorted(borders)
    assert all(span.length_s > 0 for span in found)
    assert not borders or (borders[0] >= 0 and borders[-1] <= duration_s + 1e-6)


def test_a_pause_for_breath_is_part_of_the_speech_and_a_click_is_none() -> None:
    second = int(SAMPLES_PER_S / 512)
    windows = [*[0.9] * second, *[0.1] * (second // 5), *[0.9] * second, *[0.0] * (3 * second), 0.9, *[0.0] * second]
    (found,) = spans(windows, duration_s=len(windows) * 512 / SAMPLES_PER_S)
    assert found.length_s == pytest.approx(2.2 + 0.25, abs=0.15)


@given(stretches, st.floats(1, 120), st.floats(0.5, 20))
def test_parts_hold_all_speech_are_short_enough_and_leave_long_pauses_out(
    pairs: list[tuple[float, float]], longest_s: float, gap_s: float
) -> None:
    found = laid_out(pairs)
    cut = parts(found, longest_s=longest_s, gap_s=gap_s)
    assert all(part.length_s <= longest_s + 1e-6 for part in cut)
    borders = [second for part in cut for second in (part.start_s, part.end_s)]
    assert borders == sorted(borders)
    for span in found:
        covered = sum(max(0.0, min(part.end_s, span.end_s) - max(part.start_s, span.start_s)) for part in cut)
        assert covered == pytest.approx(span.length_s, abs=1e-6)
    pauses = [after.start_s - before.end_s for before, after in pairwise(found)]
    sent_silence = sum(part.length_s for part in cut) - sum(span.length_s for span in found)
    assert sent_silence <= sum(pause for pause in pauses if pause <= gap_s) + 1e-6


def test_parts_are_cut_at_pauses() -> None:
    found = [Span(0, 8), Span(9, 17), Span(18, 26)]
    assert parts(found, longest_s=20, gap_s=5) == [Span(0, 17), Span(18, 26)]


class SilentModel:
    """Hears no speech, and says nothing about memory."""

    def run(self, _outputs: None, given: dict[str, Any]) -> list[Any]:
        return [np.zeros(len(given["input"]), dtype=np.float32), given["h"], given["c"]]


def test_half_an_hour_of_sound_takes_little_memory_beside_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "_model", SilentModel)
    sound = np.zeros(1800 * SAMPLES_PER_S, dtype=np.int16)
    tracemalloc.start()
    probabilities(sound)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < sound.nbytes / 2


def test_windows_are_the_same_in_one_batch_and_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(7).integers(-9000, 9000, 20 * voice.WINDOW + 100).astype(np.int16)
    at_once = probabilities(noise)
    monkeypatch.setattr(voice, "BATCH", 3)
    assert np.allclose(probabilities(noise), at_once, atol=1e-4)
