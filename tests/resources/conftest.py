"""The stand-in for Gemini."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.ai_service import AiService, ai_service


@pytest.fixture(scope="session")
def running_ai() -> Iterator[AiService]:
    """One for all tests."""
    with ai_service() as service:
        yield service


@pytest.fixture
def gemini(running_ai: AiService) -> AiService:
    """As if just started."""
    running_ai.steer("reset")
    return running_ai
