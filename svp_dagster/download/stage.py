"""The first stage: from the url of a link entry, or a file, to a video that can be heard and read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, failure
from svp_dagster.media.kinds import HEAD_BYTES, is_picture, is_text, playing
from svp_dagster.media.length import require_length
from svp_dagster.media.probe import Probe, probe
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
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    is_slide = is_picture(path)
    video = Video(
        media_key=f"sha256:{digest}",
        url=path.resolve().as_uri(),
        title=path.stem,
        video_path=None if is_slide else path,
        slides=(path,) if is_slide else (),
    )
    return _checked(video, max_duration_s=max_duration_s)


def _checked(video: Video, *, max_duration_s: float) -> Video:
    """The video with the facts of its files in the place of what the site said about it."""
    files = playing(video)
    if not files:
        return video
    facts = [_whole(path) for path in files]
    duration_s = sum(each.length_s for each in facts)
    require_length(duration_s, limit_s=max_duration_s)

    found = {"duration_s": duration_s, "size_bytes": sum(path.stat().st_size for path in files)}
    if video.video_path is None:
        return video.model_copy(update=found)
    (shown,) = facts
    if not shown.has_video:
        raise failure(Code.SOUND_ONLY, detail=f"{shown.codec or 'no picture'}, {shown.duration_s:.0f} s")
    picture = {"width_px": shown.width_px, "height_px": shown.height_px, "codec": shown.codec}
    return video.model_copy(update=found | picture)


def _whole(path: Path) -> Probe:
    """What a file holds that plays, and to its end."""
    _require_media(path)
    facts = probe(path)
    if facts.truncated:
        read_to = f"{facts.readable_s:.0f} of {facts.duration_s:.0f} seconds"
        raise failure(Code.MEDIA_TRUNCATED, read_to=read_to, detail=read_to)
    return facts


def _require_media(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise failure(Code.MEDIA_EMPTY, detail="0 bytes")
    if is_text(head):
        raise failure(Code.MEDIA_WRONG_KIND, detail=f"a text that begins with {head[:40]!r}")
