"""One key of Gemini runs everything."""

from __future__ import annotations

import pytest

from tests.defs.installation import Installation
from tests.sandbox.ai_service import AiService

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site", "tests.paid_engines")

PANCAKES = "https://www.instagram.com/reel/DOpancakes1/"


@pytest.fixture
def one_key(ai: AiService, monkeypatch: pytest.MonkeyPatch) -> AiService:
    """The services with Gemini's key alone."""
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("GOOGLE_VISION_API_KEY")
    return ai


def test_with_one_key_a_page_says_what_is_said_and_shown(installation: Installation, one_key: AiService) -> None:
    one_key.steer("speech", text="Mash two ripe bananas. Then fry them in butter.", times=None)

    row = installation.process(PANCAKES, "cooking")

    assert row["status"] == "completed", row["error"]
    assert one_key.ledger.keys() == {"gemini"}
    assert one_key.ledger["gemini"]["audio_s"] > 0
    entry = installation.store.entries.get(row["id"])
    assert entry is not None
    assert entry.engines["transcribe"] == "gemini-3.5-flash-lite"
    assert entry.engines["read_screen"] == "RapidOCR"
    assert entry.engines["summarize"] == "gemini"
    body = installation.body(entry.content_page_id or "")
    assert "Transcript by gemini-3.5-flash-lite (en)" in body
    assert "Mash two ripe bananas." in body
    cost_usd, all_known = installation.store.entries.costs([row["id"]])[row["id"]]
    assert all_known
    assert 0 < cost_usd < 0.007


def test_a_second_save_pays_nothing_twice(installation: Installation, one_key: AiService) -> None:
    assert installation.process(PANCAKES, "cooking")["status"] == "completed"
    calls = one_key.ledger["gemini"]["calls"]
    assert installation.process(f"{PANCAKES}?igsh=MzRlODBiNWFlZA==", "cooking")["status"] == "completed"
    assert one_key.ledger["gemini"]["calls"] == calls


def test_a_used_up_free_quota_is_waited_for(installation: Installation, one_key: AiService) -> None:
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "500"}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    message = "You exceeded your current quota, please check your plan and billing details."
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": message, "details": details}}
    one_key.steer("faults", path="generateContent", status=429, body=body, times=None)

    row = installation.process(PANCAKES, "cooking")

    assert row["status"] == "pending"
    assert "quota at Gemini is used up" in row["error"]
