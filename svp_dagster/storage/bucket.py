"""The storage in a bucket of S3, of a server that speaks as S3 does, or of Google Cloud Storage.

Credentials and other addresses are taken from the environment as the libraries of these services have it: `AWS_*`,
`GOOGLE_APPLICATION_CREDENTIALS`, `AWS_ENDPOINT_URL`, `STORAGE_EMULATOR_HOST`. A large file is sent in parts, and
nobody sees it before the last part is there and the upload is completed
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html,
https://cloud.google.com/storage/docs/resumable-uploads).
"""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from svp_dagster.storage.failures import describe, storage_failures
from svp_dagster.storage.place import StoredFile

logger = logging.getLogger(__name__)

PART_BYTES: Final = 8 * 1024 * 1024
"""S3 takes 10,000 parts of at least 5 MiB, Cloud Storage multiples of 256 KiB:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
READ_BYTES: Final = 1024 * 1024


class Bucket:
    """A bucket, or what is below a prefix of it. `files` is a file system of fsspec without a cache of listings."""

    def __init__(self, files: Any, root: str, *, call_s: float) -> None:
        self._fs, self._root, self._call_s = files, root.strip("/"), call_s

    def draft(self, key: str) -> BucketDraft:
        """Begin a file."""
        return BucketDraft(self._fs.open(self._path(key), "wb", block_size=PART_BYTES))

    def open(self, key: str) -> BinaryIO:
        """Open a file to read and seek. Raises `FileNotFoundError`."""
        opened = self._fs.open(self._path(key), "rb", block_size=READ_BYTES, cache_type="readahead")
        if opened.details["type"] != "file":
            raise FileNotFoundError(key)
        return io.BufferedReader(_Reader(opened), READ_BYTES)

    def size(self, key: str) -> int | None:
        """Return the size of a file in bytes; None for one that isn't there."""
        try:
            found = self._fs.info(self._path(key), timeout=self._call_s)
        except FileNotFoundError:
            return None
        return int(found["size"]) if found["type"] == "file" else None

    def files(self, prefix: str) -> list[StoredFile]:
        """Return the files below a prefix."""
        below = f"{self._path(prefix) if prefix else self._root}/"
        try:
            found = self._fs.find(below, detail=True, timeout=self._call_s)
        except FileNotFoundError:
            return []
        return [
            StoredFile(
                key=path.removeprefix(f"{self._root}/"),
                size_bytes=int(each["size"]),
                changed_at=each.get("LastModified") or each["mtime"],
            )
            for path, each in sorted(found.items())
            if path.startswith(below) and each["type"] == "file" and path != below
        ]

    def delete(self, key: str) -> None:
        """Delete a file. One that isn't there is deleted already."""
        try:
            self._fs.rm_file(self._path(key), timeout=self._call_s)
        except FileNotFoundError:
            return

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


class S3Bucket(Bucket):
    """A bucket of a service that speaks as S3 does."""

    def signed_url(self, key: str, *, expires_s: int, filename: str | None) -> str | None:
        """Return an address with which anybody can read the file for so long."""
        wanted = {"ResponseContentDisposition": attachment(filename)} if filename else {}
        return str(self._fs.sign(self._path(key), expiration=expires_s, **wanted))

    def sweep_unfinished(self, older_than: timedelta) -> int:
        """Abort the uploads that were begun so long ago and never completed. Return how many."""
        bucket, _, prefix = self._root.partition("/")
        before, aborted = datetime.now(UTC) - older_than, 0
        marker: dict[str, str] = {}
        while True:
            found = self._fs.call_s3(
                "list_multipart_uploads", Bucket=bucket, Prefix=prefix, **marker, timeout=self._call_s
            )
            for upload in found.get("Uploads", []):
                if upload["Key"].startswith(prefix and f"{prefix}/") and upload["Initiated"] < before:
                    self._fs.abort_mpu(bucket, upload["Key"], upload["UploadId"], timeout=self._call_s)
                    aborted += 1
            if not found.get("IsTruncated"):
                return aborted
            marker = {"KeyMarker": found["NextKeyMarker"], "UploadIdMarker": found["NextUploadIdMarker"]}


class GcsBucket(Bucket):
    """A bucket of Google Cloud Storage."""

    def signed_url(self, key: str, *, expires_s: int, filename: str | None) -> str | None:
        """Return an address with which anybody can read the file for so long.

        None with credentials that have no private key, such as a machine's own or a person's: they can't sign
        (https://cloud.google.com/storage/docs/access-control/signed-urls).
        """
        from google.auth.credentials import Signing

        if not isinstance(self._fs.credentials.credentials, Signing):
            return None
        wanted = {"response_disposition": attachment(filename)} if filename else {}
        return str(self._fs.sign(self._path(key), expiration=expires_s, version="v4", **wanted))

    def sweep_unfinished(self, older_than: timedelta) -> int:  # noqa: ARG002 (as `Place` has it)
        """Return 0. Unfinished uploads can't be listed, and end after a week by themselves.

        https://cloud.google.com/storage/docs/resumable-uploads
        """
        return 0


class BucketDraft:
    """A file whose parts are sent as they come."""

    def __init__(self, opened: Any) -> None:
        self._file = opened

    def write(self, piece: bytes) -> None:
        """Append a piece."""
        self._file.write(piece)

    def commit(self) -> None:
        """Send the last part and complete the upload."""
        self._file.close()

    def discard(self) -> None:
        """Abort the upload. One that can't be aborted is invisible, and swept later."""
        try:
            self._file.discard()
        except Exception as error:  # noqa: BLE001 (of any library; what made the caller discard it is raised)
            logger.warning("an unfinished upload is left: %s", describe(error))
        finally:
            self._file.closed = True  # else fsspec completes the upload when the object is collected


class _Reader(io.RawIOBase):
    """A file of fsspec whose errors are those of the failure table."""

    def __init__(self, opened: Any) -> None:
        super().__init__()
        self._file = opened

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with storage_failures("read a file"):
            piece = self._file.read(len(buffer))
            if not piece and self._file.tell() < self._file.size:
                raise EOFError("it is shorter than it was")
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def attachment(filename: str) -> str:
    """Return the header by which a browser saves a file under this name (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
