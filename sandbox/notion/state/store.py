"""What the sandbox remembers: SQLite, one connection, one request at a time.

Everything that Notion calls an object with a parent is a row of `objects`; its particulars are JSON in `body`.
Requests are short, so one lock around each of them is simpler than many connections and makes a request that
is refused half-way leave nothing behind.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Kind = Literal["page", "database", "data_source", "block", "comment", "file_upload"]
Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS workspaces (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, icon TEXT, owner_id TEXT NOT NULL, created_time TEXT NOT NULL,
    largest_upload_bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS people (
    id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bots (
    id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, client_id TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (workspace_id, client_id));
CREATE TABLE IF NOT EXISTS grants (
    bot_id TEXT NOT NULL, object_id TEXT NOT NULL, PRIMARY KEY (bot_id, object_id));
CREATE TABLE IF NOT EXISTS tokens (
    access_token TEXT PRIMARY KEY, refresh_token TEXT UNIQUE, bot_id TEXT NOT NULL, client_id TEXT NOT NULL,
    issued_time TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, client_id TEXT NOT NULL, redirect_uri TEXT NOT NULL, bot_id TEXT NOT NULL,
    expires_time TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, workspace_id TEXT NOT NULL,
    parent_id TEXT, position REAL NOT NULL, in_trash INTEGER NOT NULL, created_time TEXT NOT NULL,
    edited_time TEXT NOT NULL, created_by TEXT NOT NULL, edited_by TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_parent ON objects (parent_id, position, seq);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (workspace_id, kind);
CREATE TABLE IF NOT EXISTS file_parts (
    upload_id TEXT NOT NULL, part INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (upload_id, part));
"""


@dataclass
class Record:
    """One object of Notion's; `parent_id` is None at the top of a workspace, times are aware and exact."""

    id: str
    kind: Kind
    workspace_id: str
    parent_id: str | None
    created_time: datetime
    edited_time: datetime
    created_by: str
    edited_by: str
    body: Json = field(default_factory=dict)
    position: float = 0.0
    in_trash: bool = False
    seq: int = 0


class Store:
    """The tables. Use it inside `transaction()`; every statement outside one is a transaction of its own."""

    def __init__(self, database: Path | None) -> None:
        """Opens (and makes) the file, or a database in memory for None."""
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            ":memory:" if database is None else database, check_same_thread=False, isolation_level=None
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else meanwhile."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:  # Ctrl-C too must leave no open transaction
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of a transaction that is undone by itself where it fails."""
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:  # as above
            self._connection.execute("ROLLBACK TO attempt")
            raise
        finally:
            self._connection.execute("RELEASE attempt")

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a SELECT."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a SELECT, or None."""
        found = self.rows(statement, *values)
        return found[0] if found else None

    def execute(self, statement: str, *values: Any) -> int:
        """Runs an INSERT, UPDATE or DELETE; the number of rows it touched."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def add(self, record: Record) -> Record:
        """Keeps a new object."""
        self.execute(
            "INSERT INTO objects (id, kind, workspace_id, parent_id, position, in_trash, created_time, edited_time,"
            " created_by, edited_by, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            record.id,
            record.kind,
            record.workspace_id,
            record.parent_id,
            record.position,
            record.in_trash,
            record.created_time.isoformat(),
            record.edited_time.isoformat(),
            record.created_by,
            record.edited_by,
            json.dumps(record.body),
        )
        return record

    def save(self, record: Record) -> None:
        """Writes back what may change of an object."""
        self.execute(
            "UPDATE objects SET parent_id=?, position=?, in_trash=?, edited_time=?, edited_by=?, body=? WHERE id=?",
            record.parent_id,
            record.position,
            record.in_trash,
            record.edited_time.isoformat(),
            record.edited_by,
            json.dumps(record.body),
            record.id,
        )

    def get(self, object_id: str) -> Record | None:
        """The object of this (dashed) id, in the trash or not."""
        row = self.row("SELECT * FROM objects WHERE id=?", object_id)
        return None if row is None else _record(row)

    def children(
        self, parent_id: str | None, kinds: Sequence[Kind], *, workspace_id: str | None = None
    ) -> list[Record]:
        """What hangs under an object, in order, in the trash or not; at the top of a workspace for None."""
        found = self.rows(
            "SELECT * FROM objects WHERE parent_id IS ?1 AND (?1 IS NOT NULL OR workspace_id=?2)"
            " AND kind IN (SELECT value FROM json_each(?3)) ORDER BY position, seq",
            parent_id,
            workspace_id,
            json.dumps(kinds),
        )
        return [_record(row) for row in found]

    def all_of(self, workspace_id: str, kinds: Sequence[Kind]) -> list[Record]:
        """All objects of some kinds in a workspace, oldest first."""
        found = self.rows(
            "SELECT * FROM objects WHERE workspace_id=? AND kind IN (SELECT value FROM json_each(?)) ORDER BY seq",
            workspace_id,
            json.dumps(kinds),
        )
        return [_record(row) for row in found]

    def has_children(self, parent_id: str) -> bool:
        """Whether a living block, page or database hangs under an object."""
        statement = (
            "SELECT 1 FROM objects WHERE parent_id=? AND in_trash=0 AND kind IN ('block', 'page', 'database') LIMIT 1"
        )
        return self.row(statement, parent_id) is not None

    def count_alive(self, parent_id: str) -> int:
        """How many pages under an object are not in the trash."""
        row = self.row("SELECT COUNT(*) AS n FROM objects WHERE parent_id=? AND kind='page' AND in_trash=0", parent_id)
        return int(row["n"]) if row is not None else 0

    def next_position(self, parent_id: str | None) -> float:
        """The position behind all that hangs under an object."""
        row = self.row("SELECT MAX(position) AS last FROM objects WHERE parent_id IS ?", parent_id)
        return 1.0 if row is None or row["last"] is None else float(row["last"]) + 1


def _record(row: sqlite3.Row) -> Record:
    return Record(
        id=row["id"],
        kind=row["kind"],
        workspace_id=row["workspace_id"],
        parent_id=row["parent_id"],
        created_time=datetime.fromisoformat(row["created_time"]),
        edited_time=datetime.fromisoformat(row["edited_time"]),
        created_by=row["created_by"],
        edited_by=row["edited_by"],
        body=json.loads(row["body"]),
        position=row["position"],
        in_trash=bool(row["in_trash"]),
        seq=row["seq"],
    )
