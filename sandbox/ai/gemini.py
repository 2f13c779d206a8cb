"""Gemini's `models/{model}:generateContent`, of both `/v1` and `/v1beta`.

Steered by `/_sandbox/gemini` (see `GeminiScript`); without a script the answer is filled from the prompt by
`gemini_answer`, or with what is said in a sound, which `/_sandbox/speech` may lay down. Tools, streaming, cached
contents and the older `responseSchema` are not offered.
"""

import hashlib
import json
import random
from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from sandbox.ai.gemini_answer import build_answer
from sandbox.ai.gemini_request import (
    CHARACTERS_PER_TOKEN,
    GeminiRequest,
    GenerationConfig,
    invalid,
    is_of_3,
    parsed,
    tokens_in,
)
from sandbox.ai.gemini_schema import UnusableSchemaError, check_schema
from sandbox.ai.gemini_verdicts import build_verdicts
from sandbox.ai.ledger import Ledger
from sandbox.ai.refusals import google_refusal, require_google_key
from sandbox.ai.scripts import Script, Scripts, add_script_routes
from sandbox.ai.speech import SpeechScript, as_filled_schema, say

SERVICE = "generativelanguage.googleapis.com"
# Source: ai.google.dev/gemini-api/docs/models and /deprecations.
MODELS = ("gemini-3.5-flash-lite", "gemini-3.5-flash", "gemini-3.1-pro-preview", "gemini-2.5-flash", "gemini-2.5-pro")
_THOUGHT_TOKENS = {"MINIMAL": 0, "LOW": 64, "MEDIUM": 256, "HIGH": 1024}


class GeminiScript(Script):
    """A laid-down answer: text as it is, anything else as JSON; None for a candidate without content.

    `blockReason` refuses the prompt: there is no candidate then. `refuseSchema` refuses the request, and is meant for
    requests with a schema only. `hears` is for requests with sound, and only for these. `probability` is that with
    which a script that suits is played.
    """

    times: int | None = 1
    hears: bool = False
    probability: float = Field(default=1.0, ge=0, le=1)
    refuseSchema: bool = False  # noqa: N815, as below
    answer: Any = None
    finishReason: str = "STOP"  # noqa: N815, the name on the wire
    blockReason: str | None = None  # noqa: N815


def gemini_api(
    *, ledger: Ledger, retired: set[str], scripts: Scripts[GeminiScript], speech: Scripts[SpeechScript]
) -> Blueprint:
    """The endpoint; the models named in `retired` are gone."""
    api = Blueprint("gemini", __name__)
    add_script_routes(api, "/_sandbox/gemini", scripts)
    chance = random.Random(0)

    @api.post("/<any(v1, v1beta):version>/models/<model>:generateContent")
    def generate_content(version: str, model: str) -> Response:
        require_google_key(SERVICE)
        find_model(model, version=version, retired=retired)
        asked = parsed(request.get_data())
        _check_config(asked.generation_config, model=model)
        has_schema, has_sound = asked.generation_config.response_json_schema is not None, bool(asked.sounds)
        script = scripts.take(
            lambda script: (
                script.hears is has_sound
                and (has_schema or not script.refuseSchema)
                and chance.random() < script.probability
            )
        )
        script = script or _built(asked, speech)
        if script.refuseSchema:
            # Source: googleapis/python-genai issue 2133 and ducroo/SICTIC-AI issue 76: a schema that can't be enforced
            # gives this sentence and nothing else.
            raise invalid("Request contains an invalid argument.")
        answer = _answer(script, asked=asked, model=model)
        usage = answer["usageMetadata"]
        output_tokens = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
        audio = {"audio_s": sum(sound.duration_s for sound in asked.sounds)} if has_sound else {}
        ledger.bill("gemini", prompt_tokens=usage["promptTokenCount"], output_tokens=output_tokens, **audio)
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


def _check_config(config: GenerationConfig, *, model: str) -> None:
    if config.response_json_schema is not None:
        if config.response_mime_type != "application/json":
            raise invalid("A response schema needs the response mime type application/json.")
        try:
            check_schema(config.response_json_schema)
        except UnusableSchemaError as error:
            raise invalid(str(error)) from error
    # Source: ai.google.dev/gemini-api/docs/thinking: levels since 3, budgets before.
    has_levels = is_of_3(model)
    if has_levels and config.thinking_config.thinking_budget is not None:
        raise invalid("Thinking budget is not supported for this model.")
    if not has_levels and config.thinking_config.thinking_level is not None:
        raise invalid("Thinking level is not supported for this model.")


def _built(asked: GeminiRequest, speech: Scripts[SpeechScript]) -> GeminiScript:
    text = _transcript(asked, speech) if asked.sounds else _filled(asked)
    room = (asked.generation_config.max_output_tokens or 65_536) * CHARACTERS_PER_TOKEN
    # Source: google-genai, types.FinishReason: MAX_TOKENS gives cut text.
    if len(text) > room:
        return GeminiScript(answer=text[:room], finishReason="MAX_TOKENS")
    return GeminiScript(answer=text)


def _filled(asked: GeminiRequest) -> str:
    schema = asked.generation_config.response_json_schema
    if not schema:
        return asked.prompt
    built = build_verdicts(schema, prompt=asked.prompt)
    built = built or build_answer(schema, prompt=asked.prompt, seen=asked.scenes)
    return json.dumps(built, ensure_ascii=False)


def _transcript(asked: GeminiRequest, speech: Scripts[SpeechScript]) -> str:
    sound = asked.sounds[0]
    said = say(sound, script=speech.take(lambda script: script.suits(sound, file_name="")), language=None)
    schema = asked.generation_config.response_json_schema
    return json.dumps(as_filled_schema(said, schema), ensure_ascii=False) if schema else said.text


def _answer(script: GeminiScript, *, asked: GeminiRequest, model: str) -> dict[str, Any]:
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


def _output_usage(text: str, *, asked: GeminiRequest, read: int, model: str) -> dict[str, int]:
    # Assumed: each level of thinking takes so many tokens. If wrong: costs are counted by the real answer all the same.
    # Check: gemini: schema.
    default = "MINIMAL" if "lite" in model else "MEDIUM"
    thoughts = _THOUGHT_TOKENS[asked.generation_config.thinking_config.thinking_level or default]
    counts = {"candidatesTokenCount": tokens_in(text)} | ({"thoughtsTokenCount": thoughts} if thoughts else {})
    return counts | {"totalTokenCount": read + sum(counts.values())}
