"""What was paid for is recorded and kept, whatever goes wrong around it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from tests.defs.installation import Installation
from tests.refusing import refuse_writes
from tests.sandbox.ai_service import AiService

pytestmark = pytest.mark.slow

pytest_plugins = ("tests.media_site", "tests.paid_engines")

PANCAKES = "https://www.instagram.com/reel/DOpancakes1/"
LAKE = "https://www.tiktok.com/@lake.diary/video/7512345678901234503"


def paid(ai: AiService) -> dict[str, int]:
    return {service: int(counts["calls"]) for service, counts in ai.ledger.items()}


def recorded(installation: Installation) -> list[str]:
    with installation.store.engine.connect() as connection:
        return sorted(connection.exec_driver_sql("SELECT service FROM ledger").scalars())


def test_a_broken_price_file_fails_the_row_before_anything_is_paid(
    installation: Installation, ai: AiService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text('{"whisper-1": 3}')
    monkeypatch.setenv("SVP_PRICES_FILE", str(prices))

    row = installation.process(PANCAKES, "cooking")

    assert row["status"] == "failed"
    assert "prices.json" in row["error"]
    assert paid(ai) == {}


@pytest.mark.parametrize("table", ["ledger", "contents"])
def test_a_store_that_refuses_a_record_for_a_moment_loses_nothing_and_pays_nothing_twice(
    installation: Installation, ai: AiService, table: str
) -> None:
    ai.steer("vision", lines=["2 ripe bananas", "80 g oats"])

    with refuse_writes(table, times=2) as refused:
        row = installation.process(PANCAKES, "cooking")

    assert row["status"] == "completed"
    assert len(refused) == 2
    assert paid(ai) == {"openai": 1, "vision": 1, "gemini": 1}
    assert recorded(installation) == ["screen", "speech", "summary"]
    again = installation.process(f"{PANCAKES}?igsh=MzRlODBiNWFlZA==", "cooking")
    assert again["status"] == "completed"
    assert paid(ai) == {"openai": 1, "vision": 1, "gemini": 1}


def test_a_transcription_that_fails_for_good_pays_for_no_screen_text(installation: Installation, ai: AiService) -> None:
    ai.steer("models", retire=["whisper-1", "gpt-transcribe"])

    row = installation.process(PANCAKES, "cooking")

    assert row["status"] == "failed"
    assert "gpt-transcribe" in row["error"]
    assert paid(ai) == {}


def test_a_row_goes_on_with_the_successor_of_a_retired_model(installation: Installation, ai: AiService) -> None:
    ai.steer("models", retire=["whisper-1"])
    assert installation.process(PANCAKES, "cooking")["status"] == "completed"
    assert paid(ai) == {"openai": 1, "vision": 1, "gemini": 1}


def test_speech_and_screen_stand_side_by_side(installation: Installation) -> None:
    entry = installation.definitions.resolve_job_def("process_link").graph.node_named("link_entry").definition
    assert isinstance(entry, dg.GraphDefinition)
    inputs = entry.dependency_structure
    assert {one.node_name for one in inputs.all_upstream_outputs_from_node("read_screen")} == {"download"}
    assert {one.node_name for one in inputs.all_upstream_outputs_from_node("transcribe")} == {"download"}


def test_a_page_says_what_was_only_seen_and_where(installation: Installation, ai: AiService) -> None:
    row = installation.process(LAKE, "places")

    assert row["status"] == "completed"
    (page,) = installation.content_pages("places")
    body = installation.body(page["id"])
    assert "— seen at 0:0" in body
    assert "(no text confirms it)" in body
    assert not page["address"]
    assert paid(ai) == {"vision": 1, "gemini": 1}
