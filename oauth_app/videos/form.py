"""A form with one file, read while it arrives: no more of it than a piece is ever in memory."""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from typing import IO, Any, Final

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from oauth_app.errors import Refusal

FILE_FIELD: Final = "file"
PIECE_BYTES: Final = 65_536
MAX_PARTS: Final = 16
MAX_BOUNDARY_BYTES: Final = 200
MAX_FIELD_BYTES: Final = 10_000
MAX_NAME_CHARS: Final = 200
NAMELESS: Final = "upload"


class UploadForm:
    """A `multipart/form-data` body. Its parts are read in their order, and a file before the fields behind it.

    Raises a `Refusal` for whatever is no form with one file.
    """

    def __init__(self, request: Request, *, max_file_bytes: int) -> None:
        self._events = _events(request.stream, _boundary(request))
        self._max_file_bytes = max_file_bytes
        self.fields: dict[str, str] = {}

    @cached_property
    def file(self) -> FormFile:
        """The file. All fields before it are read then."""
        found = self._read_fields()
        if found is None or not found.filename:  # a browser sends a field in which no file was chosen
            raise Refusal(400, "no_file", f"The form holds no file. Send one in the field “{FILE_FIELD}”.")
        if found.name != FILE_FIELD:
            words = f"The file has to be in the field “{FILE_FIELD}”, and nothing else may be a file."
            raise Refusal(400, "wrong_field", words)
        return FormFile(self._events, name=file_name(found.filename), max_bytes=self._max_file_bytes)

    def finish(self) -> None:
        """Read the form to its end."""
        if self._read_fields() is not None:
            raise Refusal(400, "several_files", "The form holds several files. Send them one by one.")

    def _read_fields(self) -> File | None:
        for event in self._events:
            if isinstance(event, File):
                return event
            if isinstance(event, Field):
                self.fields[event.name or ""] = self._value()
        return None

    def _value(self) -> str:
        value = bytearray()
        for piece in _content(self._events):
            value += piece
            if len(value) > MAX_FIELD_BYTES:
                raise Refusal(413, "field_too_long", "A field of the form is far too long.")
        try:
            text = value.decode()
        except UnicodeDecodeError as error:
            raise _no_form() from error
        if "\x00" in text:
            raise Refusal(400, "invalid_text", "The request holds characters that no text has.")
        return text


class FormFile(io.RawIOBase):
    """The content of a form's file, for one reader. Counts and digests what was read."""

    def __init__(self, events: Iterator[Event], *, name: str, max_bytes: int) -> None:
        self._content = _content(events)
        self._max_bytes = max_bytes
        self._piece = memoryview(b"")
        self._digest = hashlib.sha256()
        self.filename = name
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """The digest of what was read."""
        return self._digest.hexdigest()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def head(self, count: int) -> bytes:
        """Return the first bytes, which stay to be read. Called before anything is read."""
        head = b""
        while len(head) < count and (piece := next(self._content, None)) is not None:
            head += piece
        self._piece = memoryview(head)
        return head[:count]

    def readinto(self, buffer: Any) -> int:
        """Read what is there. Return 0 at the end of the file."""
        while not self._piece and (piece := next(self._content, None)) is not None:
            self._piece = memoryview(piece)
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._digest.update(self._piece[:count])
        self._piece = self._piece[count:]
        self.size_bytes += count
        if self.size_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        return count


def file_name(sent: str) -> str:
    """Return what a file is called, without folders and without what isn't seen in a text."""
    last = sent.replace("\\", "/").rpartition("/")[2]
    seen = "".join(character for character in last if not unicodedata.category(character).startswith("C"))
    name = " ".join(seen.split()).strip(". ") or NAMELESS
    stem, dot, suffix = name.rpartition(".")
    if len(name) <= MAX_NAME_CHARS or not stem or len(suffix) > 10:
        return name[:MAX_NAME_CHARS]
    return stem[: MAX_NAME_CHARS - len(suffix) - 1] + dot + suffix


def too_large(limit_bytes: int) -> Refusal:
    """Return the refusal of a file that is over the limit."""
    return Refusal(413, "too_large", f"This file is larger than {limit_bytes / 1e6:g} MB, the limit here.")


def _boundary(request: Request) -> bytes:
    if request.mimetype != "multipart/form-data" or request.content_encoding:
        words = f"Send the file as multipart/form-data, in the field “{FILE_FIELD}”, and not compressed."
        raise Refusal(415, "no_form", words)
    boundary = request.mimetype_params.get("boundary", "").encode("latin1", "ignore")
    if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise _no_form()
    return boundary


def _no_form() -> Refusal:
    return Refusal(400, "no_form", "The body isn't the form that its header says, or it ends too early.")


def _events(stream: IO[bytes], boundary: bytes) -> Iterator[Event]:
    """Yield the parts of a form to its very end."""
    decoder = MultipartDecoder(boundary, max_form_memory_size=4 * PIECE_BYTES, max_parts=MAX_PARTS)
    while not isinstance(event := _next(decoder), Epilogue):
        if not isinstance(event, NeedData):
            yield event
            continue
        piece = stream.read(PIECE_BYTES)
        try:
            decoder.receive_data(piece or None)
        except RequestEntityTooLarge as error:  # the head of a part, or what is around all parts
            raise _no_form() from error


def _next(decoder: MultipartDecoder) -> Event:
    try:
        return decoder.next_event()
    except (ValueError, RequestEntityTooLarge) as error:
        raise _no_form() from error


def _content(events: Iterator[Event]) -> Iterator[bytes]:
    """Yield the content of the part that has begun."""
    for event in events:
        if isinstance(event, Data):
            yield event.data
            if not event.more_data:
                return
