"""What a stage asks of the outside, as protocols. Resources implement them; tests pass small fakes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from svp_dagster.errors import SvpError
from svp_dagster.models import (
    ContentPage,
    JsonObject,
    Link,
    ScreenText,
    Span,
    Summary,
    Transcript,
    Usage,
    Value,
    Video,
    Visit,
    Word,
)
from svp_dagster.notion.properties import askable_columns
from svp_dagster.notion.schema import Column, DataSourceSchema

Kept = TypeVar("Kept", bound=Value)


class Meter(Protocol):
    """Guards the budget and records what is used. Engines call it from several threads."""

    def require_budget(self) -> None:
        """Pass, or raise the failure of a cap. Called before each paid call, in the thread that records it."""

    def record(self, usage: Usage) -> None:
        """Record what a call used, as soon as its answer is there. Doesn't fail while the store is unreachable."""


class Contents(Protocol):
    """Results kept by content, so that nothing is paid for twice. `recipe` names engine, model and parameters."""

    def get(self, media_key: str, kind: str, recipe: str, shape: type[Kept]) -> Kept | None:
        """Return the kept result, or None if there is none of this shape."""

    def put(self, media_key: str, kind: str, recipe: str, value: Value) -> None:
        """Keep a result. The last one wins. Doesn't fail while the store is unreachable."""


class BrowserMemory(Protocol):
    """Remembers for all runs as which browser a site was last asked with success, after it had refused others."""

    def browser(self, platform: str) -> str | None:
        """Return its name, or None where none was remembered."""

    def remember_browser(self, platform: str, browser: str, *, now: datetime) -> None:
        """Remember it instead of the last."""


class Pace(Protocol):
    """Spread the requests to Instagram over time, for each outgoing address. Addresses go by digests."""

    def take(self, addresses: Sequence[str]) -> str:
        """Reserve one request and return the address to send it from, the least used. Raises `waits_turn`."""

    def visit(self, address: str) -> Visit | None:
        """Return the visit that an earlier post began from this address, None where it has to begin anew."""

    def keep_visit(self, address: str, visit: Visit) -> None:
        """Keep a visit that just began from this address, for the next posts."""

    def answered(self, address: str) -> None:
        """Record that the site showed a post to this address."""

    def throttled(self, address: str, error: SvpError) -> None:
        """Let an address rest that the site doesn't answer any more."""


class Downloader(Protocol):
    """Download posts. Without a `pace`, the site is asked at once."""

    @property
    def max_duration_s(self) -> float:
        """The longest video that is taken."""

    def resolve(self, link: Link, *, pace: Pace | None = None) -> Link:
        """Return the post behind a short link, any other link as it is. Raises a failure of the table."""

    def fetch(
        self,
        link: Link,
        *,
        folder: Path,
        progress: Callable[[float], None] | None = None,
        browsers: BrowserMemory | None = None,
        pace: Pace | None = None,
    ) -> Video:
        """Download into `folder`; `progress` gets the share done, 0 to 1. Raises a failure of the table.

        Without `browsers` each fetch finds out anew which browser a site answers.
        """


class SpeechEngine(Protocol):
    """Transcribes speech."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line. Equal recipes give equal results."""

    def prepare(self) -> None:
        """Load slow dependencies ahead of their use."""

    def transcribe(self, sound: Path, *, speech: Sequence[Span], meter: Meter) -> Transcript:
        """Transcribe a mono 16 kHz WAV file. `speech` are the spans in which somebody speaks.

        The note of a transcript without text says why it is empty. Raises a failure of the table.
        """


class ScreenReader(Protocol):
    """Reads the text in pictures."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line. Equal recipes give equal results."""

    @property
    def source(self) -> str:
        """The engine's name for the reader of a page."""

    @property
    def tiles(self) -> int:
        """How many frames to put into one picture."""

    def read(self, pictures: Sequence[Path], *, meter: Meter, limit_s: float) -> list[list[Word] | None]:
        """Return the words of each picture with their boxes, None for a picture not read within `limit_s`.

        Raises a failure of the table if no picture could be read.
        """


class SummaryRequest(Value):
    """What a summary is made of, and the Content Database that it fills. `language` is None for the video's own."""

    video: Video
    transcript: Transcript
    screen_text: ScreenText
    data_schema: DataSourceSchema
    prompt: str
    language: str | None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns to fill."""
        return askable_columns(self.data_schema)

    @property
    def digest(self) -> str:
        """A digest of everything that the summary depends on. Equal digests may share a summary."""
        given: JsonObject = {
            "columns": [column.model_dump(mode="json") for column in self.columns],
            "prompt": self.prompt,
            "language": self.language,
            "transcript": self.transcript.model_dump(mode="json", include={"text", "language", "segments", "doubtful"}),
            "screen_text": self.screen_text.model_dump(mode="json", include={"lines"}),
            # Not its path or its bytes: it is made anew in each run, and another save has to find the same digest.
            "sheet": self.screen_text.sheet.recipe if self.screen_text.sheet else None,
            "video": self.video.model_dump(
                mode="json", include={"title", "description", "uploader", "published_at", "duration_s"}
            ),
        }
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:32]


class Summarizer(Protocol):
    """Fills the columns of a Content Database from what is said, shown and written."""

    @property
    def recipe(self) -> str:
        """Engine, model and parameters in one line. Equal recipes give equal results."""

    @property
    def sees(self) -> bool:
        """Whether it looks at the contact sheet."""

    def prepare(self) -> None:
        """Load slow dependencies ahead of their use."""

    def summarize(self, request: SummaryRequest, *, meter: Meter) -> Summary:
        """Return values with evidence for `request.columns`. Raises a failure of the table."""


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
        """Return the id of the one live page with a title, by `notion.relations.title_key`; None where several have it.

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
