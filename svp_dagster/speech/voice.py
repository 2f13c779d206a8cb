"""Voice activity detection, run before anything is paid so that music and silence aren't transcribed.

The model is Silero's from faster-whisper's wheel. It runs on onnxruntime alone: importing faster-whisper takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from svp_dagster.models import Span

SAMPLES_PER_S = 16_000
RECIPE = "gate 2"
"""Changes with levelling and thresholds, since other stretches of a sound reach the engine then."""

WINDOW, CONTEXT = 512, 64
"""Samples per inference, and samples of context before them."""

STARTS, ENDS = 0.2, 0.1
"""Speech starts at the first probability and lasts until it falls below the second.

Silero's own 0.5 and 0.35 lose speech under music. What passes here and isn't speech, the engine's certainty drops.
"""

MIN_SILENCE_S = 0.4
MIN_SPEECH_S = 0.25
PADDING_S = 0.25
"""Bridge shorter pauses, drop shorter sounds, and pad each span with this much."""

ENOUGH_S = 0.8
"""Less speech than this in a whole clip is taken for noise."""

BATCH = 2_000
"""Windows per batch: a minute. Half an hour at once would take half a gigabyte."""


def speech(samples: NDArray[np.int16]) -> list[Span]:
    """Return the spans of 16 kHz mono sound in which somebody speaks, none if they are shorter than `ENOUGH_S`."""
    found = spans(probabilities(samples), duration_s=len(samples) / SAMPLES_PER_S)
    return found if sum(span.length_s for span in found) >= ENOUGH_S else []


def probabilities(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the probability of speech in each window of 32 ms."""
    if not len(samples):
        return np.zeros(0, dtype=np.float32)
    windows = -(-len(samples) // WINDOW)
    state: list[Any] = [np.zeros((1, 1, 128), dtype=np.float32)] * 2
    judged = []
    for first in range(0, windows, BATCH):
        batch = _batch(samples, first, min(BATCH, windows - first))
        result, *state = _model().run(None, {"input": batch, "h": state[0], "c": state[1]})
        judged.append(result.reshape(-1))
    return np.concatenate(judged)


def _batch(samples: NDArray[np.int16], first: int, count: int) -> NDArray[np.float32]:
    """Return so many windows with their context, silent before the beginning and after the end."""
    start = first * WINDOW - CONTEXT
    padded = np.zeros(CONTEXT + count * WINDOW, dtype=np.float32)
    piece = samples[max(start, 0) : start + len(padded)]
    offset = max(-start, 0)
    padded[offset : offset + len(piece)] = piece
    padded /= 32768
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + WINDOW)[::WINDOW])


def spans(windows: Iterable[float], *, duration_s: float) -> list[Span]:
    """Return the spans of speech in a series of probabilities: pauses bridged, clicks dropped, ends padded."""
    stretches: list[Span] = []
    start: int | None = None
    quiet_from: int | None = None
    step_s = WINDOW / SAMPLES_PER_S
    number = -1
    for number, probability in enumerate(windows):
        if probability >= STARTS:
            start, quiet_from = number if start is None else start, None
        elif start is not None and probability < ENDS:
            quiet_from = number if quiet_from is None else quiet_from
            if (number + 1 - quiet_from) * step_s >= MIN_SILENCE_S:
                stretches.append(Span(start * step_s, quiet_from * step_s))
                start = quiet_from = None
    if start is not None:
        stretches.append(Span(start * step_s, (quiet_from or number + 1) * step_s))
    return _padded([stretch for stretch in stretches if stretch.length_s >= MIN_SPEECH_S], duration_s)


def parts(found: Sequence[Span], *, longest_s: float, gap_s: float) -> list[Span]:
    """Group speech into parts of at most `longest_s`, cut at pauses if possible, without pauses over `gap_s`."""
    cut: list[Span] = []
    for span in _cut_long(found, longest_s):
        last = cut[-1] if cut else None
        if last and span.end_s - last.start_s <= longest_s and span.start_s - last.end_s <= gap_s:
            cut[-1] = Span(last.start_s, span.end_s)
        else:
            cut.append(span)
    return cut


def _padded(stretches: Sequence[Span], duration_s: float) -> list[Span]:
    """Pad each span by up to `PADDING_S` without overlapping the next."""
    padded: list[Span] = []
    for number, stretch in enumerate(stretches):
        after = stretches[number + 1].start_s if number + 1 < len(stretches) else None
        end_s = stretch.end_s + PADDING_S
        end_s = min(end_s, duration_s) if after is None else min(end_s, (stretch.end_s + after) / 2)
        start_s = max(stretch.start_s - PADDING_S, padded[-1].end_s if padded else 0.0)
        padded.append(Span(start_s, end_s))
    return padded


def _cut_long(found: Sequence[Span], longest_s: float) -> list[Span]:
    """Cut spans longer than `longest_s` into equal pieces."""
    pieces: list[Span] = []
    for span in found:
        count = max(1, int(np.ceil(span.length_s / longest_s)))
        borders = [span.start_s + span.length_s * piece / count for piece in range(count + 1)]
        pieces += [Span(*pair) for pair in pairwise(borders)]
    return pieces


@cache
def _model() -> Any:
    import onnxruntime

    package = find_spec("faster_whisper")
    assert package is not None
    assert package.origin is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    model = Path(package.origin).parent / "assets" / "silero_vad_v6.onnx"
    return onnxruntime.InferenceSession(str(model), sess_options=options, providers=["CPUExecutionProvider"])
