"""Takes an upload in: its file to the storage while it arrives, then its entry to the store.

The file comes first. A process that is killed in between leaves a file without an entry, which a sweep removes.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from oauth_app.api.schemas import Tag
from oauth_app.errors import Refusal, require_notion
from oauth_app.services import services
from oauth_app.videos.form import FormFile, UploadForm, too_large
from oauth_app.videos.slots import MOST_OF_ONE, NoSlotError
from svp_dagster.errors import EntryGone, SvpError
from svp_dagster.media.kinds import HEAD_BYTES, UPLOADS, FileKind, upload_kind
from svp_dagster.models import LinkEntry, ProcessingType, upload_link
from svp_dagster.store.connections import Connection
from svp_dagster.store.entries import Entry
from svp_dagster.store.uploads import Upload

logger = logging.getLogger(__name__)

FORM_BYTES = 1_000_000
"""More than a form can have around its file."""
_BUSY_S = 30


class UploadFields(BaseModel):
    """What a form may say beside its file. Without a tag the video is kept in the library alone."""

    model_config = ConfigDict(extra="forbid")

    tag: Tag | None = None
    processing_type: ProcessingType = ProcessingType.FULL
    csrf_token: str = ""

    @field_validator("tag", mode="before")
    @classmethod
    def _no_tag(cls, tag: object) -> object:
        return tag or None


def form() -> UploadForm:
    """Return the form that the request brings. Raises a `Refusal` for one that is too long by its own account."""
    limit = services().settings.max_size_bytes
    if (request.content_length or 0) > limit + FORM_BYTES:
        raise too_large(limit)
    return UploadForm(request, max_file_bytes=limit)


def receive(connection: Connection, given: UploadForm) -> Entry:
    """Take in the form's file as an entry of this connection."""
    try:
        with services().upload_slots.taken(connection.id):
            return _receive(connection, given)
    except NoSlotError as error:
        raise _busy(of_one=error.of_one) from error


def _receive(connection: Connection, given: UploadForm) -> Entry:
    file = given.file
    _checked(connection, given)
    kind = _kind(file)
    page_id = str(uuid.uuid4())
    key = f"uploads/{page_id}/media{kind.suffix}"
    with _deleted_if_refused(key):
        services().storage.write(key, file)  # type: ignore[arg-type]  # a raw stream
        given.finish()
        fields = _checked(connection, given)
    upload = Upload(
        page_id=page_id,
        filename=file.filename,
        content_type=kind.content_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        storage_key=key,
    )
    return _add(connection, upload, fields)


def _busy(*, of_one: bool) -> Refusal:
    if of_one:
        words = f"{MOST_OF_ONE} of your files are being uploaded already. Wait until one of them is here."
        return Refusal(429, "too_many_at_once", words, retry_after_s=_BUSY_S)
    words = "Too many files are being uploaded at the moment. Try again in a minute."
    return Refusal(503, "too_many_uploads", words, retry_after_s=_BUSY_S)


def _add(connection: Connection, upload: Upload, fields: UploadFields) -> Entry:
    now, link = services().now(), upload_link(upload.page_id)
    entry = LinkEntry(
        page_id=upload.page_id,
        connection_id=connection.id,
        url=link.url,
        link=link,
        tag=fields.tag or "",
        processing_type=fields.processing_type,
        has_row=False,
        last_edited_time=now,
    )
    try:
        return services().store.uploads.add(upload, entry, now=now)
    except EntryGone as error:
        words = "Your account was deleted or became one with another just now, so nothing was added. Sign in again."
        with _deleted_if_refused(upload.storage_key):
            raise Refusal(401, "not_signed_in", words) from error


def _checked(connection: Connection, given: UploadForm) -> UploadFields:
    """Return the fields that were read so far. Raises a `Refusal` for those that don't fit."""
    try:
        fields = UploadFields.model_validate(given.fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        details = tuple(f"{'.'.join(str(part) for part in each['loc'])[:50]}: {each['msg']}" for each in found)
        words = "The form doesn't fit its description."
        raise Refusal(422, "invalid_request", words, details=details) from error
    databases = services().store.databases
    if fields.tag:
        require_notion(connection, f"send videos with the tag “{fields.tag}” there, or send it without a tag")
    if fields.tag and databases.for_tag(connection.id, fields.tag) is None:
        known = ", ".join(f"“{each.tag}”" for each in databases.content_databases(connection.id)) or "none yet"
        words = f"No Content Database is registered for the tag “{fields.tag}” (registered: {known})."
        raise Refusal(422, "unknown_tag", words)
    return fields


def _kind(file: FormFile) -> FileKind:
    head = file.head(HEAD_BYTES)
    if not head:
        raise Refusal(400, "empty_file", "This file is empty: it has 0 bytes. Choose it again, or export it again.")
    kind = upload_kind(head)
    if kind is None:
        known = ", ".join(each.suffix[1:] for each in UPLOADS)
        words = f"By its content this is no file of a kind that is taken here ({known}), whatever it is called."
        raise Refusal(415, "wrong_kind", words)
    return kind


@contextmanager
def _deleted_if_refused(key: str) -> Iterator[None]:
    """Leave nothing of a file whose form turns out to be wrong behind it, or whose sender leaves."""
    try:
        yield
    except BaseException:  # also where the server ends the request
        try:
            services().storage.delete(key)
        except SvpError as error:
            logger.warning("%s is left to the sweep: %s", key, error.code)
        raise
