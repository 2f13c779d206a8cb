"""What `svp check` asks the speech engine: two seconds of speech that come with the package, made with espeak-ng."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

from svp_dagster.commands.checks.line import Answer, CheckLine, Questions, skipped
from svp_dagster.media.probe import probe
from svp_dagster.models import Span, Transcript
from svp_dagster.ports import SpeechEngine
from svp_dagster.speech import audio
from svp_dagster.speech.engines import OpenAISpeech
from svp_dagster.speech.gemini_speech import GeminiSpeech
from svp_dagster.speech.voice import SAMPLES_PER_S

PaidSpeech = OpenAISpeech | GeminiSpeech

ASKED = "speech"
SERVICES: dict[type[PaidSpeech], str] = {OpenAISpeech: "openai", GeminiSpeech: "gemini"}
WORDS = "boil the pasta and add the basil"
BILLED_S = 3.0
"""The sample has 2.4 seconds."""

TOKENS_READ, TOKENS_WRITTEN = 600, 80
"""About what Gemini takes for it."""

_DECODING_LIMIT_S = 30.0
_MIN_SHARE = 0.6
"""Share of the words that have to be heard: the voice is a synthesizer's."""
_LANGUAGE = "en"


def check_speech(engine: SpeechEngine, questions: Questions) -> Iterator[CheckLine]:
    """Yield the one line."""
    if not isinstance(engine, PaidSpeech):
        yield skipped(SERVICES[OpenAISpeech], ASKED, "Set OPENAI_API_KEY or GEMINI_API_KEY.")
        return
    expected = f"“{WORDS}”, language {_LANGUAGE}, by {engine.model}"
    yield questions.ask(SERVICES[type(engine)], ASKED, expected=expected, how=lambda: _transcribe(engine, questions))


def _transcribe(engine: PaidSpeech, questions: Questions) -> Answer:
    with tempfile.TemporaryDirectory() as folder, as_file(files(__package__) / "speech.mp3") as sample:
        sound = audio.decode([probe(sample)], Path(folder), limit_s=_DECODING_LIMIT_S)
        length_s = len(audio.samples(sound)) / SAMPLES_PER_S
        heard = engine.transcribe(sound, speech=[Span(0.0, length_s)], meter=questions.tally)
    segments = f"{len(heard.segments)} segments" if len(heard.segments) != 1 else "1 segment"
    got = f"“{heard.text}”, language {heard.language or 'not named'}, {segments}, by {heard.source}"
    got = f"{got}. {heard.note}" if heard.note else got
    return Answer(got=got, advice=_advice(engine, heard))


def _advice(engine: PaidSpeech, heard: Transcript) -> str:
    if heard.source != engine.model:
        return f"{engine.model} is not available (any more) and {heard.source} serves: set SVP_SPEECH_MODEL to it."
    words = set(re.findall(r"\w+", heard.text.lower()))
    expected = set(WORDS.split())
    if len(expected & words) < _MIN_SHARE * len(expected):
        return "Other words than were said. Please report it with this table."
    if heard.language != _LANGUAGE:
        return "Another language, or none, is read. Please report it with this table."
    return ""
