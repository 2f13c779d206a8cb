"""Requests to Google Vision. Every failure is one of the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from svp_dagster.bounded_http import bounded_adapter
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import Word
from svp_dagster.packages import load
from svp_dagster.screen.lines import is_level
from svp_dagster.unknown_answers import report

SERVICE = "Google Vision"
KEY_SETTINGS = "GOOGLE_VISION_API_KEY or GOOGLE_APPLICATION_CREDENTIALS"
FEATURE = "TEXT_DETECTION"
"""Suits sparse text in scenes. DOCUMENT_TEXT_DETECTION expects a document."""

MAX_IMAGES = 16
MAX_REQUEST_BYTES = 7_400_000
"""The service takes 10 MiB of JSON. base64 adds a third, the rest of the request a little."""

_PASSING = frozenset({4, 8, 13, 14})
"""gRPC codes of a picture's own failure for which a retry may help."""

# Source: cloud.google.com/vision/docs/reference/rest/v1/AnnotateImageResponse, BreakType. The hyphen of a word that is
# continued in the next line is a break, and not in the text.
_BREAKS = {"SPACE": " ", "SURE_SPACE": " ", "EOL_SURE_SPACE": "\n", "HYPHEN": "-\n", "LINE_BREAK": "\n"}
_BREAK_SIGNS = " \n"

# Source: error texts of images:annotate in public issue threads: 3 "Bad image data.".
_KNOWN = frozenset({3})

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 8.0
_DETAIL_CHARS = 300


def open_client(*, api_key: SecretStr | None, credentials_file: Path | None, endpoint: str) -> Any:
    """Return a client over REST. Raises `key_rejected` without a key, `misconfigured` for an unusable key file."""
    load("google.cloud.vision")
    from google.api_core.client_options import ClientOptions
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.vision import ImageAnnotatorClient
    from google.oauth2 import service_account

    if not api_key and not credentials_file:
        raise failure(Code.KEY_REJECTED, service=SERVICE, setting=KEY_SETTINGS, detail="no key is set")
    from_file: Any = service_account.Credentials.from_service_account_file
    options = ClientOptions(api_key=api_key.get_secret_value() if api_key else None, api_endpoint=endpoint or None)
    try:
        account = None if api_key else from_file(credentials_file)
    except (GoogleAuthError, OSError, ValueError) as error:
        reason = "GOOGLE_APPLICATION_CREDENTIALS names no key file of a service account"
        raise failure(Code.MISCONFIGURED, reason=reason, detail=type(error).__name__) from error
    client = ImageAnnotatorClient(transport="rest", client_options=options, credentials=account)
    transport: Any = client.transport
    for scheme in ("https://", "http://"):
        transport._session.mount(scheme, bounded_adapter("vision"))  # there is no other way to its session
    return client


def batches(pictures: Sequence[Path]) -> list[list[Path]]:
    """Split the pictures into as few requests as the service's limits allow."""
    parts: list[list[Path]] = []
    size_bytes = 0
    for picture in pictures:
        more_bytes = picture.stat().st_size
        if not parts or len(parts[-1]) == MAX_IMAGES or size_bytes + more_bytes > MAX_REQUEST_BYTES:
            parts.append([])
            size_bytes = 0
        parts[-1].append(picture)
        size_bytes += more_bytes
    return parts


def annotate(client: Any, pictures: Sequence[Path], *, timeout_s: float, limit_s: float) -> list[list[Word] | SvpError]:
    """Return the words of each picture, or the reason why this one could not be read.

    One call may take `timeout_s`, all attempts together `limit_s`. Raises a failure of the table for the whole request.
    """
    import requests
    from google.api_core import exceptions
    from google.api_core.retry import Retry, if_exception_type
    from google.cloud import vision
    from google.protobuf.json_format import ParseError

    asked = [
        vision.AnnotateImageRequest(
            image=vision.Image(content=picture.read_bytes()),
            features=[vision.Feature(type_=getattr(vision.Feature.Type, FEATURE))],
        )
        for picture in pictures
    ]
    passing = if_exception_type(
        exceptions.ServerError, exceptions.TooManyRequests, requests.ConnectionError, requests.Timeout
    )
    retry = Retry(passing, initial=_FIRST_WAIT_S, maximum=_LONGEST_WAIT_S, timeout=limit_s)
    try:
        answers = client.batch_annotate_images(requests=asked, retry=retry, timeout=min(timeout_s, limit_s)).responses
    except exceptions.GoogleAPICallError as error:
        raise _refused(error) from error
    except exceptions.RetryError as error:
        raise _out_of_time(error) from error
    except requests.RequestException as error:
        raise _unreachable(type(error).__name__) from error
    except (ParseError, ValueError, RecursionError) as error:  # a 200 whose body isn't JSON, or not even text
        raise _unreachable(f"not an answer of Vision: {type(error).__name__}") from error
    if len(answers) != len(pictures):
        raise _unreachable(f"{len(answers)} answers for {len(pictures)} pictures")
    return [_read(answer) for answer in answers]


