"""Uploaded files, fetched from the storage."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from svp_dagster.download.stage import open_upload
from svp_dagster.errors import Code, failure
from svp_dagster.models import Video
from svp_dagster.storage.storage import Storage
from svp_dagster.store.uploads import Upload


def fetch_upload(upload: Upload | None, *, storage: Storage, folder: Path, max_duration_s: float) -> Video:
    """Return an uploaded file as a video in `folder`. It stays in the storage as long as its entry.

    Raises `gone`, `storage_failed` and the failures of files that can't be used.
    """
    if upload is None:
        raise failure(Code.GONE, detail="no upload of this entry is known")
    path = folder / PurePosixPath(upload.storage_key).name
    if not storage.fetch(upload.storage_key, path):
        raise failure(Code.GONE, detail=f"{upload.storage_key} is not in the storage")
    return open_upload(path, title=upload.title, folder=folder, max_duration_s=max_duration_s)
