"""Answers to script, and how the engine is asked for one."""

from __future__ import annotations

from typing import Any

import pytest

from svp_dagster.errors import SvpError
from svp_dagster.models import JsonObject, Summary
from svp_dagster.notion.properties import askable_columns
from svp_dagster.summary.engines import ExtractiveSummarizer, GeminiSummarizer
from tests.fakes import CountingMeter
from tests.sandbox.ai_service import AiService
from tests.summary.recipe import RECIPES, wanted

KEY = "AIza-not-a-real-key"


def script(service: AiService, answer: Any, **fields: Any) -> None:
    """Lay down the next answer."""
    service.steer("gemini", answer=answer, **fields)


def bodies(service: AiService) -> list[JsonObject]:
    """What was sent."""
    return [request["body"] for request in service.requests]


def engine(service: AiService, **changes: Any) -> GeminiSummarizer:
    settings: dict[str, Any] = {"api_key": KEY, "base_url": service.url, "timeout_s": 5.0, "attempts": 1}
    return GeminiSummarizer(**(settings | changes))


def run(
    used: GeminiSummarizer | ExtractiveSummarizer,
    *,
    meter: CountingMeter | None = None,
    **changes: Any,
) -> Summary:
    return used.summarize(wanted(**changes), meter=meter or CountingMeter())


def answer(**offers: Any) -> JsonObject:
    """A complete answer, null for the columns that aren't named."""
    names = [column.name for column in askable_columns(RECIPES)]
    return {"overview": "Anna makes lemon pasta.", "properties": {name: offers.get(name) for name in names}}


def offer(value: Any, quote: str, *, source: str = "speech", confidence: float = 0.9) -> JsonObject:
    evidence = [{"source": source, "quote": quote, "at_s": 0.0}]
    return {"value": value, "confidence": confidence, "evidence": evidence}


GOOD = answer(
    Name=offer("Lemon pasta", "creamy lemon pasta"),
    Steps=offer("Boil the spaghetti.", "boil the spaghetti in salted water"),
    Servings=offer(4, "Serves 4", source="caption"),
    Cuisine=offer("Thai", "a curry from Bangkok"),
    Categories=offer(["Vegan"], "#vegan", source="caption", confidence=0.2),
    Website=offer("https://evil.example.org", "Full recipe"),
)


def failed(service: AiService, *, meter: CountingMeter | None = None, **changes: Any) -> SvpError:
    with pytest.raises(SvpError) as caught:
        run(engine(service, **changes), meter=meter)
    assert KEY not in f"{caught.value} {caught.value.sentence} {caught.value.detail}"
    return caught.value
