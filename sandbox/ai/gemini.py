"""Gemini's `models/{model}:generateContent`, of both `/v1` and `/v1beta`.

Steered by `/_sandbox/gemini` (see `GeminiScript`); without a script the answer is filled from the prompt by
`gemini_answer`. Tools, streaming, cached contents and the older `responseSchema` are not offered.
"""

import base64
import hashlib
import json
import math
import random
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.ai.gemini_answer import build_answer
from sandbox.ai.gemini_schema import UnusableSchemaError, check_schema
from sandbox.ai.gemini_verdicts import build_verdicts
from sandbox.ai.ledger import Ledger
from sandbox.ai.reading import UnreadableError, look
from sandbox.ai.refusals import Refused, google_refusal, require_google_key
from sandbox.ai.scripts import Script, Scripts, add_script_routes

SERVICE = "generativelanguage.googleapis.com"
# Source: ai.google.dev/gemini-api/docs/models and /deprecations.
MODELS = ("gemini-3.5-flash-lite", "gemini-3.5-flash", "gemini-3.1-pro-preview", "gemini-2.5-flash", "gemini-2.5-pro")
# Source: ai.google.dev/gemini-api/docs/tokens: about four characters.
_CHARACTERS_PER_TOKEN = 4
# Source: ai.google.dev/gemini-api/docs/media-resolution: 1,120 for a picture at the default resolution of Gemini 3.
# Source: ai.google.dev/gemini-api/docs/tokens: 258 for a picture before.
_TOKENS_OF_A_PICTURE, _TOKENS_OF_A_PICTURE_BEFORE_3 = 1_120, 258
# Source: ai.google.dev/gemini-api/docs/image-understanding: 20 MB for a request with its data.
_LARGEST_REQUEST_BYTES = 20 * 1024 * 1024
_THOUGHT_TOKENS = {"MINIMAL": 0, "LOW": 64, "MEDIUM": 256, "HIGH": 1024}


