"""OpenAI's `/v1/audio/transcriptions`, as strict as the real one about models, fields, sizes and file names.

Steered by `/_sandbox/speech` (see `SpeechScript`). Without a script the text is "Segment one." and so on, laid
over the loud stretches of what was sent; on silence and music it invents text, as Whisper does.
Streaming, subtitles (srt, vtt) and speaker names are not offered.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage

from sandbox.ai.hearing import Sound, UndecodableError, listen
from sandbox.ai.ledger import Ledger
from sandbox.ai.refusals import openai_refusal, require_openai_key
from sandbox.ai.scripts import Scripts, add_script_routes
from sandbox.ai.speech import LANGUAGE_NAMES, Said, SpeechScript, as_verbose_json, say

# Source: platform.openai.com/docs/guides/speech-to-text: 25 MB; error text quoted in public issue threads.
_LARGEST_REQUEST_BYTES = 26_214_400
# Source: error text quoted in public issue threads: "Minimum audio length is 0.1 seconds.".
_SHORTEST_AUDIO_S = 0.1
# Source: platform.openai.com/docs/api-reference/audio/createTranscription: the formats, told by the file name.
_FORMATS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")


@dataclass(frozen=True)
class SpeechModel:
    """What one transcription model takes. `fields` are those beside the ones that all take."""

    id: str
    created: int
    shutdown_date: str | None
    formats: frozenset[str]
    fields: frozenset[str]
    is_billed_by_tokens: bool = False


# Source: platform.openai.com/docs/deprecations: 2027-02-26, and `shutdown_date` of GET /v1/models.
_SHUTDOWN = "2027-02-26"
_FIELDS_OF_ALL = {"model", "language", "prompt", "response_format", "temperature", "stream"}
_PLAIN = frozenset({"json", "text"})
# Source: openai 3.52, types/audio/transcription_create_params.py.
_WHISPER_FIELDS = frozenset({"timestamp_granularities[]"})
_GPT_4O_FIELDS = frozenset({"include[]", "chunking_strategy"})
_NEWEST_FIELDS = frozenset({"keywords[]", "languages[]", "chunking_strategy"})
MODELS = {
    model.id: model
    for model in (
        SpeechModel("whisper-1", 1677532384, _SHUTDOWN, _PLAIN | {"verbose_json"}, _WHISPER_FIELDS),
        SpeechModel("gpt-4o-transcribe", 1742068463, _SHUTDOWN, _PLAIN, _GPT_4O_FIELDS, is_billed_by_tokens=True),
        SpeechModel("gpt-4o-mini-transcribe", 1742068596, _SHUTDOWN, _PLAIN, _GPT_4O_FIELDS, is_billed_by_tokens=True),
        SpeechModel("gpt-transcribe", 1783600000, None, _PLAIN, _NEWEST_FIELDS),
    )
}


def openai_api(*, ledger: Ledger, retired: set[str], scripts: Scripts[SpeechScript]) -> Blueprint:
    """The endpoints; the models named in `retired` are gone."""
    api = Blueprint("openai", __name__)
    add_script_routes(api, "/_sandbox/speech", scripts)

    @api.post("/v1/audio/transcriptions")
    def transcribe() -> Response:
        require_openai_key()
        _check_size()
        model = find_model(request.form.get("model"), retired=retired)
        file = _sent_file()
        response_format = _check_fields(model)
        sound = _heard(file)
        script = scripts.take(lambda script: script.suits(sound, file_name=file.filename or ""))
        said = say(sound, script=script, language=request.form.get("language"))
        ledger.bill("openai", audio_s=sound.duration_s)
        return _answer(said, sound=sound, model=model, response_format=response_format)

    return api


def list_models(*, retired: set[str]) -> Response:
    """`GET /v1/models`."""
    require_openai_key()
    return jsonify(object="list", data=[_described(model) for name, model in MODELS.items() if name not in retired])


def retrieve_model(name: str, *, retired: set[str]) -> Response:
    """`GET /v1/models/{name}`."""
    require_openai_key()
    return jsonify(_described(find_model(name, retired=retired)))


def find_model(name: str | None, *, retired: set[str]) -> SpeechModel:
    """Raises the real 404 for a model that is not there."""
    if not name:
        raise openai_refusal(400, "you must provide a model parameter")
    if name not in MODELS or name in retired:
        # Source: platform.openai.com/docs/guides/error-codes: 404 model_not_found.
        message = f"The model `{name}` does not exist or you do not have access to it."
        raise openai_refusal(404, message, code="model_not_found")
    return MODELS[name]


def _described(model: SpeechModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": "openai-internal",
        "shutdown_date": model.shutdown_date,
    }


def _check_size() -> None:
    size_bytes = request.content_length or 0
    if size_bytes > _LARGEST_REQUEST_BYTES:
        message = f"413: Maximum content size limit ({_LARGEST_REQUEST_BYTES}) exceeded ({size_bytes} bytes read)"
        raise openai_refusal(413, message, kind="server_error")


def _sent_file() -> FileStorage:
    file = request.files.get("file")
    if file is None or set(request.files) != {"file"}:
        raise openai_refusal(400, "Exactly one file is expected, in the field 'file'.", param="file")
    if Path(file.filename or "").suffix.lower().lstrip(".") not in _FORMATS:
        raise openai_refusal(400, f"Invalid file format. Supported formats: {list(_FORMATS)}")
    return file


def _check_fields(model: SpeechModel) -> str:
    """The response format that was asked for."""
    unknown = set(request.form) - _FIELDS_OF_ALL - model.fields
    if unknown:
        raise openai_refusal(400, f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
    response_format = request.form.get("response_format", "json")
    if response_format not in model.formats:
        # Source: platform.openai.com/docs/api-reference/audio/createTranscription: verbose_json for whisper-1 only.
        message = f"response_format '{response_format}' is not compatible with model '{model.id}'. "
        message += "Use 'json' or 'text' instead."
        raise openai_refusal(400, message, code="unsupported_value", param="response_format")
    granularities = request.form.getlist("timestamp_granularities[]")
    if granularities and response_format != "verbose_json":
        raise openai_refusal(400, "Timestamps need response_format verbose_json.", param="timestamp_granularities")
    if set(granularities) - {"segment", "word"}:
        raise openai_refusal(400, f"Invalid value: {granularities}.", param="timestamp_granularities")
    _check_values()
    return response_format


def _check_values() -> None:
    languages = request.form.getlist("language") + request.form.getlist("languages[]")
    if not LANGUAGE_NAMES.keys() >= set(languages):
        # Source: error text quoted in public issue threads: ISO-639-1 format.
        # Assumed: all languages of Whisper are taken. If wrong: nothing, the product names no language. Check: none.
        message = "Language parameter must be specified in ISO-639-1 format."
        raise openai_refusal(400, message, code="invalid_language_format", param="language")
    if request.form.get("stream", "false") != "false":
        raise openai_refusal(400, "This stand-in does not stream.", param="stream")
    try:
        temperature = float(request.form.get("temperature", "0"))
    except ValueError:
        temperature = math.nan
    if not 0 <= temperature <= 1:
        raise openai_refusal(400, "temperature must be a number between 0 and 1", param="temperature")


def _heard(file: FileStorage) -> Sound:
    try:
        sound = listen(file.read(), suffix=Path(file.filename or "").suffix)
    except UndecodableError as error:
        # Source: error text quoted in public issue threads: "Audio file might be corrupted or unsupported".
        message = "Audio file might be corrupted or unsupported"
        raise openai_refusal(400, message, code="invalid_value", param="file") from error
    if sound.duration_s < _SHORTEST_AUDIO_S:
        message = f"Audio file is too short. Minimum audio length is {_SHORTEST_AUDIO_S} seconds."
        raise openai_refusal(400, message, code="audio_too_short", param="file")
    return sound


def _answer(said: Said, *, sound: Sound, model: SpeechModel, response_format: str) -> Response:
    if response_format == "text":
        return Response(said.text + "\n", mimetype="text/plain")
    usage = _token_usage(said, sound) if model.is_billed_by_tokens else _duration_usage(sound)
    if response_format == "verbose_json":
        granularities = request.form.getlist("timestamp_granularities[]") or ["segment"]
        return jsonify(
            as_verbose_json(said, duration_s=sound.duration_s, granularities=granularities) | {"usage": usage}
        )
    # Source: openai 3.52, types/audio/transcription.py: `languages`, each with a `code`, from gpt-transcribe.
    languages = {"languages": [{"code": said.language}]} if "languages[]" in model.fields else {}
    return jsonify({"text": said.text, "usage": usage} | languages)


def _duration_usage(sound: Sound) -> dict[str, Any]:
    # Source: openai 3.52, types/audio/transcription.py: UsageDuration and UsageTokens.
    return {"type": "duration", "seconds": math.ceil(sound.duration_s)}


def _token_usage(said: Said, sound: Sound) -> dict[str, Any]:
    # Assumed: ten tokens a second of sound. If wrong: costs are counted by the real answer all the same. Check: openai:
    # speech.
    audio_tokens, output_tokens = math.ceil(sound.duration_s * 10), math.ceil(len(said.text) / 4)
    return {
        "type": "tokens",
        "input_tokens": audio_tokens,
        "input_token_details": {"audio_tokens": audio_tokens, "text_tokens": 0},
        "output_tokens": output_tokens,
        "total_tokens": audio_tokens + output_tokens,
    }
