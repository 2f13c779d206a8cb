"""Relations by title: which pages are called what, in Notion's dialect.

A relation column takes the ids of pages, and an engine names titles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from svp_dagster.models import JsonObject, Value
from svp_dagster.notion.rich_text import ITEM_UNITS, one_line, units

MOST_TITLES = 25
"""Most titles of a column that are looked up: more than a video names, and as many as fit into one query.

Each is asked for in up to four spellings, and a filter takes 100 conditions.
"""


class Choice(Value):
    """The pages that a column's titles name, `MOST_TITLES` at most, and in words which titles aren't linked and why."""

    page_ids: tuple[str, ...]
    left_out: str


def same_title(title: str) -> str:
    """What two titles are compared by: case and spaces don't count."""
    return one_line(title).casefold()


def named_titles(value: Any) -> tuple[str, ...]:
    """The titles in a column's value, each once; what is no text, or too long to be asked for, is none."""
    texts = (one_line(item) for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
    titles: dict[str, str] = {}
    for text in texts:
        if text and units(text) <= ITEM_UNITS:
            titles.setdefault(same_title(text), text)
    return tuple(titles.values())


def title_filter(titles: Collection[str]) -> JsonObject:
    """The filter for pages with one of the titles, `MOST_TITLES` at most.

    `title` is the id of every data source's title column. Whether `equals` regards case is documented nowhere, so each
    title is asked for in the spellings that are usual for one.
    """
    spellings = dict.fromkeys(spelling for title in titles for spelling in _spellings(title))
    return {"or": [{"property": "title", "title": {"equals": spelling}} for spelling in spellings]}


def pages_by_title(titles: Collection[str], pages: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """From (title, page id): the page of each of the titles (see `same_title`), None where several have it."""
    wanted = {same_title(title) for title in titles}
    found: dict[str, str | None] = {}
    for title, page_id in pages:
        key = same_title(title)
        if key in wanted:
            found[key] = None if key in found else page_id
    return found


def _spellings(title: str) -> tuple[str, ...]:
    return title, title.lower(), title.capitalize(), title.title()
