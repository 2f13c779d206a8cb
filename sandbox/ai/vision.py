"""Google Vision's `/v1/images:annotate` for TEXT_DETECTION and DOCUMENT_TEXT_DETECTION.

Pictures are really read (`reading`), unless `/_sandbox/vision` laid down what they show (see `VisionScript`).
Requests and answers go through Vision's own message types, unknown fields refused.
"""

from typing import Any

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field

from sandbox.ai.ledger import Ledger
from sandbox.ai.reading import Picture, UnreadableError, read, size_of, split
from sandbox.ai.refusals import google_refusal, require_google_key
from sandbox.ai.scripts import Script, Scripts, add_script_routes
from sandbox.ai.vision_text import annotations

SERVICE = "vision.googleapis.com"
# Source: cloud.google.com/vision/quotas: 16 images and 10 MB a request, 20 MB an image.
_MOST_IMAGES = 16
_LARGEST_REQUEST_BYTES = 10_485_760  # so no picture comes near the 20 MB that one may have
_CANNED_LINE_HEIGHT_PX = 24
_TEXT_FEATURES = {"TEXT_DETECTION", "DOCUMENT_TEXT_DETECTION"}
# Source: google.rpc.Code, and cloud.google.com/vision/docs/reference/rest/v1/AnnotateImageResponse: errors per image.
_INVALID_ARGUMENT = 3
_UNAVAILABLE = 14


class Line(BaseModel):
    """A laid-down line; the box in pixels, its right end `skew` lower. It may begin outside of the picture."""

    model_config = ConfigDict(extra="forbid")

    text: str
    left: int
    top: int
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    skew: int = 0


class VisionScript(Script):
    """What a picture shows, without reading it: `lines`, a plain text being put at the left under the one before.

    `error` is a failure of that picture alone, inside a 200: `{"code": 13, "message": "…"}`.
    """

    lines: list[Line | str] = Field(default_factory=list)
    error: dict[str, Any] | None = None


def vision_api(*, ledger: Ledger, scripts: Scripts[VisionScript]) -> Blueprint:
    """The endpoint."""
    api = Blueprint("vision", __name__)
    add_script_routes(api, "/_sandbox/vision", scripts)

    @api.post("/v1/images:annotate")
    def annotate() -> Response:
        require_google_key(SERVICE)
        asked = _parsed(request.get_data())
        answers = [_annotated(each, script=scripts.take()) for each in asked.requests]
        # Source: cloud.google.com/vision/pricing: each feature applied to an image is a unit.
        ledger.bill("vision", images=sum(len(each.features) for each in asked.requests))
        return Response(_as_json(answers), mimetype="application/json")

    return api


def _parsed(body: bytes) -> Any:
    """The request as Vision's own message."""
    from google.cloud.vision import BatchAnnotateImagesRequest, Feature
    from google.protobuf.json_format import ParseError

    if len(body) > _LARGEST_REQUEST_BYTES:
        message = f"Request payload size exceeds the limit: {_LARGEST_REQUEST_BYTES} bytes."
        raise google_refusal(400, "INVALID_ARGUMENT", message)
    try:
        asked = BatchAnnotateImagesRequest.from_json(body.decode(), ignore_unknown_fields=False)
    except (ParseError, UnicodeDecodeError) as error:
        raise google_refusal(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error
    if len(asked.requests) > _MOST_IMAGES:
        raise google_refusal(400, "INVALID_ARGUMENT", "Too many images per request.")
    others = {Feature.Type(feature.type_).name for each in asked.requests for feature in each.features} - _TEXT_FEATURES
    if others:
        raise google_refusal(
            400, "INVALID_ARGUMENT", f"This stand-in only reads text, not {', '.join(sorted(others))}."
        )
    return asked


def _annotated(asked: Any, *, script: VisionScript | None) -> dict[str, Any]:
    """One AnnotateImageResponse."""
    content = bytes(asked.image.content)
    if not asked.features or not (content or asked.image.source):
        return _failed(_INVALID_ARGUMENT, "Request must specify image and features.")
    if not content:
        # Source: error texts of images:annotate in public issue threads.
        message = "We can not access the URL currently. Please download the content and pass it in."
        return _failed(_UNAVAILABLE, message)
    if script is not None and script.error is not None:
        return {"error": script.error}
    try:
        picture = read(content) if script is None else _as_laid_down(script, content)
    except UnreadableError:
        # Source: error texts of images:annotate in public issue threads: 3 "Bad image data.".
        return _failed(_INVALID_ARGUMENT, "Bad image data.")
    return annotations(picture, language_hints=list(asked.image_context.language_hints))


def _failed(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _as_laid_down(script: VisionScript, content: bytes) -> Picture:
    width, height = size_of(content)
    lines = []
    for place, line in enumerate(script.lines):
        box = {"left": 8, "top": 8 + place * 2 * _CANNED_LINE_HEIGHT_PX, "height": _CANNED_LINE_HEIGHT_PX}
        if isinstance(line, str):
            words = split(line, **box, width=max(1, width // 2), confidence=0.99)
        else:
            words = split(**line.model_dump(), confidence=0.99)
        lines.append(words)
    return Picture(width=width, height=height, lines=tuple(words for words in lines if words))


def _as_json(answers: list[dict[str, Any]]) -> str:
    """Checked against Vision's own message type on the way."""
    from google.cloud.vision import BatchAnnotateImagesResponse
    from google.protobuf.json_format import MessageToJson, ParseDict

    message = ParseDict({"responses": answers}, BatchAnnotateImagesResponse.pb()())
    return str(MessageToJson(message, indent=None))
