"""The values that flow through the pipeline.

    LinkEntry ──download──▶ Video ──transcribe──▶ Transcript ─┐
                              └──────read_screen──▶ ScreenText ┴─summarize──▶ Summary ──publish──▶ ContentPage

All are frozen and made of plain types, so that they can be stored as JSON (`svp_dagster.store`) and compared in
tests. Times inside a video are seconds from its start (`_s`); points in time are aware datetimes in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

JsonObject = dict[str, Any]

NAME_CHARACTERS: Final = 100


class Value(BaseModel):
    """Base of all values: immutable, strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Status(StrEnum):
    """Where a link entry stands. The same words are the options of the Link Database's status column."""

    PENDING = "pending"
    DOWNLOADING = "downloading"
    TRANSCRIBING = "transcribing"
    PROCESSING = "processing"
    SAVING = "saving"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (Status.COMPLETED, Status.FAILED)


class RedoOutcome(StrEnum):
    """What became of a row in a redo: its page was made again, or stayed as it was."""

    MADE = "made"
    FAILED = "failed"


class ProcessingType(StrEnum):
    """How much of a video is looked at: `full` hears and reads, `caption` does neither."""

    FULL = "full"
    SPEECH = "speech"
    SCREEN = "screen"
    CAPTION = "caption"

    @property
    def hears(self) -> bool:
        """Whether the speech is transcribed."""
        return self in (ProcessingType.FULL, ProcessingType.SPEECH)

    @property
    def reads(self) -> bool:
        """Whether the text on the screen is read."""
        return self in (ProcessingType.FULL, ProcessingType.SCREEN)


UPLOAD: Final = "upload"
"""The platform of a file that was uploaded. Nothing is asked of a site for it."""


def upload_link(page_id: str) -> Link:
    """Return the link of the file that was uploaded for this entry."""
    return Link(url=f"{UPLOAD}:{page_id}", platform=UPLOAD, post_id=page_id)


class Link(Value):
    """The link of a post: its address without tracking parameters, and its site.

    `platform` is `tiktok`, `instagram`, the host of another site, or `upload` for a file that was uploaded. `post_id`
    is the post's id on that platform; None for a short link, which has to be followed to find out.
    """

    url: str
    platform: str
    post_id: str | None

    @property
    def is_upload(self) -> bool:
        """Whether it names a file that was uploaded to this installation."""
        return self.platform == UPLOAD

    @property
    def is_short(self) -> bool:
        """Whether it has to be followed to reach the post."""
        return self.post_id is None


class LinkEntry(Value):
    """A row of a Link Database, or a direct entry, which has none: what a person asked for.

    `url` is the text as the person wrote it, and `link` what it names: None until the sensor's decision has parsed it,
    and where it isn't the link of a post. A direct entry was made in the app, and its `page_id` is an id of ours. Its
    tag may be empty: no page is made then.
    """

    page_id: str
    connection_id: str
    url: str
    link: Link | None = None
    tag: str
    processing_type: ProcessingType = ProcessingType.FULL
    has_row: bool = True
    last_edited_time: datetime


class Segment(Value):
    """Words said between two seconds of the video. `sung` marks lyrics."""

    start_s: float
    end_s: float
    text: str
    sung: bool = False


@dataclass(frozen=True)
class Span:
    """A stretch of sound, from second to second."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Seconds."""
        return self.end_s - self.start_s


class CaptionTrack(Value):
    """Subtitles that the platform delivers with the video.

    `translated` marks a track that the platform made from another language.
    """

    language: str
    translated: bool
    segments: tuple[Segment, ...]


class MediaFile(Value):
    """A video or sound file, as ffmpeg reads it. Its size is the one in which it is displayed.

    `duration_s` is what the header claims, `readable_s` how far the data goes. `hdr` marks brightness coded for 10,000
    nits (PQ), which looks dull unless it is converted.
    """

    path: Path
    duration_s: float
    readable_s: float
    has_video: bool
    has_audio: bool
    width_px: int | None = None
    height_px: int | None = None
    hdr: bool = False
    codec: str = ""

    @property
    def length_s(self) -> float:
        """How long it plays: what the header claims, or longer where the data goes on."""
        return max(self.duration_s, self.readable_s)

    @property
    def is_truncated(self) -> bool:
        """Whether data is missing at the end, beyond what players and encoders disagree about."""
        return self.readable_s < self.duration_s - max(1.0, 0.02 * self.duration_s)


