"""What the API takes and gives. Answers are made from the store's values, so that nothing else can slip out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from flask import url_for
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from oauth_app.errors import retry_count
from svp_dagster.errors import Code
from svp_dagster.models import ProcessingType, Status, Value
from svp_dagster.notion.rich_text import clean, one_line
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.store.databases import ContentDatabase, LinkDatabase
from svp_dagster.store.entries import Entry

LONGEST_TAG, LONGEST_PROMPT, LONGEST_REFERENCE, LONGEST_LINK = 100, 10_000, 2_000, 10_000
PAGE_SIZE, LARGEST_PAGE = 20, 100
FURTHEST_OFFSET = 1_000_000
LONGEST_SEARCH = 1_000


def _fit_for_an_option(text: str) -> str:
    tag = one_line(text)
    if not tag or "," in tag:
        raise ValueError("must hold a word and no comma")
    return tag


Tag = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_TAG),
    AfterValidator(_fit_for_an_option),
    Field(description="As in the Link Database's tag column: no commas.", examples=["cooking"]),
]
Prompt = Annotated[
    str,
    StringConstraints(max_length=LONGEST_PROMPT),
    AfterValidator(clean),
    Field(description="Schema prompt: what the columns are for, in your words."),
]
Reference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_REFERENCE),
    Field(description="The link or the id of a database or data source at Notion."),
]
PageReference = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_REFERENCE),
    Field(description="The link or the id of the page at Notion to make it below."),
]


class RegisterLinkDatabase(Value):
    """Which data source is the Link Database."""

    database: Reference


class MakeLinkDatabase(Value):
    """Where to make a Link Database with every column and option."""

    parent_page: PageReference


class RegisterContentDatabase(Value):
    """Which data source pages with a tag go into. Where a database has several, name the data source itself."""

    tag: Tag
    database: Reference
    prompt: Prompt = ""


class MakeContentDatabase(Value):
    """Which ready-made Content Database to make, and where. Without a tag it gets its template's."""

    template: Literal["cooking", "places"]
    parent_page: PageReference
    tag: Tag | None = None


class ChangeContentDatabase(Value):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    tag: Tag | None = None
    prompt: Prompt | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name something to change")
        return self


class NewEntry(Value):
    """A link to add as a row of the Link Database. Texts around the link, as apps share them, are fine.

    Without a tag it gets no row and no page in Notion: what comes out of it is kept in the library.
    """

    url: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_LINK)]
    tag: Tag | None = None
    processing_type: ProcessingType = ProcessingType.FULL


AnyTag = Annotated[str, StringConstraints(max_length=LONGEST_TAG)]


class EntryQuery(Value):
    """Which entries to list."""

    status: Status | None = None
    tag: AnyTag | None = None
    platform: Annotated[str, StringConstraints(max_length=LONGEST_TAG)] | None = Field(
        default=None, description="Where the video is from.", examples=["tiktok"]
    )
    q: Annotated[str, StringConstraints(max_length=LONGEST_SEARCH)] = Field(
        default="", description="Words to find in titles, transcripts, screen texts, captions and values: all of them."
    )
    offset: int = Field(default=0, ge=0, le=FURTHEST_OFFSET)
    limit: int = Field(default=PAGE_SIZE, ge=1, le=LARGEST_PAGE)


class RetryFailed(Value):
    """Which of the link entries that failed for good to ask for again; all of them, where nothing is named."""

    code: Code | None = Field(default=None, description="Only those that failed with this code.")
    tag: AnyTag | None = Field(default=None, description="Only those with this tag.")


class RetriedAnswer(Value):
    """How many link entries were asked for again, and how many more can be with the next request."""

    asked: int
    left: int


class ColumnAnswer(Value):
    """A column. With `filled` false, `note` says why it can't be."""

    name: str
    type: str
    filled: bool
    note: str = ""

    @classmethod
    def of(cls, column: Column) -> Self:
        """The public side of a column."""
        return cls(name=column.name, type=column.type_name, filled=column.is_fillable, note=column.why_not or "")


class LinkDatabaseAnswer(Value):
    """The registered Link Database. `problem` is the sentence of the last look that failed, else empty."""

    title: str
    url: str
    database_id: str
    data_source_id: str
    columns: tuple[ColumnAnswer, ...]
    looked_at: datetime | None
    problem: str

    @classmethod
    def of(cls, database: LinkDatabase) -> Self:
        """The public side of a Link Database."""
        return cls(
            title=database.data_schema.title,
            url=database.url,
            database_id=database.database_id,
            data_source_id=database.data_source_id,
            columns=_columns(database.data_schema),
            looked_at=database.polled_at,
            problem=database.poll_problem,
        )


class ContentDatabaseAnswer(Value):
    """A registered Content Database."""

    id: str
    tag: str
    title: str
    url: str
    database_id: str
    data_source_id: str
    prompt: str
    columns: tuple[ColumnAnswer, ...]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, database: ContentDatabase) -> Self:
        """The public side of a Content Database."""
        same = ("id", "tag", "url", "database_id", "data_source_id", "prompt", "created_at", "updated_at")
        return cls(
            title=database.data_schema.title,
            columns=_columns(database.data_schema),
            **{name: getattr(database, name) for name in same},
        )


class ContentDatabases(Value):
    """All registered Content Databases, by tag."""

    databases: tuple[ContentDatabaseAnswer, ...]


class PreflightAnswer(Value):
    """Whether a run could write to a database now; `problems` has a sentence for each thing in the way."""

    ready: bool
    problems: tuple[str, ...]


class EntryAnswer(Value):
    """A link entry. `cost_usd` is null where a price isn't known; times of stages are seconds."""

    id: str = Field(description="Notion's id of the row.")
    url: str
    tag: str
    processing_type: ProcessingType
    status: Status
    title: str
    error: str | None = Field(description="The short name of the failure.")
    message: str | None = Field(description="The failure as a sentence for people.")
    retry_at: datetime | None = Field(
        description="When it is tried again. With the error `platform_paused`, when its site is looked at next: "
        "it starts once that works."
    )
    retry_count: int
    stage_seconds: dict[str, float]
    engines: dict[str, str]
    cost_usd: float | None
    content_page_url: str | None
    thumbnail_url: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, entry: Entry, cost: tuple[float, bool] = (0.0, True)) -> Self:
        """The public side of an entry. `cost` is the sum, and whether all prices were known."""
        usd, known = cost
        thumbnail_url = url_for("api_entries.show_thumbnail", entry_id=entry.link.page_id)
        same = ("status", "title", "retry_at", "stage_seconds", "engines", "content_page_url", "created_at")
        return cls(
            id=entry.link.page_id,
            url=entry.link.url,
            tag=entry.link.tag,
            processing_type=entry.link.processing_type,
            error=entry.failure_code,
            message=entry.sentence,
            retry_count=retry_count(entry),
            cost_usd=usd if known else None,
            thumbnail_url=thumbnail_url if entry.media_key else None,
            updated_at=entry.updated_at,
            **{name: getattr(entry, name) for name in same},
        )


def _columns(schema: DataSourceSchema) -> tuple[ColumnAnswer, ...]:
    return tuple(ColumnAnswer.of(column) for column in schema.columns)
