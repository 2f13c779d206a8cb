"""Gemini as a speech engine. It hears in calls of its own: a model that is asked for more certifies its own quotes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, PrivateAttr, SecretStr

from svp_dagster.component import Component
from svp_dagster.errors import Code, Retry, failure
from svp_dagster.gemini.client import AnswerUnfinished, AnswerWithheld, Model, open_client, prepare
from svp_dagster.gemini.failures import MediaRefused, SchemaRefused
from svp_dagster.models import JsonObject, Span, Transcript
from svp_dagster.ports import Meter
from svp_dagster.speech import gemini_transcript, voice
from svp_dagster.speech.gemini_transcript import ANSWER_SCHEMA, UnusableAnswer
from svp_dagster.speech.parts import PaidParts, PartTranscript, joined

if TYPE_CHECKING:
    from google.genai.types import Content, GenerateContentConfig

PART_S = 300.0
"""Longest part. In longer sound the times drift further, and a request may hold 20 MB: this is 2.4 MB in base64."""

GAP_S = 15.0
"""Longer pauses are not sent: they count more tokens than what another call is told. Free keys have few calls."""

# Source: https://ai.google.dev/gemini-api/docs/audio, supported formats.
_MIME_TYPE = "audio/mp3"
_WITHHELD = "Gemini wrote nothing down of what is said, or of a part of it ({reason})."


class GeminiSpeech(Component):
    """Google's Gemini, paid by the token: 32 for each second of sound, and those of its answer."""

    api_key: SecretStr = Field(description="Key of the Gemini API.")
    model: str = Field(default="gemini-3.5-flash-lite", description="A model's id; no moving alias.")
    base_url: str = Field(default="", description="Another address of the API, scheme included.")
    timeout_s: float = Field(default=120.0, gt=0, description="Time limit of one call.")
    attempts: int = Field(default=2, ge=1, description="Attempts at a call that fails for a passing reason.")

    _paid: PaidParts = PrivateAttr(default_factory=PaidParts)

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"gemini speech 1 {self.model} part={PART_S:g} gap={GAP_S:g}"

    def prepare(self) -> None:
        """Load the SDK."""
        prepare()

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        """Send the spans of speech in parallel parts and join the answers.

        What Gemini withholds is missing in the transcript, with a note.

        Raises `key_rejected`, `model_retired`, `quota_exhausted`, `service_unreachable`, `speech_failed`,
        `misconfigured`, or what the meter raises, after all parts that were sent are recorded and kept.
        """
        parts = voice.parts(speech, longest_s=PART_S, gap_s=GAP_S)
        client = open_client(
            api_key=self.api_key, base_url=self.base_url, timeout_s=self.timeout_s, attempts=self.attempts
        )
        with client:
            model = Model(client=client, name=self.model, service="speech", meter=meter)
            pairs = self._paid.transcribe(sound, parts, partial(_transcribe, model))
        return joined(pairs, source=self.model)


def _transcribe(model: Model, file: Path, part: Span, *, again: bool = True) -> PartTranscript:
    """Return the transcript of one part. With `again`, ask once more if it is withheld or unusable."""
    try:
        return _ask(model, file, part)
    except AnswerWithheld as withheld:
        if again and not withheld.by_chance:  # else it was asked for twice already
            return _transcribe(model, file, part, again=False)
        return PartTranscript(segments=(), language=None, note=_WITHHELD.format(reason=withheld))
    except UnusableAnswer as unusable:
        if again:
            return _transcribe(model, file, part, again=False)
        raise failure(Code.SPEECH_FAILED, detail=f"unusable answer: {unusable}") from unusable
    except MediaRefused as refused:
        raise failure(Code.SPEECH_FAILED, retry=Retry.NEVER, detail=str(refused)) from refused


def _ask(model: Model, file: Path, part: Span) -> PartTranscript:
    contents = [_content(file, part)]
    try:
        try:
            answer = model.answer(contents, _config(part, ANSWER_SCHEMA))
        except SchemaRefused:
            answer = model.answer(contents, _config(part, None))
    except AnswerUnfinished as unfinished:
        return gemini_transcript.parse(unfinished.text, length_s=part.length_s, is_cut_off=True)
    return gemini_transcript.parse(answer, length_s=part.length_s)


def _content(file: Path, part: Span) -> Content:
    from google.genai import types

    sound = types.Part.from_bytes(data=file.read_bytes(), mime_type=_MIME_TYPE)
    text = types.Part(text=gemini_transcript.request(part.length_s))
    return types.Content(role="user", parts=[sound, text])


def _config(part: Span, schema: JsonObject | None) -> GenerateContentConfig:
    from google.genai import types

    return types.GenerateContentConfig(
        system_instruction=gemini_transcript.INSTRUCTIONS,
        response_mime_type="application/json",
        response_json_schema=schema,
        max_output_tokens=gemini_transcript.max_output_tokens(part.length_s),
    )
