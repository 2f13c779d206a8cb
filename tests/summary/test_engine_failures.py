"""Every failure of Gemini is one of the table."""

from __future__ import annotations

import pytest

from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.models import JsonObject
from svp_dagster.summary.engines import GeminiSummarizer
from tests.fakes import CountingMeter
from tests.sandbox.ai_service import AiService
from tests.summary.gemini_examples import GOOD, KEY, bodies, engine, failed, run, script


def google_error(code: int, status: str, message: str, *details: JsonObject) -> JsonObject:
    body = {"error": {"code": code, "status": status, "message": message, "details": list(details)}}
    return {"status": code, "body": body}


def too_many(message: str, *details: JsonObject) -> JsonObject:
    return google_error(429, "RESOURCE_EXHAUSTED", message, *details)


def quota(name: str, *, delay: str | None = None, limit: str = "20") -> JsonObject:
    failure_info = {"@type": "type.googleapis.com/google.rpc.QuotaFailure"}
    details = [failure_info | {"violations": [{"quotaId": name, "quotaValue": limit}]}]
    if delay is not None:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    return google_error(
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
        *details,
    )


PLAN = "You exceeded your current quota, please check your plan and billing details."


PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"


PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


DEEP = {"candidates": [{"content": {"parts": [{"text": "[" * 5000}]}}]}


NO_REGION = "User location is not supported for the API use."


@pytest.mark.parametrize(
    ("fault", "code", "retry", "retry_after_s"),
    [
        (google_error(401, "UNAUTHENTICATED", "no"), Code.KEY_REJECTED, Retry.NEVER, None),
        (google_error(403, "PERMISSION_DENIED", "no"), Code.KEY_REJECTED, Retry.NEVER, None),
        (google_error(404, "NOT_FOUND", "models/x is not found"), Code.MODEL_RETIRED, Retry.NEVER, None),
        (google_error(400, "FAILED_PRECONDITION", NO_REGION), Code.MISCONFIGURED, Retry.NEVER, None),
        (quota(PER_MINUTE, delay="36.4s"), Code.SERVICE_UNREACHABLE, Retry.NOW, 36.4),
        (quota(PER_MINUTE, delay="3600s"), Code.SERVICE_UNREACHABLE, Retry.LATER, 3600.0),
        (quota(PER_DAY, delay="36s"), Code.QUOTA_EXHAUSTED, Retry.LATER, 3600.0),
        (quota(PER_MINUTE, delay="36s", limit="0"), Code.QUOTA_EXHAUSTED, Retry.LATER, 3600.0),
        (too_many("Your prepayment credits are depleted."), Code.QUOTA_EXHAUSTED, Retry.LATER, 3600.0),
        (too_many(PLAN), Code.QUOTA_EXHAUSTED, Retry.LATER, 3600.0),
        (too_many("Resource exhausted, try again."), Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        (google_error(500, "INTERNAL", "oops"), Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        (google_error(503, "UNAVAILABLE", "overloaded"), Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 429, "body": "slow down"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 429, "body": [{"error": "?"}]}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 502, "body": "<html>bad gateway</html>"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 418, "body": "a teapot"}, Code.MISCONFIGURED, Retry.NEVER, None),
        ({"cut": "before_answer"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"cut": "mid_answer"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"garbage": "html"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"garbage": "broken_json"}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 200, "body": []}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 200, "body": {"candidates": 3}}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 200, "body": DEEP}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
        ({"status": 200, "body": {"candidates": [{"content": "x"}]}}, Code.SERVICE_UNREACHABLE, Retry.NOW, None),
    ],
)  # fmt: skip
def test_every_failure_of_the_service_is_one_of_the_table(
    gemini: AiService, fault: JsonObject, code: Code, retry: Retry, retry_after_s: float | None
) -> None:
    gemini.steer("faults", **fault)
    meter = CountingMeter()
    error = failed(gemini, meter=meter)
    assert (error.code, error.retry, error.retry_after_s) == (code, retry, retry_after_s)
    assert meter.calls == []


def test_a_key_that_google_does_not_know_is_named_with_its_setting(gemini: AiService) -> None:
    error = failed(gemini, api_key="invalid")
    assert error.code is Code.KEY_REJECTED
    assert "GEMINI_API_KEY" in error.sentence


def test_without_a_key_nothing_is_sent(gemini: AiService) -> None:
    assert failed(gemini, api_key="").code is Code.KEY_REJECTED
    assert bodies(gemini) == []


def test_a_retired_model_is_named_with_its_setting(gemini: AiService) -> None:
    error = failed(gemini, model="gemini-1.5-flash")
    assert error.code is Code.MODEL_RETIRED
    assert "gemini-1.5-flash" in error.sentence
    assert "SVP_GEMINI_MODEL" in error.sentence


def test_an_outage_is_tried_again_within_a_call(gemini: AiService) -> None:
    script(gemini, GOOD)
    gemini.steer("faults", status=503)
    assert run(engine(gemini, attempts=2)).properties["Name"].value == "Lemon pasta"
    assert len(bodies(gemini)) == 2


def test_a_service_that_hangs_is_given_up(gemini: AiService) -> None:
    gemini.steer("faults", status=503, delay_s=2.0)
    assert failed(gemini, timeout_s=0.3).code is Code.SERVICE_UNREACHABLE


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9", "not a url", "ftp://127.0.0.1"])
def test_an_address_where_nobody_answers_is_unreachable(base_url: str) -> None:
    with pytest.raises(SvpError) as caught:
        run(GeminiSummarizer(api_key=KEY, base_url=base_url, timeout_s=1.0, attempts=1))
    assert caught.value.code is Code.SERVICE_UNREACHABLE


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(GeminiSummarizer(api_key=KEY))
    assert KEY not in GeminiSummarizer(api_key=KEY).recipe