class Video(Value):
    """A downloaded post. Exactly one of `video_path` and `slides` holds pictures, or neither (sound alone).

    A slide is a picture, or a clip: a video among others, or among pictures, with its own sound.

    `media_key` is `extractor:id` for a post and `sha256:<hex>` for a local file: the same content has the same key
    whatever link led to it. `audio_path` is the sound track of a slideshow; a video's sound is in `video_path`.

    `files` describes each file that plays: the video, the sound track or the clips. `cover_path` is the picture that
    stands for the post: the platform's thumbnail, else the first slide, else a frame.
    """

    media_key: str
    url: str
    title: str = ""
    description: str = ""
    uploader: str = ""
    published_at: datetime | None = None
    duration_s: float | None = None
    video_path: Path | None = None
    audio_path: Path | None = None
    slides: tuple[Path, ...] = ()
    cover_path: Path | None = None
    files: tuple[MediaFile, ...] = ()
    captions: tuple[CaptionTrack, ...] = ()

    def file(self, path: Path | None) -> MediaFile | None:
        """Return what is known of one of its files; None for a picture."""
        return next((file for file in self.files if file.path == path), None)

    @property
    def name(self) -> str:
        """What people call it: its title, else the first line that the uploader wrote, cut after 100 characters."""
        first = next((line.strip() for line in self.description.splitlines() if line.strip()), "")
        return self.title.strip() or (first if len(first) <= NAME_CHARACTERS else f"{first[: NAME_CHARACTERS - 1]}…")

    @property
    def is_file(self) -> bool:
        """Whether it is a file that somebody gave, not a post. Its title is the file's name, which nobody published."""
        return self.media_key.startswith("sha256:")

    @property
    def caption(self) -> str:
        """What the uploader wrote beside the video: title and description, without saying one twice."""
        if self.is_file:
            return ""
        title, description = self.title.strip(), self.description.strip()
        if not title or description.startswith(title.rstrip(".… ")):
            return description
        return f"{title}\n{description}".strip()


class Visit(Value):
    """What Instagram gave an anonymous visitor on its front page: it belongs to nobody, and serves for many posts."""

    token: str
    cookies: dict[str, str]


class Transcript(Value):
    """What is said. With an empty `text`, `note` says why in words for the page's reader.

    `source` names who heard it: `captions`, a model's id such as `whisper-1`, or `none`. `doubtful` marks a transcript
    of which the engine itself was unsure. `segments` hold the lyrics too, and `text` doesn't.
    """

    text: str = ""
    language: str | None = None
    segments: tuple[Segment, ...] = ()
    source: str = "none"
    no_speech: bool = False
    doubtful: bool = False
    note: str = ""

    @property
    def spoken(self) -> tuple[Segment, ...]:
        """The segments without lyrics."""
        return tuple(segment for segment in self.segments if not segment.sung)

    @property
    def lyrics(self) -> str:
        """The words that are sung, a line for each segment."""
        return "\n".join(segment.text for segment in self.segments if segment.sung)


