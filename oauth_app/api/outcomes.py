"""What came out of an entry, as the API gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from flask import url_for
from pydantic import Field

from oauth_app.api.schemas import EntryAnswer
from svp_dagster.library.chapters import Chapter, chapters_of
from svp_dagster.models import Outcome, PropertyFill, ScreenLine, Segment, Tile, Value
from svp_dagster.store.entries import Entry
from svp_dagster.store.library.snippets import SnippetPart


class VideoAnswer(Value):
    """The facts of a video. `slides` counts the pictures of a slideshow."""

    url: str
    title: str
    description: str
    uploader: str
    published_at: datetime | None
    duration_s: float | None
    slides: int
    width_px: int | None
    height_px: int | None
    codec: str

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The public side of a video: nothing of its files but what they show."""
        video = outcome.video
        shown = next((file for file in video.files if file.has_video), None)
        same = ("url", "title", "description", "uploader", "published_at", "duration_s")
        return cls(
            slides=len(video.slides),
            width_px=shown.width_px if shown else None,
            height_px=shown.height_px if shown else None,
            codec=shown.codec if shown else "",
            **{name: getattr(video, name) for name in same},
        )


class TranscriptAnswer(Value):
    """What is said. `segments` hold lyrics too, `text` doesn't; a `doubtful` one was hard to understand."""

    text: str
    language: str | None
    source: str
    doubtful: bool
    note: str
    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The public side of a transcript."""
        return cls(**{name: getattr(outcome.transcript, name) for name in cls.model_fields})


class CaptionsAnswer(Value):
    """A track of captions that the platform gave with the video."""

    language: str
    translated: bool = Field(description="The platform made it from another language.")


class SheetAnswer(Value):
    """A picture of the video in tiles, in rows of `columns`, with the second or the slide of each."""

    url: str
    columns: int
    tiles: tuple[Tile, ...]

    @classmethod
    def of(cls, outcome: Outcome, entry_id: str) -> Self | None:
        """The public side of a contact sheet."""
        sheet = outcome.screen_text.sheet
        if sheet is None:
            return None
        url = url_for("api_library.show_sheet", entry_id=entry_id)
        return cls(url=url, columns=sheet.columns, tiles=sheet.tiles)


class ScreenAnswer(Value):
    """What is to be read on the screen, and when."""

    source: str
    note: str
    lines: tuple[ScreenLine, ...]
    sheet: SheetAnswer | None


class SummaryAnswer(Value):
    """The values of the columns with their evidence, and why others were left blank."""

    overview: str
    values: dict[str, PropertyFill]
    left_blank: dict[str, str]
    note: str
    language: str | None
    engine: str
    model: str

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The public side of a summary."""
        summary = outcome.summary
        same = ("overview", "left_blank", "note", "language", "engine", "model")
        return cls(values=summary.properties, **{name: getattr(summary, name) for name in same})


class OutcomeAnswer(Value):
    """All that came out of a video. `downloads` are addresses by kind of file."""

    video: VideoAnswer
    transcript: TranscriptAnswer
    captions: tuple[CaptionsAnswer, ...]
    screen: ScreenAnswer
    summary: SummaryAnswer
    chapters: tuple[Chapter, ...]
    downloads: dict[str, str]

    @classmethod
    def of(cls, outcome: Outcome, entry_id: str) -> Self:
        """The public side of an outcome."""
        screen_text = outcome.screen_text
        tracks = outcome.video.captions
        return cls(
            video=VideoAnswer.of(outcome),
            transcript=TranscriptAnswer.of(outcome),
            captions=tuple(CaptionsAnswer(language=one.language, translated=one.translated) for one in tracks),
            screen=ScreenAnswer(
                source=screen_text.source,
                note=screen_text.note,
                lines=screen_text.lines,
                sheet=SheetAnswer.of(outcome, entry_id),
            ),
            summary=SummaryAnswer.of(outcome),
            chapters=chapters_of(outcome.video, outcome.transcript),
            downloads={
                kind: url_for(f"api_library.{endpoint}", entry_id=entry_id)
                for kind, endpoint in DOWNLOADS.items()
                if outcome.transcript.segments or kind not in SUBTITLES
            },
        )


class EntryWithOutcome(EntryAnswer):
    """A link entry with what came out of it: null until there is something, and once it was kept long enough."""

    outcome: OutcomeAnswer | None

    @classmethod
    def whole(cls, entry: Entry, cost: tuple[float, bool], outcome: Outcome | None) -> Self:
        """The public side of an entry with its outcome."""
        made = OutcomeAnswer.of(outcome, entry.link.page_id) if outcome else None
        return cls(**dict(EntryAnswer.of(entry, cost)), outcome=made)


class ListedEntry(EntryAnswer):
    """A link entry of a list. `snippet` is the part of its outcome that a search found, as pieces of plain text."""

    snippet: tuple[SnippetPart, ...] = ()


class EntriesAnswer(Value):
    """A part of the entries, newest first, and how many there are in all."""

    entries: tuple[ListedEntry, ...]
    total: int
    offset: int
    limit: int


SUBTITLES = ("vtt", "srt")
DOWNLOADS = {
    "txt": "show_text",
    "vtt": "show_vtt",
    "srt": "show_srt",
    "json": "show_json",
    "md": "show_markdown",
}
"""The views of `api.library`, by the kind of file."""
