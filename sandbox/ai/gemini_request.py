"""A request to Gemini's `generateContent`: what it may hold, what is heard in it, and what it counts."""

import base64
import json
import math
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.ai.hearing import Sound, UndecodableError, listen
from sandbox.ai.reading import UnreadableError, look
from sandbox.ai.refusals import Refused, google_refusal

# Source: ai.google.dev/gemini-api/docs/tokens: about four characters.
CHARACTERS_PER_TOKEN = 4
# Source: ai.google.dev/gemini-api/docs/media-resolution: 1,120 for a picture at the default resolution of Gemini 3.
# Source: ai.google.dev/gemini-api/docs/tokens: 258 for a picture before.
_TOKENS_OF_A_PICTURE, _TOKENS_OF_A_PICTURE_BEFORE_3 = 1_120, 258
# Source: ai.google.dev/gemini-api/docs/audio: 32 tokens a second, 9.5 hours at most in one prompt.
_TOKENS_OF_A_SECOND = 32
_LONGEST_SOUND_S = 9.5 * 3600
# Source: ai.google.dev/gemini-api/docs/audio, supported audio formats.
_SOUNDS = {
    "audio/wav": ".wav",
    "audio/mp3": ".mp3",
    "audio/aiff": ".aiff",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
}
# Source: ai.google.dev/gemini-api/docs/audio and /image-understanding: 20 MB for a request with its data.
_LARGEST_REQUEST_BYTES = 20_971_520


class _Message(BaseModel):
    """Proto JSON: camelCase or snake_case names, no others."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


def _decoded(data: str) -> bytes:
    # Source: protobuf.dev/programming-guides/json: bytes in either alphabet of base64, with or without padding.
    return base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=True)


class _Blob(_Message):
    mime_type: str
    data: Annotated[bytes, BeforeValidator(_decoded)]

    @property
    def is_sound(self) -> bool:
        return self.mime_type.startswith("audio/")


class _Part(_Message):
    text: str | None = None
    inline_data: _Blob | None = None


class _Content(_Message):
    parts: list[_Part] = Field(min_length=1)
    role: Literal["user", "model"] = "user"


class _Thinking(_Message):
    include_thoughts: bool = False
    thinking_budget: int | None = None
    thinking_level: Literal["MINIMAL", "LOW", "MEDIUM", "HIGH"] | None = None


# Source: google-genai, types.GenerateContentConfig; ai.google.dev/api/generate-content.
class GenerationConfig(_Message):
    """How to answer."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    candidate_count: Literal[1] = 1
    max_output_tokens: int | None = Field(default=None, ge=1, le=65_536)
    stop_sequences: list[str] = Field(default_factory=list, max_length=5)
    seed: int | None = None
    response_mime_type: Literal["text/plain", "application/json"] = "text/plain"
    response_json_schema: Any = None
    thinking_config: _Thinking = _Thinking()


class _SafetySetting(_Message):
    category: str
    threshold: str


class GeminiRequest(_Message):
    """A request for an answer."""

    contents: list[_Content] = Field(min_length=1)
    system_instruction: _Content | None = None
    generation_config: GenerationConfig = GenerationConfig()
    safety_settings: list[_SafetySetting] = Field(default_factory=list)

    @property
    def prompt(self) -> str:
        """The text of all contents; the system instruction is no source of quotes."""
        return "\n".join(part.text for content in self.contents for part in content.parts if part.text)

    def tokens(self, *, model: str) -> int:
        """A rough count of what was sent, the system instruction and the schema included."""
        contents = [*self.contents, *([self.system_instruction] if self.system_instruction else [])]
        parts = [part for content in contents for part in content.parts]
        schema = self.generation_config.response_json_schema
        texts = [part.text or "" for part in parts] + ([json.dumps(schema)] if schema else [])
        a_picture = _TOKENS_OF_A_PICTURE if is_of_3(model) else _TOKENS_OF_A_PICTURE_BEFORE_3
        sounds = sum(math.ceil(sound.duration_s * _TOKENS_OF_A_SECOND) for sound in self.sounds)
        return sum(map(tokens_in, texts)) + a_picture * len(self.scenes) + sounds

    @cached_property
    def sounds(self) -> list[Sound]:
        """What is heard in the sounds that came along. Raises the refusal of one that Gemini doesn't take."""
        return [_heard(blob) for blob in self._blobs if blob.is_sound]

    @cached_property
    def scenes(self) -> list[str]:
        """What is seen in the pictures that came along. Raises the refusal of one that Gemini doesn't take."""
        return [_seen(blob) for blob in self._blobs if not blob.is_sound]

    @property
    def _blobs(self) -> list[_Blob]:
        return [part.inline_data for content in self.contents for part in content.parts if part.inline_data]


def parsed(body: bytes) -> GeminiRequest:
    """Return the request in a body. Raises the refusal of one that Gemini doesn't take."""
    if len(body) > _LARGEST_REQUEST_BYTES:
        # Source: firebase.google.com/docs/vertex-ai/input-file-requirements: 413 beyond 20 MB.
        message = f"Request payload size exceeds the limit: {_LARGEST_REQUEST_BYTES} bytes."
        raise google_refusal(413, "INVALID_ARGUMENT", message)
    try:
        return GeminiRequest.model_validate_json(body)
    except ValidationError as error:
        raise invalid("\n".join(_complaint(each) for each in error.errors(include_url=False))) from error


def _complaint(error: Any) -> str:
    *path, name = error["loc"] or ("",)
    where = ".".join(str(step) for step in path)
    # Source: proto JSON errors of Google APIs: "Unknown name … Cannot find field.".
    if error["type"] == "extra_forbidden":
        return f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
    if error["type"] in ("missing", "too_short"):
        return f"* GenerateContentRequest.{'.'.join(map(str, error['loc']))}: {name} is not specified"
    # Source: musistudio/claude-code-router issue 845: the error for data that isn't base64.
    if error["type"] == "value_error":
        return f"Invalid value at '{where}.{name}' (TYPE_BYTES), Base64 decoding failed."
    return f"Invalid value at '{where}.{name}': {error['msg']}"


def invalid(message: str) -> Refused:
    """Return the refusal of a request that isn't as it should be."""
    return google_refusal(400, "INVALID_ARGUMENT", message)


def tokens_in(text: str) -> int:
    """Return a rough count of the tokens in a text."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def is_of_3(model: str) -> bool:
    """Return whether a model is one of Gemini 3."""
    return model.startswith("gemini-3")


def _seen(blob: _Blob) -> str:
    try:
        return look(blob.data, kind=blob.mime_type)
    except UnreadableError as error:
        raise invalid(str(error)) from error


def _heard(blob: _Blob) -> Sound:
    if blob.mime_type not in _SOUNDS:
        # Source: google/generative-ai-go issue 120: "Error 400: Unsupported MIME type: application/octet-stream".
        raise invalid(f"Unsupported MIME type: {blob.mime_type}")
    try:
        sound = listen(blob.data, suffix=_SOUNDS[blob.mime_type])
    except UndecodableError as error:
        # Assumed: sound that can't be decoded is an invalid argument. If wrong: the row fails with another sentence.
        # Check: none.
        raise invalid("Request contains an invalid argument.") from error
    if sound.duration_s > _LONGEST_SOUND_S:
        raise invalid("The audio is longer than 9.5 hours.")
    return sound
