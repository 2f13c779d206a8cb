"""What the stand-in for speech hears: how long the sound is, where it is loud, and whether it is like speech."""

import hashlib
import subprocess
import tempfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SAMPLES_PER_S = 8000
_FRAME_S = 0.02
_DECODE_LIMIT_S = 120
_SILENCE_DB = -50.0
_LOUDNESS_SPAN_DB = 30.0
_LONGEST_BREATH_S = 0.4
_SHORTEST_STRETCH_S = 0.3

# Measured on espeak-ng against sines, chords, melodies and noise: speech hisses between its vowels, so its
# zero crossings vary (0.11 and more; the others 0.06 at most), and it pauses between its syllables.
_SPEECH_CROSSINGS_SPREAD = 0.08
_SPEECH_PAUSES_SHARE = 0.1
_PAUSE_DEPTH_DB = 15.0


class UndecodableError(Exception):
    """The bytes are no audio that ffmpeg can read."""


@dataclass(frozen=True)
class Sound:
    """A decoded upload. `stretches` are the (start s, end s) of what is loud; empty for silence."""

    sha256: str
    duration_s: float
    stretches: tuple[tuple[float, float], ...]
    is_speech: bool


def listen(audio: bytes, *, suffix: str) -> Sound:
    """Decodes `audio`, a file whose name ends in `suffix`. Raises UndecodableError."""
    samples = _decode(audio, suffix=suffix)
    frame_length = int(_FRAME_S * _SAMPLES_PER_S)
    frames = samples[: len(samples) // frame_length * frame_length].reshape(-1, frame_length)
    loudness_db = 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-6)
    return Sound(
        sha256=hashlib.sha256(audio).hexdigest(),
        duration_s=len(samples) / _SAMPLES_PER_S,
        stretches=_loud_stretches(loudness_db),
        is_speech=_is_like_speech(frames, loudness_db),
    )


def _decode(audio: bytes, *, suffix: str) -> npt.NDArray[np.float32]:
    """Mono samples between -1 and 1."""
    import imageio_ffmpeg

    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(audio)
        file.flush()
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
        command += ["-i", file.name, "-vn", "-ac", "1", "-ar", str(_SAMPLES_PER_S), "-f", "s16le", "pipe:1"]
        done = subprocess.run(command, capture_output=True, timeout=_DECODE_LIMIT_S, check=False)
    if done.returncode != 0 or not done.stdout:
        raise UndecodableError(done.stderr.decode(errors="replace")[-500:])
    return np.frombuffer(done.stdout, np.int16).astype(np.float32) / np.float32(32768)


def _threshold_db(loudness_db: npt.NDArray[np.float32]) -> float:
    return max(_SILENCE_DB, float(np.percentile(loudness_db, 90)) - _LOUDNESS_SPAN_DB)


def _loud_stretches(loudness_db: npt.NDArray[np.float32]) -> tuple[tuple[float, float], ...]:
    if not len(loudness_db):
        return ()
    stretches: list[tuple[float, float]] = []
    for frame in np.flatnonzero(loudness_db > _threshold_db(loudness_db)):
        start_s, end_s = float(frame) * _FRAME_S, float(frame + 1) * _FRAME_S
        if stretches and start_s - stretches[-1][1] <= _LONGEST_BREATH_S:
            stretches[-1] = (stretches[-1][0], end_s)
        else:
            stretches.append((start_s, end_s))
    return tuple((start, end) for start, end in stretches if end - start >= _SHORTEST_STRETCH_S)


def _is_like_speech(frames: npt.NDArray[np.float32], loudness_db: npt.NDArray[np.float32]) -> bool:
    if not len(loudness_db):
        return False
    is_loud = loudness_db > _threshold_db(loudness_db)
    if not is_loud.any():
        return False
    crossings = (np.diff(np.signbit(frames), axis=1) != 0).mean(axis=1)
    pauses_share = (loudness_db < np.percentile(loudness_db, 90) - _PAUSE_DEPTH_DB).mean()
    return bool(crossings[is_loud].std() >= _SPEECH_CROSSINGS_SPREAD and pauses_share >= _SPEECH_PAUSES_SHARE)
