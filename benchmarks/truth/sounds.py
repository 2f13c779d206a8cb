"""Music, singing and noises made with numpy: mono, 16 kHz, between -1 and 1. The same on every machine.

They stand for kinds of sound, not for recordings: what is measured with them says where the limits are and how they
move, not how often real posts reach them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLES_PER_S = 16_000

Sound = NDArray[np.float64]
Random = np.random.Generator

_CHORDS = ((0, 4, 7), (-3, 0, 4), (5, 9, 12), (7, 11, 14))
"""I, vi, IV and V in semitones from the tonic."""

_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240))
"""The first three formants in Hz. Source: Peterson and Barney 1952, means of male speakers."""

_FRAME, _HOP = 512, 128


def mixed(speech: Sound, music: Sound, *, music_db: float) -> Sound:
    """Return speech with music that has so many decibels more power than the speech has where it isn't silent."""
    loud = speech[np.abs(speech) > 0.02 * np.abs(speech).max()]
    gain = 10 ** (music_db / 20) * _rms(loud) / _rms(music)
    return at_peak(speech + gain * _repeated(music, len(speech)), -1.0)


def at_peak(sound: Sound, peak_db: float) -> Sound:
    """Return the sound with its highest peak at so many decibels of full scale."""
    return np.asarray(sound * (10 ** (peak_db / 20) / max(1e-9, np.abs(sound).max())))


def _rms(sound: Sound) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def _repeated(sound: Sound, length: int) -> Sound:
    return np.resize(sound, length)


def _hz(semitones: float, base_hz: float = 220.0) -> float:
    return float(base_hz * 2 ** (semitones / 12))


def _times(length_s: float) -> Sound:
    return np.arange(round(length_s * SAMPLES_PER_S)) / SAMPLES_PER_S


def _put(target: Sound, sound: Sound, at_s: float) -> None:
    start = round(at_s * SAMPLES_PER_S)
    piece = sound[: max(0, len(target) - start)]
    target[start : start + len(piece)] += piece


def _filtered(sound: Sound, low_hz: float, high_hz: float) -> Sound:
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / SAMPLES_PER_S)
    return np.fft.irfft(spectrum * ((hz >= low_hz) & (hz <= high_hz)), len(sound))


def _saw(hz: float, length_s: float, *, detuned: float = 0.0) -> Sound:
    times = _times(length_s)
    tones: Sound = sum(
        (2 * ((times * hz * (1 + off)) % 1) - 1 for off in (-detuned, 0.0, detuned)), np.zeros_like(times)
    )
    return tones / 3


def _plucked(hz: float, length_s: float, *, fall: float = 3.0, partials: int = 8) -> Sound:
    """Return a string that is struck: each partial falls faster than the one below."""
    times = _times(length_s)
    tones = [np.sin(2 * np.pi * hz * n * times) * np.exp(-fall * n**0.6 * times) / n for n in range(1, partials + 1)]
    return np.asarray(sum(tones)) * np.minimum(1, times * 200)


def _kick(length_s: float = 0.3) -> Sound:
    times = _times(length_s)
    return np.asarray(np.sin(2 * np.pi * (50 * times + 8 * (1 - np.exp(-25 * times)))) * np.exp(-12 * times))


def _noise(random: Random, length_s: float, low_hz: float, high_hz: float, fall: float) -> Sound:
    times = _times(length_s)
    return _filtered(random.normal(0, 1, len(times)), low_hz, high_hz) * np.exp(-fall * times)


def _drums(random: Random, length_s: float, beat_s: float, *, loud: float = 1.0) -> Sound:
    target = np.zeros(len(_times(length_s)))
    for beat in range(int(length_s / beat_s)):
        _put(target, _kick() if beat % 2 == 0 else 0.6 * _noise(random, 0.2, 200, 7000, 20), beat * beat_s)
        for half in (0.0, 0.5):
            _put(target, 0.25 * _noise(random, 0.05, 5000, 8000, 60), (beat + half) * beat_s)
    return loud * target


def pop(random: Random, length_s: float) -> Sound:
    """Return chords of saws, a bass and drums, 120 beats a minute."""
    target = _drums(random, length_s, 0.5)
    for bar in range(int(length_s / 2) + 1):
        chord = _CHORDS[bar % 4]
        for tone in chord:
            _put(target, 0.3 * _filtered(_saw(_hz(tone), 2.0, detuned=0.004), 100, 3000), bar * 2.0)
        for eighth in range(8):
            _put(target, 0.5 * _plucked(_hz(chord[0], 55), 0.24, fall=6), bar * 2.0 + eighth * 0.25)
    return target


