"""A store that refuses writes for a moment, on either kind of database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import Engine, event


@contextmanager
def refuse_writes(table: str, *, times: int) -> Iterator[list[str]]:
    """Let the first `times` inserts into a table fail in every engine; gives the statements that were refused."""
    refused: list[str] = []

    def refuse(cursor: Any, statement: str, _parameters: object, _context: object) -> None:
        if statement.startswith(f"INSERT INTO {table} ") and len(refused) < times:
            refused.append(statement)
            kind = sqlite3 if isinstance(cursor, sqlite3.Cursor) else psycopg2
            raise kind.OperationalError("the disk is gone for a moment")

    event.listen(Engine, "do_execute", refuse)
    try:
        yield refused
    finally:
        event.remove(Engine, "do_execute", refuse)
