"""`svp check` and the paid services: what it says of the stand-ins, and of those that answer otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flask import Response, request

from sandbox.ai.server import create_app
from sandbox.serving import serve
from svp_dagster.commands.checks import screen, speech, summary
from svp_dagster.commands.checks.line import CheckLine, Questions
from svp_dagster.screen.engines import LocalReader, VisionReader
from svp_dagster.speech.engines import NoSpeech, OpenAISpeech
from svp_dagster.speech.gemini_speech import GeminiSpeech
from svp_dagster.summary.engines import ExtractiveSummarizer, GeminiSummarizer
from tests.commands.checking import ANSWER, answer_as_expected, line, show_sheet, verdicts
from tests.sandbox.ai_service import AiService


@pytest.fixture
def ai(gemini: AiService) -> AiService:
    """The stand-ins, which hear and answer what the check expects of the real services."""
    answer_as_expected(gemini)
    return gemini


@contextmanager
def service_with(change: Callable[[dict[str, Any]], None], *, path: str) -> Iterator[str]:
    """The address of stand-ins whose answers at a path are changed."""
    app = create_app()

    @app.after_request
    def changed(response: Response) -> Response:
        if request.path.endswith(path) and response.status_code == 200:
            body = json.loads(response.get_data())
            change(body)
            response.set_data(json.dumps(body))
        return response

    with serve(app) as served:
        yield served.url


def check_speech(url: str, questions: Questions, *, key: str = "canary-speech", **options: Any) -> CheckLine:
    engine = OpenAISpeech(api_key=key, base_url=f"{url}/v1", **options)
    (found,) = speech.check_speech(engine, questions)
    return found


def check_gemini_speech(url: str, questions: Questions, **options: Any) -> CheckLine:
    (found,) = speech.check_speech(GeminiSpeech(api_key="canary-speech", base_url=url, **options), questions)
    return found


def check_screen(url: str, questions: Questions, *, key: str = "canary-vision") -> list[CheckLine]:
    return list(screen.check_screen(VisionReader(api_key=key, endpoint=url), questions))


def check_summary(url: str, questions: Questions, *, key: str = "canary-summary", **options: Any) -> CheckLine:
    (found,) = summary.check_summary(GeminiSummarizer(api_key=key, base_url=url, **options), questions)
    return found


def test_all_is_heard_read_and_answered_as_expected(ai: AiService, questions: Questions) -> None:
    show_sheet(ai, 30, small=30)
    show_sheet(ai, 15, small=15)
    lines = [
        check_speech(ai.url, questions),
        *check_screen(ai.url, questions),
        check_summary(ai.url, questions),
    ]
    assert set(verdicts(lines).values()) == {"ok"}
    heard = line(lines, "openai: speech")
    assert heard.got == "“Boil the pasta and add the basil.”, language en, 1 segment, by whisper-1"
    assert heard.cost_usd == pytest.approx(3 * 0.006 / 60)
    assert line(lines, "vision: sheet of 30").got == "30 of 30 large and 30 of 30 small words"
    assert line(lines, "vision: sheet of 30").cost_usd == 0.0015
    assert line(lines, "vision: punctuation").cost_usd == 0
    answered = line(lines, "gemini: schema")
    assert answered.got.startswith("minutes 15, meal breakfast; ")
    assert answered.cost_usd is not None
    assert 0 < answered.cost_usd < 0.005


def test_without_keys_nothing_is_asked_and_each_line_names_its_key(questions: Questions) -> None:
    lines = [
        *speech.check_speech(NoSpeech(), questions),
        *screen.check_screen(LocalReader(), questions),
        *summary.check_summary(ExtractiveSummarizer(), questions),
    ]
    assert set(verdicts(lines).values()) == {"skipped"}
    assert {each.advice for each in lines} == {
        "Set OPENAI_API_KEY or GEMINI_API_KEY.",
        "Set GOOGLE_VISION_API_KEY.",
        "Set GEMINI_API_KEY.",
    }


def test_a_wrong_key_is_a_sentence_that_names_the_setting_and_never_the_key(
    ai: AiService, questions: Questions
) -> None:
    key = "sk-invalid-canary-0123456789"
    screen_lines = check_screen(ai.url, questions, key=key)
    assert [each.verdict for each in screen_lines] == ["failed", "failed", "skipped"]
    lines = [
        check_speech(ai.url, questions, key=key),
        screen_lines[0],
        check_summary(ai.url, questions, key=key),
    ]
    for found, setting in zip(lines, ("OPENAI_API_KEY", "GOOGLE_VISION_API_KEY", "GEMINI_API_KEY"), strict=True):
        assert found.verdict == "failed"
        assert "doesn't accept this installation's key" in found.advice
        assert setting in found.advice
        assert "canary" not in f"{found.got} {found.advice}"
        assert found.cost_usd == 0


def test_gemini_is_asked_what_it_hears_where_it_hears(ai: AiService, questions: Questions) -> None:
    heard = check_gemini_speech(ai.url, questions)
    assert (heard.name, heard.verdict) == ("gemini: speech", "ok")
    assert heard.got == "“Boil the pasta and add the basil.”, language en, 1 segment, by gemini-3.5-flash-lite"
    assert heard.cost_usd is not None
    assert 0 < heard.cost_usd < 0.001


def test_speech_that_gemini_withholds_is_told_with_its_reason(ai: AiService, questions: Questions) -> None:
    ai.steer("gemini", hears=True, answer=None, finishReason="SAFETY", times=None)
    heard = check_gemini_speech(ai.url, questions)
    assert heard.verdict == "differs"
    assert "safety" in heard.got
    assert "SVP_GEMINI_MODEL" in check_gemini_speech(ai.url, questions, model="gemini-1.5-flash").advice


def test_a_retired_speech_model_names_its_successor(ai: AiService, questions: Questions) -> None:
    ai.steer("models", retire=["whisper-1"])
    heard = check_speech(ai.url, questions)
    assert heard.verdict == "differs"
    assert heard.got.endswith("by gpt-transcribe")
    assert "whisper-1 is not available (any more)" in heard.advice
    assert "set SVP_SPEECH_MODEL to it" in heard.advice


def test_a_model_without_a_successor_is_a_sentence(ai: AiService, questions: Questions) -> None:
    ai.steer("models", retire=["gpt-transcribe", "gemini-3.5-flash-lite"])
    heard = check_speech(ai.url, questions, model="gpt-transcribe")
    assert (heard.verdict, heard.got.partition(":")[0]) == ("failed", "model_retired")
    assert "SVP_SPEECH_MODEL" in heard.advice
    assert "SVP_GEMINI_MODEL" in check_summary(ai.url, questions).advice


def test_speech_in_another_shape_is_told(ai: AiService, questions: Questions) -> None:
    ai.control.delete("/_sandbox/speech")
    ai.steer("speech", text="Something else was said.")
    assert "Other words than were said" in check_speech(ai.url, questions).advice

    def unnamed(body: dict[str, Any]) -> None:
        body["text"], body["language"] = speech.WORDS, {"name": "English"}
        body["segments"] = [body["segments"][0] | {"text": speech.WORDS}]

    with service_with(unnamed, path="/audio/transcriptions") as url:
        heard = check_speech(url, questions)
    assert "language not named" in heard.got
    assert "Another language, or none, is read" in heard.advice


def test_small_print_that_a_large_sheet_loses_is_counted(ai: AiService, questions: Questions) -> None:
    show_sheet(ai, 30, small=21)
    show_sheet(ai, 15, small=15)
    lines = check_screen(ai.url, questions)
    assert verdicts(lines) == {
        "vision: sheet of 30": "differs",
        "vision: sheet of 15": "ok",
        "vision: punctuation": "ok",
    }
    assert line(lines, "vision: sheet of 30").got == "30 of 30 large and 21 of 30 small words"
    assert "SVP_TILES_PER_SHEET=15" in line(lines, "vision: sheet of 30").advice


def test_text_without_its_breaks_is_told_from_no_text(questions: Questions) -> None:
    def flat(body: dict[str, Any]) -> None:
        for answer in body["responses"]:
            answer.pop("fullTextAnnotation", None)

    with service_with(flat, path="/v1/images:annotate") as url, httpx.Client(base_url=url) as control:
        for count in screen.SHEETS:
            show_sheet(AiService(url, control), count, small=count)
        lines = check_screen(url, questions)
    first = line(lines, "vision: sheet of 30")
    assert first.verdict == "differs"
    assert (
        first.got == "0 of 30 large and 0 of 30 small words (no rule knows: textAnnotations without fullTextAnnotation)"
    )


def test_marks_that_are_read_otherwise_are_shown(ai: AiService, questions: Questions) -> None:
    show_sheet(ai, 30, small=30)
    show_sheet(ai, 15, small=15, marks="# pasta ( 972 ) 243 - 2932")
    marks = line(check_screen(ai.url, questions), "vision: punctuation")
    assert marks.verdict == "differs"
    assert "# pasta ( 972 ) 243 - 2932" in marks.got


@pytest.mark.parametrize(
    ("script", "got", "advice"),
    [
        ({"refuseSchema": True}, "the schema is refused: 400 INVALID_ARGUMENT", "asked for without the schema"),
        ({"finishReason": "RECITATION", "times": 2}, "withheld, finish reason recitation", "pages quote instead"),
        ({"finishReason": "MAX_TOKENS", "answer": "{"}, "It was cut off", "asked for once more"),
        ({"answer": {"overview": "x", "properties": {"name": None, "minutes": None}}}, "$.properties", "not enforced"),
        ({"answer": json.loads(json.dumps(ANSWER).replace("15", "51"))}, "minutes 51", "Other values"),
    ],
    ids=["schema refused", "withheld", "cut off", "not enforced", "wrong value"],
)
def test_other_answers_of_gemini_are_told_apart(
    gemini: AiService, questions: Questions, script: dict[str, Any], got: str, advice: str
) -> None:
    gemini.steer("gemini", **script)
    answered = check_summary(gemini.url, questions)
    assert answered.verdict == "differs"
    assert got in answered.got
    assert advice in answered.advice
    assert answered.cost_usd is not None


def test_a_blocked_answer_says_its_reason(gemini: AiService, questions: Questions) -> None:
    gemini.steer("gemini", finishReason="SAFETY")
    answered = check_summary(gemini.url, questions)
    assert (answered.verdict, answered.got) == ("failed", "summary_blocked: SAFETY")


def test_an_answer_that_no_rule_knows_is_named_on_its_line(gemini: AiService, questions: Questions) -> None:
    gemini.steer("faults", path="/audio/transcriptions", status=418, body={"error": {"message": "tea", "code": "pot"}})
    heard = check_speech(gemini.url, questions)
    assert heard.verdict == "failed"
    assert heard.got.endswith("(no rule knows: None pot)")
