"""What a stage asks of the outside, as protocols. The resources fulfil them; tests hand in small fakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from svp_dagster.models import JsonObject, PaidCall, ScreenText, Summary, Transcript, Video, Word
from svp_dagster.notion.schema import DataSourceSchema


class Meter(Protocol):
    """Guards and records what is paid for."""

    def require_budget(self) -> None:
        """Pass, or raise the failure `budget_reached`. Called before each paid call."""

    def record(self, call: PaidCall) -> None:
        """Keep a call that was carried out."""


class Contents(Protocol):
    """Results kept by content, so that nothing is paid for twice."""

    def get(self, media_key: str, kind: str, recipe: str) -> JsonObject | None:
        """The kept result, or None. `recipe` names engine, model and parameters."""

    def put(self, media_key: str, kind: str, recipe: str, value: JsonObject) -> None:
        """Keep a result. The last one wins."""


class Downloader(Protocol):
    """Fetches a post."""

    def fetch(self, url: str, *, folder: Path, progress: Callable[[float], None] | None = None) -> Video:
        """Download into `folder`; `progress` gets the share done, 0 to 1. Raises a failure of the table."""


class SpeechEngine(Protocol):
    """Hears what is said."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line: equal recipes give equal results."""

    def transcribe(self, audio: Path, *, duration_s: float, meter: Meter) -> Transcript:
        """Transcribe mono 16 kHz audio that holds speech. Raises a failure of the table."""


class ScreenReader(Protocol):
    """Reads pictures."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line: equal recipes give equal results."""

    def read(self, pictures: Sequence[Path], *, meter: Meter) -> list[list[Word]]:
        """The words of each picture with their boxes. Raises a failure of the table."""


class Summarizer(Protocol):
    """Fills a schema from what was heard, read and written."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line: equal recipes give equal results."""

    def summarize(
        self,
        *,
        video: Video,
        transcript: Transcript,
        screen_text: ScreenText,
        schema: DataSourceSchema,
        prompt: str,
        language: str | None,
        meter: Meter,
    ) -> Summary:
        """Values with evidence for the columns of `schema`. Raises a failure of the table."""
