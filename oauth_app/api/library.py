"""Downloads of what came out of an entry."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response

from oauth_app import identity, links
from oauth_app.api.guard import operation
from oauth_app.description import answers
from oauth_app.errors import Refusal
from oauth_app.services import services
from svp_dagster.library import files
from svp_dagster.library.markdown import as_markdown
from svp_dagster.library.renderings import as_json
from svp_dagster.models import Outcome
from svp_dagster.store.entries import Entry
from svp_dagster.store.web.callers import Scope

blueprint = Blueprint("api_library", __name__, url_prefix="/api/entries")

TAG = "Library"
LONGEST_NAME = 80
"""Characters of a title in the name of a file."""

_FILE = answers(200, None, 401, 404)
_NO_SUBTITLES = "There are no subtitles of this video, since nothing with times was heard in it."
_NO_TRANSCRIPT = "There is no transcript of this video, since nothing was heard in it."
_NO_SHEET = "There is no picture of this video's frames: its pictures were not looked at."


@blueprint.get("/<entry_id>/transcript.txt")
@operation(Scope.READ, resp=_FILE, tags=[TAG])
def show_text(entry_id: str) -> Response:
    """What is said, as text with times."""
    return _kept(entry_id, files.TEXT, mimetype="text/plain", missing=_NO_TRANSCRIPT)


@blueprint.get("/<entry_id>/transcript.vtt")
@operation(Scope.READ, resp=_FILE, tags=[TAG])
def show_vtt(entry_id: str) -> Response:
    """What is said, as WebVTT subtitles."""
    return _kept(entry_id, files.VTT, mimetype="text/vtt", missing=_NO_SUBTITLES)


@blueprint.get("/<entry_id>/transcript.srt")
@operation(Scope.READ, resp=_FILE, tags=[TAG])
def show_srt(entry_id: str) -> Response:
    """What is said, as SubRip subtitles."""
    return _kept(entry_id, files.SRT, mimetype="application/x-subrip", missing=_NO_SUBTITLES)


@blueprint.get("/<entry_id>/sheet.jpg")
@operation(Scope.READ, resp=_FILE, tags=[TAG])
def show_sheet(entry_id: str) -> Response:
    """Pictures of the video in tiles, a JPEG. The entry says which second each shows."""
    return _kept(entry_id, files.SHEET, mimetype="image/jpeg", missing=_NO_SHEET, is_shown=True)


@blueprint.get("/<entry_id>/outcome.json")
@operation(Scope.READ, resp=_FILE, tags=[TAG])
def show_json(entry_id: str) -> Response:
    """All that came out of the video, as JSON."""
    _, outcome = _found(entry_id)
    return _file(as_json(outcome).encode(), outcome, "outcome.json", mimetype="application/json")


@blueprint.get("/<entry_id>/outcome.md")
@operation(Scope.READ, resp=_FILE, tags=[TAG])
def show_markdown(entry_id: str) -> Response:
    """All that came out of the video, as a page in Markdown."""
    _, outcome = _found(entry_id)
    return _file(as_markdown(outcome).encode(), outcome, "outcome.md", mimetype="text/markdown")


def _found(entry_id: str) -> tuple[Entry, Outcome]:
    """Return an entry of the caller's with its outcome."""
    entry = links.mine(identity.connection(), entry_id)
    outcome = services().store.library.get(entry_id)
    if outcome is None:
        words = "Nothing is kept of this video: it wasn't processed yet, or too long ago."
        raise Refusal(404, "no_outcome", words, entry=entry)
    return entry, outcome


def _kept(entry_id: str, name: str, *, mimetype: str, missing: str, is_shown: bool = False) -> Response:
    """Return a file from the storage."""
    entry, outcome = _found(entry_id)
    data = files.read_file(services().storage.quick, entry_id, name)
    if data is None:
        raise Refusal(404, "no_file", missing, entry=entry)
    return _file(data, outcome, name, mimetype=mimetype, is_shown=is_shown)


def _file(data: bytes, outcome: Outcome, name: str, *, mimetype: str, is_shown: bool = False) -> Response:
    answer = Response(data, content_type=mimetype if is_shown else f"{mimetype}; charset=utf-8")
    kind, called = "inline" if is_shown else "attachment", file_name(outcome.video.title, name)
    # A header is ASCII. Who knows RFC 6266 takes the name with the star.
    starred = {} if called.isascii() else {"filename*": f"UTF-8''{quote(called)}"}
    answer.headers.set("Content-Disposition", kind, filename=called if called.isascii() else name, **starred)
    return answer


def file_name(title: str, name: str) -> str:
    """Return a name that every system takes: letters and digits of the title, and the kind of file."""
    words = "".join(each if each.isalnum() else " " for each in title).split()
    return "-".join([*" ".join(words)[:LONGEST_NAME].split(), name])