def salsa(random: Random, length_s: float) -> Sound:
    """Return clave, congas, a montuno on the piano and stabs of brass, 180 beats a minute."""
    target = np.zeros(len(_times(length_s)))
    bar_s = 8 / 3
    for bar in range(int(length_s / bar_s) + 1):
        for sixteenth in (0, 3, 6, 10, 12):
            _put(target, 0.7 * _plucked(2500, 0.05, fall=60, partials=2), bar * bar_s + sixteenth * bar_s / 16)
        for sixteenth in range(16):
            hz = 330 if sixteenth % 4 == 3 else 200 + 20 * int(random.integers(3))
            slap = _plucked(hz, 0.15, fall=18, partials=4) + 0.3 * _noise(random, 0.15, 500, 4000, 50)
            _put(target, (0.9 if sixteenth % 4 >= 2 else 0.5) * slap, bar * bar_s + sixteenth * bar_s / 16)
        chord = _CHORDS[bar % 4]
        for step, tone in enumerate((0, 2, 1, 2, 0, 2, 1, 2)):
            for octave in (0, 12):
                _put(target, 0.35 * _plucked(_hz(chord[tone] + octave), 0.4), bar * bar_s + step * bar_s / 8)
        if bar % 2:
            for tone in chord:
                _put(target, 0.3 * _filtered(_saw(_hz(tone, 440), 0.25), 300, 5000), bar * bar_s + bar_s * 0.7)
    return target


