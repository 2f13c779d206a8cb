"""Gemini as a speech engine, through its SDK and over a socket."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.media.probe import probe
from svp_dagster.models import Span
from svp_dagster.prices import LISTED, Prices
from svp_dagster.speech import audio
from svp_dagster.speech.gemini_speech import PART_S, GeminiSpeech
from tests.fakes import CountingMeter
from tests.media.making import CLIPS
from tests.sandbox.ai_service import AiService, ai_service

KEY = "AIza-not-a-real-key"
MODEL = "gemini-3.5-flash-lite"
SPEECH = [Span(0.2, 6.0), Span(7.0, 14.0)]
FAR_APART = [Span(0.2, 2.5), Span(18.0, 20.0)]
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


@pytest.fixture(autouse=True)
def as_new(service: AiService) -> None:
    service.steer("reset")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return audio.decode([probe(CLIPS / "pancakes.mp4")], tmp_path_factory.mktemp("sound"), limit_s=30)


def engine(service: AiService, **settings: Any) -> GeminiSpeech:
    given: dict[str, Any] = {"api_key": KEY, "base_url": service.url, "timeout_s": 20.0, "attempts": 1}
    return GeminiSpeech(**given | settings)


def failed(speech: GeminiSpeech, sound: Path, meter: CountingMeter | None = None) -> SvpError:
    with pytest.raises(SvpError) as caught:
        speech.transcribe(sound, speech=SPEECH, meter=meter or CountingMeter())
    for text in (str(caught.value), caught.value.sentence, caught.value.detail):
        assert KEY not in text
    return caught.value


def answer(*lines: tuple[str, str, str], sung: bool = False) -> dict[str, Any]:
    segments = [{"start": start, "end": end, "text": text, "sung": sung} for start, end, text in lines]
    return {"speech": True, "language": "en", "segments": segments}


def script(service: AiService, given: Any, **fields: Any) -> None:
    service.steer("gemini", hears=True, answer=given, **fields)


def quota(name: str, *, delay: str) -> dict[str, Any]:
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name, "quotaValue": "15"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    return {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded it.", "details": details}}


def test_what_is_said_comes_with_times_language_and_tokens(service: AiService, sound: Path) -> None:
    service.steer("speech", text="Mix the flour. Then rest.", language="de")
    meter = CountingMeter()
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=meter)
    assert transcript.text == "Mix the flour. Then rest."
    assert (transcript.language, transcript.source) == ("de", MODEL)
    assert [segment.text for segment in transcript.segments] == ["Mix the flour.", "Then rest."]
    assert transcript.segments[0].start_s == pytest.approx(0.2, abs=0.01)
    assert transcript.segments[-1].end_s == pytest.approx(14, abs=0.2)
    (call,) = meter.calls
    assert (call.service, call.model, call.unit) == ("speech", MODEL, "tokens")
    assert call.units == sum(call.detail.values())
    assert 14 * 32 < call.detail["input"] < 14 * 32 + 800


def test_a_minute_costs_less_than_half_of_whisper(service: AiService, sound: Path) -> None:
    meter = CountingMeter()
    engine(service).transcribe(sound, speech=[Span(0.0, 20.0)], meter=meter)
    prices = Prices(table=LISTED)
    ours = prices.cost_usd(meter.calls[0])
    theirs = prices.of_speech("whisper-1", seconds=20)
    assert ours is not None
    assert theirs is not None
    assert 0 < ours < theirs / 2


def test_the_sound_goes_along_as_mp3_under_the_limit_of_a_request(service: AiService, sound: Path) -> None:
    engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter())
    (request,) = service.requests
    (turn,) = request["body"]["contents"]
    (blob,) = [part["inlineData"] for part in turn["parts"] if "inlineData" in part]
    assert blob["mime_type"] == "audio/mp3"
    assert len(base64.urlsafe_b64decode(blob["data"])) < 14.5 * audio.BITS_PER_S / 8
    assert PART_S * audio.BITS_PER_S / 8 * 4 / 3 < 15_000_000


def test_long_pauses_are_neither_sent_nor_paid(service: AiService, sound: Path) -> None:
    service.steer("speech", text="Hello.")
    meter = CountingMeter()
    transcript = engine(service).transcribe(sound, speech=FAR_APART, meter=meter)
    assert len(meter.calls) == 2
    assert service.ledger["gemini"]["audio_s"] < 5
    assert transcript.segments[0].start_s < 3
    assert transcript.segments[-1].start_s >= 18


def test_a_pause_that_counts_less_than_another_call_is_sent(service: AiService, sound: Path) -> None:
    engine(service).transcribe(sound, speech=[Span(0.2, 2.5), Span(12.0, 14.0)], meter=CountingMeter())
    assert service.ledger["gemini"]["calls"] == 1


def test_lyrics_are_marked(service: AiService, sound: Path) -> None:
    script(service, answer(("00:01", "00:04", "All night long"), sung=True))
    (segment,) = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter()).segments
    assert segment.sung


def test_wrong_times_fall_back_to_those_of_the_part(service: AiService, sound: Path) -> None:
    script(service, answer(("09:10", "09:12", "Mix the flour."), ("00:01", "00:03", "Then rest.")))
    (segment,) = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter()).segments
    assert (segment.start_s, segment.end_s, segment.text) == (0.2, 14.0, "Mix the flour. Then rest.")


def test_where_nobody_speaks_there_is_no_transcript_and_a_note(service: AiService, sound: Path) -> None:
    script(service, {"speech": False, "language": "", "segments": []})
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert (transcript.text, transcript.no_speech) == ("", True)
    assert transcript.note


@pytest.mark.parametrize("reason", ["RECITATION", "OTHER", "SAFETY", "PROHIBITED_CONTENT"])
def test_an_answer_that_is_withheld_twice_is_an_empty_transcript_with_a_note(
    service: AiService, sound: Path, reason: str
) -> None:
    script(service, None, finishReason=reason, times=2)
    meter = CountingMeter()
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=meter)
    assert (transcript.text, transcript.no_speech) == ("", False)
    assert "Gemini" in transcript.note
    assert reason.replace("_", " ").lower() in transcript.note
    assert len(service.requests) == len(meter.calls) == meter.checks == 2


@pytest.mark.parametrize("reason", ["RECITATION", "SAFETY"])
def test_an_answer_that_is_withheld_once_is_asked_for_once_more(service: AiService, sound: Path, reason: str) -> None:
    script(service, None, finishReason=reason)
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert transcript.text
    assert transcript.note == ""


def test_a_blocked_prompt_is_an_empty_transcript_with_a_note(service: AiService, sound: Path) -> None:
    script(service, None, blockReason="PROHIBITED_CONTENT", times=None)
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert (transcript.text, transcript.no_speech) == ("", False)
    assert "prohibited content" in transcript.note


@pytest.mark.parametrize("given", ["Mix the flour.", '{"speech": true', {"segments": 3}, ""])
def test_an_answer_that_is_no_transcript_is_asked_for_once_more(service: AiService, sound: Path, given: Any) -> None:
    script(service, given)
    meter = CountingMeter()
    assert engine(service).transcribe(sound, speech=SPEECH, meter=meter).text
    assert len(meter.calls) == 2

    script(service, given, times=2)
    assert failed(engine(service), sound).code is Code.SPEECH_FAILED


def test_of_an_endless_answer_what_is_whole_is_kept(service: AiService, sound: Path) -> None:
    cut = '{"speech": true, "language": "en", "segments": [{"start": "00:01", "end": "00:03", "text": "Mix.", '
    cut += '"sung": false}, {"start": "00:04", "end": "00:05", "text": "oh oh oh oh oh oh'
    script(service, cut, finishReason="MAX_TOKENS")
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert transcript.text == "Mix."
    assert "cut off" in transcript.note
    assert service.requests[0]["body"]["generationConfig"]["maxOutputTokens"] < 2_000


def test_a_schema_that_is_refused_is_left_out(service: AiService, sound: Path) -> None:
    service.steer("gemini", hears=True, refuseSchema=True)
    script(service, answer(("00:01", "00:03", "Mix.")))
    assert engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter()).text == "Mix."
    first, second = (request["body"]["generationConfig"] for request in service.requests)
    assert "responseJsonSchema" in first
    assert "responseJsonSchema" not in second


def test_sound_that_is_refused_is_not_sent_again(service: AiService, sound: Path) -> None:
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Request contains an invalid argument."}}
    service.steer("faults", path="generateContent", status=400, body=body, times=None)
    error = failed(engine(service), sound)
    assert (error.code, error.retry) == (Code.SPEECH_FAILED, Retry.NEVER)
    assert len(service.requests) == 2  # with the schema and without


def test_nothing_is_sent_without_budget(service: AiService, sound: Path) -> None:
    assert failed(engine(service), sound, CountingMeter(calls_allowed=0)).code is Code.BUDGET_REACHED
    assert service.requests == []


def test_a_missing_key_and_a_wrong_one_name_the_setting(service: AiService, sound: Path) -> None:
    for key in ("", f"invalid-{KEY}"):
        error = failed(engine(service, api_key=key), sound)
        assert error.code is Code.KEY_REJECTED
        assert "GEMINI_API_KEY" in error.sentence


def test_a_retired_model_names_the_setting(service: AiService, sound: Path) -> None:
    error = failed(engine(service, model="gemini-1.5-flash"), sound)
    assert error.code is Code.MODEL_RETIRED
    assert "SVP_GEMINI_MODEL" in error.sentence


@pytest.mark.parametrize(
    ("fault", "code", "retry", "retry_after_s"),
    [
        ({"status": 429, "body": quota(PER_MINUTE, delay="36s")}, Code.SERVICE_UNREACHABLE, Retry.NOW, 36.0),
        ({"status": 429, "body": quota(PER_DAY, delay="36s")}, Code.QUOTA_EXHAUSTED, Retry.LATER, 3600.0),
        ({"status": 503}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"garbage": "html"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"cut": "mid_answer"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"delay_s": 1.5, "status": 503}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
    ],
    ids=["per minute", "per day", "503", "html", "cut", "slow"],
)
def test_every_way_to_fail_is_a_failure_of_the_table(
    service: AiService, sound: Path, fault: dict[str, Any], code: Code, retry: Retry, retry_after_s: float | None
) -> None:
    service.steer("faults", path="generateContent", times=None, **fault)
    error = failed(engine(service, timeout_s=0.5), sound)
    assert (error.code, error.retry, error.retry_after_s) == (code, retry, retry_after_s)


def test_the_next_attempt_pays_only_for_the_parts_that_failed(service: AiService, sound: Path) -> None:
    service.steer("faults", path="generateContent", status=503, times=1, after=1)
    meter, speech = CountingMeter(), engine(service)
    with pytest.raises(SvpError):
        speech.transcribe(sound, speech=FAR_APART, meter=meter)
    assert speech.transcribe(sound, speech=FAR_APART, meter=meter).text
    assert len(meter.calls) == 2
    assert service.ledger["gemini"]["calls"] == 2


def test_the_key_is_not_shown(service: AiService) -> None:
    assert KEY not in repr(engine(service))
    assert KEY not in engine(service).recipe
