"""What came out of each row is kept in the library, with its files, and goes with the row or with time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import text

from svp_dagster.defs.housekeeping import deletions
from svp_dagster.errors import Code, failure
from svp_dagster.settings import Settings
from svp_dagster.storage.installed import storage
from svp_dagster.storage.storage import Storage
from tests.defs.installation import Installation
from tests.defs.posts import SOUP, STEW, WrittenPosts

pytest_plugins = ("tests.media_site",)

PASTA = "https://www.tiktok.com/@weeknight.kitchen/video/7512345678901234501"


@pytest.fixture
def on_disk() -> Iterator[dg.DagsterInstance]:
    """An instance from which runs can be deleted."""
    with dg.instance_for_test() as instance:
        yield instance


def files() -> Storage:
    return storage(Settings())


def age(installation: Installation, days: int) -> None:
    """Let all outcomes be older."""
    made_at = datetime.now(UTC) - timedelta(days=days)
    with installation.store.engine.begin() as connection:
        connection.execute(text("UPDATE outcomes SET made_at = :at"), {"at": made_at.replace(tzinfo=None)})


def test_what_came_out_of_a_row_is_kept_with_its_captions_and_its_files(installation: Installation) -> None:
    row = installation.process(PASTA, "cooking")

    found = installation.store.library.get(row["id"])
    assert found is not None
    assert found.video.title
    assert found.video.captions[0].segments
    assert found.transcript.segments
    assert found.summary.properties["name"].value.startswith("Tomato basil pasta")
    assert found.screen_text.sheet is not None
    assert len(found.screen_text.sheet.tiles) > 1
    work_folder = str(Settings().home)
    assert work_folder not in found.model_dump_json()
    names = ("sheet.jpg", "transcript.srt", "transcript.txt", "transcript.vtt")
    assert files().keys("library") == [f"library/{row['id']}/{name}" for name in names]
    assert (files().get_bytes(f"library/{row['id']}/sheet.jpg") or b"").startswith(b"\xff\xd8\xff")
    entries, total = installation.store.entries.page(installation.connection_id, text="spaghetti", offset=0, limit=9)
    assert ([entry.link.page_id for entry in entries], total) == ([row["id"]], 1)


def test_a_page_that_can_not_be_made_costs_no_outcome(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise failure(Code.NOTION_REFUSED, reason="The page is too odd")

    monkeypatch.setattr("svp_dagster.publish.stage.publish", refused)
    installation.downloader = WrittenPosts()
    row = installation.process(SOUP, "cooking")
    assert row["status"] == "failed"
    assert installation.store.library.get(row["id"]) is not None


def test_outcomes_are_kept_for_good_unless_a_setting_says_how_long(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.downloader = WrittenPosts()
    old = installation.process(SOUP, "cooking")["id"]
    age(installation, days=1_000)
    installation.launch("retention")
    assert installation.store.library.get(old) is not None

    fresh = installation.process(STEW, "cooking")["id"]
    monkeypatch.setenv("SVP_LIBRARY_KEPT_DAYS", "30")
    installation.launch("retention")

    assert installation.store.library.known([old, fresh]) == {fresh}
    assert {key.split("/")[1] for key in files().keys("library")} == {fresh}
    assert installation.store.entries.get(old) is not None


def test_files_without_an_outcome_are_removed_every_day(installation: Installation) -> None:
    installation.downloader = WrittenPosts()
    row = installation.process(SOUP, "cooking")["id"]
    files().put_bytes("library/gone/transcript.txt", b"words")
    for name in ("being-uploaded", "given-up"):
        files().put_bytes(f"uploads/{name}/media.mp4", b"film")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(Path(files().address, "uploads/given-up/media.mp4"), (two_days_ago, two_days_ago))

    installation.launch("orphaned_folders")

    left = files().keys("library")
    assert {key.split("/")[1] for key in left} == {row}
    assert files().keys("uploads") == ["uploads/being-uploaded/media.mp4"]


def test_the_files_of_a_deleted_connection_go_with_it(
    installation: Installation, on_disk: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SETTLES", "WATCHED_FOR", "REVOKED_WITHIN"):
        monkeypatch.setattr(deletions, name, timedelta(0))
    installation.downloader = WrittenPosts()
    installation.instance = on_disk
    row = installation.process(SOUP, "cooking")["id"]
    files().put_bytes(f"uploads/{row}/media.mp4", b"film")
    assert installation.store.deletions.delete(installation.connection_id, now=datetime.now(UTC))

    def unreachable(*_: object) -> None:
        raise failure(Code.STORAGE_FAILED)

    with monkeypatch.context() as outage:
        outage.setattr(deletions, "delete_entry_files", unreachable)
        installation.evaluate("deleted_connections")
    (left,) = installation.store.deletions.pending()
    assert left.page_ids == (row,)

    installation.evaluate("deleted_connections")
    assert files().keys("library") == []
    assert files().keys("uploads") == []
    assert installation.store.deletions.pending() == []
