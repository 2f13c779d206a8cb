"""A conversation with Gemini. Every call is metered, every failure is one of the table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from svp_dagster.bounded_http import bounded
from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.models import JsonObject, Usage
from svp_dagster.packages import load
from svp_dagster.ports import Meter
from svp_dagster.summary.answers import InvalidAnswer
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
_WITHHELD = frozenset({"RECITATION", "OTHER"})
# Source: google-genai, types.FinishReason.
_BLOCKED = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "LANGUAGE"})
_USED_UP = re.compile(r"per ?day|limit: 0\b|prepay|credit|spend|billing cap", re.IGNORECASE)
_PLAN = re.compile(r"plan and billing", re.IGNORECASE)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
_DETAIL_CHARS = 300
PICTURE_KIND = "image/jpeg"
# Source: google-gemini/gemini-cli 5064, AmberSahdev/Open-Interface 64, charmbracelet/crush 995.
_ABOUT_PICTURE = re.compile(r"input image|image is not valid|mime ?type|inline_?data", re.IGNORECASE)


class SchemaRefused(Exception):
    """Gemini may not be able to enforce the answer's schema: it refused a request that has one."""


class PictureRefused(Exception):
    """Gemini may not be able to use the picture: it refused a request that has one."""


class AnswerWithheld(Exception):
    """Gemini withheld its answer twice. The text is the finish reason in words."""


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


class Conversation:
    """Turns with a model under one system instruction. Without a `schema`, answers are JSON of any shape."""

    def __init__(
        self,
        client: Client,
        *,
        model: str,
        instructions: str,
        schema: JsonObject | None,
        max_output_tokens: int,
        meter: Meter,
    ) -> None:
        self._client = client
        self._model = model
        self._instructions = instructions
        self._schema = schema
        self._max_output_tokens = max_output_tokens
        self._meter = meter
        self._turns: list[Content] = []
        self._has_picture = False

    def ask(self, text: str, *, picture: bytes | None = None) -> str:
        """Return the model's answer to the next turn. `picture` is a JPEG.

        An answer that is withheld is asked for once more. Raises `InvalidAnswer` if it is cut off or empty,
        `AnswerWithheld`, `SchemaRefused`, `PictureRefused`, or a failure of the table.
        """
        from google.genai import types

        parts = [types.Part(text=text)]
        if picture is not None:
            # Before the text, as ai.google.dev/gemini-api/docs/image-understanding advises for a single picture.
            parts.insert(0, types.Part.from_bytes(data=picture, mime_type=PICTURE_KIND))
            self._has_picture = True
        self._turns.append(types.Content(role="user", parts=parts))
        response = self._respond()
        if _withheld(response):
            response = self._respond()
        if reason := _withheld(response):
            raise AnswerWithheld(_in_words(reason))
        answer = response.text or ""
        self._turns.append(types.Content(role="model", parts=[types.Part(text=answer or "{}")]))
        _require_answer(response, answer)
        return answer

    def _respond(self) -> GenerateContentResponse:
        self._meter.require_budget()
        response = self._call()
        self._record(response)
        return response

    def _call(self) -> GenerateContentResponse:
        import httpx2
        from google.genai import errors

        try:
            return self._client.models.generate_content(
                model=self._model, contents=list(self._turns), config=self._config()
            )
        except errors.APIError as error:
            raise self._refused(error) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unreachable(f"{type(error).__name__}: {error}") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            # The SDK raises these for a 200 whose body isn't JSON, or JSON of another shape.
            raise _unreachable(f"not an answer of Gemini: {type(error).__name__}") from error

    def _config(self) -> GenerateContentConfig:
        from google.genai import types

        return types.GenerateContentConfig(
            system_instruction=self._instructions,
            response_mime_type="application/json",
            response_json_schema=self._schema,
            max_output_tokens=self._max_output_tokens,
        )

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
        self._meter.record(Usage(service="summary", model=self._model, units=units, unit="tokens", detail=detail))

    def _refused(self, error: Any) -> Exception:
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
            return failure(Code.MODEL_RETIRED, service=SERVICE, model=self._model, setting=MODEL_SETTING, detail=said)
        if error.code == 429:
            return _too_many(facts, message, said)
        is_invalid = error.code == 400 and error.status != "FAILED_PRECONDITION"
        if is_invalid and self._has_picture and (self._schema is None or _ABOUT_PICTURE.search(message)):
            return PictureRefused(said)
        # Source: googleapis/python-genai 2133, ducroo/SICTIC-AI 76: "Request contains an invalid argument." is
        # all that Gemini says about a schema that it can't enforce. FAILED_PRECONDITION is about the account.
        if is_invalid and self._schema is not None:
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


def _require_answer(response: GenerateContentResponse, answer: str) -> None:
    """Pass for a complete answer. Raises `InvalidAnswer`, or a failure of the table for a refused one."""
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise _blocked(feedback.block_reason.name)
    if not response.candidates:
        raise _unreachable("an answer without candidates")
    finished = response.candidates[0].finish_reason
    reason = finished.name if finished is not None else "STOP"
    if reason in _UNFINISHED:
        raise InvalidAnswer("It was cut off: it is too long.")
    if reason not in ("STOP", "FINISH_REASON_UNSPECIFIED"):
        if reason not in _BLOCKED:
            report(
                SERVICE, status=200, kind=f"finish reason {reason}", body=response.model_dump_json(exclude_none=True)
            )
        raise _blocked(reason)
    if not answer.strip():
        raise InvalidAnswer("It is empty.")


def _withheld(response: GenerateContentResponse) -> str | None:
    """Return the reason of an answer that was withheld by chance, None for any other answer.

    Source: https://ai.google.dev/gemini-api/docs/troubleshooting, RECITATION; googleapis/python-genai issues. It hits
    innocent quotes and lyrics, and the next attempt may pass.
    """
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        return feedback.block_reason.name if feedback.block_reason.name in _WITHHELD else None
    finished = response.candidates[0].finish_reason if response.candidates else None
    return finished.name if finished is not None and finished.name in _WITHHELD else None


def _blocked(reason: str) -> SvpError:
    return failure(Code.SUMMARY_BLOCKED, reason=_in_words(reason), detail=reason)


def _in_words(reason: str) -> str:
    return reason.replace("_", " ").lower()


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
