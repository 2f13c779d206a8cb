"""Part `speech`: what of the speech reaches the engine, and what the engine makes of it.

    speech_kept     share of the speech, by time, that reaches the engine under music that is as loud

Music and noises are made with numpy (`sounds`), and speech by espeak-ng in four languages: all of it is synthetic, and
espeak-ng's voice is easier to find and harder to understand than a person's. Words are heard by Whisper base on this
machine, the smallest engine that a user may have.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.truth import whisper_base
from benchmarks.truth.parts import NotMeasured, print_table
from benchmarks.truth.sounds import MUSIC, SAMPLES_PER_S, Sound, at_peak, hummed, joined, mixed, noises, sung
from svp_dagster.commands.process import Tally
from svp_dagster.media.probe import probe
from svp_dagster.models import Span, Transcript
from svp_dagster.prices import load_prices
from svp_dagster.speech import audio, lyrics, voice
from svp_dagster.speech.engines import PART_S, LocalSpeech
from svp_dagster.speech.parts import GAP_S
from svp_dagster.summary.words import tokens

SPOKEN = {
    "en": (
        "Today I am making tomato basil pasta for two people.",
        "Boil the spaghetti in salted water for nine minutes.",
        "Add the canned tomatoes, and let the sauce simmer for eight minutes.",
    ),
    "de": (
        "Heute zeige ich euch drei Cafés in Berlin, die ihr besuchen müsst.",
        "Das erste liegt am Kanal und öffnet um neun Uhr.",
        "Der Kuchen mit Kirschen ist dort besonders gut.",
    ),
    "es": (
        "Hoy preparo pasta con tomate y albahaca para dos personas.",
        "Hierve los espaguetis en agua con sal durante nueve minutos.",
        "Añade los tomates en lata y deja cocer la salsa ocho minutos.",
    ),
    "fr": (
        "Voici trois conseils pour voyager moins cher cet été.",
        "Réservez votre train deux mois à l'avance.",
        "Partez le mardi plutôt que le samedi.",
    ),
}
UNDERSTOOD_UNDER_MUSIC = "en"
MUSIC_DB = 0.0
LOUDER_DB = 5.0
"""Music this much louder than the speech is printed only: it shows where the limit is."""

QUIET_DB = (-40.0, -50.0, -60.0)
MAX_BILLED_S = 2.0
_MINUTE_S = 60.0
_DECODING_LIMIT_S = 60.0
_STEP_S = 0.01


def measure() -> dict[str, float]:
    """Print what reaches the engine and what it hears, and return the share of speech under music that reaches it.

    Raises `SystemExit` if music alone would be billed or a noise is taken for speech.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = whisper_base.assemble(folder)
        spoken = {language: _speak(language, folder) for language in SPOKEN}
        print(f"Speech by espeak-ng in {', '.join(spoken)}, music by numpy: all synthetic. Words by Whisper base.\n")
        kept = _under_music(spoken, folder)
        problems = [*_music_alone(folder), *_noise(folder)]
        _quiet(spoken, folder)
        _words(spoken, LocalSpeech(model=str(model)), folder)
    if problems:
        raise SystemExit("\n".join(problems))
    return {"speech_kept": kept}


def _speak(language: str, folder: Path) -> Sound:
    if shutil.which("espeak-ng") is None:
        raise NotMeasured("nobody can speak here: install Debian's package espeak-ng")
    sentences = []
    for text in SPOKEN[language]:
        path = folder / "said.wav"
        subprocess.run(["espeak-ng", "-v", language, "-s", "160", "-w", str(path), text], check=True)
        sentences.append(_samples(path) / 32768)
    return joined(sentences, pause_s=0.6)


def _samples(path: Path) -> Sound:
    """Return the samples of a WAV file at 16 kHz."""
    with wave.open(str(path), "rb") as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    given = np.frombuffer(frames, dtype="<i2").astype(float)
    places = np.arange(0, len(given) - 1, rate / SAMPLES_PER_S)
    return np.asarray(np.interp(places, np.arange(len(given)), given))


def _decoded(sound: Sound, folder: Path) -> Path:
    """Return the sound as the product decodes it."""
    path = folder / "given.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes((np.clip(sound, -1, 1) * 32767).round().astype("<i2").tobytes())
    return audio.decode([probe(path)], folder, limit_s=_DECODING_LIMIT_S)


def _found(sound: Sound, folder: Path) -> list[Span]:
    return voice.speech(audio.samples(_decoded(sound, folder)))


def _billed_s(found: list[Span]) -> float:
    return sum(part.length_s for part in voice.parts(found, longest_s=PART_S, gap_s=GAP_S))


