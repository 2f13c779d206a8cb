"""Sound in a request to Gemini's stand-in."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from svp_dagster.media.probe import probe
from svp_dagster.speech import audio
from tests.media.making import CLIPS
from tests.sandbox.ai_service import AiService, ai_service

MODEL = "gemini-3.5-flash-lite"
CLOCK = {"type": "string", "description": "MM:SS"}
LINE = {"start": CLOCK, "end": CLOCK, "text": {"type": "string"}, "sung": {"type": "boolean"}}
SCHEMA = {
    "type": "object",
    "properties": {
        "anybody": {"type": "boolean"},
        "language": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "object", "properties": LINE, "required": list(LINE)}},
    },
    "required": ["anybody", "language", "lines"],
}


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


@pytest.fixture(autouse=True)
def as_new(service: AiService) -> None:
    service.steer("reset")


def decoded(clip: str, folder: Path) -> bytes:
    return audio.decode([probe(CLIPS / clip)], folder, limit_s=30).read_bytes()


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return decoded("pancakes.mp4", tmp_path_factory.mktemp("speech"))


def ask(service: AiService, data: bytes, *, mime_type: str = "audio/wav") -> types.GenerateContentResponse:
    contents: list[Any] = [types.Part.from_bytes(data=data, mime_type=mime_type), "Transcribe it."]
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=SCHEMA)
    options = types.HttpOptions(base_url=service.url, timeout=20_000)
    with genai.Client(api_key="k", http_options=options) as client:
        return client.models.generate_content(model=MODEL, contents=contents, config=config)


def heard(service: AiService, data: bytes) -> dict[str, Any]:
    return dict(json.loads(ask(service, data).text or ""))


def test_what_is_said_comes_with_its_minutes_and_seconds(service: AiService, speech: bytes) -> None:
    service.steer(
        "speech",
        language="de",
        segments=[
            {"start": 0.5, "end": 3.2, "text": "Mix the flour."},
            {"start": 61.0, "end": 64.0, "text": "Rest."},
        ],
    )
    assert heard(service, speech) == {
        "anybody": True,
        "language": "de",
        "lines": [
            {"start": "00:00", "end": "00:04", "text": "Mix the flour.", "sung": False},
            {"start": "01:01", "end": "01:04", "text": "Rest.", "sung": False},
        ],
    }


def test_without_a_script_the_loud_stretches_are_counted(service: AiService, speech: bytes) -> None:
    answer = heard(service, speech)
    assert answer["anybody"]
    assert answer["lines"][0]["text"] == "Segment one."


def test_over_music_nobody_speaks(service: AiService, tmp_path: Path) -> None:
    music = decoded("music.m4a", tmp_path)
    assert heard(service, music) == {"anybody": False, "language": "", "lines": []}


def test_a_second_of_sound_counts_32_tokens(service: AiService, speech: bytes) -> None:
    usage = ask(service, speech).usage_metadata
    assert usage is not None
    seconds = service.ledger["gemini"]["audio_s"]
    assert seconds == pytest.approx(20, abs=0.5)
    assert math.ceil(seconds * 32) < (usage.prompt_token_count or 0) < math.ceil(seconds * 32) + 250


def test_a_script_for_sound_is_kept_for_a_request_with_sound(service: AiService, speech: bytes) -> None:
    service.steer("gemini", answer={"a": 1})
    service.steer("gemini", answer={"lines": "nonsense"}, hears=True)
    assert heard(service, speech) == {"lines": "nonsense"}
    assert len(service.control.get("/_sandbox/gemini").json()["scripts"]) == 1


@pytest.mark.parametrize(
    ("data", "mime_type", "message"),
    [
        (b"RIFF", "audio/m4a", "Unsupported MIME type: audio/m4a"),
        (b"no sound at all", "audio/mp3", "invalid argument"),
    ],
    ids=["m4a", "no sound"],
)
def test_sound_that_gemini_does_not_take_is_refused(
    service: AiService, data: bytes, mime_type: str, message: str
) -> None:
    with pytest.raises(errors.ClientError, match=message) as caught:
        ask(service, data, mime_type=mime_type)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert service.ledger == {}
