"""Requests to OpenAI's transcription API. Every failure is one of the table."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from svp_dagster.bounded_http import bounded
from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.models import Segment
from svp_dagster.packages import load
from svp_dagster.retry_after import parse_retry_after
from svp_dagster.speech.hallucinations import RawSegment, believable, mean_confidence, without_loops
from svp_dagster.speech.parts import PartTranscript
from svp_dagster.unknown_answers import report

SERVICE = "OpenAI"
KEY_SETTING, MODEL_SETTING, URL_SETTING = "OPENAI_API_KEY", "SVP_SPEECH_MODEL", "OPENAI_BASE_URL"

SEGMENTING_MODEL = "whisper-1"
"""The only model that returns segments with times."""

# Source: platform.openai.com/docs/deprecations: these end on 2027-02-26, and gpt-transcribe follows.
SUCCESSORS = {
    "whisper-1": "gpt-transcribe",
    "gpt-4o-transcribe": "gpt-transcribe",
    "gpt-4o-mini-transcribe": "gpt-transcribe",
}

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
"""Between attempts. For a longer wait that the service asks for, the row waits instead of the run."""

_DETAIL_CHARS = 300

# Source: error texts quoted in public issue threads. They are about the sound that was sent.
_KNOWN_REFUSALS = frozenset({"invalid_value", "audio_too_short", "unsupported_value", "invalid_language_format"})

# Source: openai/whisper, tokenizer.py: LANGUAGES and TO_LANGUAGE_CODE. Whisper's code for Javanese, `jw`, is withdrawn.
_LANGUAGES = {
    "afrikaans": "af", "albanian": "sq", "amharic": "am", "arabic": "ar", "armenian": "hy", "assamese": "as",
    "azerbaijani": "az", "bashkir": "ba", "basque": "eu", "belarusian": "be", "bengali": "bn", "bosnian": "bs",
    "breton": "br", "bulgarian": "bg", "burmese": "my", "cantonese": "yue", "castilian": "es", "catalan": "ca",
    "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en",
    "estonian": "et", "faroese": "fo", "finnish": "fi", "flemish": "nl", "french": "fr", "galician": "gl",
    "georgian": "ka", "german": "de", "greek": "el", "gujarati": "gu", "haitian": "ht", "haitian creole": "ht",
    "hausa": "ha", "hawaiian": "haw", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "icelandic": "is",
    "indonesian": "id", "italian": "it", "japanese": "ja", "javanese": "jv", "kannada": "kn", "kazakh": "kk",
    "khmer": "km", "korean": "ko", "lao": "lo", "latin": "la", "latvian": "lv", "letzeburgesch": "lb",
    "lingala": "ln", "lithuanian": "lt", "luxembourgish": "lb", "macedonian": "mk", "malagasy": "mg", "malay": "ms",
    "malayalam": "ml", "maltese": "mt", "mandarin": "zh", "maori": "mi", "marathi": "mr", "moldavian": "ro",
    "moldovan": "ro", "mongolian": "mn", "myanmar": "my", "nepali": "ne", "norwegian": "no", "nynorsk": "nn",
    "occitan": "oc", "panjabi": "pa", "pashto": "ps", "persian": "fa", "polish": "pl", "portuguese": "pt",
    "punjabi": "pa", "pushto": "ps", "romanian": "ro", "russian": "ru", "sanskrit": "sa", "serbian": "sr",
    "shona": "sn", "sindhi": "sd", "sinhala": "si", "sinhalese": "si", "slovak": "sk", "slovenian": "sl",
    "somali": "so", "spanish": "es", "sundanese": "su", "swahili": "sw", "swedish": "sv", "tagalog": "tl",
    "tajik": "tg", "tamil": "ta", "tatar": "tt", "telugu": "te", "thai": "th", "tibetan": "bo", "turkish": "tr",
    "turkmen": "tk", "ukrainian": "uk", "urdu": "ur", "uzbek": "uz", "valencian": "ca", "vietnamese": "vi",
    "welsh": "cy", "yiddish": "yi", "yoruba": "yo",
}  # fmt: skip
"""whisper-1 returns the language's English name. Everything else here uses ISO 639-1, or 639-3 where that has none."""

_WITHDRAWN_CODES = {"jw": "jv"}


def prepare() -> None:
    """Load the SDK, which is slow to import."""
    load("openai")


def open_client(*, api_key: SecretStr, base_url: str, timeout_s: float) -> Any:
    """Return a client with a timeout and without retries of its own. Raises `key_rejected` without a key."""
    prepare()
    from openai import DefaultHttpxClient, OpenAI

    if not api_key:
        raise failure(Code.KEY_REJECTED, service=SERVICE, setting=KEY_SETTING, detail="no key is set")
    return OpenAI(
        api_key=api_key.get_secret_value(),
        base_url=base_url or None,
        timeout=timeout_s,
        max_retries=0,
        http_client=DefaultHttpxClient(**bounded("openai")),
    )


