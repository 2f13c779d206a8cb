"""The paid services as fixture `ai`. A module takes it: `pytest_plugins = ("tests.paid_engines",)`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.ai_service import AiService, ai_service


@pytest.fixture
def ai(monkeypatch: pytest.MonkeyPatch) -> Iterator[AiService]:
    """The running stand-ins, configured as the engines of speech, screen text and summary."""
    with ai_service() as service:
        for name, value in {
            "OPENAI_API_KEY": "canary-speech",
            "OPENAI_BASE_URL": f"{service.url}/v1",
            "GOOGLE_VISION_API_KEY": "canary-vision",
            "SVP_VISION_ENDPOINT": service.url,
            "GEMINI_API_KEY": "canary-summary",
            "GOOGLE_GEMINI_BASE_URL": service.url,
        }.items():
            monkeypatch.setenv(name, value)
        yield service
