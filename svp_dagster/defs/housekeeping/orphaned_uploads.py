"""Removes files that were uploaded and have no entry: the app was killed before it had made one, or deleted them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from svp_dagster.storage.place import StoredFile
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store

ROOM = "uploads"
_BATCH = 500


def remove_orphaned_uploads(storage: Storage, store: Store, *, before: datetime) -> int:
    """Remove the files that came before this time and belong to no upload. Return how many."""
    old = [file for file in storage.files(ROOM) if file.changed_at < before]
    removed = 0
    for begin in range(0, len(old), _BATCH):
        for key in _without_entry(old[begin : begin + _BATCH], store):
            removed += storage.delete(key)
    return removed


def _without_entry(files: Iterable[StoredFile], store: Store) -> list[str]:
    of_entries = {page_id: list(found) for page_id, found in groupby(files, key=lambda file: file.key.split("/")[1])}
    known = store.uploads.of(of_entries)
    return [file.key for page_id, found in of_entries.items() if page_id not in known for file in found]
