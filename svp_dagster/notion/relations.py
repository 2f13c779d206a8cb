"""Relations by title: a relation column holds the ids of pages, and an engine names their titles."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from svp_dagster.models import JsonObject, Value
from svp_dagster.notion.rich_text import ITEM_UNITS, one_line, units

MAX_TITLES = 25
"""Most titles of a column that are looked up: more than a video names, and as many as fit into one query.

A query has up to four spellings of each, and a filter has at most 100 conditions.
"""


class LinkedPages(Value):
    """The pages that a column's titles name, at most `MAX_TITLES`. `left_out` says which titles have none and why."""

    page_ids: tuple[str, ...]
    left_out: str


def title_key(title: str) -> str:
    """Return the key that titles are compared by, without case and extra spaces."""
    return one_line(title).casefold()


def named_titles(value: Any) -> tuple[str, ...]:
    """Return the titles in a column's value, without duplicates and without those too long for a query."""
    texts = (one_line(item) for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
    titles: dict[str, str] = {}
    for text in texts:
        if text and units(text) <= ITEM_UNITS:
            titles.setdefault(title_key(text), text)
    return tuple(titles.values())


def title_filter(titles: Collection[str]) -> JsonObject:
    """Return the filter for pages with one of the titles, at most `MAX_TITLES`.

    `title` is the id of every data source's title column. Whether `equals` is case-sensitive is documented nowhere, so
    the filter has the usual spellings of each title.
    """
    spellings = dict.fromkeys(spelling for title in titles for spelling in _spellings(title))
    return {"or": [{"property": "title", "title": {"equals": spelling}} for spelling in spellings]}


def pages_by_title(titles: Collection[str], pages: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return the page id for each of the titles from (title, page id), by `title_key`; None where several have it."""
    wanted = {title_key(title) for title in titles}
    found: dict[str, str | None] = {}
    for title, page_id in pages:
        key = title_key(title)
        if key in wanted:
            found[key] = None if key in found else page_id
    return found


def _spellings(title: str) -> tuple[str, ...]:
    return title, title.lower(), title.capitalize(), title.title()