def may_pass(error: SvpError) -> bool:
    """Return whether a retry may help for a picture that failed alone."""
    return error.code is Code.SERVICE_UNREACHABLE


def _read(answer: Any) -> list[Word] | SvpError:
    if answer.error.code:
        said = f"{answer.error.code}: {answer.error.message}"[:_DETAIL_CHARS]
        if answer.error.code in _PASSING:
            return _unreachable(said)
        if answer.error.code not in _KNOWN:
            report(SERVICE, status=200, kind=f"a picture's error {answer.error.code}", body=said)
        return failure(Code.SCREEN_FAILED, detail=said)
    pages = answer.full_text_annotation.pages
    if answer.text_annotations and not pages:  # its words without their breaks can't be joined to lines
        report(SERVICE, status=200, kind="textAnnotations without fullTextAnnotation")
    blocks = (block for page in pages for block in page.blocks)
    return [word for block in blocks for paragraph in block.paragraphs for word in _words(paragraph)]


def _words(paragraph: Any) -> list[Word]:
    """Return the words of a paragraph. Marks are words too, and only the breaks tell where they belong.

    `text_annotations` has the same words without their breaks: `( 972 ) 243 - 2932`.
    """
    words: list[Word] = []
    for found in paragraph.words:
        raw = "".join(map(_with_breaks, found.symbols))
        text = raw.strip(_BREAK_SIGNS)
        if words and (before := raw[: len(raw) - len(raw.lstrip(_BREAK_SIGNS))]):
            words[-1] = words[-1].model_copy(update={"after": before[0]})
        if text:
            box = _box(found.bounding_box, *(symbol.bounding_box for symbol in found.symbols), paragraph.bounding_box)
            after = raw[len(raw.rstrip(_BREAK_SIGNS)) :][:1]
            words.append(Word(text=text, **box, after=after, certainty=_certainty(found), is_level=_is_level(found)))
    if words:
        words[-1] = words[-1].model_copy(update={"after": "\n"})
    return words


def _certainty(found: Any) -> float | None:
    """Return a word's confidence, None where the answer leaves it out.

    Source: cloud.google.com/vision/docs/reference/rest/v1/AnnotateImageResponse, Word: "Confidence of the OCR results
    for the word. Range [0, 1]." A proto3 field that is left out reads as 0.
    """
    return float(found.confidence) or None


def _is_level(found: Any) -> bool:
    """Return whether the upper edge of a word is level: its first corners, as it is read."""
    corners = [(corner.x, corner.y) for corner in found.bounding_box.vertices[:2]]
    return len(corners) < 2 or is_level(*corners)


def _with_breaks(symbol: Any) -> str:
    """Return a symbol with the break before or after it."""
    found = symbol.property.detected_break
    sign = _BREAKS.get(found.type_.name, "")
    text: str = symbol.text
    return sign + text if found.is_prefix else text + sign


def _box(*polygons: Any) -> dict[str, float]:
    """Return the upright box around the first polygon that has corners. A coordinate of 0 is left out of an answer."""
    corners = next((list(polygon.vertices) for polygon in polygons if polygon.vertices), [])
    across, down = [corner.x for corner in corners] or [0], [corner.y for corner in corners] or [0]
    return {"left": min(across), "top": min(down), "right": max(across), "bottom": max(down)}


def _refused(error: Any) -> SvpError:
    """Return the failure behind an answer with an error status."""
    said = f"{error.code}: {error.message}"[:_DETAIL_CHARS]
    reason = error.reason or ""
    if reason in ("SERVICE_DISABLED", "BILLING_DISABLED"):
        what = f"{SERVICE} is not enabled, or has no billing, in its Google project"
        return failure(Code.MISCONFIGURED, reason=what, detail=said)
    if error.code in (401, 403) or reason.startswith("API_KEY") or "API key not valid" in str(error.message):
        return failure(Code.KEY_REJECTED, service=SERVICE, setting=KEY_SETTINGS, detail=said)
    if error.code == 429:
        return failure(Code.QUOTA_EXHAUSTED, service=SERVICE, detail=said)
    if error.code is not None and error.code >= 500:
        return _unreachable(said)
    _report(error)
    return failure(Code.SCREEN_FAILED, detail=said)


def _report(error: Any) -> None:
    response = error.response
    headers, body = (response.headers, response.content) if response is not None else ({}, str(error.message))
    report(SERVICE, status=error.code, kind=f"{type(error).__name__} {error.reason or ''}", headers=headers, body=body)


def _out_of_time(error: Any) -> SvpError:
    """Return the failure of the last attempt."""
    from google.api_core.exceptions import GoogleAPICallError

    return _refused(error.cause) if isinstance(error.cause, GoogleAPICallError) else _unreachable(str(error.cause))


def _unreachable(detail: str) -> SvpError:
    return failure(Code.SERVICE_UNREACHABLE, service=SERVICE, detail=detail[:_DETAIL_CHARS])
