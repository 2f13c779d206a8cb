from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.truth.sounds import MUSIC, Sound, at_peak, mixed, sung
from svp_dagster.media.probe import probe
from svp_dagster.models import CaptionTrack, Segment, Span, Transcript
from svp_dagster.speech import audio
from svp_dagster.speech.loudness import levelled
from svp_dagster.speech.lyrics import NOBODY_SPEAKS, ONLY_SUNG, by_notes, marked
from svp_dagster.speech.stage import from_captions
from svp_dagster.speech.voice import SAMPLES_PER_S
from tests.media.making import CLIPS

LINE_S = 3.0
SONG = ("I walk the road", "Carry me home tonight", "The stars are cold", "Carry me home tonight")
QUIET = np.zeros(SAMPLES_PER_S, dtype=np.int16)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Words that a synthesiser speaks, as the product decodes them."""
    decoded = audio.decode([probe(CLIPS / "pancakes.mp4")], tmp_path_factory.mktemp("sound"), limit_s=30)
    return np.asarray(audio.samples(decoded)[: 14 * SAMPLES_PER_S] / 32768)


def played(sound: Sound) -> NDArray[np.int16]:
    return levelled((at_peak(sound, -1.0) * 32767).astype(np.int16))


def said(*lines: str) -> Transcript:
    segments = tuple(Segment(start_s=n * LINE_S, end_s=(n + 1) * LINE_S, text=line) for n, line in enumerate(lines))
    return Transcript(text=" ".join(lines), segments=segments, source="whisper-1")


def heard(transcript: Transcript, samples: NDArray[np.int16]) -> list[bool]:
    voice = [Span(0.0, len(samples) / SAMPLES_PER_S)]
    return [segment.sung for segment in marked(transcript, samples, voice).segments]


def music(kind: str, length_s: float = 20.0) -> Sound:
    return MUSIC[kind](np.random.default_rng(3), length_s)


def test_who_stays_on_a_pitch_sings(speech: Sound) -> None:
    assert heard(said("a", "b", "c"), played(sung(np.random.default_rng(5), speech))) == [True] * 3


@pytest.mark.parametrize("kind", MUSIC)
def test_who_speaks_is_not_taken_for_a_singer_whatever_plays(kind: str, speech: Sound) -> None:
    for music_db in (-10.0, 0.0):
        assert heard(said("a", "b", "c"), played(mixed(speech, music(kind), music_db=music_db))) == [False] * 3


def test_who_speaks_alone_is_not_taken_for_a_singer(speech: Sound) -> None:
    assert heard(said("a", "b", "c"), played(speech)) == [False] * 3


def test_a_chorus_over_music_is_a_song(speech: Sound) -> None:
    under = played(mixed(speech, music("pop"), music_db=0.0))
    assert heard(said(*SONG), under) == [True] * 4


def test_a_line_said_again_without_music_is_speech(speech: Sound) -> None:
    assert heard(said(*SONG), played(speech)) == [False] * 4


def test_speech_over_music_with_a_phrase_that_comes_again_stays_speech(speech: Sound) -> None:
    lines = ("Welcome to my kitchen", "Today we are baking bread with rye", "Salt, water and time are all you need")
    under = played(mixed(speech, music("pop"), music_db=0.0))
    assert heard(said(*lines, "Welcome to my kitchen"), under) == [False] * 4


def test_lyrics_are_apart_from_the_text() -> None:
    whole = marked(said("Look at this view.", "♪ Carry me home ♪"), QUIET, [])
    assert (whole.text, whole.lyrics) == ("Look at this view.", "Carry me home")
    assert [segment.text for segment in whole.spoken] == ["Look at this view."]


def test_descriptions_of_sounds_are_neither_said_nor_sung() -> None:
    whole = marked(said("[Music]", "Look at this view."), QUIET, [])
    assert (whole.text, [segment.text for segment in whole.segments]) == ("Look at this view.", ["Look at this view."])
    alone = marked(said("[Music]"), QUIET, [])
    assert (alone.text, alone.segments, alone.no_speech, alone.note) == ("", (), True, NOBODY_SPEAKS)


def test_a_part_that_is_missing_may_hold_speech_although_the_rest_is_sung() -> None:
    whole = marked(said("♪ Carry me home ♪").model_copy(update={"note": "A part is missing."}), QUIET, [])
    assert (whole.text, whole.no_speech, whole.note) == ("", False, "A part is missing.")


def test_where_everything_is_sung_the_note_says_so() -> None:
    whole = marked(said("♪ Carry me home ♪"), QUIET, [])
    assert (whole.text, whole.no_speech, whole.note) == ("", True, ONLY_SUNG)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("♪ Carry me home ♪", ("Carry me home", True)),
        ("♪ Carry me home", ("Carry me home", True)),
        ("[Music] ♫ Carry me ♫", ("[Music] Carry me", True)),
        ("Hello ♪ la la ♪", ("Hello", False)),
        ("Hello", ("Hello", False)),
        ("♪ ♪", None),
        ("♪ [music] ♪", None),
        ("[music]", None),
    ],
)
def test_words_between_notes_are_sung(text: str, expected: tuple[str, bool] | None) -> None:
    found = by_notes([Segment(start_s=0, end_s=1, text=text)])
    assert [(segment.text, segment.sung) for segment in found] == ([expected] if expected else [])


def test_captions_of_a_song_are_lyrics_and_nothing_is_paid_for_them() -> None:
    segments = (Segment(start_s=0, end_s=2, text="♪ Carry me home ♪"),)
    found = from_captions([CaptionTrack(language="en", translated=False, segments=segments)])
    assert found is not None
    assert (found.text, found.lyrics, found.note) == ("", "Carry me home", ONLY_SUNG)


@given(st.lists(st.text(alphabet="ab♪ []", max_size=12), max_size=8), st.integers(0, 50_000))
def test_any_words_over_any_sound_are_decided(lines: list[str], length: int) -> None:
    samples = np.random.default_rng(1).integers(-3_000, 3_000, length).astype(np.int16)
    whole = marked(said(*lines), samples, [Span(0.0, length / SAMPLES_PER_S)])
    assert len(whole.segments) <= len(lines)


def test_the_sample_song_without_a_voice_has_no_lyrics(tmp_path: Path) -> None:
    samples = audio.samples(audio.decode([probe(CLIPS / "music.m4a")], tmp_path, limit_s=30))
    assert heard(Transcript(), samples) == []
