"""Which engine serves, by what is configured: the one place where that is decided.

Secrets are named, not read: Dagster resolves an `EnvVar` when the resource is made, and never shows its value.
"""

from __future__ import annotations

from typing import Any

from dagster import ConfigurableResource, EnvVar

from svp_dagster.resources.downloader import YtDlpDownloader
from svp_dagster.resources.screen_reader import LocalReader, VisionReader
from svp_dagster.resources.speech import LocalSpeech, NoSpeech, OpenAISpeech
from svp_dagster.resources.summarizer import ExtractiveSummarizer, GeminiSummarizer
from svp_dagster.settings import Settings

Engine = ConfigurableResource[Any]


def choose_engines(settings: Settings) -> dict[str, Engine]:
    """The resources `downloader`, `speech`, `screen_reader` and `summarizer`."""
    return {
        "downloader": _downloader(settings),
        "speech": _speech(settings),
        "screen_reader": _screen_reader(settings),
        "summarizer": _summarizer(settings),
    }


def _downloader(settings: Settings) -> Engine:
    return YtDlpDownloader(
        max_duration_s=settings.max_duration_s,
        max_size_bytes=settings.max_size_bytes,
        proxy=EnvVar("SVP_EGRESS_PROXY") if settings.egress_proxy else "",
        cookies_file=str(settings.cookies_file or ""),
        extra_hosts=settings.extra_hosts,
    )


def _speech(settings: Settings) -> Engine:
    if settings.openai_api_key:
        return OpenAISpeech(
            api_key=EnvVar("OPENAI_API_KEY"),
            model=settings.speech_model,
            base_url=settings.openai_base_url,
            prices_file=str(settings.prices_file or ""),
        )
    if settings.local_speech_model == "off":
        return NoSpeech()
    return LocalSpeech(model=settings.local_speech_model)


def _screen_reader(settings: Settings) -> Engine:
    if not settings.vision_api_key and not settings.vision_credentials:
        return LocalReader()
    return VisionReader(
        api_key=EnvVar("GOOGLE_VISION_API_KEY") if settings.vision_api_key else "",
        credentials_file=str(settings.vision_credentials or ""),
        endpoint=settings.vision_endpoint,
        tiles=settings.tiles_per_sheet,
        prices_file=str(settings.prices_file or ""),
    )


def _summarizer(settings: Settings) -> Engine:
    if not settings.gemini_api_key:
        return ExtractiveSummarizer()
    return GeminiSummarizer(
        api_key=EnvVar("GEMINI_API_KEY"),
        model=settings.gemini_model,
        base_url=settings.gemini_base_url,
        prices_file=str(settings.prices_file or ""),
    )
