"""The first stage: from a link, or a file, to a video that can be heard and read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from svp_dagster.errors import Code, failure
from svp_dagster.media.cover import cover
from svp_dagster.media.kinds import HEAD_BYTES, is_picture, is_text
from svp_dagster.media.length import require_length
from svp_dagster.media.pictures import open_picture
from svp_dagster.media.probe import probe
from svp_dagster.models import Link, MediaFile, Video
from svp_dagster.ports import BrowserMemory, Downloader, Pace

_TRIAL_SIDE_PX = 64


def download(
    link: Link,
    *,
    downloader: Downloader,
    folder: Path,
    progress: Callable[[float], None] | None = None,
    browsers: BrowserMemory | None = None,
    pace: Pace | None = None,
) -> Video:
    """Fetch a post into `folder`, check that its files are what they should be, and choose its cover.

    Raises the failures of the downloader, and `media_empty`, `media_wrong_kind`, `media_truncated`,
    `media_unreadable`, `sound_only`, `too_long`, `too_large`.
    """
    fetched = downloader.fetch(link, folder=folder, progress=progress, browsers=browsers, pace=pace)
    video = _checked(fetched, max_duration_s=downloader.max_duration_s)
    return video.model_copy(update={"cover_path": cover(video, folder)})


def open_file(path: Path, *, max_duration_s: float) -> Video:
    """Open a video or picture file of this machine where it lies. Raises the same failures for its content.

    Raises FileNotFoundError and other OSErrors.
    """
    is_slide = is_picture(path)
    video = Video(
        media_key=_file_key(path),
        url=path.resolve().as_uri(),
        title=path.stem,
        video_path=None if is_slide else path,
        slides=(path,) if is_slide else (),
    )
    return _checked(video, max_duration_s=max_duration_s)


def open_upload(path: Path, *, title: str, folder: Path, max_duration_s: float) -> Video:
    """Open a file that was uploaded, and choose its cover. Sound alone is taken too: a podcast has no picture.

    Raises the same failures, but for `sound_only`, and those of `open_picture` for a picture.
    """
    opened = Video(media_key=_file_key(path), url="", title=title)
    if is_picture(path):
        open_picture(path, short_side_px=_TRIAL_SIDE_PX)
        return opened.model_copy(update={"slides": (path,), "cover_path": path})
    video = _checked(opened.model_copy(update={"audio_path": path}), max_duration_s=max_duration_s)
    if any(file.has_video for file in video.files):
        video = video.model_copy(update={"video_path": path, "audio_path": None})
    return video.model_copy(update={"cover_path": cover(video, folder)})


def _file_key(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _checked(video: Video, *, max_duration_s: float) -> Video:
    """Return the video with the facts of its files, which replace what the site said about them."""
    files = tuple(_whole(path) for path in _playing(video))
    if not files:
        return video
    length_s = sum(file.length_s for file in files)
    require_length(length_s, limit_s=max_duration_s)
    if video.video_path is not None and not files[0].has_video:
        raise failure(Code.SOUND_ONLY, detail=f"no picture, {length_s:.0f} s")
    return video.model_copy(update={"files": files, "duration_s": length_s})


def _playing(video: Video) -> list[Path]:
    """Return the files that last, and may sound: the video, a slideshow's sound, or the clips among the slides."""
    file = video.video_path or video.audio_path
    return [file] if file else [slide for slide in video.slides if not is_picture(slide)]


def _whole(path: Path) -> MediaFile:
    """Return the facts of a file that plays to its end."""
    _require_media(path)
    file = probe(path)
    if file.is_truncated:
        read_to = f"{file.readable_s:.0f} of {file.duration_s:.0f} seconds"
        raise failure(Code.MEDIA_TRUNCATED, read_to=read_to, detail=read_to)
    return file


def _require_media(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise failure(Code.MEDIA_EMPTY, detail="0 bytes")
    if is_text(head):
        raise failure(Code.MEDIA_WRONG_KIND, detail=f"a text that begins with {head[:40]!r}")
