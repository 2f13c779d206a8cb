"""`svp retry`: rows that failed for good, listed and asked for again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from svp_dagster.asking import ask_again
from svp_dagster.errors import SvpError
from svp_dagster.resources.notion import NotionResource
from svp_dagster.resources.notion_oauth import NotionOAuth
from svp_dagster.resources.token_store import TokenStore
from svp_dagster.settings import Settings
from svp_dagster.store.entries import Entry
from svp_dagster.store.store import Store

MOST_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A row that was asked for again, or the sentence that says why it couldn't be."""

    page_id: str
    problem: str = ""


def failed_rows(settings: Settings, *, code: str | None) -> list[Entry]:
    """Rows that failed for good, the latest first, 1,000 at most."""
    return _open(settings)[0].sweep.failed(code=code, limit=MOST_AT_ONCE)


def retry(settings: Settings, page_ids: Sequence[str]) -> Iterator[Asked]:
    """Ask for each row again, and tell how it went as it goes."""
    store, tokens = _open(settings)
    notion = NotionResource(base_url=settings.notion_base_url)
    try:
        for page_id in page_ids:
            yield _retry(store, tokens, notion, page_id)
    finally:
        notion.close()


def _retry(store: Store, tokens: TokenStore, notion: NotionResource, page_id: str) -> Asked:
    entry = store.entries.get(page_id)
    if entry is None or not entry.can_be_asked_again:
        state = "unknown here" if entry is None else str(entry.status)
        return Asked(page_id=page_id, problem=f"It is {state}; only rows that failed or wait can be tried again.")
    try:
        ask_again(store, notion.workspace(entry.link.connection_id, tokens), entry, now=datetime.now(UTC))
    except SvpError as error:
        return Asked(page_id=page_id, problem=error.sentence)
    return Asked(page_id=page_id)


def _open(settings: Settings) -> tuple[Store, TokenStore]:
    tokens = TokenStore(oauth=NotionOAuth(base_url=settings.notion_base_url))
    return tokens.store, tokens
