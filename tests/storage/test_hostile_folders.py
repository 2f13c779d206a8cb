"""Links and special files that somebody put into the folder lead nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.storage.storage import Storage

KEY = "uploads/an-entry/media.mp4"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a file that isn't ours to read, write or delete."""
    made = tmp_path / "outside"
    made.mkdir()
    (made / "media.mp4").write_bytes(b"secret")
    return made


def place(folder: Storage, key: str) -> Path:
    path = Path(folder.address, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_a_link_to_a_file_is_neither_read_nor_listed_and_only_the_link_is_replaced(
    folder: Storage, outside: Path
) -> None:
    place(folder, KEY).symlink_to(outside / "media.mp4")
    with pytest.raises(SvpError) as raised:
        folder.get_bytes(KEY)
    assert raised.value.code is Code.STORAGE_FAILED
    assert folder.size(KEY) is None
    assert folder.keys("uploads") == []
    folder.put_bytes(KEY, b"ours")
    assert folder.get_bytes(KEY) == b"ours"
    assert (outside / "media.mp4").read_bytes() == b"secret"


def test_a_link_to_a_folder_is_not_followed(folder: Storage, outside: Path) -> None:
    place(folder, "uploads/an-entry").symlink_to(outside)
    for call in (lambda: folder.get_bytes(KEY), lambda: folder.put_bytes(KEY, b"x"), lambda: folder.delete(KEY)):
        with pytest.raises(SvpError) as raised:
            call()
        assert raised.value.code is Code.STORAGE_FAILED
    assert folder.keys("uploads") == []
    assert folder.delete("uploads") == 0
    assert (outside / "media.mp4").read_bytes() == b"secret"


def test_a_pipe_keeps_nobody_waiting(folder: Storage) -> None:
    os.mkfifo(place(folder, KEY))
    assert folder.size(KEY) is None
    assert folder.get_bytes(KEY) is None


def test_files_and_folders_are_for_this_user_alone(folder: Storage) -> None:
    os.umask(0)
    folder.put_bytes(KEY, b"x")
    root = Path(folder.address)
    for path in (root, *root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_empty_folder_is_left_of_what_was_deleted(folder: Storage) -> None:
    for key in (KEY, "uploads/another/media.mp4"):
        folder.put_bytes(key, b"x")
    folder.delete("uploads/an-entry")
    assert [path.name for path in Path(folder.address, "uploads").iterdir()] == ["another"]


def test_a_full_disk_is_told_from_a_storage_that_fails(folder: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SvpError) as raised:
        folder.put_bytes(KEY, b"x")
    assert raised.value.code is Code.STORAGE_FULL
    assert [*Path(folder.address, ".unfinished").iterdir()] == []
