"""Stores with as many connections as a benchmark needs, written at once."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from svp_dagster.models import ProcessingType, Status
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.settings import Settings
from svp_dagster.store.connections import Tokens
from svp_dagster.store.engine import dispose_process_engines, migrate
from svp_dagster.store.library.search import scope
from svp_dagster.store.store import Store, open_store
from svp_dagster.store.tables import (
    Base,
    ConnectionRow,
    ContentRow,
    ContentUseRow,
    LedgerRow,
    LinkDatabaseRow,
    LinkEntryRow,
    OutcomeRow,
    UploadRow,
)
from tests.library.outcomes import outcome as outcome_of_a_soup

AT_ONCE = 1000
PARTS: dict[str, Any] = outcome_of_a_soup().model_dump(
    mode="json", include={"video", "transcript", "screen_text", "summary"}
)
"""What came out of each entry."""


@contextmanager
def new_store(*, database_url: str | None = None, **environment: str) -> Iterator[Store]:
    """A migrated store without anything in it, SQLite or the empty PostgreSQL database that is given.

    The environment of this process is that of its installation meanwhile.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="svp-store-") as folder:
        for name in [name for name in os.environ if name.startswith(("SVP_", "NOTION_", "DATABASE_URL"))]:
            del os.environ[name]
        os.environ |= {"SVP_HOME": str(Path(folder) / "home"), **environment}
        os.environ |= {"DATABASE_URL": database_url} if database_url else {}
        try:
            store = open_store(Settings())
            migrate(store.engine)
            yield store
        finally:
            dispose_process_engines()
            os.environ.clear()
            os.environ.update(before)


def add_connections(store: Store, count: int, *, now: datetime, webhooks: int = 0, over_s: float = 0.0) -> list[str]:
    """Add connections with a Link Database each and return their ids. The first have a webhook that works.

    Those are due at any time within 15 minutes, and the others within `over_s` seconds.
    """
    first = store.connections.save(
        bot_id="bot",
        workspace_id="workspace",
        workspace_name="Scale",
        workspace_icon="",
        owner_id="",
        owner_name="",
        tokens=Tokens(access="ntn_scale", refresh=None),
        now=now,
    )
    with store.engine.connect() as connection:
        model = dict(connection.execute(select(*ConnectionRow.__table__.columns)).one()._mapping)
    ids = [first.id, *(uuid.uuid4().hex for _ in range(count - 1))]
    people = [model | {"id": each, "bot_id": each} for each in ids[1:]]
    databases = [
        _link_database(each, due_at=now + timedelta(seconds=_due_in_s(number, count, webhooks, over_s)), now=now)
        | ({"webhook_at": now} if number < webhooks else {"webhook_at": None})
        for number, each in enumerate(ids)
    ]
    with store.engine.begin() as connection:
        for start in range(0, count, AT_ONCE):
            if some := people[start : start + AT_ONCE]:
                connection.execute(insert(ConnectionRow), some)
        for start in range(0, count, AT_ONCE):
            connection.execute(insert(LinkDatabaseRow), databases[start : start + AT_ONCE])
    return ids


def _due_in_s(number: int, count: int, webhooks: int, over_s: float) -> float:
    if number < webhooks:
        return 900.0 * number / webhooks
    return over_s * (number - webhooks) / (count - webhooks)


def _link_database(connection_id: str, *, due_at: datetime, now: datetime) -> dict[str, Any]:
    source = str(uuid.uuid4())
    kinds = (("Name", "title"), ("link", "url"), ("tag", "select"), ("status", "select"))
    columns = tuple(Column(id=name, name=name, type=kind) for name, kind in kinds)
    schema = DataSourceSchema(data_source_id=source, database_id=source, title="Links", columns=columns)
    return {
        "connection_id": connection_id,
        "database_id": source,
        "data_source_id": source,
        "url": "",
        "schema": schema.model_dump(mode="json"),
        "due_at": due_at,
        "polled_at": due_at - timedelta(seconds=60),
        "active_at": now,
        "changed_at": now,
        "poll_problem": "",
    }


def add_entries(store: Store, connection_ids: Sequence[str], count: int, *, ended_at: datetime) -> None:
    """Add completed entries, spread over the connections, each with an outcome, results and two paid calls.

    Each tenth has an upload.
    """
    made = [_entry(connection_ids[number % len(connection_ids)], number, at=ended_at) for number in range(count)]
    tables = (LinkEntryRow, UploadRow, OutcomeRow, ContentRow, ContentUseRow, LedgerRow)
    with store.engine.begin() as connection:
        for start in range(0, count, AT_ONCE):
            some = made[start : start + AT_ONCE]
            for table in tables:
                if rows := [row for entry in some for row in entry[table]]:
                    connection.execute(insert(table), rows)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _entry(connection_id: str, number: int, *, at: datetime) -> dict[type[Base], list[dict[str, Any]]]:
    page_id, key = str(uuid.uuid4()), f"tiktok:{uuid.uuid4().hex}"
    ended_at = at - timedelta(minutes=number % 100_000)
    entry = {
        "page_id": page_id,
        "connection_id": connection_id,
        "partition_key": f"cooking/{page_id}",
        "url": f"https://www.tiktok.com/@cook/video/{number}",
        "link_url": f"https://www.tiktok.com/@cook/video/{number}",
        "platform": "tiktok",
        "post_id": str(number),
        "tag": "cooking",
        "processing_type": ProcessingType.FULL,
        "last_edited_time": ended_at,
        "status": Status.COMPLETED,
        "run_id": uuid.uuid4().hex,
        "media_key": key,
        "title": f"Dish {number}",
        "content_page_id": str(uuid.uuid4()),
        "created_at": ended_at,
        "updated_at": ended_at,
    }
    rare = " ".join(f"w{uuid.uuid4().hex}" for _ in range(40)) + (" garlic" if number % 20 == 0 else "")
    outcome = {"page_id": page_id, "words": f"{scope(connection_id)} common {rare}", "made_at": ended_at, **PARTS}
    upload = {"page_id": page_id, "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1, "sha256": key}
    upload |= {"storage_key": f"uploads/{page_id}"}
    kinds = ("transcript", "screen", "summary")
    result = {"media_key": key, "recipe": "1", "value": {}, "created_at": ended_at}
    call = {"connection_id": connection_id, "page_id": page_id, "run_id": entry["run_id"], "at": ended_at}
    call |= {"model": "model", "units": 1.0, "unit": "call", "cost_usd": 0.001, "detail": {}}
    return {
        LinkEntryRow: [entry],
        UploadRow: [upload] if number % 10 == 0 else [],
        OutcomeRow: [outcome],
        ContentRow: [result | {"kind": kind} for kind in kinds],
        ContentUseRow: [{"page_id": page_id, "media_key": key, "kind": kind, "recipe": "1"} for kind in kinds],
        LedgerRow: [call | {"service": service} for service in ("summary", "speech")],
    }
