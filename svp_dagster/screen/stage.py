"""The stage `read_screen`: frames, contact sheets, words, lines over time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from svp_dagster.errors import SvpError
from svp_dagster.media.pictures import Picture
from svp_dagster.models import MediaFile, ProcessingType, ScreenText, Video, Word
from svp_dagster.ports import Contents, Meter, ScreenReader
from svp_dagster.screen import frames, lines, sheets
from svp_dagster.screen.duplicates import distinct
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.lines import Page
from svp_dagster.screen.sheets import Sheet

KIND = "screen_text"
RECIPE = f"every {frames.EVERY_S} s, {frames.SHORT_SIDE_PX} px, slides {frames.SLIDE_SHORT_SIDE_PX} px, 1"

LIMIT_S = 120.0
DECODING_SHARE = 0.5
"""Share of the time limit for sampling frames. Those sampled by then are read."""


def read_screen(
    video: Video,
    *,
    processing_type: ProcessingType,
    reader: ScreenReader,
    contents: Contents,
    meter: Meter,
    folder: Path,
    limit_s: float = LIMIT_S,
) -> ScreenText:
    """Return the lines on the screen, kept by content so that none are paid twice.

    Raises no failure of the table: a video whose pictures can't be read still has a caption and speech. `note` says
    what is missing.
    """
    if not processing_type.reads:
        return ScreenText(note=f"The screen was not read: the processing type is “{processing_type}”.")
    if not video.slides and not any(file.has_video for file in video.files):
        return ScreenText(note="There are no pictures to read.")
    recipe = f"{reader.recipe}, {RECIPE}, {reader.tiles} tiles"
    text = contents.get(video.media_key, KIND, recipe, ScreenText)
    if text is None:
        try:
            text, complete = _read(video, reader=reader, meter=meter, folder=folder, limit_s=limit_s)
        except SvpError as error:
            return ScreenText(source=reader.source, note=f"The text on the screen was not read. {error.sentence}")
        if complete:
            contents.put(video.media_key, KIND, recipe, text)
    return text


@dataclass(frozen=True)
class _Shown:
    """When a picture was on the screen."""

    first_s: float | None
    last_s: float | None
    slide: int | None


def _read(video: Video, *, reader: ScreenReader, meter: Meter, folder: Path, limit_s: float) -> tuple[ScreenText, bool]:
    """Return the screen text, and whether it is complete: another attempt wouldn't find more."""
    ends = time.monotonic() + limit_s
    gaps: list[str] = []
    shown: list[_Shown] = []
    frames_seen = _frames(video, gaps, limit_s=limit_s * DECODING_SHARE)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        written = sheets.write_sheets(_distinct_pictures(frames_seen, shown), Path(scratch), tiles=reader.tiles)
        words = reader.read([sheet.path for sheet in written], meter=meter, limit_s=ends - time.monotonic())
    pages = list(_pages(written, words, shown))
    complete = None not in words and not gaps
    if None in words:
        gaps.append(f"Only {len(pages)} of {len(shown)} pictures could be read.")
    found = tuple(lines.follow(pages))
    note = " ".join(gaps) or ("" if found else "No text was seen on the screen.")
    return ScreenText(lines=found, source=reader.source, frames_read=len(pages), note=note), complete


def _distinct_pictures(frames_seen: Iterable[Frame], shown: list[_Shown]) -> Iterator[Picture]:
    """Yield the pictures whose text differs from the one before, and append to `shown` when each was on the screen."""
    for frame, last_s in distinct(frames_seen):
        shown.append(_Shown(first_s=frame.at_s, last_s=last_s, slide=frame.slide))
        yield frame.picture


def _frames(video: Video, gaps: list[str], *, limit_s: float) -> Iterator[Frame]:
    """Yield slides, or frames of the video. Appends to `gaps` what can't be decoded, or raises if nothing can."""
    file = video.file(video.video_path)
    if file is None:
        yield from _slides(video, gaps, limit_s=limit_s)
        return
    if file.is_truncated:
        gaps.append(f"The file breaks off after {file.readable_s:.0f} of {file.duration_s:.0f} seconds.")
    last_s = None
    try:
        for frame in frames.sample(file, limit_s=limit_s):
            last_s = frame.at_s
            yield frame
    except SvpError:
        if last_s is None:
            raise
        gaps.append(f"The video could be decoded up to second {last_s:.0f} only.")


def _slides(video: Video, gaps: list[str], *, limit_s: float) -> Iterator[Frame]:
    """Yield the pictures, and frames of the clips between them."""
    ends, count = time.monotonic() + limit_s, len(video.slides)
    seen = False
    for number, path in enumerate(video.slides, start=1):
        try:
            for frame in _slide(path, video.file(path), number, of=count, limit_s=max(ends - time.monotonic(), 0.0)):
                seen = True
                yield frame
        except SvpError:
            if number == count and not seen:
                raise
            gaps.append(f"Slide {number} can't be read.")


def _slide(path: Path, clip: MediaFile | None, number: int, *, of: int, limit_s: float) -> Iterator[Frame]:
    if clip is None:
        yield frames.open_slide(path, slide=number, limit_s=limit_s)
        return
    for frame in frames.sample(clip, limit_s=limit_s, most=max(frames.MAX_FRAMES // of, 1)):
        yield replace(frame, at_s=None, slide=number)


def _pages(written: list[Sheet], words: list[list[Word] | None], shown: list[_Shown]) -> Iterator[Page]:
    """Yield the lines of each tile that was read, with the time at which it was on the screen."""
    for sheet, on_sheet in zip(written, words, strict=True):
        for tile, on_tile in enumerate(sheets.words_by_tile(sheet, on_sheet) if on_sheet is not None else ()):
            when = shown[sheet.first + tile]
            yield Page(lines=lines.join_words(on_tile), first_s=when.first_s, last_s=when.last_s, slide=when.slide)


def needs_reader(video: Video, processing_type: ProcessingType) -> bool:
    """Return whether the screen text can't be had without a reader, or a result that is kept."""
    return processing_type.reads and bool(video.slides or any(file.has_video for file in video.files))
