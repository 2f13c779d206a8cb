"""The engines that hear: OpenAI's transcription API, faster-whisper on this machine, and none."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from svp_dagster.errors import SvpError
from svp_dagster.models import PaidCall, Segment, Span, Transcript
from svp_dagster.ports import Meter
from svp_dagster.prices import load_prices
from svp_dagster.speech import audio, local_speech, openai_speech, voice
from svp_dagster.speech.hallucinations import Heard, believable
from svp_dagster.speech.openai_speech import PartHeard

PART_S = 600.0
"""Longest part where the model tells the times: parts are heard side by side, and one that fails is sent alone."""

COARSE_PART_S = 20.0
"""Longest part where it doesn't: then a part's own time is all that is known."""

GAP_S = 5.0
"""Longer pauses are not sent: they cost money, and models fill them with words."""

PARTS_AT_ONCE = 4
ENCODING_LIMIT_S = 60.0
NOTHING_HEARD = "No words could be made out in this video."


class OpenAISpeech(dg.ConfigurableResource):
    """OpenAI's transcription API, paid by the minute."""

    api_key: str = Field(repr=False, description="Key of the OpenAI API.")
    model: str = Field(default="whisper-1", description="A transcription model's id.")
    base_url: str = Field(default="", description="Another address of the API, with its version.")
    timeout_s: float = Field(default=120.0, gt=0, description="Time limit of one call.")
    attempts: int = Field(default=3, ge=1, description="Attempts at a call that fails for a passing reason.")
    prices_file: str = Field(default="", description="JSON file that overrides the price table.")

    _heard: dict[str, PartHeard] = PrivateAttr(default_factory=dict)
    """Parts that are paid for, by digest of their sound, until all are: a stage that is repeated goes on from them."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"openai 1 {self.model} part={self._part_s:g} gap={GAP_S:g}"

    def prepare(self) -> None:
        """Load the SDK."""
        openai_speech.prepare()

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        """Send the parts in which somebody speaks, a few at once, and put the answers in order.

        Raises `key_rejected`, `model_retired`, `quota_exhausted`, `service_unreachable`, `speech_failed`,
        `misconfigured`, or what the meter raises, once no part is on its way any more.
        """
        parts = voice.parts(speech, longest_s=self._part_s, gap_s=GAP_S)
        with tempfile.TemporaryDirectory(dir=sound.parent) as scratch:
            heard = self._hear(sound, parts, folder=Path(scratch), meter=meter)
        self._heard.clear()
        segments = [_shifted(s, part) for part, one in zip(parts, heard, strict=True) for s in one.segments]
        languages = Counter[str]()
        for part, one in zip(parts, heard, strict=True):
            if one.language is not None and one.segments:
                languages[one.language] += round(part.length_s * 100)
        language = languages.most_common(1)[0][0] if languages else None
        return _transcript(segments, language=language, source=self.model)

    @property
    def _part_s(self) -> float:
        return PART_S if self.model == openai_speech.SEGMENTING_MODEL else COARSE_PART_S

    def _hear(self, sound: Path, parts: Sequence[Span], *, folder: Path, meter: Meter) -> list[PartHeard]:
        """What is said in each part. A failed part doesn't stop the others, which are kept for the next attempt."""
        files = [
            audio.encode(sound, part, folder / f"part-{number:03d}.mp3", limit_s=ENCODING_LIMIT_S)
            for number, part in enumerate(parts)
        ]
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
        client = openai_speech.open_client(api_key=self.api_key, base_url=self.base_url, timeout_s=self.timeout_s)
        problem: SvpError | None = None
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            sent: dict[Future[PartHeard], tuple[str, Span]] = {}
            for file, digest, part in zip(files, digests, parts, strict=True):
                if digest not in self._heard:
                    meter.require_budget()
                    sent[pool.submit(self._send, client, file, part)] = digest, part
            for done in as_completed(sent):
                digest, part = sent[done]
                try:
                    self._heard[digest] = done.result()
                except SvpError as error:
                    problem = error
                    continue
                self._record(meter, self._heard[digest].billed_s or part.length_s)
        if problem is not None:
            raise problem
        return [self._heard[digest] for digest in digests]

    def _send(self, client: Any, file: Path, part: Span) -> PartHeard:
        return openai_speech.hear(client, file, model=self.model, length_s=part.length_s, attempts=self.attempts)

    def _record(self, meter: Meter, seconds: float) -> None:
        prices = load_prices(Path(self.prices_file) if self.prices_file else None)
        cost_usd = prices.of_speech(self.model, seconds=seconds)
        meter.record(PaidCall(service="speech", model=self.model, units=seconds, unit="seconds", cost_usd=cost_usd))


class LocalSpeech(dg.ConfigurableResource):
    """faster-whisper on this machine, where its model is present or can be fetched. Costs nothing but time."""

    model: str = Field(default="base", description="A size (tiny, base, small …), a hub's repository, or a folder.")

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return f"faster-whisper 1 {self.model} int8"

    def prepare(self) -> None:
        """Nothing: the model is large, and is loaded once somebody is known to speak."""

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:  # noqa: ARG002 (nothing is paid)
        """The transcript; without the model an empty one that says so."""
        folder = local_speech.find(self.model)
        if folder is None:
            return Transcript(note=f"The speech was not transcribed: the model “{self.model}” is not installed.")
        samples = audio.samples(sound).astype("float32") / 32768
        clips = [second for part in voice.parts(speech, longest_s=PART_S, gap_s=GAP_S) for second in _seconds(part)]
        found, info = local_speech.load(folder).transcribe(
            samples, clip_timestamps=clips, condition_on_previous_text=False, vad_filter=False
        )
        heard = [
            Heard(
                segment=Segment(start_s=one.start, end_s=one.end, text=one.text.strip()),
                no_speech=one.no_speech_prob,
                confidence=one.avg_logprob,
            )
            for one in found
        ]
        return _transcript(believable(heard), language=info.language, source=f"faster-whisper {self.model}")


class NoSpeech(dg.ConfigurableResource):
    """Hears nothing, and says so."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line."""
        return "no speech engine"

    def prepare(self) -> None:
        """There is nothing to load."""

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:  # noqa: ARG002 (it hears nothing)
        """An empty transcript with a note."""
        return Transcript(note="The speech was not transcribed: no speech engine is set up.")


def _seconds(part: Span) -> tuple[float, float]:
    return part.start_s, part.end_s


def _shifted(segment: Segment, part: Span) -> Segment:
    """The segment of a part with times of the whole."""
    moved = {"start_s": round(part.start_s + segment.start_s, 2), "end_s": round(part.start_s + segment.end_s, 2)}
    return segment.model_copy(update=moved)


def _transcript(segments: Iterable[Segment], *, language: str | None, source: str) -> Transcript:
    ordered = tuple(segments)
    text = " ".join(segment.text for segment in ordered)
    if not text:
        return Transcript(source=source, no_speech=True, note=NOTHING_HEARD)
    return Transcript(text=text, language=language, segments=ordered, source=source)
