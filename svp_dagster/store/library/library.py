"""What came out of each entry, kept to be read, searched and downloaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.orm import Session

from svp_dagster.models import ContactSheet, Outcome
from svp_dagster.store.entries import held_row
from svp_dagster.store.library.search import scope, searched_texts
from svp_dagster.store.library.snippets import SnippetPart, snippet
from svp_dagster.store.library.words import distinct, terms
from svp_dagster.store.tables import LinkEntryRow, OutcomeRow

MERGED_AT_ONCE = 500
"""Pages of SQLite's index of words that are merged in one transaction."""

_PARTS = ("video", "transcript", "screen_text", "summary")


class Library:
    """The outcomes of entries."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, page_id: str, run_id: str, outcome: Outcome, *, now: datetime) -> Outcome:
        """Keep what came out of an entry, in place of what did before. Return what is kept.

        A run without files made no contact sheet, so that of the same video stays. Raises `ClaimLost`, `EntryGone`.
        """
        words = distinct(searched_texts(outcome))  # before the transaction: SQLite lets nobody else in meanwhile
        with Session(self._engine) as session, session.begin():
            entry = held_row(session, page_id, run_id)
            row = session.scalar(select(OutcomeRow).where(OutcomeRow.page_id == page_id))
            if row is None:
                row = OutcomeRow(page_id=page_id)
                session.add(row)
            elif outcome.screen_text.sheet is None:
                outcome = _with_sheet(outcome, _outcome(row))
            for name, part in outcome.model_dump(mode="json", include=set(_PARTS)).items():
                setattr(row, name, part)
            row.words = " ".join([scope(entry.connection_id), *words])
            row.made_at = now
        return outcome

    def get(self, page_id: str) -> Outcome | None:
        """Return what came out of an entry."""
        with Session(self._engine) as session:
            row = session.scalar(select(OutcomeRow).where(OutcomeRow.page_id == page_id))
            return _outcome(row) if row else None

    def known(self, page_ids: Iterable[str]) -> set[str]:
        """Return which of these entries have an outcome."""
        query = select(OutcomeRow.page_id).where(OutcomeRow.page_id.in_(list(page_ids)))
        with self._engine.connect() as connection:
            return set(connection.scalars(query))

    def snippets(self, page_ids: Collection[str], query: str) -> dict[str, tuple[SnippetPart, ...]]:
        """Return, for each of these entries, the part of its outcome that a search for `query` found."""
        looked_for = terms(query)
        found = select(OutcomeRow).where(OutcomeRow.page_id.in_(list(page_ids)))
        with Session(self._engine) as session:
            rows = session.scalars(found).all()
        return {row.page_id: snippet(searched_texts(_outcome(row)), looked_for) for row in rows}

    def forget_before(self, moment: datetime, *, limit: int) -> list[str]:
        """Delete at most so many outcomes that were made before `moment`, the oldest first. Return their entries."""
        query = select(OutcomeRow.id, OutcomeRow.page_id).where(OutcomeRow.made_at < moment)
        with Session(self._engine) as session, session.begin():
            old = session.execute(query.order_by(OutcomeRow.made_at).limit(limit)).all()
            session.execute(delete(OutcomeRow).where(OutcomeRow.id.in_([row.id for row in old])))
        return [row.page_id for row in old]

    def forget_words(self) -> None:
        """Remove the words of outcomes that are gone or changed from SQLite's index, which only marks them.

        Step by step, so that others write meanwhile. https://www.sqlite.org/fts5.html#the_merge_command
        """
        if self._engine.dialect.name != "sqlite" or not self._has_deleted_words():
            return
        pages = -MERGED_AT_ONCE  # the first step chooses all parts of the index, the others go on
        while self._merge(pages):
            pages = MERGED_AT_ONCE

    def _has_deleted_words(self) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(text("DELETE FROM outcome_search_unmerged")).rowcount > 0

    def _merge(self, pages: int) -> bool:
        """Merge so many pages. Return whether there was anything to merge."""
        merge = text("INSERT INTO outcome_search(outcome_search, rank) VALUES ('merge', :pages)")
        changes = text("SELECT total_changes()")
        with self._engine.begin() as connection:
            before = connection.scalar(changes) or 0
            connection.execute(merge, {"pages": pages})
            return (connection.scalar(changes) or 0) - before >= 2


def move_words(session: Session, connection_id: str, into_id: str) -> None:
    """Let the entries that came from a connection to another one be found there."""
    moved = select(LinkEntryRow.page_id).where(LinkEntryRow.connection_id == into_id)
    before, after = scope(connection_id), scope(into_id)
    session.execute(
        update(OutcomeRow)
        .where(OutcomeRow.page_id.in_(moved), OutcomeRow.words.startswith(before))
        .values(words=after + func.substr(OutcomeRow.words, len(before) + 1))
        .execution_options(synchronize_session=False)
    )


def forget_deleted_words(session: Session) -> None:
    """Do the same as `Library.forget_words` within a transaction, for who deletes all that is theirs.

    https://www.sqlite.org/fts5.html#the_optimize_command
    """
    if session.get_bind().dialect.name == "sqlite" and session.scalar(text("SELECT 1 FROM outcome_search_unmerged")):
        session.execute(text("DELETE FROM outcome_search_unmerged"))
        session.execute(text("INSERT INTO outcome_search(outcome_search) VALUES ('optimize')"))


def _outcome(row: OutcomeRow) -> Outcome:
    return Outcome.model_validate({name: getattr(row, name) for name in _PARTS})


def _with_sheet(outcome: Outcome, before: Outcome) -> Outcome:
    is_same = before.video.media_key == outcome.video.media_key
    sheet: ContactSheet | None = before.screen_text.sheet if is_same else None
    screen_text = outcome.screen_text.model_copy(update={"sheet": sheet})
    return outcome.model_copy(update={"screen_text": screen_text})
