"""What Gemini's errors mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.models import JsonObject
from svp_dagster.unknown_answers import report

SERVICE = "Gemini"
KEY_SETTING, MODEL_SETTING = "GEMINI_API_KEY", "SVP_GEMINI_MODEL"

_SHORT_WAIT_S = 120.0
_DISABLED = frozenset({"SERVICE_DISABLED", "BILLING_DISABLED"})
_USED_UP = re.compile(r"per ?day|limit: 0\b|prepay|credit|spend|billing cap", re.IGNORECASE)
_PLAN = re.compile(r"plan and billing", re.IGNORECASE)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
# Source: google-gemini/gemini-cli 5064, AmberSahdev/Open-Interface 64, charmbracelet/crush 995.
_ABOUT_MEDIA = re.compile(r"input image|image is not valid|mime ?type|inline_?data", re.IGNORECASE)
_DETAIL_CHARS = 300


class SchemaRefused(Exception):
    """Gemini may not be able to enforce the answer's schema: it refused a request that has one."""


class MediaRefused(Exception):
    """Gemini may not be able to use a picture or sound: it refused a request that has one."""


def refused(error: Any, *, model: str, has_schema: bool, has_media: bool) -> Exception:
    """Return the exception for an answer with an error status: one of this module, or a failure of the table."""
    body = error.details if isinstance(error.details, dict) else {}
    raw = body.get("error")
    details = raw.get("details") if isinstance(raw, dict) else None
    facts = [fact for fact in details if isinstance(fact, dict)] if isinstance(details, list) else []
    message = error.message if isinstance(error.message, str) else ""
    said = f"{error.code} {error.status}: {message}"[:_DETAIL_CHARS]
    reasons = {str(fact.get("reason")) for fact in facts}
    if reasons & _DISABLED:
        # Source: cloud.google.com/apis/design/errors, ErrorInfo; error bodies in public repositories.
        reason = "the Gemini API (Generative Language API) is not enabled, or has no billing, in the Google project "
        reason += f"of the key ({KEY_SETTING}). Enable it in the Google Cloud console"
        return failure(Code.MISCONFIGURED, reason=reason, detail=said)
    is_key = error.code in (401, 403) or "API_KEY_INVALID" in reasons
    if is_key or "API key not valid" in message:
        return failure(Code.KEY_REJECTED, service=SERVICE, setting=KEY_SETTING, detail=said)
    if error.code == 404:
        return failure(Code.MODEL_RETIRED, service=SERVICE, model=model, setting=MODEL_SETTING, detail=said)
    if error.code == 429:
        return _too_many(facts, message, said)
    # FAILED_PRECONDITION is about the account.
    is_invalid = error.code == 400 and error.status != "FAILED_PRECONDITION"
    if is_invalid and has_media and (not has_schema or _ABOUT_MEDIA.search(message)):
        return MediaRefused(said)
    # Source: googleapis/python-genai 2133, ducroo/SICTIC-AI 76: "Request contains an invalid argument." is
    # all that Gemini says about a schema that it can't enforce.
    if is_invalid and has_schema:
        return SchemaRefused(said)
    if isinstance(error.code, int) and error.code < 500 and error.code != 408:
        if error.status != "FAILED_PRECONDITION":
            report(SERVICE, status=error.code, kind=f"{error.status} {' '.join(sorted(reasons))}", body=_body(error))
        return failure(Code.MISCONFIGURED, reason=f"{SERVICE} refuses the request ({error.status})", detail=said)
    return unreachable(said)


def _body(error: Any) -> str:
    return json.dumps(error.details, ensure_ascii=False, default=str)


def unreachable(detail: str, *, retry: Retry | None = None, retry_after_s: float | None = None) -> SvpError:
    """Return `service_unreachable`."""
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
    return unreachable(said, retry=later, retry_after_s=delay_s)


def _quota_names(facts: list[JsonObject]) -> Iterator[str]:
    for fact in facts:
        violations = fact.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield f"{violation.get('quotaId', '')} limit: {violation.get('quotaValue', '')}"
