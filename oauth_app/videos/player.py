"""Media for the player: a stored file, whole or the part that was asked for."""

from __future__ import annotations

from typing import IO, BinaryIO, Final, cast

from flask import request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.utils import redirect
from werkzeug.wrappers import Response
from werkzeug.wsgi import wrap_file

from oauth_app import identity
from oauth_app.errors import Refusal
from oauth_app.services import services
from svp_dagster.models import Value

PART_BYTES: Final = 4_000_000
"""The longest answer to a request for all from a place on: a player that is closed has had no more than that."""
POLICY: Final = "default-src 'none'; media-src 'self'; img-src 'self'; frame-ancestors 'none'; sandbox"


class StoredMedia(Value):
    """A file of the storage as a browser gets it. `digest` changes with its content."""

    key: str
    content_type: str
    filename: str
    digest: str


def send(media: StoredMedia) -> Response:
    """Return the file, the part of it that was asked for, or for a script the way to where the storage gives it away.

    Our pages' policy lets media come from the app alone, since nobody knows where a bucket's addresses lead.
    """
    storage = services().storage.quick
    signed = storage.signed_url(media.key) if identity.has_token() else None
    if signed:
        return redirect(signed, 302)
    size = storage.size(media.key)
    if size is None:
        raise _gone()
    answer = Response(status=200, content_type=media.content_type)
    answer.set_etag(media.digest)
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers.set("Content-Disposition", "inline", filename=media.filename)
    part = _asked_part(size, media.digest)
    begin, end = part or (0, size)
    if part:
        answer.status_code = 206
        answer.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
    answer.content_length = end - begin
    if request.method != "HEAD":
        try:
            part_of_file = FilePart(storage.open(media.key), begin, end)
        except FileNotFoundError:  # deleted since its size was read
            raise _gone() from None
        answer.response = wrap_file(request.environ, cast(IO[bytes], part_of_file))
        answer.direct_passthrough = True
    return answer


def _gone() -> Refusal:
    return Refusal(404, "no_media", "This file isn't kept any more.")


class FilePart:
    """A part of a file, as a file to read once."""

    def __init__(self, file: BinaryIO, begin: int, end: int) -> None:
        self._file, self._left = file, end - begin
        file.seek(begin)

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes of the part. The file is closed with its last."""
        if not self._left:
            return b""
        piece = self._file.read(self._left if count < 0 else min(count, self._left))
        self._left -= len(piece)
        if not self._left:
            self.close()
        return piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _asked_part(size: int, digest: str) -> tuple[int, int] | None:
    """Return the first byte and the one behind the last; None where all is asked for, or several parts are.

    Raises `RequestedRangeNotSatisfiable` for a part that the file doesn't have.
    """
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not _is_of(digest):
        return None
    begin, end = asked.ranges[0]
    if begin < 0:
        begin = max(size + begin, 0)
    if begin >= size:
        raise RequestedRangeNotSatisfiable(size)
    if asked.ranges[0][0] >= 0 and end is None:
        end = begin + PART_BYTES
    return begin, min(end or size, size)


def _is_of(digest: str) -> bool:
    """Return whether the part is wanted of this content (`If-Range`)."""
    wanted = request.if_range
    return wanted.etag == digest if wanted.etag else wanted.date is None
