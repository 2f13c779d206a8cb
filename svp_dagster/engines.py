"""Choose the engine of each stage by the settings. No other module decides that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.ports import Downloader, ScreenReader, SpeechEngine, Summarizer
from svp_dagster.screen.engines import LocalReader, VisionReader
from svp_dagster.settings import Settings
from svp_dagster.speech.engines import LocalSpeech, NoSpeech, OpenAISpeech
from svp_dagster.speech.gemini_speech import GeminiSpeech
from svp_dagster.summary.engines import ExtractiveSummarizer, GeminiSummarizer

_NO_KEY = SecretStr("")
"""With it an engine fails as soon as it is asked, and names its setting."""


@dataclass(frozen=True, kw_only=True)
class Engines:
    """The engine of each stage."""

    downloader: Downloader
    speech: SpeechEngine
    screen_reader: ScreenReader
    summarizer: Summarizer


def choose_engines(settings: Settings) -> Engines:
    """Return the engines of all stages, ready for use. Nothing is connected yet."""
    return Engines(
        downloader=downloader(settings),
        speech=speech(settings),
        screen_reader=screen_reader(settings),
        summarizer=summarizer(settings),
    )


def downloader(settings: Settings) -> Downloader:
    """Return what downloads posts."""
    return YtDlpDownloader(
        max_duration_s=settings.max_duration_s,
        max_size_bytes=settings.max_size_bytes,
        proxy=settings.egress_proxy,
        cookies_file=settings.cookies_file,
    )


def speech(settings: Settings) -> SpeechEngine:
    """Return the engine that is named in the settings, else OpenAI or Gemini by their keys, else the local model."""
    match settings.speech_engine if settings.speech_engine != "auto" else _speech_by_key(settings):
        case "openai":
            return OpenAISpeech(
                api_key=settings.openai_api_key or _NO_KEY,
                model=settings.speech_model,
                base_url=settings.openai_base_url,
            )
        case "gemini":
            return GeminiSpeech(
                api_key=settings.gemini_api_key or _NO_KEY,
                model=settings.gemini_model,
                base_url=settings.gemini_base_url,
            )
        case "local":
            return LocalSpeech(model=settings.local_speech_model)
        case "off":
            return NoSpeech()


def _speech_by_key(settings: Settings) -> Literal["openai", "gemini", "local"]:
    """Prefer OpenAI, whose times are exact."""
    if settings.openai_api_key:
        return "openai"
    return "gemini" if settings.gemini_api_key else "local"


def screen_reader(settings: Settings) -> ScreenReader:
    """Return Google Vision with a key or a service account, else the local engine."""
    if not settings.vision_api_key and not settings.vision_credentials:
        return LocalReader()
    return VisionReader(
        api_key=settings.vision_api_key,
        credentials_file=settings.vision_credentials,
        endpoint=settings.vision_endpoint,
        tiles=settings.tiles_per_sheet,
    )


def summarizer(settings: Settings) -> Summarizer:
    """Return Gemini with a key, else the engine that quotes."""
    if not settings.gemini_api_key:
        return ExtractiveSummarizer()
    return GeminiSummarizer(
        api_key=settings.gemini_api_key,
        model=settings.gemini_model,
        base_url=settings.gemini_base_url,
        check_support=settings.check_support,
    )
