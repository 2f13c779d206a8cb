"""Whose data are deleted leaves nothing behind, and whoever exports gets it all: a walk over all tables.

Which tables those are is read from the tables themselves. One that is added is filled, deleted and exported here like
the others, or has to say why its rows belong to no connection.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Connection, DateTime, Double, Integer, Table, insert, select

from svp_dagster.store.my_data.ownership import used_by
from svp_dagster.store.store import Store
from svp_dagster.store.tables import SECRET, SHARED, Base

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINE, THEIRS = "Kestrel", "Osprey"
SECRET_NAMES = re.compile(r"token|secret|hash|password|_key$")
NO_SECRETS = {"storage_key", "media_key", "partition_key"}
"""Columns whose names only look like one."""
STAY_IN_SUMS = {"service": "speech", "model": "whisper-1", "unit": "seconds"}
"""Columns of the ledger that say nothing of anybody."""


def tables_of_a_connection() -> list[Table]:
    """Every table that doesn't say why its rows belong to no connection, and those that several connections share."""
    shared = used_by("")
    return [table for table in Base.metadata.sorted_tables if SHARED not in table.info or table in shared]


@pytest.fixture
def mine(store: Store) -> str:
    """A connection with a row in each table, beside another's."""
    with store.engine.begin() as connection:
        fill(connection, THEIRS, number=2)
        return fill(connection, MINE, number=1)


def fill(connection: Connection, name: str, *, number: int) -> str:
    """Add a row with this name in each value to all tables, each pointing to the others. Return the connection's id."""
    rows: dict[str, dict[str, Any]] = {}
    for table in tables_of_a_connection():
        columns = (each for each in table.columns if each is not table.autoincrement_column and each.computed is None)
        row = {column.name: example(column, name, number, rows) for column in columns}
        rows[table.name] = row | (STAY_IN_SUMS if table.name == "ledger" else {})
        connection.execute(insert(table).values(rows[table.name]))
    return str(rows["connections"]["id"])


def example(column: Column[Any], name: str, number: int, rows: dict[str, dict[str, Any]]) -> Any:
    for key in column.foreign_keys:
        return rows[key.column.table.name][key.column.name]
    marked = f"{name} video" if column.name == "media_key" else mark(column, name)
    match column.type:
        case JSON():
            return {"said": marked}
        case Boolean():
            return True
        case Integer() | Double():
            return number
    return NOW if isinstance(getattr(column.type, "impl", None), DateTime) else marked


def mark(column: Column[Any], name: str) -> str:
    return f"{name} {column.table.name}.{column.name}"


def everything(store: Store) -> dict[str, list[str]]:
    """All rows of all tables, as text."""
    with store.engine.connect() as connection:
        return {
            table.name: [repr(tuple(row)) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def naming(rows: dict[str, list[str]], name: str) -> dict[str, list[str]]:
    found = {table: [row for row in of_table if name in row] for table, of_table in rows.items()}
    return {table: of_table for table, of_table in found.items() if of_table}


def test_each_table_is_filled_for_the_walk(store: Store, mine: str) -> None:
    names = {table.name for table in tables_of_a_connection()}
    assert {*naming(everything(store), MINE)} == {*naming(everything(store), THEIRS)} == names
    assert {"connections", "link_entries", "ledger", "content_uses", "contents"} <= names


def test_a_deletion_leaves_nothing_in_any_table_and_nothing_of_anothers_changes(store: Store, mine: str) -> None:
    before = naming(everything(store), THEIRS)

    assert store.deletions.delete(mine, now=NOW)

    assert {*naming(everything(store), MINE)} == {"deletions"}
    store.deletions.finish(mine)
    assert naming(everything(store), MINE) == {}
    assert naming(everything(store), THEIRS) == before


def test_an_export_has_every_column_but_secrets_and_nothing_of_anothers(store: Store, mine: str) -> None:
    text = "".join(store.my_data.export(mine, thumbnail=lambda _: None, now=NOW))

    exported = json.loads(text)
    for table in tables_of_a_connection():
        (row,) = exported[table.name]
        assert row.keys() == {column.name for column in table.columns if SECRET not in column.info}, table.name
        for column in table.columns:
            if SECRET in column.info:
                assert mark(column, MINE) not in text
    assert THEIRS not in text


def test_every_column_with_a_secret_is_marked_as_one() -> None:
    for table in Base.metadata.sorted_tables:
        if SHARED in table.info and table.name != "deletions":
            continue
        looks_secret = {
            column.name
            for column in table.columns
            if SECRET_NAMES.search(column.name) and column.name not in NO_SECRETS
        }
        assert looks_secret == {column.name for column in table.columns if SECRET in column.info}, table.name


def test_every_table_is_deleted_with_its_connection_or_says_why_not() -> None:
    """Without this, a table whose foreign key lacks ON DELETE CASCADE would make a deletion fail, or be left behind."""
    owned = {"connections"}
    for table in Base.metadata.sorted_tables:
        if any(key.ondelete == "CASCADE" and key.column.table.name in owned for key in table.foreign_keys):
            owned.add(table.name)
    assert {table.name for table in Base.metadata.sorted_tables if SHARED not in table.info} == owned
