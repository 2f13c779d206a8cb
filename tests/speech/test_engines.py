from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.ai.speech import LANGUAGE_NAMES
from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.media.probe import probe
from svp_dagster.models import Span
from svp_dagster.speech import audio, local_speech, parts
from svp_dagster.speech.engines import COARSE_PART_S, LocalSpeech, NoSpeech, OpenAISpeech, _warn_of_successor
from tests.fakes import CountingMeter
from tests.media.making import CLIPS
from tests.sandbox.ai_service import AiService, ai_service
from tests.speech.random_whisper import write_random_model

KEY = "sk-secret-of-the-installation"
SPEECH = [Span(0.2, 6.0), Span(7.0, 14.0)]
FAR_APART = [Span(0.2, 3.0), Span(11.0, 14.0)]


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


def engine(service: AiService, **settings: Any) -> OpenAISpeech:
    given: dict[str, Any] = {"api_key": KEY, "base_url": f"{service.url}/v1", "timeout_s": 10.0}
    return OpenAISpeech(**given | settings)


def failed(speech: OpenAISpeech, sound: Path, meter: CountingMeter | None = None) -> SvpError:
    with pytest.raises(SvpError) as caught:
        speech.transcribe(sound, speech=SPEECH, meter=meter or CountingMeter())
    for text in (str(caught.value), caught.value.sentence, caught.value.detail):
        assert KEY not in text
    return caught.value


def test_what_is_said_comes_with_times_language_and_usage(service: AiService, sound: Path) -> None:
    service.steer("speech", text="Mix the flour. Then rest.", language="de")
    meter = CountingMeter()
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=meter)
    assert transcript.text == "Mix the flour. Then rest."
    assert (transcript.language, transcript.source) == ("de", "whisper-1")
    assert [segment.text for segment in transcript.segments] == ["Mix the flour.", "Then rest."]
    assert transcript.segments[0].start_s == pytest.approx(0.2, abs=0.01)
    assert transcript.segments[-1].end_s == pytest.approx(14, abs=0.2)
    (call,) = meter.calls
    assert (call.service, call.model, call.unit) == ("speech", "whisper-1", "seconds")
    assert call.units == pytest.approx(14, abs=1)


def test_a_model_without_segments_gives_the_times_of_the_parts(service: AiService, sound: Path) -> None:
    service.steer("speech", text="First.", match={"file_name": "000"})
    service.steer("speech", text="Second.", match={"file_name": "001"})
    transcript = engine(service, model="gpt-transcribe").transcribe(sound, speech=FAR_APART, meter=CountingMeter())
    assert [(s.text, s.start_s, s.end_s) for s in transcript.segments] == [
        ("First.", 0.2, 3.0),
        ("Second.", 11.0, 14.0),
    ]
    assert transcript.text == "First. Second."
    assert COARSE_PART_S < 60


def test_long_pauses_are_neither_sent_nor_paid(service: AiService, sound: Path) -> None:
    meter = CountingMeter()
    engine(service).transcribe(sound, speech=FAR_APART, meter=meter)
    assert len(meter.calls) == 2
    assert sum(call.units for call in meter.calls) <= 8
    assert service.ledger["openai"]["audio_s"] < 7


def test_words_made_up_over_music_are_no_transcript(service: AiService, sound: Path) -> None:
    invented = {"start": 0, "end": 5, "text": "Thanks for watching!", "no_speech_prob": 0.93, "avg_logprob": -1.2}
    service.steer("speech", segments=[invented])
    transcript = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert (transcript.text, transcript.segments, transcript.no_speech) == ("", (), True)
    assert "too faintly to understand" in transcript.note


def test_words_of_which_the_model_is_unsure_are_doubtful(service: AiService, sound: Path) -> None:
    for confidence, doubtful in ((-1.1, True), (-0.9, False)):
        service.steer("reset")
        service.steer("speech", segments=[{"start": 0, "end": 5, "text": "Then we", "avg_logprob": confidence}])
        assert engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter()).doubtful is doubtful


@pytest.mark.parametrize(
    ("languages", "doubtful"),
    [(["de", "de"], False), ([None, None], True), ([None, "de"], True), (["de", None], False)],
)
def test_words_in_no_clear_language_are_doubtful(
    service: AiService, sound: Path, monkeypatch: pytest.MonkeyPatch, languages: list[str | None], doubtful: bool
) -> None:
    """The newest model gives no certainty. The second part of the speech is shorter than the first."""
    monkeypatch.setattr(parts, "PARALLEL_PARTS", 1)
    for place, language in enumerate(languages):
        body = {"text": "Mix it.", "languages": [{"code": language}] if language else []}
        service.steer("faults", path="transcriptions", status=200, body=body, times=1, after=place)
    apart = [Span(0.2, 4.0), Span(11.0, 13.0)]
    speech = engine(service, model="gpt-transcribe")
    assert speech.transcribe(sound, speech=apart, meter=CountingMeter()).doubtful is doubtful


