"""Calls to Gemini. Every call is metered, every failure is one of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from svp_dagster.bounded_http import bounded
from svp_dagster.errors import Code, failure
from svp_dagster.gemini.failures import KEY_SETTING, SERVICE, refused, unreachable
from svp_dagster.models import JsonObject, Usage
from svp_dagster.packages import load
from svp_dagster.ports import Meter
from svp_dagster.unknown_answers import report

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Content, GenerateContentConfig, GenerateContentResponse

# The SDK repeats these. It doesn't repeat a 429, because it ignores the delay that Gemini asks for.
_REPEATED_STATUSES = [408, 500, 502, 503, 504]
_UNFINISHED = frozenset({"MAX_TOKENS", "MALFORMED_RESPONSE", "CONTINUATION"})
# Source: https://ai.google.dev/gemini-api/docs/troubleshooting, RECITATION; googleapis/python-genai issues. It hits
# innocent quotes and lyrics, and the next attempt may pass.
_BY_CHANCE = frozenset({"RECITATION", "OTHER"})
# Source: google-genai, types.FinishReason.
_BLOCKED = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "LANGUAGE"})


class AnswerWithheld(Exception):
    """Gemini withheld its answer. The text is the reason in words.

    `by_chance`: the reason also hits innocent content, and the answer was withheld twice.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason.replace("_", " ").lower())
        self.reason = reason
        self.by_chance = reason in _BY_CHANCE


class AnswerUnfinished(Exception):
    """The answer is cut off, or empty. `text` is what there is of it."""

    def __init__(self, problem: str, *, text: str) -> None:
        super().__init__(problem)
        self.text = text


def prepare() -> None:
    """Load the SDK, which is slow to import."""
    load("google.genai")


def open_client(*, api_key: SecretStr, base_url: str, timeout_s: float, attempts: int) -> Client:
    """Return a client with a timeout. Raises `key_rejected` without a key."""
    prepare()
    from google import genai
    from google.genai import types

    if not api_key:
        raise failure(Code.KEY_REJECTED, service=SERVICE, setting=KEY_SETTING, detail="no key is set")
    options = types.HttpOptions(
        base_url=base_url or None,
        timeout=int(timeout_s * 1000),
        client_args=bounded("gemini"),
        retry_options=types.HttpRetryOptions(
            attempts=attempts, initial_delay=0.5, max_delay=8.0, http_status_codes=_REPEATED_STATUSES
        ),
    )
    # Explicit, because GOOGLE_GENAI_USE_VERTEXAI in the environment would send the key elsewhere.
    return genai.Client(vertexai=False, api_key=api_key.get_secret_value(), http_options=options)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as one stage asks it."""

    client: Client
    name: str
    service: Literal["speech", "summary"]
    meter: Meter

    def answer(self, contents: Sequence[Content], config: GenerateContentConfig) -> str:
        """Return the model's complete answer. One that is withheld by chance is asked for once more.

        Raises `AnswerWithheld`, `AnswerUnfinished`, `SchemaRefused`, `MediaRefused`, or a failure of the table.
        """
        response = self._respond(contents, config)
        if _withheld_reason(response) in _BY_CHANCE:
            response = self._respond(contents, config)
        return _complete_answer(response)

    def _respond(self, contents: Sequence[Content], config: GenerateContentConfig) -> GenerateContentResponse:
        self.meter.require_budget()
        response = self._call(contents, config)
        self._record(response)
        return response

    def _call(self, contents: Sequence[Content], config: GenerateContentConfig) -> GenerateContentResponse:
        import httpx2
        from google.genai import errors

        try:
            return self.client.models.generate_content(model=self.name, contents=list(contents), config=config)
        except errors.APIError as error:
            has_schema = config.response_json_schema is not None
            raise refused(error, model=self.name, has_schema=has_schema, has_media=_has_media(contents)) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise unreachable(f"{type(error).__name__}: {error}") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            # The SDK raises these for a 200 whose body isn't JSON, or JSON of another shape.
            raise unreachable(f"not an answer of Gemini: {type(error).__name__}") from error

    def _record(self, response: GenerateContentResponse) -> None:
        """Record the call's tokens. An answer without counts is recorded too: what it cost is unknown, not nothing."""
        counts = response.usage_metadata
        if counts is None and not response.candidates:  # not an answer of Gemini, but of something in between
            return
        detail: JsonObject = {}
        if counts is not None:
            detail = {
                "input": counts.prompt_token_count or 0,
                "output": counts.candidates_token_count or 0,
                "thought": counts.thoughts_token_count or 0,
            }
        units = sum(detail.values())
        self.meter.record(Usage(service=self.service, model=self.name, units=units, unit="tokens", detail=detail))


def _has_media(contents: Sequence[Content]) -> bool:
    return any(part.inline_data is not None for content in contents for part in content.parts or ())


def _complete_answer(response: GenerateContentResponse) -> str:
    """Return the text of a complete answer. Raises `AnswerWithheld`, `AnswerUnfinished` or a failure of the table."""
    if reason := _withheld_reason(response):
        if reason not in _BLOCKED | _BY_CHANCE and not _is_prompt_blocked(response):
            report(
                SERVICE, status=200, kind=f"finish reason {reason}", body=response.model_dump_json(exclude_none=True)
            )
        raise AnswerWithheld(reason)
    if not response.candidates:
        raise unreachable("an answer without candidates")
    text = response.text or ""
    if _finish_reason(response) in _UNFINISHED:
        raise AnswerUnfinished("It was cut off: it is too long.", text=text)
    if not text.strip():
        raise AnswerUnfinished("It is empty.", text=text)
    return text


def _withheld_reason(response: GenerateContentResponse) -> str | None:
    """Return why the prompt or the answer was refused, None for any other answer."""
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        return feedback.block_reason.name
    reason = _finish_reason(response)
    return None if reason in _UNFINISHED | {"STOP", "FINISH_REASON_UNSPECIFIED"} else reason


def _is_prompt_blocked(response: GenerateContentResponse) -> bool:
    return response.prompt_feedback is not None and response.prompt_feedback.block_reason is not None


def _finish_reason(response: GenerateContentResponse) -> str:
    finished = response.candidates[0].finish_reason if response.candidates else None
    return finished.name if finished is not None else "STOP"
