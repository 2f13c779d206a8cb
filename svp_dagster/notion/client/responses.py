"""Notion's responses as values. The parsers raise `PARSE_ERRORS` for anything else; call them through `read`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from svp_dagster.errors import Code, failure
from svp_dagster.models import ContentPage, JsonObject, Value
from svp_dagster.notion.rich_text import plain_text
from svp_dagster.unknown_answers import report

T = TypeVar("T")

PARSE_ERRORS: tuple[type[Exception], ...] = (KeyError, TypeError, ValueError, AttributeError, IndexError)

MIN_UPLOAD_LIMIT_BYTES = 5 * 1024 * 1024
"""The limit of a free workspace; assumed where Notion names none."""


class Bot(Value):
    """The identity of a connection at Notion."""

    bot_id: str
    max_upload_bytes: int


class DataSource(Value):
    """A data source that the connection can see."""

    data_source_id: str
    name: str


class Page(Value):
    """A page that the connection can see."""

    page_id: str
    title: str


class Database(Value):
    """A database with its data sources. It has several only if a person added some."""

    database_id: str
    title: str
    url: str
    data_sources: tuple[DataSource, ...]


def read(parse: Callable[[JsonObject], T], response: JsonObject) -> T:
    """Return what `parse` makes of a response. Raises `notion_unreachable` for one that is not of Notion's form."""
    try:
        return parse(response)
    except PARSE_ERRORS as error:
        # The names of its parts alone: their values are what people wrote.
        report("Notion", status=200, kind=f"{parse.__name__}: {type(error).__name__}", body=", ".join(response))
        raise failure(Code.NOTION_UNREACHABLE, detail=f"not understood: {type(error).__name__}") from error


def results(response: JsonObject) -> list[JsonObject]:
    """Return the objects of one page of a list. Raises `notion_unreachable` where there is no list."""
    found = response.get("results")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise failure(Code.NOTION_UNREACHABLE, detail="the response has no list of results")
    return found


def parse_bot(response: JsonObject) -> Bot:
    """Parse the response to `GET /v1/users/me`."""
    limits = response["bot"].get("workspace_limits") or {}
    return Bot(
        bot_id=response["id"],
        max_upload_bytes=limits.get("max_file_upload_size_in_bytes", MIN_UPLOAD_LIMIT_BYTES),
    )


def parse_database(response: JsonObject) -> Database:
    """Parse a database object."""
    sources = (
        DataSource(data_source_id=source["id"], name=source.get("name") or "") for source in response["data_sources"]
    )
    return Database(
        database_id=response["id"],
        title=plain_text(response.get("title", [])),
        url=response["url"],
        data_sources=tuple(sources),
    )


def parse_data_source(response: JsonObject) -> DataSource:
    """Parse a data source object."""
    return DataSource(data_source_id=response["id"], name=plain_text(response.get("title", [])))


def parse_page(response: JsonObject) -> Page:
    """Parse a page object."""
    cells = response["properties"].values()
    title: list[JsonObject] = next((cell["title"] for cell in cells if cell["type"] == "title"), [])
    return Page(page_id=response["id"], title=plain_text(title))


def parse_content_page(response: JsonObject, *, created: bool) -> ContentPage:
    """Parse a page of a Content Database."""
    return ContentPage(page_id=response["id"], url=response["url"], created=created)