class _Message(BaseModel):
    """Proto JSON: camelCase or snake_case names, no others."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


def _decoded(data: str) -> bytes:
    # Source: protobuf.dev/programming-guides/json: bytes in either alphabet of base64, with or without padding.
    return base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_", validate=True)


class _Blob(_Message):
    mime_type: str
    data: Annotated[bytes, BeforeValidator(_decoded)]


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
class _GenerationConfig(_Message):
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


class _Request(_Message):
    contents: list[_Content] = Field(min_length=1)
    system_instruction: _Content | None = None
    generation_config: _GenerationConfig = _GenerationConfig()
    safety_settings: list[_SafetySetting] = Field(default_factory=list)

    @property
    def prompt(self) -> str:
        """The text of all contents; the system instruction is no source of quotes."""
        return "\n".join(part.text for content in self.contents for part in content.parts if part.text)

    @property
    def pictures(self) -> list[_Blob]:
        """The pictures of all contents."""
        return [part.inline_data for content in self.contents for part in content.parts if part.inline_data]

    def tokens(self, *, model: str) -> int:
        """A rough count of what was sent, the system instruction and the schema included."""
        contents = [*self.contents, *([self.system_instruction] if self.system_instruction else [])]
        parts = [part for content in contents for part in content.parts]
        schema = self.generation_config.response_json_schema
        texts = [part.text or "" for part in parts] + ([json.dumps(schema)] if schema else [])
        each = _TOKENS_OF_A_PICTURE if _is_of_3(model) else _TOKENS_OF_A_PICTURE_BEFORE_3
        return sum(map(_tokens, texts)) + each * len(self.pictures)


class GeminiScript(Script):
    """A laid-down answer: text as it is, anything else as JSON; None for a candidate without content.

    `blockReason` refuses the prompt: there is no candidate then. `refuseSchema` refuses the request, and is meant for
    requests with a schema only. `probability` is that with which a script that suits is played.
    """

    times: int | None = 1
    probability: float = Field(default=1.0, ge=0, le=1)
    refuseSchema: bool = False  # noqa: N815, as below
    answer: Any = None
    finishReason: str = "STOP"  # noqa: N815, the name on the wire
    blockReason: str | None = None  # noqa: N815


def gemini_api(*, ledger: Ledger, retired: set[str], scripts: Scripts[GeminiScript]) -> Blueprint:
    """The endpoint; the models named in `retired` are gone."""
    api = Blueprint("gemini", __name__)
    add_script_routes(api, "/_sandbox/gemini", scripts)
    chance = random.Random(0)

    @api.post("/<any(v1, v1beta):version>/models/<model>:generateContent")
    def generate_content(version: str, model: str) -> Response:
        require_google_key(SERVICE)
        find_model(model, version=version, retired=retired)
        asked = _parsed(request.get_data())
        _check_config(asked.generation_config, model=model)
        seen = [_look(picture) for picture in asked.pictures]
        has_schema = asked.generation_config.response_json_schema is not None
        script = scripts.take(
            lambda script: (has_schema or not script.refuseSchema) and chance.random() < script.probability
        )
        script = script or _built(asked, seen=seen)
        if script.refuseSchema:
            # Source: googleapis/python-genai issue 2133 and ducroo/SICTIC-AI issue 76: a schema that can't be enforced
            # gives this sentence and nothing else.
            raise _invalid("Request contains an invalid argument.")
        answer = _answer(script, asked=asked, model=model)
        usage = answer["usageMetadata"]
        output_tokens = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
        ledger.bill("gemini", prompt_tokens=usage["promptTokenCount"], output_tokens=output_tokens)
        return jsonify(answer)

    return api


def list_models(*, retired: set[str]) -> Response:
    """`GET models`."""
    require_google_key(SERVICE)
    return jsonify(models=[_described(model) for model in MODELS if model not in retired])


def retrieve_model(name: str, *, version: str, retired: set[str]) -> Response:
    """`GET models/{name}`."""
    require_google_key(SERVICE)
    find_model(name, version=version, retired=retired)
    return jsonify(_described(name))


def find_model(name: str, *, version: str, retired: set[str]) -> None:
    """Raises the real 404 for a model that is not there."""
    if name not in MODELS or name in retired:
        # Source: error bodies of generateContent in public issue threads: 404 NOT_FOUND.
        message = f"models/{name} is not found for API version {version}, or is not supported for generateContent. "
        message += "Call ListModels to see the list of available models and their supported methods."
        raise google_refusal(404, "NOT_FOUND", message)


def _described(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _parsed(body: bytes) -> _Request:
    # Source: firebase.google.com/docs/vertex-ai/input-file-requirements: 413 beyond 20 MB.
    if len(body) > _LARGEST_REQUEST_BYTES:
        raise google_refusal(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes.")
    try:
        return _Request.model_validate_json(body)
    except ValidationError as error:
        raise _invalid("\n".join(_complaint(each) for each in error.errors(include_url=False))) from error


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


def _look(picture: _Blob) -> str:
    try:
        return look(picture.data, kind=picture.mime_type)
    except UnreadableError as error:
        raise _invalid(str(error)) from error


def _check_config(config: _GenerationConfig, *, model: str) -> None:
    if config.response_json_schema is not None:
        if config.response_mime_type != "application/json":
            raise _invalid("A response schema needs the response mime type application/json.")
        try:
            check_schema(config.response_json_schema)
        except UnusableSchemaError as error:
            raise _invalid(str(error)) from error
    # Source: ai.google.dev/gemini-api/docs/thinking: levels since 3, budgets before.
    has_levels = _is_of_3(model)
    if has_levels and config.thinking_config.thinking_budget is not None:
        raise _invalid("Thinking budget is not supported for this model.")
    if not has_levels and config.thinking_config.thinking_level is not None:
        raise _invalid("Thinking level is not supported for this model.")


def _is_of_3(model: str) -> bool:
    return model.startswith("gemini-3")


def _invalid(message: str) -> Refused:
    return google_refusal(400, "INVALID_ARGUMENT", message)


def _built(asked: _Request, *, seen: Sequence[str]) -> GeminiScript:
    schema, prompt = asked.generation_config.response_json_schema, asked.prompt
    built = None
    if schema:
        built = build_verdicts(schema, prompt=prompt) or build_answer(schema, prompt=prompt, seen=seen)
    text = json.dumps(built, ensure_ascii=False) if schema else asked.prompt
    room = (asked.generation_config.max_output_tokens or 65_536) * _CHARACTERS_PER_TOKEN
    # Source: google-genai, types.FinishReason: MAX_TOKENS gives cut text.
    if len(text) > room:
        return GeminiScript(answer=text[:room], finishReason="MAX_TOKENS")
    return GeminiScript(answer=text)


def _answer(script: GeminiScript, *, asked: _Request, model: str) -> dict[str, Any]:
    text = script.answer if isinstance(script.answer, str) else json.dumps(script.answer, ensure_ascii=False)
    read = asked.tokens(model=model)
    answer: dict[str, Any] = {
        "modelVersion": model,
        "responseId": hashlib.sha256(asked.prompt.encode()).hexdigest()[:22],
        "usageMetadata": {"promptTokenCount": read, "totalTokenCount": read},
    }
    # Source: google-genai, types.GenerateContentResponsePromptFeedback: no candidate beside block_reason.
    if script.blockReason is not None:
        return answer | {"promptFeedback": {"blockReason": script.blockReason}}
    # Source: google-genai, types.FinishReason: RECITATION, OTHER, SAFETY and others.
    # Assumed: an answer that is withheld has no content. If wrong: nothing, the finish reason decides. Check: gemini:
    # schema.
    candidate: dict[str, Any] = {"finishReason": script.finishReason, "index": 0}
    if script.answer is not None:
        candidate["content"] = {"role": "model", "parts": [{"text": text}]}
        answer["usageMetadata"] |= _output_usage(text, asked=asked, read=read, model=model)
    return answer | {"candidates": [candidate]}


def _output_usage(text: str, *, asked: _Request, read: int, model: str) -> dict[str, int]:
    # Assumed: each level of thinking takes so many tokens. If wrong: costs are counted by the real answer all the same.
    # Check: gemini: schema.
    default = "MINIMAL" if "lite" in model else "MEDIUM"
    thoughts = _THOUGHT_TOKENS[asked.generation_config.thinking_config.thinking_level or default]
    counts = {"candidatesTokenCount": _tokens(text)} | ({"thoughtsTokenCount": thoughts} if thoughts else {})
    return counts | {"totalTokenCount": read + sum(counts.values())}


def _tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)
