"""What rows cost, with the paid engines in the place of the local ones."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from tests.defs.installation import Installation
from tests.sandbox.ai_service import AiService

pytest_plugins = ("tests.media_site", "tests.paid_engines")

PANCAKES = "https://www.instagram.com/reel/DOpancakes1/"
RAMEN = "https://www.instagram.com/reel/DOramen0001/"


def calls(ai: AiService) -> dict[str, int]:
    return {service: int(counts["calls"]) for service, counts in ai.ledger.items()}


def cost_usd(installation: Installation, row: dict[str, Any]) -> float:
    usd, all_known = installation.store.entries.costs([row["id"]]).get(row["id"], (0.0, True))
    assert all_known
    return usd


def test_a_second_save_of_a_video_by_another_row_costs_nothing(installation: Installation, ai: AiService) -> None:
    ai.steer("vision", lines=["2 ripe bananas", "80 g oats"])
    first = installation.process(PANCAKES, "cooking")
    paid = calls(ai)

    second = installation.process(f"{PANCAKES}?igsh=MzRlODBiNWFlZA==", "cooking")

    assert (first["status"], second["status"]) == ("completed", "completed")
    assert first["result"] != second["result"]
    assert paid == {"openai": 1, "vision": 1, "gemini": 1}
    assert calls(ai) == paid
    assert 0 < cost_usd(installation, first) < 0.01
    assert cost_usd(installation, second) == 0


def test_a_changed_prompt_pays_for_the_summary_alone(installation: Installation, ai: AiService) -> None:
    ai.steer("vision", lines=["2 ripe bananas", "80 g oats"])
    row = installation.process(PANCAKES, "cooking")
    with installation.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE content_databases SET prompt = 'List the ingredients by weight.'")

    assert installation.run(row["id"]).success
    assert calls(ai) == {"openai": 1, "vision": 1, "gemini": 2}


def test_a_row_that_meets_a_cap_waits_and_becomes_a_page_once_it_is_raised(
    installation: Installation, ai: AiService, monkeypatch: pytest.MonkeyPatch
) -> None:
    ai.steer("vision", lines=["2 ripe bananas", "80 g oats"])
    monkeypatch.setenv("SVP_MONTHLY_BUDGET_USD", "0.0001")
    row = installation.process(PANCAKES, "cooking")
    assert row["status"] == "pending"
    assert "ask the operator to raise that limit" in row["error"]
    assert "It is tried again at" in row["error"]
    assert calls(ai) == {"openai": 1}
    assert isinstance(installation.tick(), dg.SkipReason)

    monkeypatch.setenv("SVP_MONTHLY_BUDGET_USD", "1")
    (run,) = installation.run_requested()

    assert run.success
    assert installation.row(row["id"])["status"] == "completed"
    assert calls(ai) == {"openai": 1, "vision": 1, "gemini": 1}
    with installation.store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reservations").scalar() == 0


def test_music_alone_makes_a_page_without_a_transcript(installation: Installation, ai: AiService) -> None:
    ai.steer("vision", lines=["Hoshi Ramen"])
    row = installation.process(RAMEN, "places")

    assert row["status"] == "completed"
    assert "openai" not in calls(ai)
    (page,) = installation.content_pages("places")
    body = installation.body(page["id"])
    assert "No transcript. Nobody speaks in this video." in body
    assert "transcript.vtt" not in body
    assert "Screen text by Google Vision" in body
