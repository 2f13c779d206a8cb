"""Pictures in a request to Gemini."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from PIL import Image

from tests.sandbox.ai_service import AiService, ai_service

MODEL = "gemini-3.5-flash-lite"
PROMPT = "<caption>Garlic pasta in ten minutes.</caption>"


@pytest.fixture(scope="module")
def service() -> Iterator[AiService]:
    with ai_service() as service:
        yield service


@pytest.fixture
def stable(service: AiService) -> Iterator[genai.Client]:
    service.steer("reset")
    options = types.HttpOptions(base_url=service.url, timeout=10_000)
    with genai.Client(api_key="k", http_options=options) as client:
        yield client


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def picture(colour: str) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (640, 360), colour).save(drawn, "JPEG")
    return drawn.getvalue()


def ask_about(client: genai.Client, *pictures: types.Part) -> types.GenerateContentResponse:
    """Ask for a property that the words of the prompt have nothing to do with."""
    source = {"type": "string", "enum": ["caption", "picture"]}
    proof = _object(source=source, quote={"type": "string"}, tile={"type": ["integer", "null"]})
    mood = _object(value={"type": "string"}, evidence=proof)
    return client.models.generate_content(
        model=MODEL,
        contents=types.Content(role="user", parts=[*pictures, types.Part(text=PROMPT)]),
        config=types.GenerateContentConfig(
            response_mime_type="application/json",
            response_json_schema=_object(mood={"anyOf": [mood, {"type": "null"}]}),
        ),
    )


def test_a_picture_is_looked_at_and_billed_as_one(service: AiService, stable: genai.Client) -> None:
    plain = ask_about(stable)
    seen = ask_about(stable, types.Part.from_bytes(data=picture("orange"), mime_type="image/jpeg"))
    mood = {"source": "picture", "quote": "a scene in orange", "tile": 1}
    assert json.loads(seen.text or "")["mood"] == {"value": "a scene in orange", "evidence": mood}
    assert seen.usage_metadata is not None
    assert plain.usage_metadata is not None
    read = (seen.usage_metadata.prompt_token_count or 0) - (plain.usage_metadata.prompt_token_count or 0)
    assert read == 1_120
    assert service.ledger["gemini"]["calls"] == 2


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"\xff\xd8 no picture", "image/jpeg", "Unable to process input image"),
        (b"", "image/jpeg", "Unable to process input image"),
        (b"GIF89a", "image/gif", "Unsupported MIME type: image/gif"),
    ],
)
def test_a_picture_that_can_not_be_used_is_refused(
    stable: genai.Client, service: AiService, data: bytes, kind: str, message: str
) -> None:
    with pytest.raises(errors.ClientError, match=message) as caught:
        ask_about(stable, types.Part.from_bytes(data=data, mime_type=kind))
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert service.ledger == {}


def test_a_request_of_more_than_20_mb_is_too_large(stable: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match="size exceeds the limit") as caught:
        ask_about(stable, types.Part.from_bytes(data=bytes(16_000_000), mime_type="image/png"))
    assert caught.value.code == 413
