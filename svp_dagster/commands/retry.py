"""`svp retry`: list rows that failed for good, and retry them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from svp_dagster.errors import Code, failure
from svp_dagster.rows.retry import MOST_AT_ONCE, retry_rows
from svp_dagster.settings import Settings
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import open_store


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A row that was asked for again, or the sentence that says why it couldn't be."""

    page_id: str
    problem: str = ""


def failed_rows(settings: Settings, *, code: str | None) -> list[Entry]:
    """Return rows that failed for good, the latest first, `MOST_AT_ONCE` at most."""
    return open_store(settings).sweep.failed(code=code, limit=MOST_AT_ONCE)


def retry(settings: Settings, page_ids: Sequence[str]) -> list[Asked]:
    """Request the rows again, and return what became of each, in their order. The daemon syncs them to Notion."""
    store = open_store(settings)
    asked = {entry.link.page_id for entry in retry_rows(store, page_ids, now=datetime.now(UTC))}
    left = store.entries.known(page_id for page_id in page_ids if page_id not in asked)
    return [
        Asked(page_id=page_id, problem="" if page_id in asked else _why_not(left.get(page_id))) for page_id in page_ids
    ]


def _why_not(entry: Entry | None) -> str:
    if entry is not None and entry.can_retry:
        return failure(Code.NOT_CONNECTED).sentence
    state = "unknown here" if entry is None else str(entry.status)
    return f"It is {state}; only rows that failed or wait can be tried again."
