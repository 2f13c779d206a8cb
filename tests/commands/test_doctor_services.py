"""What `svp doctor` says about the services behind the keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from svp_dagster.commands.doctor import examine
from svp_dagster.screen.scripts import tesseract
from svp_dagster.settings import Settings
from tests.sandbox.ai_service import AiService

pytest_plugins = ("tests.paid_engines",)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)


def words_of(subject: str) -> tuple[str, str]:
    found = next(finding for finding in examine(Settings()) if finding.subject == subject)
    return found.state, found.words


def test_a_model_that_is_gone_is_named_with_its_successor(ai: AiService) -> None:
    assert words_of("Speech") == ("ok", "whisper-1")
    ai.steer("models", retire=["whisper-1"])
    state, words = words_of("Speech")
    assert state == "wrong"
    for part in ("whisper-1", "SVP_SPEECH_MODEL", "gpt-transcribe"):
        assert part in words


def test_an_api_that_is_not_enabled_is_no_wrong_key(ai: AiService, monkeypatch: pytest.MonkeyPatch) -> None:
    assert words_of("Summary")[0] == "ok"
    monkeypatch.setenv("GEMINI_API_KEY", "disabled")
    state, words = words_of("Summary")
    assert state == "wrong"
    assert "isn't enabled" in words
    monkeypatch.setenv("GEMINI_API_KEY", "invalid")
    assert "isn't accepted" in words_of("Summary")[1]
    assert ai.requests


def test_scripts_that_can_not_be_read_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_VISION_API_KEY", raising=False)
    languages = {"eng", "osd", "rus", "ukr", "ell", "ara", "heb", "hin", "kor", "vie"}
    monkeypatch.setattr(tesseract, "installed_languages", lambda: frozenset(languages))
    advice = "without Thai: on Debian or Ubuntu `apt-get install tesseract-ocr tesseract-ocr-tha`"
    assert words_of("Screen text")[1].endswith(advice)
    languages.add("tha")
    assert "Hebrew, Greek, Thai, Vietnamese" in words_of("Screen text")[1]


def test_who_hears_is_named_and_asked(ai: AiService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert words_of("Speech") == ("ok", "gemini-3.5-flash-lite")
    monkeypatch.setenv("GEMINI_API_KEY", "invalid")
    assert words_of("Speech") == ("wrong", "the key isn't accepted; set a valid GEMINI_API_KEY")
    asked = len(ai.requests)

    monkeypatch.setenv("SVP_SPEECH_ENGINE", "openai")
    state, words = words_of("Speech")
    assert state == "wrong"
    assert "OPENAI_API_KEY" in words
    monkeypatch.setenv("SVP_SPEECH_ENGINE", "off")
    assert words_of("Speech")[0] == "missing"
    monkeypatch.setenv("SVP_SPEECH_ENGINE", "local")
    assert "faster-whisper" in words_of("Speech")[1]
    monkeypatch.delenv("SVP_SPEECH_ENGINE")
    monkeypatch.delenv("GEMINI_API_KEY")
    assert words_of("Speech")[1].startswith("no OPENAI_API_KEY, no GEMINI_API_KEY: captions")
    assert {request["path"].rpartition("/")[2] for request in ai.requests[asked:]} == {"gemini-3.5-flash-lite"}
