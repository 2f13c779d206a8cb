"""Notion's answers as values. The parsers raise KeyError, TypeError or ValueError for anything else."""

from __future__ import annotations

from svp_dagster.models import ContentPage, JsonObject, Value
from svp_dagster.notion.rich_text import plain_text

SMALLEST_UPLOAD_LIMIT_BYTES = 5 * 1024 * 1024
"""What a free workspace takes; assumed where Notion doesn't tell."""


class Bot(Value):
    """Who the connection is at Notion."""

    bot_id: str
    workspace_id: str
    workspace_name: str
    max_upload_bytes: int


class DataSource(Value):
    """A data source that the connection may see."""

    data_source_id: str
    database_id: str
    name: str


class Page(Value):
    """A page that the connection may see."""

    page_id: str
    title: str
    url: str


class Database(Value):
    """A database with its data sources; several where a person added some."""

    database_id: str
    title: str
    url: str
    data_sources: tuple[DataSource, ...]


def parse_bot(answer: JsonObject) -> Bot:
    """From `GET /v1/users/me`."""
    bot = answer["bot"]
    limits = bot.get("workspace_limits") or {}
    return Bot(
        bot_id=answer["id"],
        workspace_id=bot.get("workspace_id") or "",
        workspace_name=bot.get("workspace_name") or "",
        max_upload_bytes=limits.get("max_file_upload_size_in_bytes", SMALLEST_UPLOAD_LIMIT_BYTES),
    )


def parse_database(answer: JsonObject) -> Database:
    """From a database."""
    sources = (
        DataSource(data_source_id=source["id"], database_id=answer["id"], name=source.get("name") or "")
        for source in answer["data_sources"]
    )
    return Database(
        database_id=answer["id"],
        title=plain_text(answer.get("title", [])),
        url=answer["url"],
        data_sources=tuple(sources),
    )


def parse_data_source(answer: JsonObject) -> DataSource:
    """From a data source."""
    return DataSource(
        data_source_id=answer["id"],
        database_id=answer["parent"].get("database_id", ""),
        name=plain_text(answer.get("title", [])),
    )


def parse_page(answer: JsonObject) -> Page:
    """From a page."""
    cells = answer["properties"].values()
    title: list[JsonObject] = next((cell["title"] for cell in cells if cell["type"] == "title"), [])
    return Page(page_id=answer["id"], title=plain_text(title), url=answer["url"])


def parse_content_page(answer: JsonObject, *, created: bool) -> ContentPage:
    """From a page of a Content Database."""
    return ContentPage(page_id=answer["id"], url=answer["url"], created=created)
