"""Finding outcomes by their words: FTS5 in SQLite, a GIN index over `tsvector` in PostgreSQL.

Both hold `outcomes.words`, which are words already (`words.py`), and both follow that column by themselves. Each
outcome has the id of its connection among its words, so that a search doesn't read what other connections have.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, bindparam, false, select, text
from sqlalchemy.orm import InstrumentedAttribute

from svp_dagster.models import Outcome
from svp_dagster.store.library.words import terms, words
from svp_dagster.store.tables import LinkEntryRow, OutcomeRow

MOST_CHARACTERS = 400_000
"""What is searched of each part of an outcome."""

_SQLITE = "outcomes.id IN (SELECT rowid FROM outcome_search WHERE outcome_search MATCH :words)"
_POSTGRESQL = "array_to_tsvector(string_to_array(outcomes.words, ' ')) @@ CAST(:words AS tsquery)"


def searched_texts(outcome: Outcome) -> list[str]:
    """Return the parts of an outcome that are searched: what it is, what is said, shown and written, and its values."""
    video, transcript = outcome.video, outcome.transcript
    said = " ".join(segment.text for segment in transcript.segments) or transcript.text
    shown = " · ".join(line.text for line in outcome.screen_text.lines)
    values = (fill.value for fill in outcome.summary.properties.values())
    listed = ("; ".join(map(str, value)) if isinstance(value, list) else str(value) for value in values)
    parts = (video.title, video.description, video.uploader, said, shown, outcome.summary.overview, *listed)
    return [part[:MOST_CHARACTERS] for part in parts if part]


def matching(query: str, *, connection_id: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition for the entries of a connection whose outcome has all words of a query.

    A word is found by its beginning. A query without a letter or digit finds nothing.
    """
    looked_for = terms(query)
    if not looked_for:
        return false()
    whose = scope(connection_id)
    if dialect == "sqlite":
        condition = text(_SQLITE)
        asked = " AND ".join([f'"{whose}"', *(f'"{term}"*' for term in looked_for)])
    else:
        condition = text(_POSTGRESQL)
        asked = " & ".join([f"'{whose}'", *(f"'{term}':*" for term in looked_for)])
    found = select(OutcomeRow.page_id).where(condition.bindparams(bindparam("words", asked)))
    page_id: InstrumentedAttribute[str] = LinkEntryRow.page_id
    return page_id.in_(found)


def scope(connection_id: str) -> str:
    """Return the word of a connection, with which the words of its outcomes begin."""
    return "in" + "".join(word.text for word in words(connection_id))
