"""What a stage asks of the outside, as protocols. The resources fulfil them; tests hand in small fakes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from svp_dagster.models import (
    ContentPage,
    JsonObject,
    Link,
    PaidCall,
    ScreenText,
    Span,
    Summary,
    Transcript,
    Video,
    Word,
)
from svp_dagster.notion.schema import Column, DataSourceSchema


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

    @property
    def max_duration_s(self) -> float:
        """The longest video that is taken."""

    def fetch(self, link: Link, *, folder: Path, progress: Callable[[float], None] | None = None) -> Video:
        """Download into `folder`; `progress` gets the share done, 0 to 1. Raises a failure of the table."""


class SpeechEngine(Protocol):
    """Hears what is said."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line: equal recipes give equal results."""

    def prepare(self) -> None:
        """Load what takes long, while something else is waited for."""

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        """Transcribe a mono 16 kHz WAV file in which `speech` says where somebody speaks.

        A transcript without text says in its note why. Raises a failure of the table.
        """


class ScreenReader(Protocol):
    """Reads pictures."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line: equal recipes give equal results."""

    @property
    def source(self) -> str:
        """Who reads, as a person who sees the result may know it."""

    @property
    def tiles(self) -> int:
        """How many frames are best put into one picture."""

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:
        """The words of each picture with their boxes; None for one that could not be read, or not within `limit_s`.

        Raises a failure of the table if none could be read.
        """


class Summarizer(Protocol):
    """Fills a schema from what was heard, read and written."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line: equal recipes give equal results."""

    def prepare(self) -> None:
        """Load what takes long, while something else is waited for."""

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


class Pages(Protocol):
    """The pages of a connection's Content Databases. Each verb raises the failures of Notion.

    A file block names a file of this machine (`notion.blocks.file`), and so does `cover`: they are uploaded, or left
    out where the workspace doesn't take them.
    """

    def content_page(self, page_id: str) -> ContentPage | None:
        """The page; None where it is gone or in the trash."""

    def find_page(
        self,
        data_source_id: str,
        column: Column,
        value: str,
        *,
        created_since: datetime | None = None,
        ignoring: Collection[str] = (),
    ) -> ContentPage | None:
        """The oldest page whose `column` is `value`, those of `ignoring` aside."""

    def pages_titled(self, data_source_id: str, titles: Sequence[str]) -> dict[str, str | None]:
        """The one live page that has a title, by `notion.relations.same_title`; None where several have it.

        Titles that no page has are missing.
        """

    def create_page(
        self,
        data_source_id: str,
        properties: JsonObject,
        *,
        blocks: Sequence[JsonObject] = (),
        cover: Path | None = None,
        find: Callable[[], ContentPage | None],
    ) -> ContentPage:
        """Make a page, once: where no answer comes, `find` looks before it is made again.

        Of `blocks`, those are sent along that fit into one request: the page tells whether that is the whole body.
        """

    def update_page(self, page_id: str, properties: JsonObject) -> ContentPage:
        """Write to a page's columns."""

    def replace_body(self, page_id: str, blocks: Sequence[JsonObject]) -> None:
        """Make the body say what `blocks` say, in place."""
