"""Small pictures belong to the videos that entries have."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from svp_dagster.storage.storage import Storage
from svp_dagster.storage.thumbnails import Thumbnails


def test_a_thumbnail_is_replaced(storage: Storage) -> None:
    thumbnails = Thumbnails(storage=storage)
    assert thumbnails.get("TikTok:7") is None
    for jpeg in (b"\xff\xd8\x00first", b"\xff\xd8\x00last"):
        thumbnails.put("TikTok:7", jpeg)
    assert thumbnails.get("TikTok:7") == b"\xff\xd8\x00last"


def test_a_thumbnail_stays_as_long_as_somebody_has_the_video(storage: Storage) -> None:
    thumbnails = Thumbnails(storage=storage)
    for media_key in ("tiktok:1", "tiktok:2"):
        thumbnails.put(media_key, b"jpeg")
    assert thumbnails.keep_only(lambda: {"tiktok:1", "tiktok:3"}) == 1
    assert thumbnails.get("tiktok:1") == b"jpeg"
    assert thumbnails.get("tiktok:2") is None
    assert thumbnails.keep_only(set) == 1


def test_one_that_is_stored_while_orphans_are_removed_stays(folder: Storage) -> None:
    thumbnails = Thumbnails(storage=folder)

    def keys_of_entries() -> set[str]:
        thumbnails.put("tiktok:1", b"jpeg")
        return set()

    assert thumbnails.keep_only(keys_of_entries) == 0
    assert thumbnails.get("tiktok:1") == b"jpeg"


def test_its_key_does_not_tell_the_video(folder: Storage) -> None:
    Thumbnails(storage=folder).put("tiktok:../../1", b"jpeg")
    (key,) = folder.keys("thumbnails")
    assert key.removeprefix("thumbnails/").removesuffix(".jpg").isalnum()


def test_a_storage_that_fails_costs_the_picture_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "files").write_text("a file")
    with caplog.at_level(logging.WARNING):
        Thumbnails(storage=Storage(address=str(tmp_path / "files"))).put("tiktok:1", b"jpeg")
    assert "the picture of tiktok:1 is not stored" in caplog.text
