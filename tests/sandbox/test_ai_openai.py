import io
import wave
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import openai
import pytest
from openai.types.audio import Transcription

from sandbox.ai.speech import LANGUAGE_NAMES
from tests.sandbox.ai_service import AiService, ai_service

SAMPLES_PER_S = 16_000


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


@pytest.fixture(autouse=True)
def as_new(service: AiService) -> None:
    service.steer("reset")


@pytest.fixture(scope="module")
def client(service: AiService) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="sk-test", max_retries=0, timeout=20) as client:
        yield client


def _wav(samples: np.ndarray[Any, np.dtype[np.float64]]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLES_PER_S)
        sound.writeframes((samples * 32767).astype(np.int16).tobytes())
    return file.getvalue()


def babble(duration_s: float) -> bytes:
    """Vowels, hisses and pauses in turn: to the stand-in's ear that is speech."""
    noise = np.random.default_rng(1)
    at_s = np.arange(int(0.15 * SAMPLES_PER_S)) / SAMPLES_PER_S
    vowel = 0.3 * np.sign(np.sin(2 * np.pi * 140 * at_s))
    hiss = noise.uniform(-0.2, 0.2, int(0.1 * SAMPLES_PER_S))
    pause = np.zeros(int(0.1 * SAMPLES_PER_S))
    syllable = np.concatenate([vowel, hiss, pause])
    return _wav(np.resize(syllable, int(duration_s * SAMPLES_PER_S)))


def tone(duration_s: float) -> bytes:
    at_s = np.arange(int(duration_s * SAMPLES_PER_S)) / SAMPLES_PER_S
    return _wav(0.3 * np.sin(2 * np.pi * 440 * at_s))


def silence(duration_s: float) -> bytes:
    return _wav(np.zeros(int(duration_s * SAMPLES_PER_S)))


def test_speech_is_answered_with_segments_that_cover_it(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", babble(8)), response_format="verbose_json", language="de"
    )
    assert heard.text == "Segment one. Segment two."
    assert (heard.language, round(heard.duration)) == ("german", 8)
    assert heard.segments is not None
    assert [(round(each.start), round(each.end)) for each in heard.segments] == [(0, 4), (4, 8)]
    assert max(each.no_speech_prob for each in heard.segments) < 0.1


@pytest.mark.parametrize("sound", [silence, tone])
def test_on_silence_and_music_text_is_invented_with_doubts(
    client: openai.OpenAI, sound: Callable[[float], bytes]
) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", sound(3)), response_format="verbose_json"
    )
    assert heard.text
    assert heard.segments is not None
    assert heard.segments[0].no_speech_prob > 0.6
    assert heard.segments[0].avg_logprob < -1


def test_words_come_when_they_are_asked_for(client: openai.OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1",
        file=("a.wav", babble(2)),
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    assert heard.segments is None
    assert heard.words is not None
    assert [word.word for word in heard.words] == ["Segment", "one."]


def test_models_without_segments_give_text_usage_and_languages(client: openai.OpenAI) -> None:
    newest = client.audio.transcriptions.create(model="gpt-transcribe", file=("a.wav", babble(2)), languages=["fr"])
    assert newest.text == "Segment one."
    assert newest.languages is not None
    assert newest.usage is not None
    assert newest.usage.type == "duration"
    by_tokens = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", babble(2)))
    assert by_tokens.usage is not None
    assert by_tokens.usage.type == "tokens"


@pytest.mark.parametrize(("code", "name"), [("cy", "welsh"), ("ht", "haitian creole"), ("yo", "yoruba")])
def test_whisper_names_each_of_its_99_languages_in_english(
    client: openai.OpenAI, service: AiService, code: str, name: str
) -> None:
    service.steer("speech", text="...", language=code)
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", babble(1)), response_format="verbose_json"
    )
    assert heard.language == name
    assert len(LANGUAGE_NAMES) == len(set(LANGUAGE_NAMES.values())) == 99


def test_the_newest_model_answers_with_languages_as_objects_that_have_a_code(
    client: openai.OpenAI, service: AiService
) -> None:
    service.steer("speech", text="Bore da.", language="cy")
    heard = client.audio.transcriptions.create(model="gpt-transcribe", file=("a.wav", babble(1)))
    assert isinstance(heard, Transcription)
    assert [language.code for language in heard.languages or []] == ["cy"]


def test_plain_text_is_plain(client: openai.OpenAI) -> None:
    file = ("a.wav", babble(2))
    assert client.audio.transcriptions.create(model="whisper-1", file=file, response_format="text") == "Segment one.\n"


def test_a_script_answers_for_the_upload_that_it_names(client: openai.OpenAI, service: AiService) -> None:
    service.steer("speech", text="Bonjour. Voilà.", language="fr", match={"duration_s": 4})
    service.steer("speech", segments=[{"start": 0, "end": 2, "text": "Hello."}], times=1)

    def text_of(duration_s: float) -> str:
        return client.audio.transcriptions.create(model="whisper-1", file=("a.wav", babble(duration_s))).text

    assert [text_of(4), text_of(2), text_of(2), text_of(4)] == [
        "Bonjour. Voilà.",
        "Hello.",
        "Segment one.",
        "Bonjour. Voilà.",
    ]


