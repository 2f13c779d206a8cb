"""What a kind of storage has to do. Keys are checked before, and errors are translated after (`storage.py`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from svp_dagster.models import Value


class StoredFile(Value):
    """A file of the storage, as a listing shows it."""

    key: str
    size_bytes: int
    changed_at: datetime


class Draft(Protocol):
    """A file that is being written. Nobody sees it before `commit`."""

    def write(self, piece: bytes) -> None:
        """Append a piece."""

    def commit(self) -> None:
        """Put the file in its place, over one that is there."""

    def discard(self) -> None:
        """Remove what was written."""


class Place(Protocol):
    """A folder or a bucket."""

    def draft(self, key: str) -> Draft:
        """Begin a file."""

    def open(self, key: str) -> BinaryIO:
        """Open a file to read and seek. Raises `FileNotFoundError`."""

    def size(self, key: str) -> int | None:
        """Return the size of a file in bytes; None for one that isn't there."""

    def files(self, prefix: str) -> list[StoredFile]:
        """Return the files below a prefix, which is a whole part of their keys; an empty one means all."""

    def delete(self, key: str) -> None:
        """Delete a file. One that isn't there is deleted already."""

    def signed_url(self, key: str, *, expires_s: int, filename: str | None) -> str | None:
        """Return an address for whoever has it, or None where there is no such thing."""

    def sweep_unfinished(self, older_than: timedelta) -> int:
        """Remove what writers that were killed left. Return how many."""
