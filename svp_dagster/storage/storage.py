"""The files of the installation under one address: a folder, or a bucket of S3 or of Google Cloud Storage.

Files are private: people get them through the app, or by addresses that end soon. Each call has a timeout, and a
failure is `storage_failed` or `storage_full`.
"""

from __future__ import annotations

import io
import os
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import field_validator

from svp_dagster.component import Component
from svp_dagster.errors import Code, failure
from svp_dagster.storage.bucket import GcsBucket, S3Bucket
from svp_dagster.storage.clients import PATIENT, QUICK, Patience, gcs_client, s3_client
from svp_dagster.storage.failures import storage_failures
from svp_dagster.storage.folder import Folder
from svp_dagster.storage.keys import require_key
from svp_dagster.storage.place import Place, StoredFile

PIECE_BYTES: Final = 1024 * 1024
MAX_SIGNED_S: Final = 900
_BUCKETS: Final = ("s3://", "gs://")


class Storage(Component):
    """Files by key. A key is a path such as `uploads/<entry id>/media.mp4`; another one raises `WrongKeyError`."""

    address: str
    patience: Patience = PATIENT

    @field_validator("address", mode="after")
    @classmethod
    def _known(cls, address: str) -> str:
        if "://" not in address:
            return address
        scheme = next((each for each in _BUCKETS if address.startswith(each)), None)
        bucket = address.removeprefix(scheme).partition("/")[0] if scheme else ""
        if not bucket or "@" in bucket:
            raise ValueError("a folder, s3://bucket/prefix or gs://bucket/prefix")
        return address.rstrip("/")

    @property
    def is_folder(self) -> bool:
        """Whether the files lie on this machine, so that no address of theirs can be signed."""
        return "://" not in self.address

    @cached_property
    def quick(self) -> Storage:
        """The same storage for those who can't wait: a call that takes longer fails within seconds."""
        return Storage(address=self.address, patience=QUICK)

    def write(self, key: str, source: BinaryIO, *, limit_bytes: int | None = None) -> int:
        """Write a file from a stream, piece by piece. Return its size in bytes.

        It is complete or absent: nothing is left of one that is over the limit (`too_large`) or whose source fails.
        """
        size_bytes = 0
        with storage_failures("begin a file"):
            draft = self._place.draft(require_key(key))
        try:
            while piece := source.read(PIECE_BYTES):
                size_bytes += len(piece)
                if limit_bytes is not None and size_bytes > limit_bytes:
                    raise _too_large(limit_bytes)
                with storage_failures("write a file"):
                    draft.write(piece)
            with storage_failures("complete a file"):
                draft.commit()
        except BaseException:
            draft.discard()
            raise
        return size_bytes

    def put(self, key: str, path: Path) -> int:
        """Write a file from one on this machine. Return its size in bytes."""
        with path.open("rb") as source:
            return self.write(key, source)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Write a small file."""
        self.write(key, io.BytesIO(data))

    def open(self, key: str) -> BinaryIO:
        """Open a file to read and seek; only what is read is fetched. Raises `FileNotFoundError`."""
        with storage_failures("open a file", may_be_absent=True):
            return self._place.open(require_key(key))

    def get_bytes(self, key: str) -> bytes | None:
        """Return a small file; None for one that isn't there."""
        try:
            with self.open(key) as file, storage_failures("read a file"):
                return file.read()
        except FileNotFoundError:
            return None

    def fetch(self, key: str, target: Path) -> bool:
        """Copy a file to one of this machine that only this user can read. Return whether it was there."""
        try:
            source = self.open(key)
        except FileNotFoundError:
            return False
        with source, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
            while piece := source.read(PIECE_BYTES):
                copy.write(piece)
        return True

    def size(self, key: str) -> int | None:
        """Return the size of a file in bytes; None for one that isn't there."""
        with storage_failures("look for a file"):
            return self._place.size(require_key(key))

    def files(self, prefix: str) -> list[StoredFile]:
        """Return the files below a prefix, which is a whole part of their keys, in the order of their keys."""
        with storage_failures("list files"):
            return self._place.files(require_key(prefix))

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of the files below a prefix."""
        return [file.key for file in self.files(prefix)]

    def delete(self, prefix: str) -> int:
        """Delete the file with this key, or those below it. Return how many. None is deleted already."""
        keys = [prefix] if self.size(prefix) is not None else self.keys(prefix)
        with storage_failures("delete files"):
            for key in keys:
                self._place.delete(key)
        return len(keys)

    def signed_url(self, key: str, *, expires_s: int = MAX_SIGNED_S, filename: str | None = None) -> str | None:
        """Return an address with which anybody can read the file for at most a quarter of an hour.

        None for a folder, and with credentials that can't sign: then the app serves it.
        """
        if not 0 < expires_s <= MAX_SIGNED_S:
            raise ValueError(f"an address is signed for at most {MAX_SIGNED_S} seconds")
        with storage_failures("sign an address"):
            return self._place.signed_url(require_key(key), expires_s=expires_s, filename=filename)

    def sweep_unfinished(self, older_than: timedelta) -> int:
        """Remove what writers left that were killed so long ago. Return how many."""
        with storage_failures("sweep unfinished files"):
            return self._place.sweep_unfinished(older_than)

    @cached_property
    def _place(self) -> Place:
        root = self.address.partition("://")[2]
        if self.address.startswith("s3://"):
            return S3Bucket(s3_client(self.patience), root, call_s=self.patience.call_s)
        if self.address.startswith("gs://"):
            return GcsBucket(gcs_client(self.patience), root, call_s=self.patience.call_s)
        return Folder(Path(self.address).expanduser().absolute())


def _too_large(limit_bytes: int) -> Exception:
    return failure(Code.TOO_LARGE, reason=f"larger than {limit_bytes / 1e6:g} MB", detail=f"> {limit_bytes} bytes")
