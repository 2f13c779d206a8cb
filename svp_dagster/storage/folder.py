"""The storage in a folder of this machine: the default.

A file is written among the unfinished ones and then renamed, so it is complete or absent. Files and folders are for
this user alone. A symbolic link is never followed: this program makes none, so somebody else did.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from svp_dagster.storage.place import StoredFile

UNFINISHED: Final = ".unfinished"
"""The folder of drafts. No key begins with a dot."""
ATTEMPTS: Final = 5
"""Of a rename, while another process removes the empty folder that it goes to."""


class Folder:
    """A folder, which is made with its first file."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def draft(self, key: str) -> FolderDraft:
        """Begin a file in the folder of drafts."""
        place = self._path(key)
        unfinished = self._root / UNFINISHED
        _make_private_folders(unfinished)
        return FolderDraft(unfinished / uuid.uuid4().hex, place)

    def open(self, key: str) -> BinaryIO:
        """Open a file to read and seek. Raises `FileNotFoundError`."""
        try:
            handle = os.open(self._path(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except NotADirectoryError as error:
            raise FileNotFoundError(key) from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FileNotFoundError(key)
        return os.fdopen(handle, "rb")

    def size(self, key: str) -> int | None:
        """Return the size of a file in bytes; None for one that isn't there."""
        try:
            found = self._path(key).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def files(self, prefix: str) -> list[StoredFile]:
        """Return the files below a prefix."""
        return list(self._walk(self._path(prefix) if prefix else self._root))

    def delete(self, key: str) -> None:
        """Delete a file, and the folders that are empty without it."""
        path = self._path(key)
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
        for folder in path.parents:
            if folder == self._root:
                return
            try:
                folder.rmdir()
            except OSError:  # not empty, or removed by another process
                return

    def signed_url(self, key: str, *, expires_s: int, filename: str | None) -> None:
        """Return None: the files of a folder are served through the app."""

    def sweep_unfinished(self, older_than: timedelta) -> int:
        """Remove the drafts that nobody has written to for so long. Return how many."""
        before = (datetime.now(UTC) - older_than).timestamp()
        removed = 0
        for draft in _entries(self._root / UNFINISHED):
            with suppress(FileNotFoundError):
                if draft.stat(follow_symlinks=False).st_mtime < before:
                    Path(draft.path).unlink()
                    removed += 1
        return removed

    def _path(self, key: str) -> Path:
        """Return the path of a key. Raises `PermissionError` where a folder on the way is a symbolic link."""
        parent = (self._root.resolve() / key).parent
        if parent.resolve() != parent:
            raise PermissionError("a symbolic link in the storage")
        return self._root / key

    def _walk(self, folder: Path) -> Iterator[StoredFile]:
        for entry in sorted(_entries(folder), key=lambda each: each.name):
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(path)
                continue
            with suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
                key = path.relative_to(self._root).as_posix()
                yield StoredFile(key=key, size_bytes=found.st_size, changed_at=changed_at)


class FolderDraft:
    """A file among the unfinished ones."""

    def __init__(self, draft: Path, place: Path) -> None:
        self._draft, self._place = draft, place
        self._file = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def write(self, piece: bytes) -> None:
        """Append a piece."""
        self._file.write(piece)

    def commit(self) -> None:
        """Rename the file to its place, once the disk has it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        for attempt in range(ATTEMPTS):
            try:
                _make_private_folders(self._place.parent)
                self._draft.replace(self._place)
            except FileNotFoundError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def discard(self) -> None:
        """Remove the file."""
        with suppress(OSError):  # its buffer can't be written to a full disk
            self._file.close()
        self._draft.unlink(missing_ok=True)


def _make_private_folders(folder: Path) -> None:
    """Make a folder and those above it, each for this user alone."""
    for each in (*reversed(folder.parents), folder):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
