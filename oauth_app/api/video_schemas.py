"""What the API takes and gives of uploads."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Self

from flask import url_for
from pydantic import Field

from oauth_app.api.schemas import FURTHEST_OFFSET, LARGEST_PAGE, PAGE_SIZE, Tag
from oauth_app.errors import Problem, retry_count
from svp_dagster.models import JsonObject, Outcome, ProcessingType, Status, Value
from svp_dagster.store.entries import Entry
from svp_dagster.store.uploads import Upload


class JobStatus(StrEnum):
    """Where a job stands."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses of entries that it stands for."""
        return tuple(status for status in Status if JobStatus.of(status) is self)

    @classmethod
    def of(cls, status: Status) -> JobStatus:
        """Return the status of a job."""
        same = {Status.PENDING: cls.PENDING, Status.COMPLETED: cls.COMPLETED, Status.FAILED: cls.FAILED}
        return same.get(status, cls.PROCESSING)


class UploadVideo(Value):
    """A form with one file: mp4, mov, webm, mkv, m4a, mp3, wav, jpg or png, by its content."""

    file: bytes
    tag: Tag | None = Field(default=None, description="Of a Content Database. Without one: only in the library.")
    processing_type: ProcessingType = ProcessingType.FULL


class JobAccepted(Value):
    """The job that an upload became."""

    job_id: str
    status: JobStatus

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The public side of a new entry."""
        return cls(job_id=entry.link.page_id, status=JobStatus.of(entry.status))


class JobQuery(Value):
    """Which jobs to list."""

    status: JobStatus | None = None
    offset: int = Field(default=0, ge=0, le=FURTHEST_OFFSET)
    limit: int = Field(default=PAGE_SIZE, ge=1, le=LARGEST_PAGE)


class UploadedVideo(Value):
    """The file as it was uploaded. Its type is what its content is."""

    filename: str
    content_type: str
    size_bytes: int


class JobMetadata(Value):
    """What came out. Files are read at their addresses with the same token; where nothing was heard, there are none."""

    title: str
    description: str
    tags: tuple[str, ...]
    show_notes: str = Field(description="Markdown; empty where a tag's database has no such column.")
    transcript: str
    transcript_url: str | None
    vtt_url: str | None
    srt_url: str | None
    thumbnail_url: str | None
    media_url: str
    duration_s: float | None
    resolution: str | None = Field(description="Width and height as displayed.", examples=["1080x1920"])
    format: str

    @classmethod
    def of(cls, entry: Entry, upload: Upload, outcome: Outcome) -> Self:
        """The public side of an outcome."""
        values = {name: fill.value for name, fill in outcome.summary.properties.items()}
        address = url_for("api_entries.show_entry", entry_id=entry.link.page_id)
        has_words, has_times = bool(outcome.transcript.text), bool(outcome.transcript.segments)
        return cls(
            title=_text(values.get("title")) or entry.title,
            description=_text(values.get("description")) or outcome.summary.overview,
            tags=_texts(values.get("tags")),
            show_notes=_text(values.get("show_notes")),
            transcript=outcome.transcript.text,
            transcript_url=f"{address}/transcript.txt" if has_words else None,
            vtt_url=f"{address}/transcript.vtt" if has_times else None,
            srt_url=f"{address}/transcript.srt" if has_times else None,
            thumbnail_url=f"{address}/thumbnail.jpg" if entry.media_key else None,
            media_url=f"{address}/media",
            duration_s=outcome.video.duration_s,
            resolution=_resolution(outcome),
            format=upload.storage_key.rpartition(".")[2],
        )


class Job(Value):
    """An upload. `metadata` is null until it is completed, and `error` where nothing went wrong."""

    job_id: str
    status: JobStatus
    tag: str
    processing_type: ProcessingType
    stages: dict[str, float] = Field(description="Seconds that each stage took.")
    error: Problem | None = Field(description="Also why a job waits that is PENDING and tried again later.")
    retry_at: datetime | None
    video: UploadedVideo
    metadata: JobMetadata | None
    content_page_url: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, entry: Entry, upload: Upload, outcome: Outcome | None) -> Self:
        """The public side of an upload."""
        same: JsonObject = {name: getattr(upload, name) for name in UploadedVideo.model_fields}
        is_completed = entry.status is Status.COMPLETED
        return cls(
            job_id=entry.link.page_id,
            status=JobStatus.of(entry.status),
            tag=entry.link.tag,
            processing_type=entry.link.processing_type,
            stages=entry.stage_seconds,
            error=_problem(entry),
            retry_at=entry.retry_at,
            video=UploadedVideo(**same),
            metadata=JobMetadata.of(entry, upload, outcome) if outcome and is_completed else None,
            content_page_url=entry.content_page_url,
            created_at=entry.created_at,
            updated_at=entry.updated_at,
        )


class Jobs(Value):
    """A part of the jobs, newest first, and how many there are in all. What came out is told by each job alone."""

    jobs: tuple[Job, ...]
    total: int
    offset: int
    limit: int


def _problem(entry: Entry) -> Problem | None:
    if entry.failure_code is None:
        return None
    return Problem(
        error=entry.failure_code,
        message=entry.sentence or "",
        entry_id=entry.link.page_id,
        timestamp=entry.updated_at,
        retry_count=retry_count(entry),
    )


def _resolution(outcome: Outcome) -> str | None:
    sizes = [f"{file.width_px}x{file.height_px}" for file in outcome.video.files if file.width_px and file.height_px]
    return sizes[0] if sizes else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
