"""Files that were uploaded and have no entry go, once they are old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from svp_dagster.defs.housekeeping.orphaned_uploads import remove_orphaned_uploads
from svp_dagster.models import LinkEntry, upload_link
from svp_dagster.storage.storage import Storage
from svp_dagster.store.store import Store
from svp_dagster.store.uploads import Upload
from tests.store.examples import sign_in


def test_a_file_without_an_entry_goes_once_it_is_old(store: Store, now: datetime, tmp_path: Path) -> None:
    storage = Storage(address=str(tmp_path / "files"))
    connection = sign_in(store, now=now)
    key = "uploads/kept/media.mp4"
    upload = Upload(
        page_id="kept", filename="a.mp4", content_type="video/mp4", size_bytes=1, sha256="1", storage_key=key
    )
    link = upload_link("kept")
    entry = LinkEntry(
        page_id="kept",
        connection_id=connection.id,
        url=link.url,
        link=link,
        tag="",
        has_row=False,
        last_edited_time=now,
    )
    store.uploads.add(upload, entry, now=now)
    for each in (key, "uploads/orphaned/media.mp4", "library/orphaned/transcript.txt"):
        storage.put_bytes(each, b"x")
    written = datetime.now(UTC)

    assert remove_orphaned_uploads(storage, store, before=written - timedelta(hours=1)) == 0
    assert remove_orphaned_uploads(storage, store, before=written + timedelta(seconds=1)) == 1
    assert storage.keys("uploads") == [key]
    assert storage.keys("library") == ["library/orphaned/transcript.txt"]
