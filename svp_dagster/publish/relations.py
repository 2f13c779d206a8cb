"""Link the pages that a relation column's titles name: the one live page that is called so.

Where no page is called so, or several are, the title is left out with a note: a wrong link is worse than none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from svp_dagster.notion.relations import MOST_TITLES, Choice, same_title
from svp_dagster.notion.rich_text import cut

_SHOWN = 5
_SHOWN_UNITS = 40


def choose(titles: Collection[str], pages: Mapping[str, str | None]) -> Choice:
    """The pages for the titles of a column, from what `pages_by_title` gave for the first `MOST_TITLES` of them."""
    looked_up = list(titles)[:MOST_TITLES]
    found = [pages.get(same_title(title)) for title in looked_up]
    return Choice(
        page_ids=tuple(page_id for page_id in found if page_id is not None),
        left_out=" ".join(_left_out(titles, looked_up, pages)),
    )


def _left_out(titles: Collection[str], looked_up: list[str], pages: Mapping[str, str | None]) -> Iterator[str]:
    unknown = [title for title in looked_up if same_title(title) not in pages]
    unclear = [title for title in looked_up if pages.get(same_title(title), "") is None]
    if unknown:
        yield f"No page of the related database is called {_listed(unknown)}."
    if unclear:
        yield f"Several pages of the related database are called {_listed(unclear)}."
    if len(looked_up) < len(titles):
        yield f"Only the first {len(looked_up)} of {len(titles)} titles were looked up."


def _listed(titles: list[str]) -> str:
    shown = ", ".join(f'"{cut(title, _SHOWN_UNITS)}"' for title in titles[:_SHOWN])
    more = len(titles) - _SHOWN
    return f"{shown} or {more} more" if more > 0 else shown
