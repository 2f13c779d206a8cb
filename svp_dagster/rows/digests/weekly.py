"""Make the digest of a week: one page for each connection that wants one, updated in place if it is made again."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Literal

from svp_dagster.causes import as_failure
from svp_dagster.errors import OPERATOR_CODES, Retry, SvpError
from svp_dagster.models import ContentPage, Status
from svp_dagster.publish.digest import digest_blocks
from svp_dagster.rows.link_rows import LinkRows
from svp_dagster.storage.thumbnails import Thumbnails
from svp_dagster.store.digests import SavedLink

logger = logging.getLogger(__name__)

MOST_LINKS = 300
"""Links that a digest lists. With their pictures they are some 600 blocks."""
MOST_PICTURES = 40
"""Pictures of a digest: each takes two calls of Notion, which allows three a second."""
WORKERS = 8
"""Connections at the same time: each has a rate limit of its own at Notion."""
SPACING_S = 0.5
"""Pause before each call: half of what Notion allows a connection (3 a second) is left to publishing."""

Outcome = Literal["created", "updated", "empty", "left"] | SvpError


@dataclass(frozen=True)
class Week:
    """Seven days from a Monday in UTC."""

    monday: date

    @property
    def name(self) -> str:
        """Its Monday in ISO 8601."""
        return self.monday.isoformat()

    @property
    def since(self) -> datetime:
        """Its beginning."""
        return datetime.combine(self.monday, time_of_day(), UTC)

    @property
    def until(self) -> datetime:
        """Its end."""
        return self.since + timedelta(days=7)

    @property
    def title(self) -> str:
        """The title of its pages. It has the year, so that no two weeks share one."""
        sunday = self.monday + timedelta(days=6)
        return f"Saved from {self.monday.day} {self.monday:%B} to {sunday.day} {sunday:%B %Y}"


@dataclass
class Made:
    """How many digests were made.

    `refused` has the sentences of failures that their owners have to mend, such as a page that is no longer shared,
    and `failed` those of all others, by connection. `left` counts those that were not begun in time.
    """

    created: int = 0
    updated: int = 0
    empty: int = 0
    left: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def make_digests(rows: LinkRows, week: Week, *, budget_s: float) -> Made:
    """Make the week's digests of all connections that want them. One that fails doesn't stop the others.

    None is begun after `budget_s`. Those that aren't there yet come first, so another run makes those that are left.
    """
    ends_at, made = time.monotonic() + budget_s, Made()
    subscribers = rows.store.digests.subscribers(week.name)

    def outcome(subscriber: tuple[str, str]) -> Outcome:
        return "left" if time.monotonic() >= ends_at else _try_to_make(rows, *subscriber, week)

    with ThreadPoolExecutor(WORKERS, "digests") as pool:
        for (connection_id, _), found in zip(subscribers, pool.map(outcome, subscribers), strict=True):
            _count(made, connection_id, found)
    return made


def _try_to_make(rows: LinkRows, connection_id: str, home_id: str, week: Week) -> Outcome:
    try:
        page = _make(rows, connection_id, home_id, week)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with one connection, the others get their digests)
        known = as_failure(error)
        logger.warning("digest of connection %s: %s: %s", connection_id, known.code, known.detail or known.sentence)
        return known
    if page is None:
        return "empty"
    return "created" if page.created else "updated"


def _count(made: Made, connection_id: str, outcome: Outcome) -> None:
    match outcome:
        case "created":
            made.created += 1
        case "updated":
            made.updated += 1
        case "empty":
            made.empty += 1
        case "left":
            made.left += 1
        case error:
            is_owners = error.retry is Retry.NEVER and error.code not in OPERATOR_CODES
            (made.refused if is_owners else made.failed)[connection_id] = error.sentence


def _make(rows: LinkRows, connection_id: str, home_id: str, week: Week) -> ContentPage | None:
    """Make a connection's digest and return its page; None for a week in which nothing was saved."""
    store = rows.store
    saved = store.digests.saved(connection_id, since=week.since, until=week.until, limit=MOST_LINKS + 1)
    if not saved:
        return None
    usd = store.digests.cost_usd(connection_id, since=week.since, until=week.until)
    workspace = rows.workspace(connection_id, spacing_s=SPACING_S)
    known_id = store.digests.page_id(connection_id, week.name)
    page = workspace.content_page(known_id) if known_id else None
    page = page or workspace.page_below(home_id, week.title)
    store.digests.record(connection_id, week.name, page, now=datetime.now(UTC))
    with tempfile.TemporaryDirectory() as folder:
        listed = saved[:MOST_LINKS]
        blocks = digest_blocks(
            listed, _pictures(rows.thumbnails, listed, Path(folder)), usd=usd, is_cut=len(saved) > MOST_LINKS
        )
        workspace.replace_body(page.page_id, blocks)
    return page


def _pictures(thumbnails: Thumbnails, saved: Sequence[SavedLink], folder: Path) -> dict[str, Path]:
    """Write the thumbnails of completed links to a folder. Return them by media key."""
    keys = dict.fromkeys(link.media_key for link in saved if link.status is Status.COMPLETED and link.media_key)
    pictures: dict[str, Path] = {}
    for number, key in enumerate(keys):
        jpeg = thumbnails.get(key) if len(pictures) < MOST_PICTURES else None
        if jpeg:
            pictures[key] = folder / f"{number}.jpg"
            pictures[key].write_bytes(jpeg)
    return pictures