def test_times_that_make_no_sense_stay_inside_the_part(service: AiService, sound: Path) -> None:
    service.steer("speech", segments=[{"start": -5, "end": 9000, "text": "Hello."}])
    (segment,) = engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter()).segments
    assert 0 <= segment.start_s <= segment.end_s <= 14.1


def test_a_part_that_fails_is_sent_again_alone(service: AiService, sound: Path) -> None:
    service.steer("faults", path="transcriptions", status=500, times=1)
    meter = CountingMeter()
    transcript = engine(service).transcribe(sound, speech=FAR_APART, meter=meter)
    assert len(transcript.segments) >= 2
    assert [request["status"] for request in service.requests].count(200) == 2
    assert len(service.requests) == 3
    assert len(meter.calls) == 2


def test_the_next_attempt_pays_only_for_the_parts_that_failed(service: AiService, sound: Path) -> None:
    service.steer("faults", path="transcriptions", status=500, times=1, after=1)
    meter, speech = CountingMeter(), engine(service, attempts=1)
    with pytest.raises(SvpError):
        speech.transcribe(sound, speech=FAR_APART, meter=meter)
    transcript = speech.transcribe(sound, speech=FAR_APART, meter=meter)
    assert transcript.text
    assert len(meter.calls) == 2
    assert service.ledger["openai"]["calls"] == 2


def test_nothing_is_sent_without_budget(service: AiService, sound: Path) -> None:
    error = failed(engine(service), sound, CountingMeter(calls_allowed=0))
    assert error.code is Code.BUDGET_REACHED
    assert service.requests == []


def test_a_missing_key_and_a_wrong_one_name_the_setting(service: AiService, sound: Path) -> None:
    for key in ("", f"invalid-{KEY}"):
        error = failed(engine(service, api_key=key), sound)
        assert error.code is Code.KEY_REJECTED
        assert "OPENAI_API_KEY" in error.sentence
    assert len(service.requests) == 1


def test_a_retired_model_is_replaced_by_its_successor_and_the_operator_hears_once(
    service: AiService, sound: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _warn_of_successor.cache_clear()
    service.steer("models", retire=["whisper-1"])
    meter = CountingMeter()
    first, second = (engine(service).transcribe(sound, speech=SPEECH, meter=meter) for _ in range(2))
    assert first.text
    assert first.source == second.source == "gpt-transcribe"
    assert (first.segments[0].start_s, first.segments[-1].end_s) == (0.2, 14.0)
    assert {call.model for call in meter.calls} == {"gpt-transcribe"}
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    for part in ("whisper-1", "gpt-transcribe", "SVP_SPEECH_MODEL"):
        assert part in warning


@pytest.mark.parametrize(
    ("given", "language"),
    [
        ({"language": {"code": "de"}}, "de"),
        ({"language": {"code": "PT"}}, "pt"),
        ({"languages": [{"code": "fr"}, {"code": "en"}]}, "fr"),
        ({"language": {"name": "German"}}, None),
        ({"language": None}, None),
        ({}, None),
    ],
)
def test_a_language_may_be_an_object_with_its_code(
    service: AiService, sound: Path, given: dict[str, Any], language: str | None
) -> None:
    body = {"text": "Mix the flour.", "usage": {"type": "duration", "seconds": 14}} | given
    service.steer("faults", path="transcriptions", status=200, body=body, times=None)
    speech = engine(service, model="gpt-transcribe")
    assert speech.transcribe(sound, speech=SPEECH, meter=CountingMeter()).language == language


def test_every_language_of_whisper_has_its_iso_code() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    from svp_dagster.speech.openai_speech import _LANGUAGES

    assert set(_LANGUAGES.values()) == {"jv" if code == "jw" else code for code in _LANGUAGE_CODES}
    for code, name in LANGUAGE_NAMES.items():
        assert _LANGUAGES[name] == ("jv" if code == "jw" else code)


def test_a_retired_model_without_a_successor_names_the_setting(service: AiService, sound: Path) -> None:
    service.steer("models", retire=["whisper-1", "gpt-transcribe"])
    assert failed(engine(service), sound).code is Code.MODEL_RETIRED
    error = failed(engine(service, model="whisper-9"), sound)
    assert error.code is Code.MODEL_RETIRED
    assert "whisper-9" in error.sentence
    assert "SVP_SPEECH_MODEL" in error.sentence


def test_a_wrong_address_is_a_matter_of_configuration(service: AiService, sound: Path) -> None:
    assert failed(engine(service, base_url=f"{service.url}/elsewhere"), sound).code is Code.MISCONFIGURED


QUOTA = {
    "error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}
}
RATE = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}


def test_a_used_up_quota_is_not_asked_again(service: AiService, sound: Path) -> None:
    service.steer("faults", path="transcriptions", status=429, body=QUOTA, times=None)
    error = failed(engine(service), sound)
    assert (error.code, error.retry) == (Code.QUOTA_EXHAUSTED, Retry.LATER)
    assert len(service.requests) == 1


