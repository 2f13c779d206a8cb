"""Calls to Gemini. Every call is metered, every failure is one of the table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from svp_dagster.bounded_http import bounded
from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.models import JsonObject, Usage
from svp_dagster.packages import load
from svp_dagster.ports import Meter
from svp_dagster.unknown_answers import report

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import Content, GenerateContentConfig, GenerateContentResponse

SERVICE = "Gemini"
KEY_SETTING, MODEL_SETTING = "GEMINI_API_KEY", "SVP_GEMINI_MODEL"

# The SDK repeats these. It doesn't repeat a 429, because it ignores the delay that Gemini asks for.
_REPEATED_STATUSES = [408, 500, 502, 503, 504]
_SHORT_WAIT_S = 120.0
_UNFINISHED = frozenset({"MAX_TOKENS", "MALFORMED_RESPONSE", "CONTINUATION"})
_DISABLED = frozenset({"SERVICE_DISABLED", "BILLING_DISABLED"})
# Source: https://ai.google.dev/gemini-api/docs/troubleshooting, RECITATION; googleapis/python-genai issues. It hits
# innocent quotes and lyrics, and the next attempt may pass.
_BY_CHANCE = frozenset({"RECITATION", "OTHER"})
# Source: google-genai, types.FinishReason.
_BLOCKED = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "LANGUAGE"})
_USED_UP = re.compile(r"per ?day|limit: 0\b|prepay|credit|spend|billing cap", re.IGNORECASE)
_PLAN = re.compile(r"plan and billing", re.IGNORECASE)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_DETAIL_CHARS = 300


class SchemaRefused(Exception):
    """Gemini may not be able to enforce the answer's schema: it refused a request that has one."""


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
        client_args=bounded(),
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

        Raises `AnswerWithheld`, `AnswerUnfinished`, `SchemaRefused`, or a failure of the table.
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
            raise self._refused(error, has_schema=config.response_json_schema is not None) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unreachable(f"{type(error).__name__}: {error}") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            # The SDK raises these for a 200 whose body isn't JSON, or JSON of another shape.
            raise _unreachable(f"not an answer of Gemini: {type(error).__name__}") from error

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

    def _refused(self, error: Any, *, has_schema: bool) -> Exception:
        """Return the failure behind an answer with an error status."""
        body = error.details if isinstance(error.details, dict) else {}
        raw = body.get("error")
        details = raw.get("details") if isinstance(raw, dict) else None
        facts = [fact for fact in details if isinstance(fact, dict)] if isinstance(details, list) else []
        message = error.message if isinstance(error.message, str) else ""
        said = f"{error.code} {error.status}: {message}"[:_DETAIL_CHARS]
        reasons = {str(fact.get("reason")) for fact in facts}
        if reasons & _DISABLED:
            # Source: cloud.google.com/apis/design/errors, ErrorInfo; error bodies in public repositories.
            reason = (
                "the Gemini API (Generative Language API) is not enabled, or has no billing, in the Google project "
            )
            reason += f"of the key ({KEY_SETTING}). Enable it in the Google Cloud console"
            return failure(Code.MISCONFIGURED, reason=reason, detail=said)
        is_key = error.code in (401, 403) or "API_KEY_INVALID" in reasons
        if is_key or "API key not valid" in message:
            return failure(Code.KEY_REJECTED, service=SERVICE, setting=KEY_SETTING, detail=said)
        if error.code == 404:
            return failure(Code.MODEL_RETIRED, service=SERVICE, model=self.name, setting=MODEL_SETTING, detail=said)
        if error.code == 429:
            return _too_many(facts, message, said)
        # Source: googleapis/python-genai 2133, ducroo/SICTIC-AI 76: "Request contains an invalid argument." is
        # all that Gemini says about a schema that it can't enforce. FAILED_PRECONDITION is about the account.
        if error.code == 400 and has_schema and error.status != "FAILED_PRECONDITION":
            return SchemaRefused(said)
        if isinstance(error.code, int) and error.code < 500 and error.code != 408:
            if error.status != "FAILED_PRECONDITION":
                report(
                    SERVICE, status=error.code, kind=f"{error.status} {' '.join(sorted(reasons))}", body=_body(error)
                )
            return failure(Code.MISCONFIGURED, reason=f"{SERVICE} refuses the request ({error.status})", detail=said)
        return _unreachable(said)


def _body(error: Any) -> str:
    return json.dumps(error.details, ensure_ascii=False, default=str)


def _complete_answer(response: GenerateContentResponse) -> str:
    """Return the text of a complete answer. Raises `AnswerWithheld`, `AnswerUnfinished` or a failure of the table."""
    if reason := _withheld_reason(response):
        if reason not in _BLOCKED | _BY_CHANCE and not _is_prompt_blocked(response):
            report(
                SERVICE, status=200, kind=f"finish reason {reason}", body=response.model_dump_json(exclude_none=True)
            )
        raise AnswerWithheld(reason)
    if not response.candidates:
        raise _unreachable("an answer without candidates")
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


def _unreachable(detail: str, *, retry: Retry | None = None, retry_after_s: float | None = None) -> SvpError:
    detail = detail[:_DETAIL_CHARS]
    return failure(Code.SERVICE_UNREACHABLE, service=SERVICE, detail=detail, retry=retry, retry_after_s=retry_after_s)


def _too_many(facts: list[JsonObject], message: str, said: str) -> SvpError:
    """Return `service_unreachable` for a limit per minute, `quota_exhausted` for one per day or of the account.

    Gemini says "check your plan and billing" for every limit, so only the names of the quotas tell them apart. An
    answer without a quota and a delay is about the account.
    """
    quotas = " ".join(_quota_names(facts))
    delays = [_SECONDS.fullmatch(str(fact["retryDelay"])) for fact in facts if "retryDelay" in fact]
    delay_s = max((float(delay.group(1)) for delay in delays if delay), default=None)
    is_account = delay_s is None and not quotas and _PLAN.search(message) is not None
    if is_account or _USED_UP.search(quotas) or _USED_UP.search(message):
        return failure(Code.QUOTA_EXHAUSTED, service=SERVICE, detail=said)
    later = Retry.LATER if delay_s is not None and delay_s > _SHORT_WAIT_S else None
    return _unreachable(said, retry=later, retry_after_s=delay_s)


def _quota_names(facts: list[JsonObject]) -> Iterator[str]:
    for fact in facts:
        violations = fact.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield f"{violation.get('quotaId', '')} limit: {violation.get('quotaValue', '')}"
