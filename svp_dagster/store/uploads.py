"""The files that people uploaded, each with the direct entry that was made for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from svp_dagster.models import LinkEntry, Value
from svp_dagster.store.entries import Entries, Entry
from svp_dagster.store.tables import UploadRow


class Upload(Value):
    """A file that was uploaded. `storage_key` is its key in the storage, and `filename` what its owner calls it."""

    page_id: str
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    storage_key: str


class Uploads:
    """Queries over uploaded files. They are deleted with their entry."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._entries = Entries(engine)

    def add(self, upload: Upload, link: LinkEntry, *, now: datetime) -> Entry:
        """Make the entry and its upload, both or none. Raises `EntryGone` where the connection's data were deleted."""
        return self._entries.request(link, now=now, also=lambda session: session.add(UploadRow(**upload.model_dump())))

    def get(self, page_id: str) -> Upload | None:
        """Return the upload of an entry. None for an entry that is a link."""
        return self.of([page_id]).get(page_id)

    def of(self, page_ids: Iterable[str]) -> dict[str, Upload]:
        """Return the uploads among these entries, by page id."""
        query = select(UploadRow).where(UploadRow.page_id.in_(list(page_ids)))
        with Session(self._engine) as session:
            return {row.page_id: _upload(row) for row in session.scalars(query)}


def _upload(row: UploadRow) -> Upload:
    return Upload(**{name: getattr(row, name) for name in Upload.model_fields})