def rock(random: Random, length_s: float) -> Sound:
    """Return power chords through a distorting amplifier, a bass and loud drums, 140 beats a minute."""
    beat_s = 60 / 140
    guitar = np.zeros(len(_times(length_s)))
    for eighth in range(int(length_s / beat_s * 2)):
        root = _CHORDS[eighth // 16 % 4][0]
        for tone in (root, root + 7, root + 12):
            _put(guitar, _plucked(_hz(tone, 110), beat_s / 2, fall=2, partials=12), eighth * beat_s / 2)
    return 0.6 * _filtered(np.tanh(6 * guitar), 80, 5000) + _drums(random, length_s, beat_s, loud=1.2)


def piano(random: Random, length_s: float) -> Sound:
    """Return broken chords with long tones."""
    target = np.zeros(len(_times(length_s)))
    for step in range(int(length_s / 0.3)):
        tone = _CHORDS[step // 8 % 4][step % 3] + 12 * int(random.integers(2))
        _put(target, (0.6 + 0.4 * random.random()) * _plucked(_hz(tone), 1.5, fall=2, partials=10), step * 0.3)
    return target


def strings(random: Random, length_s: float) -> Sound:
    """Return a pad of many detuned strings with slow attacks."""
    target = np.zeros(len(_times(length_s)))
    for bar in range(int(length_s / 4) + 1):
        swell = np.sin(np.pi * np.linspace(0, 1, round(5 * SAMPLES_PER_S))) ** 0.5
        for tone in (*_CHORDS[bar % 4], _CHORDS[bar % 4][0] + 12):
            off = 0.003 + 0.004 * random.random()
            _put(target, 0.3 * swell * _filtered(_saw(_hz(tone), 5.0, detuned=off), 120, 4000), bar * 4.0)
    return target


def hip_hop(random: Random, length_s: float) -> Sound:
    """Return a deep bass, hats in sixteenths, claps, a looped chord and a record's crackle, 90 beats a minute."""
    beat_s = 60 / 90
    target = _drums(random, length_s, beat_s, loud=1.2)
    for beat in range(int(length_s / beat_s)):
        _put(target, 0.8 * _plucked(_hz(_CHORDS[beat // 8 % 2][0], 41), beat_s, fall=2, partials=3), beat * beat_s)
        for quarter in range(4):
            _put(target, 0.15 * _noise(random, 0.04, 6000, 8000, 80), (beat + quarter / 4) * beat_s)
        if beat % 4 == 0:
            for tone in (0, 3, 7, 10):
                _put(target, 0.25 * _plucked(_hz(tone, 330), 2.0, fall=1.5), beat * beat_s)
    return target + 0.02 * (random.random(len(target)) > 0.999) * random.normal(0, 5, len(target))


MUSIC: dict[str, Callable[[Random, float], Sound]] = {
    "pop": pop, "salsa": salsa, "rock": rock, "piano": piano, "strings": strings, "hip-hop": hip_hop,
}  # fmt: skip


def hummed(random: Random, length_s: float) -> Sound:
    """Return a melody sung on vowels: tones of half a second with vibrato, formants that glide, no consonants."""
    return _voiced(_melody(random, length_s), _vowels(random, length_s))


def sung(random: Random, words: Sound, *, stretch: float = 1.6) -> Sound:
    """Return spoken words as they are sung: stretched, on the tones of a melody with vibrato."""
    spectra = np.abs(_spectra(words))
    places = np.arange(0, len(spectra) - 1, 1 / stretch)
    length_s = len(places) * _HOP / SAMPLES_PER_S
    return _voiced(_melody(random, length_s), _envelopes(spectra[places.astype(int)]))


def _melody(random: Random, length_s: float) -> Sound:
    """Return the pitch in Hz at each sample."""
    times = _times(length_s)
    tones = np.array([_CHORDS[bar // 4 % 4][random.integers(3)] for bar in range(int(length_s / 0.5) + 2)])
    steps = tones[(times / 0.5).astype(int)]
    smooth = np.convolve(np.pad(steps.astype(float), 400, mode="edge"), np.ones(801) / 801, mode="valid")
    return np.asarray(220 * 2 ** ((smooth + 0.3 * np.sin(2 * np.pi * 5.5 * times)) / 12))


def _vowels(random: Random, length_s: float) -> Sound:
    """Return the envelope of a spectrum for each hop: a vowel for each tone, with glides between."""
    hz = np.fft.rfftfreq(_FRAME, 1 / SAMPLES_PER_S)
    shapes = [sum(np.exp(-(((hz - f) / (80 + 0.06 * f)) ** 2)) / (n + 1) for n, f in enumerate(v)) for v in _VOWELS]
    chosen = np.array(shapes)[random.integers(len(shapes), size=int(length_s / 0.5) + 2)]
    places = np.arange(0, length_s, _HOP / SAMPLES_PER_S) / 0.5
    before, glide = places.astype(int), np.clip((places % 1 - 0.8) / 0.2, 0, 1)[:, None]
    return np.asarray(chosen[before] * (1 - glide) + chosen[before + 1] * glide)


def _voiced(pitch_hz: Sound, envelopes: Sound) -> Sound:
    """Return a voice of that pitch through filters of these shapes."""
    pulses = 2 * ((np.cumsum(pitch_hz) / SAMPLES_PER_S) % 1) - 1
    source = _spectra(pulses + np.random.default_rng(1).normal(0, 0.05, len(pulses)))
    count = min(len(source), len(envelopes))
    return _joined(source[:count] / (_envelopes(np.abs(source[:count])) + 1e-6) * envelopes[:count])


def _spectra(sound: Sound) -> NDArray[np.complex128]:
    padded = np.pad(sound, (0, _FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    return np.fft.rfft(frames * np.hanning(_FRAME), axis=1)


def _envelopes(magnitudes: Sound) -> Sound:
    """Return smooth spectra: the lowest coefficients of their cepstra."""
    cepstra = np.fft.irfft(np.log(magnitudes + 1e-6), axis=1)
    cepstra[:, 30:-29] = 0
    return np.exp(np.fft.rfft(cepstra, axis=1).real)


def _joined(spectra: NDArray[Any]) -> Sound:
    target = np.zeros(len(spectra) * _HOP + _FRAME)
    for number, frame in enumerate(np.fft.irfft(spectra, axis=1) * np.hanning(_FRAME)):
        target[number * _HOP : number * _HOP + _FRAME] += frame
    return target / 1.5


def noises(random: Random, length_s: float) -> dict[str, Sound]:
    """Return sounds in which nobody speaks."""
    times = _times(length_s)
    white = random.normal(0, 0.3, len(times))
    clicks = np.zeros(len(times))
    for at_s in np.arange(0, length_s - 0.1, 0.37):
        _put(clicks, _noise(random, 0.05, 500, 6000, 80), float(at_s))
    return {
        "silence": np.zeros(len(times)),
        "white noise": white,
        "quiet noise": 0.0005 * white,
        "wind": _filtered(white, 20, 400) * (1 + np.sin(2 * np.pi * 0.3 * times)),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * times) + 0.1 * np.sin(2 * np.pi * 150 * times),
        "typing": clicks,
        "siren": 0.4 * np.sin(2 * np.pi * np.cumsum(700 + 300 * np.sin(2 * np.pi * 0.5 * times)) / SAMPLES_PER_S),
        "sizzling": _filtered(white, 3000, 8000) * (0.5 + (random.random(len(times)) > 0.99)),
        "engine": np.asarray(sum(np.sin(2 * np.pi * 90 * n * times + n) / n for n in range(1, 9))) * 0.2 + 0.1 * white,
    }


def joined(pieces: Sequence[Sound], *, pause_s: float) -> Sound:
    """Return sounds one after the other, with pauses."""
    pause = np.zeros(round(pause_s * SAMPLES_PER_S))
    return np.concatenate([part for piece in pieces for part in (piece, pause)])
