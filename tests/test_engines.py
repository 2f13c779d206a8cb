"""Which engine serves, by what is configured."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from svp_dagster.engines import choose_engines
from svp_dagster.screen.engines import LocalReader
from svp_dagster.settings import Settings
from svp_dagster.speech.engines import LocalSpeech, NoSpeech, OpenAISpeech
from svp_dagster.speech.gemini_speech import GeminiSpeech
from svp_dagster.summary.engines import GeminiSummarizer

OPENAI, GEMINI = {"OPENAI_API_KEY": "canary-openai"}, {"GEMINI_API_KEY": "canary-gemini"}


def test_one_key_of_gemini_hears_and_summarises_and_the_screen_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "canary-gemini")
    monkeypatch.setenv("SVP_GEMINI_MODEL", "gemini-3.5-flash")
    chosen = choose_engines(Settings())
    assert isinstance(chosen.speech, GeminiSpeech)
    assert isinstance(chosen.screen_reader, LocalReader)
    assert isinstance(chosen.summarizer, GeminiSummarizer)
    assert chosen.speech.model == chosen.summarizer.model == "gemini-3.5-flash"
    assert chosen.speech.api_key.get_secret_value() == "canary-gemini"


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({}, LocalSpeech),
        (GEMINI, GeminiSpeech),
        (OPENAI, OpenAISpeech),
        (OPENAI | GEMINI, OpenAISpeech),
        (OPENAI | GEMINI | {"SVP_SPEECH_ENGINE": "auto"}, OpenAISpeech),
        (OPENAI | GEMINI | {"SVP_SPEECH_ENGINE": "gemini"}, GeminiSpeech),
        (OPENAI | GEMINI | {"SVP_SPEECH_ENGINE": "local"}, LocalSpeech),
        (OPENAI | GEMINI | {"SVP_SPEECH_ENGINE": "off"}, NoSpeech),
        (GEMINI | {"SVP_SPEECH_ENGINE": "openai"}, OpenAISpeech),
        ({"SVP_SPEECH_ENGINE": "gemini"}, GeminiSpeech),
    ],
)
def test_the_keys_choose_who_hears_unless_the_setting_does(
    variables: dict[str, str], kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert type(choose_engines(Settings()).speech) is kind


def test_an_engine_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_SPEECH_ENGINE", "canary")
    with pytest.raises(ValidationError, match="speech_engine") as caught:
        Settings()
    assert "canary" not in str(caught.value)