def test_a_short_wait_that_is_asked_for_is_waited(service: AiService, sound: Path) -> None:
    service.steer("faults", path="transcriptions", status=429, body=RATE, headers={"retry-after": "0.1"}, times=2)
    assert engine(service).transcribe(sound, speech=SPEECH, meter=CountingMeter()).text
    assert len(service.requests) == 3


def test_a_long_wait_that_is_asked_for_is_the_rows(service: AiService, sound: Path) -> None:
    service.steer("faults", path="transcriptions", status=429, body=RATE, headers={"retry-after": "600"}, times=None)
    error = failed(engine(service), sound)
    assert (error.code, error.retry, error.retry_after_s) == (Code.SERVICE_UNREACHABLE, Retry.LATER, 600)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 503}, Code.SERVICE_UNREACHABLE),
        ({"cut": "before_answer"}, Code.SERVICE_UNREACHABLE),
        ({"delay_s": 1.5}, Code.SERVICE_UNREACHABLE),
        ({"garbage": "html"}, Code.SPEECH_FAILED),
        ({"garbage": "broken_json"}, Code.SPEECH_FAILED),
        ({"status": 400, "body": {"error": {"message": "corrupted", "code": "invalid_value"}}}, Code.SPEECH_FAILED),
    ],
    ids=["503", "cut", "slow", "html", "broken json", "400"],
)
def test_every_way_to_fail_is_a_failure_of_the_table(
    service: AiService, sound: Path, fault: dict[str, Any], code: Code
) -> None:
    service.steer("faults", path="transcriptions", times=None, **fault)
    error = failed(engine(service, attempts=1, timeout_s=0.5), sound)
    assert error.code is code
    assert error.retry is (Retry.NEVER if fault.get("status") == 400 else Retry.NOW)


def test_a_service_that_is_not_there_is_unreachable(sound: Path) -> None:
    speech = OpenAISpeech(api_key=KEY, base_url="http://127.0.0.1:9/v1", attempts=1)
    assert failed(speech, sound).code is Code.SERVICE_UNREACHABLE


def test_the_key_is_not_shown(service: AiService) -> None:
    assert KEY not in repr(engine(service))


def test_without_its_model_the_local_engine_says_so_and_fails_nothing(sound: Path) -> None:
    transcript = LocalSpeech(model="base").transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert (transcript.text, transcript.no_speech) == ("", False)
    assert "base" in transcript.note


def test_an_image_without_the_engine_says_that_nothing_was_transcribed(
    sound: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(local_speech, "_PACKAGES", ("faster_whisper", "an_engine_that_was_left_out"))
    transcript = LocalSpeech(model="without-engine").transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert "not transcribed" in transcript.note
    assert "engine is not installed" in caplog.text


def test_a_missing_model_is_said_once(caplog: pytest.LogCaptureFixture, sound: Path, tmp_path: Path) -> None:
    speech = LocalSpeech(model=str(tmp_path / "nothing"))
    for _ in range(3):
        speech.transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert len([record for record in caplog.records if record.name == local_speech.__name__]) == 1


def test_a_model_in_a_folder_listens(sound: Path, tmp_path: Path) -> None:
    """A model with random weights hears nonsense, by the same road as a real one."""
    folder = tmp_path / "model"
    write_random_model(folder)
    meter = CountingMeter()
    transcript = LocalSpeech(model=str(folder)).transcribe(sound, speech=FAR_APART, meter=meter)
    assert transcript.source.startswith("faster-whisper")
    assert transcript.no_speech is (transcript.text == "")
    assert meter.calls == []


def test_no_engine_says_that_there_is_none(sound: Path) -> None:
    transcript = NoSpeech().transcribe(sound, speech=SPEECH, meter=CountingMeter())
    assert transcript.text == ""
    assert "no speech engine" in transcript.note


def test_a_budget_that_ends_between_two_parts_leaves_the_sent_one_recorded_and_kept(
    service: AiService, sound: Path
) -> None:
    meter, speech = CountingMeter(calls_allowed=1), engine(service)
    with pytest.raises(SvpError) as caught:
        speech.transcribe(sound, speech=FAR_APART, meter=meter)
    assert caught.value.code is Code.BUDGET_REACHED
    assert (len(meter.calls), service.ledger["openai"]["calls"]) == (1, 1)

    assert speech.transcribe(sound, speech=FAR_APART, meter=meter.raised(calls=1)).text
    assert (len(meter.calls), service.ledger["openai"]["calls"]) == (2, 2)


def test_a_defect_between_two_parts_leaves_the_sent_one_recorded_and_kept(service: AiService, sound: Path) -> None:
    meter, speech = CountingMeter(calls_allowed=1, refusal=ConnectionError("the store is gone")), engine(service)
    with pytest.raises(ConnectionError):
        speech.transcribe(sound, speech=FAR_APART, meter=meter)
    assert (len(meter.calls), service.ledger["openai"]["calls"]) == (1, 1)
