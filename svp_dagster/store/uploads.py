"""The files that people uploaded, each with the direct entry that was made for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import PurePosixPath

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from svp_dagster.models import LinkEntry, Status, Value
from svp_dagster.store.contents import delete_unused, used_results
from svp_dagster.store.entries import Entries, Entry, to_entry
from svp_dagster.store.tables import ContentUseRow, LinkEntryRow, UploadRow


class Upload(Value):
    """A file that was uploaded. `storage_key` is its key in the storage, and `filename` what its owner calls it."""

    page_id: str
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    storage_key: str

    @property
    def title(self) -> str:
        """What the video is called: the file's name without its suffix."""
        return PurePosixPath(self.filename).stem


class Uploads:
    """Queries over uploaded files. They are deleted with their entry."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._entries = Entries(engine)

    def add(self, upload: Upload, link: LinkEntry, *, now: datetime) -> Entry:
        """Make the entry and its upload, both or none. Raises `EntryGone` where the connection's data were deleted.

        The entry's title and video are known at once, so that one run at a time works on equal files.
        """

        def add(session: Session, row: LinkEntryRow) -> None:
            row.media_key, row.title = f"sha256:{upload.sha256}", upload.title
            session.add(UploadRow(**upload.model_dump()))

        return self._entries.request(link, now=now, also=add)

    def get(self, page_id: str) -> Upload | None:
        """Return the upload of an entry. None for an entry that is a link."""
        return self.of([page_id]).get(page_id)

    def of(self, page_ids: Iterable[str]) -> dict[str, Upload]:
        """Return the uploads among these entries, by page id."""
        query = select(UploadRow).where(UploadRow.page_id.in_(list(page_ids)))
        with Session(self._engine) as session:
            return {row.page_id: _upload(row) for row in session.scalars(query)}

    def page(
        self, connection_id: str, *, statuses: Collection[Status] | None, offset: int, limit: int
    ) -> tuple[list[Entry], int]:
        """Return a connection's entries that are uploads, newest first, and how many there are in all."""
        row = LinkEntryRow
        query = select(row).join(UploadRow, UploadRow.page_id == row.page_id).where(row.connection_id == connection_id)
        if statuses is not None:
            query = query.where(row.status.in_(statuses))
        newest_first = query.order_by(row.created_at.desc(), row.page_id).offset(offset).limit(limit)
        with Session(self._engine) as session:
            total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            return [to_entry(each) for each in session.scalars(newest_first)], total

    def delete(self, page_id: str) -> bool:
        """Delete a direct entry, its upload if it is one, and all that was made of it. Return whether there was one.

        A run that goes on ends at its next write (`EntryGone`). Its words leave SQLite's index with the next retention.
        """
        with Session(self._engine) as session, session.begin():
            row = session.get(LinkEntryRow, page_id, with_for_update=True)
            if row is None or row.has_row:
                return False
            keys = used_results(session, ContentUseRow.page_id == page_id)
            session.execute(delete(LinkEntryRow).where(LinkEntryRow.page_id == page_id))
            delete_unused(session, keys)
        return True


def _upload(row: UploadRow) -> Upload:
    return Upload(**{name: getattr(row, name) for name in Upload.model_fields})
