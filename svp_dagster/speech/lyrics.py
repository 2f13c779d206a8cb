"""Tell lyrics from speech. Lyrics are shown, but they are not what a video says.

Three signs count, each for a reason that holds for singing everywhere:

- Notes (♪) around words, as caption tracks and Whisper write them.
- Held tones: who sings stays on a pitch, who speaks glides. Measured in windows of eight seconds, made singing without
  accompaniment stays on a pitch for 0.65 of its time and more; speech, recorded and made, for 0.2 at most, and for 0.4
  under a piano as loud as the speech.
- A chorus: most words stand in lines that come again later, and music plays throughout.

Singing that its accompaniment drowns and that has no chorus is not recognised, nor is rap: to lose speech is worse.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from svp_dagster.models import Segment, Span, Transcript
from svp_dagster.speech.voice import SAMPLES_PER_S

NOBODY_SPEAKS = "Nobody speaks in this video."
ONLY_SUNG = "Nobody speaks in this video: what is heard is sung."

RECIPE = "lyrics 2"
"""Changes with the rules, since transcripts are kept with their lyrics apart."""

MIN_HELD = 0.5
"""Share of the voice's time on held tones from which on it sings."""

MIN_CHORUS = 0.5
"""Share of the words in lines that come again from which on it is a song."""

MUSIC_DB = 20.0
"""Music plays throughout if the quietest tenth of the sound is at most this much below the loudest."""

_CHORUS_WORDS = 3
"""Shorter lines come again in speech, too."""

_WINDOW_S = 8.0
"""A short segment is judged with what stands around it."""

_LONGEST_S = 60.0
_FRAME, _HOP, _FFT = 640, 160, 1024
_LOW_HZ, _HIGH_HZ = 80, 600
_VOICED = 0.6
_HELD_FRAMES, _HELD_CENTS = 25, 70.0
"""A tone is held if nine tenths of a quarter of a second lie within this range. Vibrato is within 60 cents."""

_NOTES = re.compile(r"[♪♫♬♩]+")
_NOTED = re.compile(r"[♪♫♬♩][^♪♫♬♩]*[♪♫♬♩]?")
_SOUNDS = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|\*[^*]*\*")
"""Descriptions of sounds in captions, such as [music]."""


def by_notes(segments: Iterable[Segment]) -> list[Segment]:
    """Return the segments that have words, those with all words between notes marked as sung. The notes are removed."""
    marked = []
    for segment in segments:
        outside, anywhere = (pattern.sub(" ", segment.text) for pattern in (_NOTED, _NOTES))
        if _has_words(outside):
            marked.append(segment.model_copy(update={"text": " ".join(outside.split())}))
        elif _has_words(anywhere):
            marked.append(segment.model_copy(update={"text": " ".join(anywhere.split()), "sung": True}))
    return marked


def marked(transcript: Transcript, samples: NDArray[np.int16], speech: Sequence[Span]) -> Transcript:
    """Return the transcript with its lyrics marked. `samples` are levelled, `speech` where a voice is in them."""
    noted = by_notes(transcript.segments)
    is_song = _is_repeated(noted) and _plays_throughout(samples)
    return apart(
        transcript,
        [
            segment.model_copy(update={"sung": segment.sung or is_song or _holds_tones(segment, samples, speech)})
            for segment in noted
        ],
    )


def apart(transcript: Transcript, segments: Sequence[Segment]) -> Transcript:
    """Return the transcript with these segments, and with the text of those that are spoken.

    Where nothing is spoken, the note says why, unless it already says what is missing.
    """
    if tuple(segments) == transcript.segments:
        return transcript
    text = " ".join(segment.text for segment in segments if not segment.sung)
    changed: dict[str, object] = {"text": text, "segments": tuple(segments)}
    if not text and not transcript.note:
        changed |= {"no_speech": True, "note": ONLY_SUNG if segments else NOBODY_SPEAKS}
    return transcript.model_copy(update=changed)


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in _SOUNDS.sub("", text))


def _is_repeated(segments: Sequence[Segment]) -> bool:
    """Return whether most words stand in lines that come again, other lines between."""
    lines = [tuple(re.findall(r"\w+", segment.text.casefold())) for segment in segments]
    others = [line for number, line in enumerate(lines) if number == 0 or line != lines[number - 1]]
    counts = Counter(line for line in others if len(line) >= _CHORUS_WORDS)
    total = sum(map(len, others))
    return total > 0 and sum(len(line) * n for line, n in counts.items() if n > 1) >= MIN_CHORUS * total


def _plays_throughout(samples: NDArray[np.int16]) -> bool:
    blocks = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loudness = np.sqrt(np.mean(np.square(blocks, dtype=np.float32), axis=1))
    if not len(loudness):
        return False
    quiet, loud = np.percentile(loudness, [10, 90])
    return bool(quiet > loud * 10 ** (-MUSIC_DB / 20))


def _holds_tones(segment: Segment, samples: NDArray[np.int16], speech: Sequence[Span]) -> bool:
    """Return whether the voice around a segment stays on its pitches."""
    wider_s = max(0.0, _WINDOW_S - (segment.end_s - segment.start_s)) / 2
    start_s, end_s = max(0.0, segment.start_s - wider_s), min(segment.end_s, segment.start_s + _LONGEST_S) + wider_s
    shares = [
        (end - start, _held(samples[start:end]))
        for span in speech
        if (start := round(max(start_s, span.start_s) * SAMPLES_PER_S))
        < (end := round(min(end_s, span.end_s) * SAMPLES_PER_S)) - _FRAME * 2
    ]
    total = sum(length for length, _ in shares)
    return total > 0 and sum(length * share for length, share in shares) >= MIN_HELD * total


def _held(samples: NDArray[np.int16]) -> float:
    """Return the share of the frames that belong to held tones."""
    cents, is_voiced = _pitches(samples)
    if len(cents) < _HELD_FRAMES:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(cents, _HELD_FRAMES)
    voiced = np.lib.stride_tricks.sliding_window_view(is_voiced, _HELD_FRAMES).mean(axis=1) > 0.9
    low, high = np.percentile(windows, [5, 95], axis=1)
    held = np.zeros(len(cents), dtype=bool)
    for start in np.flatnonzero(voiced & (high - low < _HELD_CENTS)):
        held[start : start + _HELD_FRAMES] = True
    return float(held.mean())


def _pitches(samples: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the pitch of each frame of 10 ms in cents, and whether it has one, by autocorrelation."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP].astype(np.float32)
    window = np.hanning(_FRAME).astype(np.float32)
    longest = SAMPLES_PER_S // _LOW_HZ
    alike = _autocorrelation(frames * window)[:, :longest] / _autocorrelation(window[None])[:, :longest]
    lags = alike[:, SAMPLES_PER_S // _HIGH_HZ :]
    best = lags.max(axis=1)
    is_peak = np.zeros_like(lags, dtype=bool)
    is_peak[:, 1:-1] = (lags[:, 1:-1] >= lags[:, :-2]) & (lags[:, 1:-1] >= lags[:, 2:])
    first = (is_peak & (lags >= 0.9 * best[:, None])).argmax(axis=1)  # else the octave below may win
    return 1200 * np.log2(SAMPLES_PER_S / (first + SAMPLES_PER_S // _HIGH_HZ)), best > _VOICED


def _autocorrelation(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.abs(np.fft.rfft(frames, _FFT)) ** 2
    values = np.fft.irfft(powers)
    return np.asarray(values / (values[:, :1] + 1e-9), dtype=np.float32)