class Word(Value):
    """A word (or a line, as the engine gives it) and its box in pixels of its picture.

    Without `text` it is a place where the engine found text that it can't read. `certainty` is the engine's own, from 0
    to 1, None where it gives none. Text in the filmed scene may be tilted, captions are level. `after` is what parts it
    from the next word: nothing, a space or the end of its line. None where the engine doesn't say, so that distances
    have to.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    after: Literal["", " ", "\n"] | None = None
    certainty: float | None = None
    is_level: bool = True


class LineKind(StrEnum):
    """What a line on the screen is.

    `SCENE` is text in what was filmed, such as a sign or another screen. `WATERMARK` is a handle or an app's name.
    """

    CAPTION = "caption"
    SCENE = "scene"
    WATERMARK = "watermark"


class ScreenLine(Value):
    """A line of text on the screen, with the seconds (or the slide, from 1) at which it was first and last seen."""

    text: str
    first_s: float | None = None
    last_s: float | None = None
    slide: int | None = None
    kind: LineKind = LineKind.CAPTION


class Tile(Value):
    """A picture on a contact sheet: its second of the video, or its slide (from 1), and its place in pixels."""

    at_s: float | None = None
    slide: int | None = None
    left: int = 0
    top: int = 0
    width: int = 0
    height: int = 0


class ContactSheet(Value):
    """A small JPEG of a video's pictures, for people and for an engine that sees.

    `width` and `height` are its own, in pixels. Its tiles are numbered from 1, in rows of `columns`. Sheets of the same
    content with equal recipes may be taken for each other.
    """

    path: Path
    width: int
    height: int
    columns: int
    tiles: tuple[Tile, ...]
    recipe: str


class ScreenText(Value):
    """What is to be read on the screen. With no `lines`, `note` may say why.

    `sheet` shows the same pictures. It lies in the run's work folder, so it isn't kept by content.
    """

    lines: tuple[ScreenLine, ...] = ()
    source: str = "none"
    frames_read: int = 0
    note: str = ""
    sheet: ContactSheet | None = None


class Evidence(Value):
    """Where a value was found. `checked` is true once the quote was found in what was heard, read or written.

    `reworded` marks other words than the material's: what stands at this place supports the value all the same.
    With `picture` as its source, `quote` describes what a model saw. No text can check that.
    """

    source: Literal["speech", "screen", "caption", "picture"]
    quote: str
    at_s: float | None = None
    slide: int | None = None
    checked: bool = False
    reworded: bool = False


class PropertyFill(Value):
    """A value for one column, in plain JSON: text, number, boolean, ISO date, option name or a list of these."""

    value: Any
    confidence: float = Field(default=1.0, ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()


class Summary(Value):
    """What the page says: `overview` in a few sentences and a value per column that could be filled.

    `left_blank` tells, per column, why a value that the engine offered was not written; `note`, what of the
    material was left out because there was too much. `is_fallback`: the engine that was asked gave nothing and another
    stood in, so the next run asks again. `is_seen`: there was no text at all, so everything is what a model saw.
    """

    overview: str
    properties: dict[str, PropertyFill] = Field(default_factory=dict)
    left_blank: dict[str, str] = Field(default_factory=dict)
    note: str = ""
    engine: str
    model: str
    language: str | None = None
    is_fallback: bool = False
    is_seen: bool = False


class Outcome(Value):
    """All that came out of a video: what the library keeps of an entry, and what its page is made of."""

    video: Video
    transcript: Transcript
    screen_text: ScreenText
    summary: Summary


class ContentPage(Value):
    """The page in the Content Database. `has_whole_body` is true where that is known without looking."""

    page_id: str
    url: str
    created: bool
    has_whole_body: bool = False


class BlockBudget(StrEnum):
    """How many blocks the body of a content page may have: none, at most ten, or as many as make it good to read."""

    PROPERTIES_ONLY = "properties_only"
    COMPACT = "compact"
    FULL = "full"


class PageOptions(Value):
    """What a content page shows beside its columns. The settings have these fields too."""

    block_budget: BlockBudget = Field(
        default=BlockBudget.COMPACT, description="properties_only, compact (10 blocks at most) or full."
    )
    page_cover: bool = Field(default=True, description="Upload the thumbnail, or else a frame, as the page's cover.")
    page_subtitle_files: bool = Field(default=True, description="Attach the transcript as WebVTT and SubRip files.")
    page_chapters: bool = Field(default=True, description="List the chapters of videos of five minutes and more.")
    page_video_facts: bool = Field(default=True, description="Show uploader, date, duration, size and codec.")


class Usage(Value):
    """What one call to a paid service used, as its engine reports it.

    `detail` of tokens has `input`, `output` and `thought`; it is empty where the service didn't report them.
    """

    service: Literal["speech", "screen", "summary"]
    model: str
    units: float
    unit: Literal["seconds", "images", "tokens"]
    detail: JsonObject = Field(default_factory=dict)


class PaidCall(Usage):
    """A usage and its cost. `cost_usd` is None where the price isn't known (never 0 for "unknown")."""

    cost_usd: float | None = None
