"""Choose the engine of each stage by the settings. No other module decides that.

Secrets are named, not read: Dagster resolves an `EnvVar` when it makes the resource, and never shows its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dagster import ConfigurableResource, EnvVar

from svp_dagster.download.downloader import YtDlpDownloader
from svp_dagster.screen.engines import LocalReader, VisionReader
from svp_dagster.settings import Settings
from svp_dagster.speech.engines import LocalSpeech, NoSpeech, OpenAISpeech
from svp_dagster.summary.engines import ExtractiveSummarizer, GeminiSummarizer

Engine = ConfigurableResource[Any]
Secret = Callable[[str], str]


def choose_engines(settings: Settings, *, secret: Secret = EnvVar) -> dict[str, Engine]:
    """Return the resources `downloader`, `speech`, `screen_reader` and `summarizer`.

    `secret` looks up a variable of the environment. With `os.environ.__getitem__` the engines can be used directly. By
    default Dagster resolves them.
    """
    return {
        "downloader": _downloader(settings, secret),
        "speech": _speech(settings, secret),
        "screen_reader": _screen_reader(settings, secret),
        "summarizer": _summarizer(settings, secret),
    }


def _downloader(settings: Settings, secret: Secret) -> Engine:
    return YtDlpDownloader(
        max_duration_s=settings.max_duration_s,
        max_size_bytes=settings.max_size_bytes,
        proxy=secret("SVP_EGRESS_PROXY") if settings.egress_proxy else "",
        cookies_file=str(settings.cookies_file or ""),
    )


def _speech(settings: Settings, secret: Secret) -> Engine:
    if settings.openai_api_key:
        return OpenAISpeech(
            api_key=secret("OPENAI_API_KEY"),
            model=settings.speech_model,
            base_url=settings.openai_base_url,
        )
    if settings.local_speech_model == "off":
        return NoSpeech()
    return LocalSpeech(model=settings.local_speech_model)


def _screen_reader(settings: Settings, secret: Secret) -> Engine:
    if not settings.vision_api_key and not settings.vision_credentials:
        return LocalReader()
    return VisionReader(
        api_key=secret("GOOGLE_VISION_API_KEY") if settings.vision_api_key else "",
        credentials_file=str(settings.vision_credentials or ""),
        endpoint=settings.vision_endpoint,
        tiles=settings.tiles_per_sheet,
    )


def _summarizer(settings: Settings, secret: Secret) -> Engine:
    if not settings.gemini_api_key:
        return ExtractiveSummarizer()
    return GeminiSummarizer(
        api_key=secret("GEMINI_API_KEY"),
        model=settings.gemini_model,
        base_url=settings.gemini_base_url,
        check_support=settings.check_support,
    )
