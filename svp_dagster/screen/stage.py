"""The stage `read_screen`: frames, contact sheets, words, lines over time."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from svp_dagster.errors import SvpError, worded
from svp_dagster.models import MediaFile, ProcessingType, ScreenText, Video
from svp_dagster.ports import Contents, Meter, ScreenReader
from svp_dagster.screen import frames, sheets
from svp_dagster.screen.contact_sheet import Gallery
from svp_dagster.screen.frames import Frame
from svp_dagster.screen.pages import Layout, is_mostly_unread
from svp_dagster.screen.tracks import follow

logger = logging.getLogger(__name__)

KIND = "screen_text"
RECIPE = f"every {frames.EVERY_S} s, {frames.SHORT_SIDE_PX} px, slides {frames.SLIDE_SHORT_SIDE_PX} px, new text, 3"

GLANCES = 60
"""Frames of a video whose text is known that are looked at for a contact sheet."""

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
    with_sheet: bool,
    limit_s: float = LIMIT_S,
) -> ScreenText:
    """Return the lines on the screen, kept by content so that none are paid twice.

    `with_sheet` adds a contact sheet in `folder`, made of the frames that are read, or made again where their text was
    kept. Raises no failure of the table: a video whose pictures can't be read still has a caption and speech. `note`
    says what is missing.
    """
    if not processing_type.reads:
        return ScreenText(note=f"The screen was not read: the processing type is “{processing_type}”.")
    if not video.slides and not any(file.has_video for file in video.files):
        return ScreenText(note="There are no pictures to read.")
    recipe = f"{reader.recipe}, {RECIPE}, {reader.tiles} tiles"
    gallery = Gallery() if with_sheet else None
    text = contents.get(video.media_key, KIND, recipe, ScreenText)
    if text is None:
        try:
            text, complete = _read(video, reader=reader, meter=meter, folder=folder, limit_s=limit_s, gallery=gallery)
        except SvpError as error:
            text, complete = _unread(reader, worded(error.sentence, has_row=True, is_upload=video.is_file)), False
        if complete:
            contents.put(video.media_key, KIND, recipe, text)
    elif gallery is not None:
        _look_again(video, gallery, limit_s=limit_s)
    return text if gallery is None else text.model_copy(update={"sheet": gallery.write(folder)})


def _unread(reader: ScreenReader, why: str) -> ScreenText:
    return ScreenText(source=reader.source, note=f"The text on the screen was not read. {why}")


def _look_again(video: Video, gallery: Gallery, *, limit_s: float) -> None:
    """Collect the pictures of a video whose text is known."""
    try:
        for _ in gallery.watched(_frames(video, [], limit_s=limit_s * DECODING_SHARE, most=GLANCES)):
            pass
    except SvpError as error:  # the text is there, and a summary without pictures is still one
        logger.warning("no contact sheet of %s: %s", video.media_key, error.code)


def _read(
    video: Video, *, reader: ScreenReader, meter: Meter, folder: Path, limit_s: float, gallery: Gallery | None
) -> tuple[ScreenText, bool]:
    """Return the screen text, and whether it is complete: another attempt wouldn't find more."""
    ends = time.monotonic() + limit_s
    gaps: list[str] = []
    layout = Layout()
    file = video.file(video.video_path)
    duration_s = file.readable_s if file else None
    frames_seen = _frames(video, gaps, limit_s=limit_s * DECODING_SHARE)
    if gallery is not None:
        frames_seen = gallery.watched(frames_seen)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        pictures = layout.pictures(frames_seen, duration_s=duration_s)
        written = sheets.write_sheets(pictures, Path(scratch), tiles=reader.tiles)
        words = reader.read([sheet.path for sheet in written], meter=meter, limit_s=ends - time.monotonic())
    pages = layout.pages(written, words)
    complete = None not in words and not gaps
    if None in words:
        gaps.append(f"Only {len(pages)} of {len(layout.parts)} pictures could be read.")
    if is_mostly_unread(pages):
        gaps.append("Text in a script that this reader can't read.")
    if any(page.left_out for page in pages):
        gaps.append("A fraction on the screen could not be read, so it was left out.")
    found = tuple(follow(pages))
    note = " ".join(gaps) or ("" if found else "No text was seen on the screen.")
    return ScreenText(lines=found, source=reader.source, frames_read=len(pages), note=note), complete


def _frames(video: Video, gaps: list[str], *, limit_s: float, most: int = frames.MAX_FRAMES) -> Iterator[Frame]:
    """Yield slides, or at most so many frames of the video.

    Appends to `gaps` what can't be decoded, or raises if nothing can.
    """
    file = video.file(video.video_path)
    if file is None:
        yield from _slides(video, gaps, limit_s=limit_s)
        return
    if file.is_truncated:
        gaps.append(f"The file breaks off after {file.readable_s:.0f} of {file.duration_s:.0f} seconds.")
    last_s = None
    try:
        for frame in frames.sample(file, limit_s=limit_s, most=most):
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
        yield replace(frame, slide=number)


def needs_reader(video: Video, processing_type: ProcessingType) -> bool:
    """Return whether the screen text can't be had without a reader, or a result that is kept."""
    return processing_type.reads and bool(video.slides or any(file.has_video for file in video.files))
