"""Which files an entry has in the storage, and how they get there.

The store has the outcome first. So a file without an outcome is an orphan: of an entry that is gone, or of an outcome
that was kept long enough.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from svp_dagster.library.renderings import as_text
from svp_dagster.library.subtitles import as_srt, as_vtt
from svp_dagster.models import Outcome, ScreenText
from svp_dagster.storage.storage import Storage

SHEET: Final = "sheet.jpg"
TEXT, VTT, SRT = "transcript.txt", "transcript.vtt", "transcript.srt"

_ROOM: Final = "library"
_UPLOADS: Final = "uploads"
_AT_ONCE: Final = 500


def write_files(storage: Storage, page_id: str, outcome: Outcome, *, sheet: Path | None) -> None:
    """Write the transcript in its forms, and the contact sheet where this run made one. Raises `storage_failed`."""
    segments = outcome.transcript.segments
    texts = {TEXT: as_text(outcome.transcript)}
    texts |= {VTT: as_vtt(segments), SRT: as_srt(segments)} if segments else {VTT: "", SRT: ""}
    for name, text in texts.items():
        if text:
            storage.put_bytes(_key(page_id, name), text.encode(errors="replace"))
        else:
            storage.delete(_key(page_id, name))
    if sheet is not None:
        storage.put(_key(page_id, SHEET), sheet)
    elif outcome.screen_text.sheet is None:
        storage.delete(_key(page_id, SHEET))


def without_path(screen_text: ScreenText) -> ScreenText:
    """Return the screen text with no more than the name of the contact sheet's file, which goes with its run."""
    sheet = screen_text.sheet
    if sheet is None:
        return screen_text
    return screen_text.model_copy(update={"sheet": sheet.model_copy(update={"path": Path(SHEET)})})


def read_file(storage: Storage, page_id: str, name: str) -> bytes | None:
    """Return a file of an entry; None where there is none."""
    return storage.get_bytes(_key(page_id, name))


def delete_outcome_files(storage: Storage, page_id: str) -> None:
    """Delete what came out of an entry. What was uploaded stays."""
    storage.delete(f"{_ROOM}/{page_id}")


def delete_entry_files(storage: Storage, page_id: str) -> None:
    """Delete all files of an entry that is gone."""
    for room in (_ROOM, _UPLOADS):
        storage.delete(f"{room}/{page_id}")


def delete_orphaned_files(storage: Storage, *, known: Callable[[list[str]], Collection[str]]) -> int:
    """Delete files without an outcome, which `known` tells of some entries. Return how many entries had such."""
    page_ids = sorted({key.split("/")[1] for key in storage.keys(_ROOM)})
    removed = 0
    for start in range(0, len(page_ids), _AT_ONCE):
        some = page_ids[start : start + _AT_ONCE]
        for page_id in set(some).difference(known(some)):
            delete_outcome_files(storage, page_id)
            removed += 1
    return removed


def _key(page_id: str, name: str) -> str:
    return f"{_ROOM}/{page_id}/{name}"
