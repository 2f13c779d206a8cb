"""What belongs to a connection. Derived from the tables, so that a new one is exported and deleted like the others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKeyConstraint, Table, select, tuple_

from svp_dagster.store.tables import SECRET, Base, ConnectionRow, ContentRow, ContentUseRow

_tables = Base.metadata.tables
_CONNECTIONS = _tables[ConnectionRow.__tablename__]


def owned_tables() -> list[Table]:
    """Return the tables whose rows are deleted with their connection, each after those that it points to."""
    owned = [_CONNECTIONS]
    owned += [table for table in Base.metadata.sorted_tables if _owner_key(table) is not None]
    return owned


def owned_by(connection_id: str, table: Table) -> ColumnElement[bool]:
    """Return the condition for the rows of an owned table that belong to this connection."""
    if table is _CONNECTIONS:
        return table.c.id == connection_id
    key = _owner_key(table)
    if key is None:
        raise ValueError(table.name)
    (element,) = key.elements
    if element.column.table is _CONNECTIONS:
        return element.parent == connection_id
    return element.parent.in_(select(element.column).where(owned_by(connection_id, element.column.table)))


def used_by(connection_id: str) -> dict[Table, ColumnElement[bool]]:
    """Return the tables that several connections share, with the condition for the rows that this one uses."""
    contents, uses = _tables[ContentRow.__tablename__], _tables[ContentUseRow.__tablename__]
    used = select(*(uses.c[column.name] for column in contents.primary_key)).where(owned_by(connection_id, uses))
    return {contents: tuple_(*contents.primary_key).in_(used)}


def direct_owner(table: Table) -> Column[Any] | None:
    """Return the column of a table that names the connection which owns a row. None where no column does."""
    key = _owner_key(table)
    if key is None:
        return None
    (element,) = key.elements
    return element.parent if element.column.table is _CONNECTIONS else None


def is_secret(column: Column[Any]) -> bool:
    """Return whether a column is never exported."""
    return SECRET in column.info


def _owner_key(table: Table) -> ForeignKeyConstraint | None:
    """Return the foreign key through which a connection owns the rows of a table. None where it owns none."""
    for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
        owner = key.referred_table
        if key.ondelete == "CASCADE" and (owner is _CONNECTIONS or _owner_key(owner) is not None):
            return key
    return None
