"""The sound of a video: decode and level it for analysis, encode parts of it for upload."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from svp_dagster.errors import Code, failure
from svp_dagster.media import ffmpeg
from svp_dagster.models import MediaFile, Span
from svp_dagster.speech.loudness import levelled
from svp_dagster.speech.voice import SAMPLES_PER_S

SLACK_S = 1.0
"""How much longer a sound may be than its file was found to play: encoders pad it."""

BITS_PER_S = 48_000
"""Bit rate of uploads. At 0.36 MB a minute, 70 minutes stay under the API's 25 MB."""


def decode(files: Sequence[MediaFile], folder: Path, *, limit_s: float) -> Path:
    """Decode the first sound track of each file, concatenated, to a levelled mono 16 kHz WAV file in `folder`.

    Of each, no more is decoded than the file was found to play. Raises `audio_unreadable` if one can't be decoded.
    """
    target = folder / "sound.wav"
    out = ffmpeg.sink(
        ffmpeg.joined([_track(file) for file in files]),
        to=str(target),
        format="wav",
        acodec="pcm_s16le",
        ac=1,
        ar=SAMPLES_PER_S,
    )
    ffmpeg.run(out, limit_s=limit_s, on_error=Code.AUDIO_UNREADABLE)
    decoded = samples(target)
    if not len(decoded):
        raise failure(Code.AUDIO_UNREADABLE, detail="not one sample could be decoded")
    _write(target, levelled(decoded))
    return target


def _track(file: MediaFile) -> ffmpeg.Stream:
    """Return a file's first sound track. Its samples are counted, since the times in a file may lie."""
    heard = ffmpeg.source(file.path, max_error_rate=1)["a:0"].filter("aresample", SAMPLES_PER_S)
    return heard.filter("atrim", end_sample=round((file.length_s + SLACK_S) * SAMPLES_PER_S))


def samples(sound: Path) -> NDArray[np.int16]:
    """Return the samples of a WAV file made by `decode`."""
    with wave.open(str(sound), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def _write(target: Path, levelled_samples: NDArray[np.int16]) -> None:
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes(levelled_samples.astype("<i2", copy=False).tobytes())


def encode(sound: Path, part: Span, target: Path, *, limit_s: float) -> Path:
    """Encode a part of a WAV file made by `decode` as a small MP3 file at `target`."""
    cut = ffmpeg.source(sound, ss=part.start_s, t=part.length_s)["a:0"]
    out = ffmpeg.sink(cut, to=str(target), format="mp3", acodec="libmp3lame", audio_bitrate=BITS_PER_S)
    ffmpeg.run(out, limit_s=limit_s, on_error=Code.AUDIO_UNREADABLE)
    return target