def test_a_scripted_text_is_spread_over_the_duration(client: openai.OpenAI, service: AiService) -> None:
    service.steer("speech", text="One two. Six ten.", language="en")
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", babble(4)), response_format="verbose_json"
    )
    assert heard.segments is not None
    assert [(each.text, round(each.end)) for each in heard.segments] == [(" One two.", 2), (" Six ten.", 4)]


def test_models_tell_when_they_shut_down(client: openai.OpenAI) -> None:
    dates = {model.id: model.shutdown_date for model in client.models.list()}
    assert dates["whisper-1"] == "2027-02-26"
    assert dates["gpt-transcribe"] is None
    assert client.models.retrieve("whisper-1").shutdown_date == "2027-02-26"


@pytest.mark.parametrize("model", ["whisper-9", "gpt-4o-transcribe"])
def test_an_unknown_or_retired_model_is_not_found(client: openai.OpenAI, service: AiService, model: str) -> None:
    service.steer("models", retire=["gpt-4o-transcribe"])
    with pytest.raises(openai.NotFoundError) as caught:
        client.audio.transcriptions.create(model=model, file=("a.wav", babble(1)))
    assert (caught.value.code, caught.value.type) == ("model_not_found", "invalid_request_error")


def test_a_wrong_key_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="sk-invalid").models.list()
    assert caught.value.code == "invalid_api_key"


def test_a_missing_key_is_refused(service: AiService) -> None:
    assert service.control.get("/v1/models").status_code == 401


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"raw bytes without a name", "Invalid file format"),
        (("a.txt", b"x"), "Invalid file format"),
        (("a.mp3", b"no audio at all"), "corrupted or unsupported"),
        (("a.mp3", b""), "corrupted or unsupported"),
        (("a.wav", silence(0.05)), "too short"),
    ],
)
def test_files_that_are_no_audio_are_refused(client: openai.OpenAI, file: Any, message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        client.audio.transcriptions.create(model="whisper-1", file=file)


def test_an_upload_over_25_megabytes_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="Maximum content size limit") as caught:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", bytes(26_214_401)))
    assert caught.value.status_code == 413


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        ("gpt-transcribe", {"response_format": "verbose_json"}, "not compatible with model 'gpt-transcribe'"),
        ("whisper-1", {"response_format": "srt"}, "not compatible"),
        ("whisper-1", {"extra_body": {"colour": "red"}}, "Unrecognized request argument supplied: colour"),
        ("whisper-1", {"keywords": ["basil"]}, "Unrecognized request argument"),
        ("whisper-1", {"timestamp_granularities": ["word"]}, "verbose_json"),
        ("whisper-1", {"language": "english"}, "ISO-639-1"),
        ("whisper-1", {"temperature": 2}, "between 0 and 1"),
    ],
)
def test_fields_that_the_model_does_not_take_are_refused(
    client: openai.OpenAI, model: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        client.audio.transcriptions.create(model=model, file=("a.wav", babble(1)), **fields)


def test_an_exhausted_quota_is_told_by_its_code(client: openai.OpenAI, service: AiService) -> None:
    body = {
        "error": {"message": "You exceeded your quota.", "type": "insufficient_quota", "code": "insufficient_quota"}
    }
    service.steer("faults", path="transcriptions", status=429, body=body)
    with pytest.raises(openai.RateLimitError) as caught:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", babble(1)))
    assert caught.value.code == "insufficient_quota"


def test_the_client_comes_again_after_a_rate_limit(service: AiService, client: openai.OpenAI) -> None:
    service.steer("faults", path="transcriptions", status=429, headers={"Retry-After": "0.01"}, body={"error": {}})
    client.with_options(max_retries=1).audio.transcriptions.create(model="whisper-1", file=("a.wav", babble(1)))
    records = service.requests
    assert [(record["status"], record["headers"]["x-stainless-retry-count"]) for record in records] == [
        (429, "0"),
        (200, "1"),
    ]


def test_a_lost_answer_is_billed_and_a_refusal_is_not(service: AiService, client: openai.OpenAI) -> None:
    service.steer("faults", path="transcriptions", cut="before_answer", when="after")
    with pytest.raises(openai.APIConnectionError):
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", babble(3)))
    with pytest.raises(openai.NotFoundError):
        client.audio.transcriptions.create(model="whisper-9", file=("a.wav", babble(3)))
    assert service.ledger == {"openai": {"calls": 1, "audio_s": 3}}


def test_a_page_in_the_place_of_an_answer_comes_back_as_text(client: openai.OpenAI, service: AiService) -> None:
    service.steer("faults", path="transcriptions", garbage="html")
    answer: object = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", babble(1)))
    assert isinstance(answer, str)


def test_an_answer_that_takes_too_long_times_out(client: openai.OpenAI, service: AiService) -> None:
    service.steer("faults", path="transcriptions", delay_s=1, status=500)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).audio.transcriptions.create(model="whisper-1", file=("a.wav", babble(1)))


def test_calls_take_the_time_that_was_set(client: openai.OpenAI, service: AiService) -> None:
    service.steer("latency", openai=0.3)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).audio.transcriptions.create(model="whisper-1", file=("a.wav", babble(1)))
    service.steer("latency")


def test_a_wrong_script_is_refused(service: AiService) -> None:
    assert service.control.post("/_sandbox/speech", json={"words": "x"}).status_code == 400
