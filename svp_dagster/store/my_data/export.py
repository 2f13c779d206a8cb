"""All that the store holds about a connection, as JSON. `docs/app.md` describes its shape.

Secrets are left out. It is read a few rows at a time, in a transaction each, so that a slow reader neither fills the
memory nor keeps others from the database. What changes meanwhile may be in it in its old state or its new one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, RowMapping, Table, func, select, tuple_
from sqlalchemy.orm import Session

from svp_dagster.models import JsonObject
from svp_dagster.store.my_data.mentions import mentions
from svp_dagster.store.my_data.ownership import is_secret, owned_by, owned_tables, used_by
from svp_dagster.store.tables import LinkEntryRow

FORMAT = 1
ROWS_AT_ONCE = 100


class MyData:
    """Queries over all that belongs to a connection, or that it uses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def counts(self, connection_id: str) -> dict[str, int]:
        """Return how many rows of each table belong to the connection, or are used by it."""
        with self._engine.connect() as connection:
            return {
                table.name: connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
                for table, condition in _holdings(connection_id).items()
            }

    def export(self, connection_id: str, *, thumbnail: Callable[[str], bytes | None], now: datetime) -> Iterator[str]:
        """Yield the pieces of one JSON object. One that breaks off isn't `complete`, nor JSON.

        `thumbnail` gives the picture of a media key, which isn't in the store.
        """
        yield f'{{"format": {FORMAT}, "exported_at": {json.dumps(now.isoformat())}'
        for table, condition in _holdings(connection_id).items():
            yield from _array(table.name, (_as_json(row) for row in self._rows(table, condition)))
        yield from _array("thumbnails", self._thumbnails(connection_id, thumbnail))
        with Session(self._engine) as session:
            named = mentions(session, connection_id)
        for name, found in named.items():
            yield f',\n"{name}": {json.dumps(found)}'
        yield ',\n"complete": true}\n'

    def _thumbnails(self, connection_id: str, thumbnail: Callable[[str], bytes | None]) -> Iterator[JsonObject]:
        row = LinkEntryRow
        mine = select(row.media_key).where(row.connection_id == connection_id, row.media_key.is_not(None)).distinct()
        for found in self._read(mine.order_by(row.media_key)):
            if jpeg := thumbnail(found["media_key"]):
                yield {"media_key": found["media_key"], "jpeg": base64.b64encode(jpeg).decode()}

    def _rows(self, table: Table, condition: ColumnElement[bool]) -> Iterator[RowMapping]:
        """Yield the rows in the order of their key, without secrets.

        All keys are read first: whose a row is takes a search through other tables, which is done once and not for each
        part.
        """
        key = list(table.primary_key)
        columns = [column for column in table.columns if not is_secret(column)]
        keys = [tuple(found.values()) for found in self._read(select(*key).where(condition).order_by(*key))]
        for start in range(0, len(keys), ROWS_AT_ONCE):
            is_next = tuple_(*key).in_(keys[start : start + ROWS_AT_ONCE])
            yield from self._read(select(*columns).where(is_next).order_by(*key))

    def _read(self, query: Any) -> Sequence[RowMapping]:
        with self._engine.connect() as connection:
            return connection.execute(query).mappings().all()


def _holdings(connection_id: str) -> dict[Table, ColumnElement[bool]]:
    """Return every table with rows of a connection, with the condition for them."""
    return {table: owned_by(connection_id, table) for table in owned_tables()} | used_by(connection_id)


def _array(name: str, objects: Iterable[JsonObject]) -> Iterator[str]:
    """Yield the pieces of an array that is one of several members of an object, and not the first."""
    yield f',\n"{name}": ['
    separator = "\n"
    for each in objects:
        yield separator + json.dumps(each)
        separator = ",\n"
    yield "]"


def _as_json(row: RowMapping) -> JsonObject:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
