"""Real words by a real model: Whisper base, whose weights the group dev has. The voice is that of the sample clips."""

from __future__ import annotations

import os
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.truth.parts import NotMeasured
from benchmarks.truth.sounds import MUSIC, SAMPLES_PER_S, Sound, at_peak, mixed, sung
from benchmarks.truth.whisper_base import assemble
from svp_dagster.media.probe import probe
from svp_dagster.models import ProcessingType, Transcript, Video
from svp_dagster.speech import audio, local_speech
from svp_dagster.speech.engines import LocalSpeech
from svp_dagster.speech.lyrics import ONLY_SUNG
from svp_dagster.speech.stage import transcribe
from svp_dagster.summary.words import tokens
from tests.fakes import ContentsInMemory, CountingMeter
from tests.media.making import CLIPS, probed

SAID = "These banana oat pancakes need only four ingredients. Mash two ripe bananas and whisk in two eggs."


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSpeech]:
    try:
        model = assemble(tmp_path_factory.mktemp("model"))
    except NotMeasured as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    yield LocalSpeech(model=str(model))
    local_speech.load.cache_clear()
    shutil.rmtree(model)  # pytest keeps the folders of three runs, and this one has 145 MB


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """The first eight seconds of a sample clip."""
    sound = audio.decode([probe(CLIPS / "pancakes.mp4")], tmp_path_factory.mktemp("sound"), limit_s=30)
    return np.asarray(audio.samples(sound)[: 8 * SAMPLES_PER_S] / 32768)


def heard(sound: Sound, engine: LocalSpeech, folder: Path) -> Transcript:
    path = folder / "post.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes((np.clip(sound, -1, 1) * 32767).round().astype("<i2").tobytes())
    return transcribe(
        probed(Video(media_key="tiktok:1", url="https://x", audio_path=path)),
        processing_type=ProcessingType.FULL,
        engine=engine,
        contents=ContentsInMemory(),
        meter=CountingMeter(),
        folder=folder,
    )


def share_of_words(text: str) -> float:
    wanted = set(tokens(SAID))
    return len(wanted & set(tokens(text))) / len(wanted)


def test_words_are_heard_with_their_language_and_times(engine: LocalSpeech, spoken: Sound, tmp_path: Path) -> None:
    transcript = heard(spoken, engine, tmp_path)
    assert share_of_words(transcript.text) >= 0.7
    assert (transcript.language, transcript.doubtful, transcript.lyrics) == ("en", False, "")
    assert transcript.segments[0].start_s < 1
    assert transcript.segments[-1].end_s <= 8.5


def test_quiet_words_under_music_are_heard(engine: LocalSpeech, spoken: Sound, tmp_path: Path) -> None:
    music = MUSIC["salsa"](np.random.default_rng(3), 8.0)
    transcript = heard(at_peak(mixed(spoken, music, music_db=-3.0), -50.0), engine, tmp_path)
    assert share_of_words(transcript.text) >= 0.5


def test_words_that_are_sung_are_lyrics(engine: LocalSpeech, spoken: Sound, tmp_path: Path) -> None:
    transcript = heard(at_peak(sung(np.random.default_rng(5), spoken), -1.0), engine, tmp_path)
    assert share_of_words(transcript.lyrics) >= 0.2
    assert (transcript.text, transcript.note) == ("", ONLY_SUNG)