def _kept(alone: Sound, found: list[Span]) -> float:
    """Return the share of the time in which the speech alone is loud that was found."""
    step = round(_STEP_S * SAMPLES_PER_S)
    blocks = alone[: len(alone) // step * step].reshape(-1, step)
    loud = np.abs(blocks).max(axis=1) > 0.05 * np.abs(alone).max()
    reached = np.zeros(len(loud), dtype=bool)
    for span in found:
        reached[int(span.start_s / _STEP_S) : int(span.end_s / _STEP_S) + 1] = True
    return float((reached & loud).sum() / loud.sum())


def _music(length_s: float) -> Iterator[tuple[str, Sound, Sound]]:
    """Yield each kind of music without and with a voice that sings vowels to it."""
    for kind, play in MUSIC.items():
        music = at_peak(play(np.random.default_rng(3), length_s), -1.0)
        vocals = hummed(np.random.default_rng(4), length_s)
        yield kind, music, mixed(vocals, music, music_db=-3.0)


def _under_music(spoken: Mapping[str, Sound], folder: Path) -> float:
    rows, shares = [], []
    for kind, music, with_vocals in _music(20.0):
        equal, sung_to, louder = (
            [_kept(alone, _found(mixed(alone, played, music_db=music_db), folder)) for alone in spoken.values()]
            for played, music_db in ((music, MUSIC_DB), (with_vocals, MUSIC_DB), (music, LOUDER_DB))
        )
        rows.append([kind, *(" ".join(f"{share:.2f}" for share in found) for found in (equal, sung_to, louder))])
        shares += [*equal, *sung_to]
    print(f"Share of the speech that reaches the engine ({', '.join(spoken)}):\n")
    heads = (f"music at {MUSIC_DB:+g} dB", f"the same with vocals at {MUSIC_DB:+g} dB", f"music at {LOUDER_DB:+g} dB")
    print_table(["music", *heads], rows)
    return sum(shares) / len(shares)


def _music_alone(folder: Path) -> Iterator[str]:
    """Print what of a minute of music would be billed, and yield what is too much."""
    rows = []
    for kind, music, with_vocals in _music(_MINUTE_S):
        billed, hummed_to = (_billed_s(_found(played, folder)) for played in (music, with_vocals))
        rows.append([kind, f"{billed:.1f}", f"{hummed_to:.1f}"])
        if billed > MAX_BILLED_S:
            yield f"{billed:.1f} s of a minute of {kind} alone would be billed, more than {MAX_BILLED_S:g}"
    print("\nSeconds of a minute without a word that would be billed:\n")
    print_table(["music", "alone", "with vowels that are sung"], rows)


def _noise(folder: Path) -> Iterator[str]:
    """Yield each noise that is taken for speech."""
    made = noises(np.random.default_rng(1), 20.0)
    alarms = [kind for kind, noise in made.items() for gain in (1.0, 0.01) if _found(gain * noise, folder)]
    print(f"\nNoises taken for speech: {len(alarms)} of {2 * len(made)}, each loud and quiet\n")
    yield from (f"{kind} is taken for speech" for kind in alarms)


def _quiet(spoken: Mapping[str, Sound], folder: Path) -> None:
    rows = [
        [
            f"{peak_db:g} dB",
            *(f"{_kept(alone, _found(at_peak(alone, peak_db), folder)):.2f}" for alone in spoken.values()),
        ]
        for peak_db in QUIET_DB
    ]
    print_table(["quiet speech that reaches the engine", *spoken], rows)


def _words(spoken: Mapping[str, Sound], engine: LocalSpeech, folder: Path) -> None:
    """Print how many words Whisper base understands."""
    cases = {f"{language} alone": (language, alone) for language, alone in spoken.items()}
    language = UNDERSTOOD_UNDER_MUSIC
    for kind, music, _ in _music(20.0):
        cases[f"{language} under {kind}"] = (language, mixed(spoken[language], music, music_db=MUSIC_DB))
    cases["es, sung"] = ("es", sung(np.random.default_rng(5), spoken["es"]))
    rows = []
    for name, (language, sound) in cases.items():
        heard = _heard(at_peak(sound, -1.0), engine, folder)
        marks = [mark for mark, is_set in (("doubtful", heard.doubtful), ("lyrics", bool(heard.lyrics))) if is_set]
        rows.append([name, f"{_recall(heard, language):.2f}", heard.language or "-", ", ".join(marks)])
    print()
    print_table(["Whisper base", "words understood", "language", "marked"], rows)


def _heard(sound: Sound, engine: LocalSpeech, folder: Path) -> Transcript:
    decoded = _decoded(sound, folder)
    samples = audio.samples(decoded)
    speech = voice.speech(samples)
    heard = engine.transcribe(decoded, speech=speech, meter=Tally(load_prices(None))) if speech else Transcript()
    return lyrics.marked(heard, samples, speech)


def _recall(heard: Transcript, language: str) -> float:
    said = {word for text in SPOKEN[language] for word in tokens(text)}
    words = set(tokens(re.sub(r"\s+", " ", f"{heard.text} {heard.lyrics}")))
    return len(said & words) / len(said)
