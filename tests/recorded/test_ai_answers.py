"""Every answer of the AI services that we know of: its code, its retry class and its sentence.

The bodies are of our own making and have the recorded shapes. `unknown` marks those that no rule knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from svp_dagster import unknown_answers
from svp_dagster.errors import SvpError
from svp_dagster.media.probe import probe
from svp_dagster.models import JsonObject, Span
from svp_dagster.screen.engines import VisionReader
from svp_dagster.screen.lines import join_words
from svp_dagster.speech import audio
from svp_dagster.speech.engines import OpenAISpeech
from svp_dagster.summary.engines import GeminiSummarizer
from svp_dagster.unknown_answers import UnknownAnswer
from tests.fakes import CountingMeter, RecordingAnswers
from tests.media.making import CLIPS
from tests.sandbox.ai_service import AiService, ai_service
from tests.screen.test_engines import pictures
from tests.summary.recipe import wanted

FOLDER = Path(__file__).parent
KEY = "sk-canary-of-the-installation"


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return audio.decode([probe(CLIPS / "pancakes.mp4")], tmp_path_factory.mktemp("sound"), limit_s=30)


@pytest.fixture
def reported() -> Iterator[list[UnknownAnswer]]:
    recorder = RecordingAnswers()
    unknown_answers.keep_in(recorder)
    yield recorder.answers
    unknown_answers.keep_in(None)


def of(name: str) -> list[Any]:
    found = sorted((FOLDER / name).glob("*.json"))
    assert found
    return [pytest.param(json.loads(path.read_text()), id=path.stem) for path in found]


def answer_with(service: AiService, recorded: JsonObject) -> None:
    service.steer("reset")
    fields = {name: recorded[name] for name in ("status", "body", "headers") if name in recorded}
    service.steer("faults", times=None, **fields)


def check_failure(error: SvpError, expected: JsonObject) -> None:
    assert (error.code, error.retry, error.sentence) == (expected["code"], expected["retry"], expected["sentence"])
    assert KEY not in f"{error} {error.detail}"


def check_report(reported: list[UnknownAnswer], recorded: JsonObject) -> None:
    assert bool(reported) is recorded["expected"].get("unknown", False)
    for answer in reported:
        assert answer.status == recorded["status"]
        assert answer.body
        assert KEY not in answer.model_dump_json()


def check_requests(service: AiService, expected: JsonObject) -> None:
    if "requests" in expected:
        assert len(service.requests) == expected["requests"]


@pytest.mark.parametrize("recorded", of("openai"))
def test_an_answer_of_openai_is_understood(
    service: AiService, sound: Path, reported: list[UnknownAnswer], recorded: JsonObject
) -> None:
    answer_with(service, recorded)
    speech = OpenAISpeech(api_key=KEY, base_url=f"{service.url}/v1", attempts=1)
    with pytest.raises(SvpError) as caught:
        speech.transcribe(sound, speech=[Span(0.2, 6.0)], meter=CountingMeter())
    check_failure(caught.value, recorded["expected"])
    check_report(reported, recorded)


@pytest.mark.parametrize("recorded", of("gemini"))
def test_an_answer_of_gemini_is_understood(
    service: AiService, reported: list[UnknownAnswer], recorded: JsonObject
) -> None:
    answer_with(service, recorded)
    gemini = GeminiSummarizer(api_key=KEY, base_url=service.url, attempts=1)
    expected = recorded["expected"]
    if "note" in expected:
        assert gemini.summarize(wanted(), meter=CountingMeter()).note == expected["note"]
    else:
        with pytest.raises(SvpError) as caught:
            gemini.summarize(wanted(), meter=CountingMeter())
        check_failure(caught.value, expected)
    check_requests(service, expected)
    check_report(reported, recorded)


@pytest.mark.parametrize("recorded", of("vision"))
def test_an_answer_of_vision_is_understood(
    service: AiService, tmp_path: Path, reported: list[UnknownAnswer], recorded: JsonObject
) -> None:
    answer_with(service, recorded)
    reader = VisionReader(api_key=KEY, endpoint=service.url)
    expected = recorded["expected"]
    if "lines" in expected:
        (words,) = reader.read(pictures(tmp_path, 1), meter=CountingMeter(), limit_s=30)
        assert words is not None
        assert [line.text for line in join_words(words)] == expected["lines"]
    else:
        with pytest.raises(SvpError) as caught:
            reader.read(pictures(tmp_path, 1), meter=CountingMeter(), limit_s=1.2)
        check_failure(caught.value, expected)
    check_requests(service, expected)
    check_report(reported, recorded)
