"""Linking the pages that a relation column's titles name.

A title that no page has, or several pages have, is left out with a note: a wrong link is worse than none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from svp_dagster.notion.relations import MAX_TITLES, LinkedPages, title_key
from svp_dagster.notion.rich_text import cut

_SHOWN = 5
_SHOWN_UNITS = 40


def link_titles(titles: Collection[str], pages: Mapping[str, str | None]) -> LinkedPages:
    """Return the pages for the titles of a column, from `pages_by_title` of the first `MAX_TITLES` of them."""
    looked_up = list(titles)[:MAX_TITLES]
    found = [pages.get(title_key(title)) for title in looked_up]
    return LinkedPages(
        page_ids=tuple(page_id for page_id in found if page_id is not None),
        left_out=" ".join(_left_out(titles, looked_up, pages)),
    )


def _left_out(titles: Collection[str], looked_up: list[str], pages: Mapping[str, str | None]) -> Iterator[str]:
    unknown = [title for title in looked_up if title_key(title) not in pages]
    unclear = [title for title in looked_up if pages.get(title_key(title), "") is None]
    if unknown:
        yield f"No page of the related database is called {_quoted(unknown)}."
    if unclear:
        yield f"Several pages of the related database are called {_quoted(unclear)}."
    if len(looked_up) < len(titles):
        yield f"Only the first {len(looked_up)} of {len(titles)} titles were looked up."


def _quoted(titles: list[str]) -> str:
    shown = ", ".join(f'"{cut(title, _SHOWN_UNITS)}"' for title in titles[:_SHOWN])
    more = len(titles) - _SHOWN
    return f"{shown} or {more} more" if more > 0 else shown
