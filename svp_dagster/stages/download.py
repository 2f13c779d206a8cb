"""The first stage: from the url of a link entry, or a file, to a video that can be heard and read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from svp_dagster.errors import Code, failure
from svp_dagster.links import parse_link
from svp_dagster.media.kinds import HEAD_BYTES, is_text, picture_suffix
from svp_dagster.media.length import require_length
from svp_dagster.media.probe import probe
from svp_dagster.models import Video
from svp_dagster.ports import Downloader


def download(
    entry_url: str,
    *,
    downloader: Downloader,
    folder: Path,
    progress: Callable[[float], None] | None = None,
) -> Video:
    """Fetch the post that a link entry names into `folder`, and make sure that its files are what they should be.

    Raises the failures of `parse_link`, of the downloader, and `media_empty`, `media_wrong_kind`, `media_truncated`,
    `media_unreadable`, `sound_only`, `too_long`.
    """
    link = parse_link(entry_url, extra_hosts=downloader.extra_hosts)
    video = downloader.fetch(link.url, folder=folder, progress=progress)
    return _checked(video, max_duration_s=downloader.max_duration_s)


def open_file(path: Path, *, max_duration_s: float) -> Video:
    """A video or picture file of this machine, where it lies. Raises the same failures for its content.

    Raises FileNotFoundError and other OSErrors.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    is_picture = picture_suffix(head) is not None
    video = Video(
        media_key=f"sha256:{digest}",
        url=path.resolve().as_uri(),
        title=path.stem,
        video_path=None if is_picture else path,
        slides=(path,) if is_picture else (),
    )
    return _checked(video, max_duration_s=max_duration_s)


def _checked(video: Video, *, max_duration_s: float) -> Video:
    """The video with the facts of its file in the place of what the site said about it."""
    path = video.video_path or video.audio_path
    if path is None:
        return video
    _require_media(path)
    facts = probe(path)
    if facts.truncated:
        read_to = f"{facts.readable_s:.0f} of {facts.duration_s:.0f} seconds"
        raise failure(Code.MEDIA_TRUNCATED, read_to=read_to, detail=read_to)
    require_length(facts.duration_s, limit_s=max_duration_s)

    if video.video_path is None and not facts.has_audio:  # the silent video of a carousel
        return video.model_copy(update={"audio_path": None, "duration_s": None, "size_bytes": None})
    found = {"duration_s": facts.duration_s, "size_bytes": path.stat().st_size}
    if video.video_path is None:
        return video.model_copy(update=found)
    if not facts.has_video:
        raise failure(Code.SOUND_ONLY, detail=f"{facts.codec or 'no picture'}, {facts.duration_s:.0f} s")
    picture = {"width_px": facts.width_px, "height_px": facts.height_px, "codec": facts.codec}
    return video.model_copy(update=found | picture)


def _require_media(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise failure(Code.MEDIA_EMPTY, detail="0 bytes")
    if is_text(head):
        raise failure(Code.MEDIA_WRONG_KIND, detail=f"a text that begins with {head[:40]!r}")
