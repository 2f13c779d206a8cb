"""Examples of what the store keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar

from sqlalchemy import insert

from svp_dagster.errors import Code, failure
from svp_dagster.models import Link, LinkEntry
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.rows.waiting import final_outcome
from svp_dagster.store.connections import Connection, Tokens
from svp_dagster.store.crypto import secret_hash
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.polling.polls import Poll
from svp_dagster.store.store import Store
from svp_dagster.store.tables import ConnectionRow, LinkDatabaseRow

T = TypeVar("T")

LINK = "https://www.tiktok.com/@cook/video/7300000000000000001"
POST = Link(url=LINK, platform="tiktok", post_id="7300000000000000001")

GONE = final_outcome(failure(Code.GONE), waits=0)
"""What becomes of a row whose post is gone."""


def sign_in(
    store: Store,
    *,
    now: datetime,
    bot_id: str = "bot",
    owner_id: str = "ada",
    workspace_id: str = "workspace",
    tokens: Tokens | None = None,
    account_id: str | None = None,
) -> Connection:
    """A connection."""
    return store.connections.save(
        bot_id=bot_id,
        workspace_id=workspace_id,
        workspace_name="Kitchen",
        workspace_icon="🍳",
        owner_id=owner_id,
        owner_name="Ada",
        tokens=tokens or Tokens(access="ntn_access", refresh="nrt_refresh"),
        now=now,
        account_id=account_id,
    )


def link(connection_id: str, *, at: datetime, page_id: str = "row", url: str = LINK, tag: str = "Cooking") -> LinkEntry:
    """What a person wrote into a row, and the link in it."""
    return LinkEntry(page_id=page_id, connection_id=connection_id, url=url, link=POST, tag=tag, last_edited_time=at)


def schema(data_source_id: str = "source", *, title: str = "Recipes") -> DataSourceSchema:
    """A data source with a title column."""
    column = Column(id="title", name="name", type="title")
    return DataSourceSchema(
        data_source_id=data_source_id, database_id=f"{data_source_id}-db", title=title, columns=(column,)
    )


def all_at_once(work: Callable[[int], T], *, times: int) -> list[T]:
    """The results of `work(0)`, `work(1)`, …, started in as many threads at the same moment."""
    start = Barrier(times)

    def run(number: int) -> T:
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))


def insert_connections(store: Store, ids: Sequence[str], *, due_at: datetime) -> None:
    """Connections with these ids and a Link Database each, made at once."""
    made = due_at - timedelta(minutes=1)
    connections = [
        {"id": each, "bot_id": each, "workspace_id": each, "workspace_name": "", "active": True, "created_at": made}
        | {"updated_at": made, "workspace_icon": "", "owner_id": "", "owner_name": "", "output_language": ""}
        for each in ids
    ]
    databases = [
        {"connection_id": each, "database_id": each, "data_source_id": each, "url": "", "due_at": due_at}
        | {"schema": schema().model_dump(mode="json"), "polled_at": made, "poll_failures": 0, "poll_problem": ""}
        | {"active_at": made, "changed_at": made}
        for each in ids
    ]
    with store.engine.begin() as connection:
        connection.execute(insert(ConnectionRow), connections)
        connection.execute(insert(LinkDatabaseRow), databases)


def record_poll(store: Store, seen: LinkDatabase, *, next_due_at: datetime, now: datetime, **found: Any) -> None:
    """Record a poll of one Link Database, as the sensor does for all of a tick."""
    store.polls.record([Poll(seen=seen, next_due_at=next_due_at, **found)], now=now)


def use_webhook_token(store: Store, token: str, *, now: datetime) -> None:
    """Take a verification token of Notion's webhooks, as its operator does."""
    store.webhook_tokens.offer(token, address="192.0.2.1", now=now)
    assert store.webhook_tokens.confirm(secret_hash(token), now=now)