def transcribe_part(client: Any, part: Path, *, model: str, length_s: float, attempts: int) -> PartTranscript:
    """Transcribe an MP3 file in at most `attempts` attempts. Raises a failure of the table."""
    for attempt in range(1, attempts):
        try:
            return _transcribe_once(client, part, model=model, length_s=length_s)
        except SvpError as error:
            wait_s = error.retry_after_s if error.retry_after_s is not None else FIRST_WAIT_S * 2 ** (attempt - 1)
            if error.retry is not Retry.NOW or wait_s > LONGEST_WAIT_S:
                raise
            time.sleep(wait_s)
    return _transcribe_once(client, part, model=model, length_s=length_s)


def _transcribe_once(client: Any, part: Path, *, model: str, length_s: float) -> PartTranscript:
    import openai

    verbose = model == SEGMENTING_MODEL
    try:
        answer = client.audio.transcriptions.create(
            model=model,
            file=(part.name, part.read_bytes()),
            response_format="verbose_json" if verbose else "json",
        )
    except openai.APIConnectionError as error:  # timeouts are among them
        raise _unreachable(type(error).__name__) from error
    except openai.APIStatusError as error:
        raise _refused(error, model) from error
    except (openai.APIError, ValueError, RecursionError) as error:  # a 200 that isn't JSON, or JSON of another shape
        raise failure(Code.SPEECH_FAILED, detail=f"unusable answer: {type(error).__name__}") from error
    if not isinstance(getattr(answer, "text", None), str):  # a page instead of JSON comes back as it is
        report(SERVICE, status=200, kind=f"an answer of type {type(answer).__name__}", body=str(answer))
        raise failure(Code.SPEECH_FAILED, detail=f"an answer of type {type(answer).__name__}")
    usage = getattr(answer, "usage", None)
    raw = _raw_segments(answer, length_s=length_s)
    language = _language(answer)
    return PartTranscript(
        segments=_whole(answer, length_s=length_s) if raw is None else tuple(believable(raw)),
        language=language,
        billed_s=getattr(usage, "seconds", None),
        confidence=mean_confidence(raw or ()),
        # Source: openai 3.51, types/audio/transcription.py: an empty array of languages means that none was clear.
        names_language=language is not None or getattr(answer, "languages", None) is not None,
    )


def _whole(answer: Any, *, length_s: float) -> tuple[Segment, ...]:
    """Return one segment as long as the part."""
    text = without_loops(answer.text)
    return (Segment(start_s=0.0, end_s=length_s, text=text),) if text else ()


def _raw_segments(answer: Any, *, length_s: float) -> list[RawSegment] | None:
    """Return the answer's segments, None if the model returns none."""
    if getattr(answer, "segments", None) is None:
        return None
    return [
        RawSegment(
            segment=Segment(
                start_s=min(max(one.start, 0.0), length_s),
                end_s=min(max(one.end, one.start, 0.0), length_s),
                text=one.text.strip(),
            ),
            no_speech=one.no_speech_prob,
            confidence=one.avg_logprob,
        )
        for one in answer.segments
    ]


def _language(answer: Any) -> str | None:
    """Return the language as an ISO code.

    `whisper-1` gives its name, `gpt-transcribe` an object with a code or several (openai 3.52,
    types/audio/transcription.py).
    """
    listed = getattr(answer, "languages", None)
    first = listed[0] if isinstance(listed, list) and listed else None
    named = _language_name(getattr(answer, "language", None)) or _language_name(first)
    return _WITHDRAWN_CODES.get(named, _LANGUAGES.get(named, named)) or None


def _language_name(given: Any) -> str:
    """Return a name or code, which stands alone or as the `code` of an object."""
    found = given.get("code") if isinstance(given, dict) else getattr(given, "code", given)
    return found.strip().lower() if isinstance(found, str) else ""


def _refused(error: Any, model: str) -> SvpError:
    """Return the failure behind an answer with an error status."""
    said = f"{error.status_code} {error.code}: {error.message}"[:_DETAIL_CHARS]
    if error.status_code in (401, 403):
        return failure(Code.KEY_REJECTED, service=SERVICE, setting=KEY_SETTING, detail=f"status {error.status_code}")
    if error.code == "model_not_found":
        return failure(Code.MODEL_RETIRED, service=SERVICE, model=model, setting=MODEL_SETTING, detail=said)
    if error.status_code == 404:
        return failure(Code.MISCONFIGURED, reason=f"{SERVICE}'s address ({URL_SETTING}) is wrong", detail=said)
    if error.status_code == 429 and "insufficient_quota" in (error.code, error.type):
        return failure(Code.QUOTA_EXHAUSTED, service=SERVICE, detail=said)
    if error.status_code in (408, 409, 429) or error.status_code >= 500:
        return _unreachable(said, retry_after_s=parse_retry_after(error.response.headers.get("retry-after")))
    if error.code not in _KNOWN_REFUSALS:
        headers, body = error.response.headers, error.response.content
        report(SERVICE, status=error.status_code, kind=f"{error.type} {error.code}", headers=headers, body=body)
    return failure(Code.SPEECH_FAILED, retry=Retry.NEVER, detail=said)


def _unreachable(detail: str, *, retry_after_s: float | None = None) -> SvpError:
    later = Retry.LATER if retry_after_s is not None and retry_after_s > LONGEST_WAIT_S else None
    return failure(Code.SERVICE_UNREACHABLE, service=SERVICE, detail=detail, retry=later, retry_after_s=retry_after_s)
