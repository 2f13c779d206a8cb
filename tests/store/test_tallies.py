"""Tallies of all processes, and the figures of a scrape. Each test runs on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

from svp_dagster.store.installation.figures import figures, last_poll_at
from svp_dagster.store.store import Store
from svp_dagster.telemetry.tallies import ROWS, Tallies
from tests.store.examples import all_at_once

MONTH = timedelta(days=30)


def counted(times: int = 1) -> Tallies:
    process = Tallies()
    for code in ("gone", "private"):
        process.add(ROWS, times, outcome="failed", code=code, platform="tiktok")
    return process


def test_processes_that_add_at_once_lose_nothing(store: Store) -> None:
    all_at_once(lambda _: store.tallies.add(counted().take()), times=8)
    assert list(store.tallies.all().values()) == [8.0, 8.0]


def test_what_could_not_be_stored_is_added_later(store: Store) -> None:
    process = counted()
    taken = process.take()
    assert process.take() == {}
    process.add(ROWS, outcome="failed", code="gone", platform="tiktok")
    process.put_back(taken)
    store.tallies.add(process.take())
    assert sorted(store.tallies.all().values()) == [1.0, 2.0]


def test_a_long_label_is_cut(store: Store) -> None:
    process = Tallies()
    process.add(ROWS, code="x" * 1000)
    store.tallies.add(process.take())
    (series,) = store.tallies.all()
    assert len(dict(series.labels)["code"]) < 100


def test_an_empty_installation_has_figures(store: Store, now: datetime) -> None:
    found = figures(store.engine, month=now - MONTH, now=now)
    assert set(found.rows.values()) == {0}
    assert (found.oldest_ready_s, found.poll_lag_s, found.spent_usd, found.paused) == (0.0, 0.0, 0.0, {})
    assert last_poll_at(store.engine) is None


def test_no_figure_reads_all_entries_or_all_paid_calls(store: Store, now: datetime) -> None:
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL scans a table that is empty, whatever its indexes")
    sent: list[tuple[str, tuple[object, ...]]] = []

    def keep(_c: Connection, _cursor: object, statement: str, given: tuple[object, ...], *_: object) -> None:
        sent.append((statement, given))

    event.listen(store.engine, "before_cursor_execute", keep)
    figures(store.engine, month=now - MONTH, now=now)
    event.remove(store.engine, "before_cursor_execute", keep)
    with store.engine.connect() as connection:
        plans = [
            row[3]
            for statement, given in sent
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
    assert plans
    assert [plan for plan in plans if plan.startswith(("SCAN link_entries", "SCAN ledger"))] == []
    assert [plan for plan in plans if "ix_link_entries_status" in plan]
