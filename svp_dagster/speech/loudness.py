"""Level a sound, so that quiet speech is heard like loud speech.

Of the ways that were measured on speech under music, at -40 to -60 dB and on noises, this one kept the most speech at
thresholds at which music and noises raise none. ffmpeg's dynaudnorm kept as much but lifted -60 dB less; speechnorm
lost a tenth, since it lifts music between words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from svp_dagster.speech.voice import SAMPLES_PER_S

TARGET = 0.03
"""Root mean square after levelling. Louder music is taken for speech more often, quieter speech is missed."""

MAX_GAIN = 400.0
"""Speech that peaks at -60 dB needs 300. A larger gain would lift the rounding errors of silence."""

WINDOW_S = 5.0
"""Longer than a sentence's pauses, so that these stay pauses; short enough for what is said after loud music."""

_BLOCK = SAMPLES_PER_S // 10
_CHUNK_BLOCKS = 600
"""A minute at a time, so that an hour of sound takes no more memory than its samples."""


def levelled(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return 16 kHz mono samples with the same loudness throughout. Silence stays silence."""
    gains = _gains(samples)
    target = np.empty_like(samples)
    step = _CHUNK_BLOCKS * _BLOCK
    for start in range(0, len(samples), step):
        piece = samples[start : start + step]
        places = (np.arange(start, start + len(piece), dtype=np.float32) - _BLOCK / 2) / _BLOCK
        raised = piece * np.interp(places, np.arange(len(gains)), gains)
        target[start : start + len(piece)] = np.clip(raised, -32_768, 32_767)
    return target


def _gains(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the gain at the middle of each block of 100 ms."""
    powers = np.array([np.mean(np.square(piece, dtype=np.float32)) for piece in _blocks(samples)])
    around = round(WINDOW_S / 2 * SAMPLES_PER_S / _BLOCK)
    summed = np.cumsum(np.pad(powers, (around + 1, around), mode="edge" if len(powers) else "constant"))
    width = 2 * around + 1
    loudness = np.sqrt((summed[width:] - summed[:-width]) / width) / 32_768
    return np.asarray(TARGET / np.maximum(loudness, TARGET / MAX_GAIN))


def _blocks(samples: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    return [samples[start : start + _BLOCK] for start in range(0, len(samples), _BLOCK)]
