"""The language that summaries are asked for in: the connection's own, else the installation's, else the video's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from svp_dagster.models import ProcessingType
from tests.defs.installation import Installation
from tests.sandbox.ai_service import AiService

pytest_plugins = ("tests.media_site", "tests.paid_engines")

PANCAKES = "https://www.instagram.com/reel/DOpancakes1/"


@pytest.mark.parametrize(
    ("of_the_connection", "asked_for"), [("", "Português"), ("Suomi", "Suomi")], ids=["chose none", "chose one"]
)
def test_a_connection_that_chose_no_language_gets_the_installations(
    installation: Installation, ai: AiService, monkeypatch: pytest.MonkeyPatch, of_the_connection: str, asked_for: str
) -> None:
    monkeypatch.setenv("SVP_OUTPUT_LANGUAGE", "Português")
    installation.store.connections.set_preferences(
        installation.connection_id, output_language=of_the_connection, monthly_budget_usd=None, now=datetime.now(UTC)
    )

    page_id = installation.add_row(PANCAKES, "cooking", processing_type=ProcessingType.CAPTION)
    installation.run_requested()

    assert installation.row(page_id)["status"] == "completed"
    (summary,) = [sent for sent in ai.requests if "generateContent" in sent["path"]]
    instructions = str(summary["body"]["systemInstruction"])
    assert [name for name in ("Português", "Suomi") if name in instructions] == [asked_for]
