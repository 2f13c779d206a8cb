"""The speech engines: OpenAI's transcription API, faster-whisper on this machine, and none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, SecretStr

from svp_dagster.component import Component
from svp_dagster.errors import Code, SvpError
from svp_dagster.models import Segment, Span, Transcript, Usage
from svp_dagster.ports import Meter
from svp_dagster.speech import audio, local_speech, openai_speech, voice
from svp_dagster.speech.hallucinations import RawSegment, believable, is_doubtful, mean_confidence
from svp_dagster.speech.parts import GAP_S, PaidParts, PartTranscript, joined, of_segments

logger = logging.getLogger(__name__)

PART_S = 600.0
"""Longest part for a model that returns segments. Parts are sent in parallel, and a failed one is repeated alone."""

COARSE_PART_S = 20.0
"""Longest part for a model that doesn't: the part's own start and end are then the only times."""

TEMPERATURES = (0.0, 0.2, 0.4)
"""Where the first attempt is unsure. At Whisper's own 0.6 to 1.0 it guesses, for eight times the time."""


class OpenAISpeech(Component):
    """OpenAI's transcription API, paid by the minute."""

    api_key: SecretStr = Field(description="Key of the OpenAI API.")
    model: str = Field(default="whisper-1", description="A transcription model's id.")
    base_url: str = Field(default="", description="Another address of the API, with its version.")
    timeout_s: float = Field(default=120.0, gt=0, description="Time limit of one call.")
    attempts: int = Field(default=3, ge=1, description="Attempts at a call that fails for a passing reason.")

    _paid: PaidParts = PrivateAttr(default_factory=PaidParts)

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"openai 2 {self.model} part={_part_s(self.model):g} gap={GAP_S:g}"

    def prepare(self) -> None:
        """Load the SDK."""
        openai_speech.prepare()

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        """Send the spans of speech in parallel parts and join the answers.

        A retired model is replaced by its successor.

        Raises `key_rejected`, `model_retired`, `quota_exhausted`, `service_unreachable`, `speech_failed`,
        `misconfigured`, or what the meter raises, after all parts that were sent are recorded and kept.
        """
        try:
            return self._transcribe_with(self.model, sound, speech=speech, meter=meter)
        except SvpError as error:
            successor = openai_speech.SUCCESSORS.get(self.model)
            if error.code is not Code.MODEL_RETIRED or successor is None:
                raise
        _warn_of_successor(self.model, successor)
        return self._transcribe_with(successor, sound, speech=speech, meter=meter)

    def _transcribe_with(self, model: str, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        parts = voice.parts(speech, longest_s=_part_s(model), gap_s=GAP_S)
        client = openai_speech.open_client(api_key=self.api_key, base_url=self.base_url, timeout_s=self.timeout_s)
        pairs = self._paid.transcribe(sound, parts, partial(self._transcribe_part, client, model, meter))
        return joined(pairs, source=model)

    def _transcribe_part(self, client: Any, model: str, meter: Meter, file: Path, part: Span) -> PartTranscript:
        meter.require_budget()
        transcript = openai_speech.transcribe_part(
            client, file, model=model, length_s=part.length_s, attempts=self.attempts
        )
        seconds = transcript.billed_s or part.length_s
        meter.record(Usage(service="speech", model=model, units=seconds, unit="seconds"))
        return transcript


class LocalSpeech(Component):
    """faster-whisper on this machine, free of charge. Its model has to be present or downloadable."""

    model: str = Field(default="base", description="A size (tiny, base, small …), a hub's repository, or a folder.")

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"faster-whisper 2 {self.model} int8"

    def prepare(self) -> None:
        """Do nothing: the large model is loaded only for a video in which somebody speaks."""

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:  # noqa: ARG002 (nothing is paid)
        """Return the transcript, an empty one with a note if the model is missing."""
        folder = local_speech.find(self.model)
        if folder is None:
            return Transcript(note=f"The speech was not transcribed: the model “{self.model}” is not installed.")
        samples = audio.samples(sound).astype("float32") / 32768
        clips = [second for part in voice.parts(speech, longest_s=PART_S, gap_s=GAP_S) for second in _seconds(part)]
        found, info = local_speech.load(folder).transcribe(
            samples,
            clip_timestamps=clips,
            condition_on_previous_text=False,
            vad_filter=False,
            temperature=TEMPERATURES,
        )
        raw = [
            RawSegment(
                segment=Segment(start_s=one.start, end_s=one.end, text=one.text.strip()),
                no_speech=one.no_speech_prob,
                confidence=one.avg_logprob,
            )
            for one in found
        ]
        doubtful = is_doubtful(confidence=mean_confidence(raw), language_certainty=info.language_probability)
        source = f"faster-whisper {self.model}"
        return of_segments(believable(raw), language=info.language, source=source, doubtful=doubtful)


class NoSpeech(Component):
    """No engine: returns an empty transcript with a note."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return "no speech engine"

    def prepare(self) -> None:
        """Do nothing."""

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:  # noqa: ARG002 (nothing is paid)
        """Return an empty transcript with a note."""
        return Transcript(note="The speech was not transcribed: no speech engine is set up.")


def _part_s(model: str) -> float:
    return PART_S if model == openai_speech.SEGMENTING_MODEL else COARSE_PART_S


@cache
def _warn_of_successor(model: str, successor: str) -> None:
    """Log once per process that a model is gone."""
    setting = openai_speech.MODEL_SETTING
    logger.warning("%s is not available at OpenAI (any more): %s serves; set %s to it", model, successor, setting)


def _seconds(part: Span) -> tuple[float, float]:
    return part.start_s, part.end_s
