"""What became of uploads: shown, listed, deleted."""

from __future__ import annotations

from oauth_app import links
from oauth_app.api.video_schemas import Job, JobQuery, Jobs
from oauth_app.errors import Refusal
from oauth_app.services import services
from oauth_app.videos.form import file_name
from oauth_app.videos.player import StoredMedia
from svp_dagster.errors import SvpError
from svp_dagster.media.kinds import HEAD_BYTES, upload_kind
from svp_dagster.store.connections import Connection
from svp_dagster.store.entries import Entry
from svp_dagster.store.uploads import Upload


def page(connection: Connection, query: JobQuery) -> Jobs:
    """Return a part of the connection's uploads, newest first."""
    uploads = services().store.uploads
    statuses = query.status.statuses if query.status else None
    entries, total = uploads.page(connection.id, statuses=statuses, offset=query.offset, limit=query.limit)
    files = uploads.of([entry.link.page_id for entry in entries])
    shown = tuple(Job.of(entry, files[entry.link.page_id], None) for entry in entries if entry.link.page_id in files)
    return Jobs(jobs=shown, total=total, offset=query.offset, limit=query.limit)


def show(connection: Connection, job_id: str) -> Job:
    """Return one upload with what came out of it."""
    entry, upload = _mine(connection, job_id)
    return Job.of(entry, upload, services().store.library.get(job_id))


def delete(connection: Connection, job_id: str) -> None:
    """Delete an upload."""
    entry, _ = _mine(connection, job_id)
    links.delete(entry)


def media(entry: Entry) -> StoredMedia:
    """Return the file of an entry that can be played or shown: an upload, or a post's while it is kept."""
    found = _stored(entry)
    if found is None:
        raise Refusal(404, "no_media", "The media of this link aren't kept (any more).", entry=entry)
    return found


def media_kind(entry: Entry) -> str:
    """Return what that file is: `video`, `audio` or `image`; '' where there is none, or the storage doesn't answer."""
    try:
        found = _stored(entry)
    except SvpError:
        return ""
    return found.content_type.partition("/")[0] if found else ""


def _stored(entry: Entry) -> StoredMedia | None:
    upload = services().store.uploads.get(entry.link.page_id)
    return _uploaded(upload) if upload else _kept(entry)


def _uploaded(upload: Upload) -> StoredMedia:
    return StoredMedia(
        key=upload.storage_key, content_type=upload.content_type, filename=upload.filename, digest=upload.sha256
    )


def _kept(entry: Entry) -> StoredMedia | None:
    playing = services().kept_media.playing(entry.media_key) if entry.media_key else None
    if playing is None:
        return None
    try:
        with services().storage.quick.open(playing.storage_key) as file:
            kind = upload_kind(file.read(HEAD_BYTES))
    except FileNotFoundError:
        return None
    if kind is None:
        return None
    name = file_name(f"{entry.title or entry.link.page_id}{kind.suffix}")
    return StoredMedia(key=playing.storage_key, content_type=kind.content_type, filename=name, digest=playing.sha256)


def _mine(connection: Connection, job_id: str) -> tuple[Entry, Upload]:
    entry, upload = services().store.entries.get(job_id), services().store.uploads.get(job_id)
    if entry is None or upload is None or entry.link.connection_id != connection.id:
        raise Refusal(404, "no_such_job", "There is no such job.", entry_id=job_id)
    return entry, upload
