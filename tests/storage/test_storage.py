"""A file is complete or absent, on each kind of storage."""

from __future__ import annotations

import io
import os
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.storage.place import StoredFile
from svp_dagster.storage.storage import Storage

KEY = "uploads/an-entry/media.mp4"
MB = 1024 * 1024
SIZES = (0, 1, MB, 5 * MB, 8 * MB, 8 * MB + 1, 20 * MB + 7)


class Source(io.RawIOBase):
    """A stream of so many bytes, which breaks off where it is told to."""

    def __init__(self, size_bytes: int, *, breaks_after: int | None = None) -> None:
        super().__init__()
        self.left, self.given, self.breaks_after = size_bytes, 0, breaks_after

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self.breaks_after is not None and self.given >= self.breaks_after:
            raise ConnectionResetError("the client went away")
        taken = min(len(buffer), self.left)
        buffer[:taken] = (b"0123456789abcdef" * (taken // 16 + 1))[:taken]
        self.left -= taken
        self.given += taken
        return taken


@pytest.mark.parametrize("size_bytes", SIZES)
def test_what_is_written_is_read_again(storage: Storage, tmp_path: Path, size_bytes: int) -> None:
    data = os.urandom(size_bytes)

    assert storage.write(KEY, io.BytesIO(data)) == size_bytes

    assert storage.size(KEY) == size_bytes
    assert storage.get_bytes(KEY) == data
    assert storage.fetch(KEY, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0


def test_a_file_is_written_from_one_and_over_one(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "made.mp4").write_bytes(b"the first, and longer")
    assert storage.put(KEY, tmp_path / "made.mp4") == 21
    storage.put_bytes(KEY, b"the second")
    assert storage.get_bytes(KEY) == b"the second"
    assert storage.size(KEY) == 10


def test_a_file_that_is_not_there_is_none(storage: Storage, tmp_path: Path) -> None:
    storage.put_bytes(KEY, b"x")
    for key in ("uploads/another/media.mp4", "uploads/an-entry", "uploads", f"{KEY}/below"):
        assert storage.size(key) is None
        assert storage.get_bytes(key) is None
        assert not storage.fetch(key, tmp_path / "copy")
        with pytest.raises(FileNotFoundError):
            storage.open(key)
    assert not (tmp_path / "copy").exists()


def test_a_part_of_a_file_is_read_from_anywhere(storage: Storage) -> None:
    data = os.urandom(3 * MB + 5)
    storage.put_bytes(KEY, data)
    with storage.open(KEY) as file:
        assert file.seekable()
        assert file.seek(2 * MB) == 2 * MB
        assert file.read(10) == data[2 * MB : 2 * MB + 10]
        assert file.tell() == 2 * MB + 10
        assert file.seek(-5, os.SEEK_END) == 3 * MB
        assert file.read() == data[-5:]
        assert file.read() == b""
        file.seek(0)
        assert file.read() == data


@pytest.mark.parametrize("limit_bytes", [10, 12 * MB])
def test_nothing_is_left_of_a_file_over_the_limit(storage: Storage, limit_bytes: int) -> None:
    source = Source(64 * MB)
    with pytest.raises(SvpError) as raised:
        storage.write(KEY, source, limit_bytes=limit_bytes)  # type: ignore[arg-type]
    assert raised.value.code is Code.TOO_LARGE
    assert source.given <= limit_bytes + MB
    assert storage.size(KEY) is None
    assert storage.keys("uploads") == []
    assert storage.sweep_unfinished(timedelta(0)) == 0

    assert storage.write(KEY, io.BytesIO(b"x" * 10), limit_bytes=10) == 10


@pytest.mark.parametrize("breaks_after", [0, MB, 20 * MB])
def test_nothing_is_left_where_the_client_goes_away(storage: Storage, breaks_after: int) -> None:
    with pytest.raises(ConnectionResetError):
        storage.write(KEY, Source(64 * MB, breaks_after=breaks_after))  # type: ignore[arg-type]
    assert storage.size(KEY) is None
    assert storage.sweep_unfinished(timedelta(0)) == 0


def test_a_file_stays_where_a_newer_one_breaks_off(storage: Storage) -> None:
    storage.put_bytes(KEY, b"the first")
    with pytest.raises(ConnectionResetError):
        storage.write(KEY, Source(64 * MB, breaks_after=20 * MB))  # type: ignore[arg-type]
    assert storage.get_bytes(KEY) == b"the first"


def test_a_large_file_takes_little_memory(folder: Storage) -> None:
    tracemalloc.start()
    folder.write(KEY, Source(128 * MB))  # type: ignore[arg-type]
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 8 * MB


def test_files_are_listed_below_whole_parts_of_their_keys(storage: Storage) -> None:
    began_at = datetime.now(UTC)
    for key in ("library/a/one.txt", "library/a/b/two.txt", "library/ab/three.txt", "thumbnails/four.jpg"):
        storage.put_bytes(key, key.encode())

    assert storage.keys("library") == ["library/a/b/two.txt", "library/a/one.txt", "library/ab/three.txt"]
    assert storage.keys("library/a") == ["library/a/b/two.txt", "library/a/one.txt"]
    assert storage.keys("library/a/one.txt") == []
    assert storage.keys("media") == []
    (found,) = storage.files("thumbnails")
    assert found == StoredFile(key="thumbnails/four.jpg", size_bytes=19, changed_at=found.changed_at)
    assert abs(found.changed_at - began_at) < timedelta(minutes=1)


def test_a_prefix_is_deleted_with_all_below_it_and_nothing_else(storage: Storage) -> None:
    for key in ("library/a/one.txt", "library/a/b/two.txt", "library/ab/three.txt"):
        storage.put_bytes(key, b"x")
    assert storage.delete("library/a") == 2
    assert storage.keys("library") == ["library/ab/three.txt"]
    assert storage.delete("library/ab/three.txt") == 1
    assert storage.keys("library") == []
    assert storage.delete("library") == 0


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "..",
        "../a",
        "a/../b",
        "a/./b",
        "a//b",
        "a/",
        ".unfinished/a",
        "a/.hidden",
        "a\x00b",
        "a\nb",
        "a\\b",
        "a?versionId=1",
        "a#1",
        "a*",
        "s3://other/a",
        "a\u202eb",
        "a\ud800b",
        "a" * 201,
        "a/" * 300 + "a",
    ],
)
def test_no_key_means_a_file_of_another_place(storage: Storage, key: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: storage.put_bytes(key, b"x"),
        lambda: storage.get_bytes(key),
        lambda: storage.size(key),
        lambda: storage.keys(key),
        lambda: storage.delete(key),
        lambda: storage.signed_url(key),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="not a key"):
            call()


@pytest.mark.parametrize("key", ["a", "a b/ü ñ.mp4", "uploads/0b5c/клип (1) 50%+&=,'~.mp4", "media/動画.mp4"])
def test_a_key_may_have_any_letters(storage: Storage, key: str) -> None:
    storage.put_bytes(key, key.encode())
    assert storage.get_bytes(key) == key.encode()
    assert key in storage.keys("a b") + storage.keys("uploads") + storage.keys("media") + ["a"]
    assert storage.delete(key) == 1


@pytest.mark.parametrize("address", ["ftp://host/files", "s3://", "gs:///prefix", "s3://key:secret@bucket/a"])
def test_another_address_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(ValueError) as raised:
        Storage(address=address)
    assert "secret" not in str(raised.value)
