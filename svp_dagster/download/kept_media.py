"""The media of posts, kept for a day, so that nobody asks a site twice for the same post.

A post has a folder, named by a digest of its media key, with its files and `video.json`. It is written beside its place
and then renamed, so that it is complete or absent. A file that is missing or damaged makes the whole post absent.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from svp_dagster.component import Component
from svp_dagster.models import Link, Value, Video

logger = logging.getLogger(__name__)

_MANIFEST: Final = "video.json"
_NEW: Final = "new-"
_HOUR_S: Final = 3600
_NOWHERE: Final = Path("/dev/null")
"""The folder of files that are gone. It is none, so that nothing can ever be in it."""
_FILE_FIELDS: Final = ("video_path", "audio_path", "cover_path")


class _Kept(Value):
    """What `video.json` holds: the video, its paths as names of files, and a digest of each file."""

    video: Video
    digests: dict[str, str]


class KeptMedia(Component):
    """A folder of posts. With `hours=0` nothing is kept."""

    folder: Path
    hours: float = Field(default=24, ge=0, description="How long a post is kept.")
    max_bytes: int = Field(default=5_000_000_000, ge=0, description="What all posts may take; the oldest go first.")

    def holds(self, link: Link) -> bool:
        """Return whether a post seems to be kept: its files are not looked into."""
        return (self._place(media_key(link)) / _MANIFEST).is_file() if link.post_id and self.hours else False

    def get(self, link: Link, *, folder: Path) -> Video | None:
        """Copy a kept post into `folder` and return it. None where there is none, or not a whole one."""
        return self.restore(media_key(link), folder=folder) if self.holds(link) else None

    def restore(self, key: str, *, folder: Path) -> Video | None:
        """Do the same for the post with this media key."""
        place = self._place(key)
        if not self.hours or not (place / _MANIFEST).is_file():
            return None
        try:
            if time.time() - place.stat().st_mtime > self.hours * _HOUR_S:
                return None
            kept = _Kept.model_validate_json((place / _MANIFEST).read_text())
            folder.mkdir(parents=True, exist_ok=True)
            for name, digest in kept.digests.items():
                _copy(place / name, folder / name, digest)
        except (OSError, ValidationError, _DamagedError) as error:
            logger.warning("the kept media of %s can't be used: %s", key, type(error).__name__)
            shutil.rmtree(place, ignore_errors=True)
            return None
        return _relocated(kept.video, folder)

    def put(self, video: Video) -> None:
        """Keep a post whose files were checked. One that can't be kept costs nothing but another download."""
        files = sorted(set(_files(video)))
        size_bytes = sum(path.stat().st_size for path in files)
        if not self.hours or size_bytes > self.max_bytes:
            return
        new = self.folder / f"{_NEW}{uuid.uuid4().hex}"
        try:
            self._make_room(size_bytes)
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new.mkdir(mode=0o700)
            digests = {path.name: _write(path, new / path.name) for path in files}
            kept = _Kept(video=_relocated(video, Path()), digests=digests)
            (new / _MANIFEST).write_text(kept.model_dump_json())
            place = self._place(video.media_key)
            shutil.rmtree(place, ignore_errors=True)
            new.rename(place)
        except OSError as error:
            logger.warning("the media of %s are not kept: %s", video.media_key, error.strerror)
            shutil.rmtree(new, ignore_errors=True)

    def prune(self) -> int:
        """Remove the posts that are older than they are kept, and what was never finished. Return how many."""
        oldest = time.time() - self.hours * _HOUR_S
        old = [place for place, changed_at in self._places() if changed_at < oldest]
        for place in old:
            shutil.rmtree(place, ignore_errors=True)
        return len(old)

    def keep_only(self, media_keys: Iterable[str]) -> int:
        """Remove the posts that are none of these. Return how many."""
        kept = {self._place(key).name for key in media_keys}
        others = [place for place, _ in self._places() if place.name not in kept and not place.name.startswith(_NEW)]
        for place in others:
            shutil.rmtree(place, ignore_errors=True)
        return len(others)

    def _make_room(self, size_bytes: int) -> None:
        sizes = [(place, _size(place)) for place, _ in self._places()]
        taken = sum(size for _, size in sizes)
        for place, size in sizes:
            if taken + size_bytes <= self.max_bytes:
                return
            shutil.rmtree(place, ignore_errors=True)
            taken -= size

    def _places(self) -> list[tuple[Path, float]]:
        """Return the folders of posts with the times of their last change, the oldest first."""
        root = self.folder
        found: list[tuple[Path, float]] = []
        for place in root.iterdir() if root.is_dir() else ():
            try:
                found.append((place, place.stat().st_mtime))
            except FileNotFoundError:  # another process replaced it
                continue
        return sorted(found, key=lambda each: each[1])

    def _place(self, key: str) -> Path:
        return self.folder / hashlib.sha256(key.encode()).hexdigest()[:32]


class _DamagedError(Exception):
    """A file isn't what was kept."""


def media_key(link: Link) -> str:
    """Return the media key of the post behind a link, as `Video.media_key` has it."""
    return f"{link.platform}:{link.post_id}"


def without_files(video: Video) -> Video:
    """Return what is known of a post without its files: only their names stay, and what was read of them."""
    return _relocated(video, _NOWHERE).model_copy(update={"cover_path": None})


def has_files(video: Video) -> bool:
    """Return whether the files of a post are here."""
    return all(_NOWHERE not in path.parents for path in _files(video))


def _files(video: Video) -> Iterator[Path]:
    for path in (*(getattr(video, name) for name in _FILE_FIELDS), *video.slides):
        if path is not None:
            yield path


def _relocated(video: Video, folder: Path) -> Video:
    """Return the video with its files, by their names, in another folder."""

    def moved(path: Path | None) -> Path | None:
        return None if path is None else folder / path.name

    changes: dict[str, Any] = {name: moved(getattr(video, name)) for name in _FILE_FIELDS}
    changes["slides"] = tuple(folder / path.name for path in video.slides)
    changes["files"] = tuple(file.model_copy(update={"path": folder / file.path.name}) for file in video.files)
    return video.model_copy(update=changes)


def _write(source: Path, target: Path) -> str:
    """Copy a file so that only this user can read it. Return its digest."""
    target.touch(mode=0o600)
    shutil.copyfile(source, target)
    return _digest(target)


def _copy(source: Path, target: Path, digest: str) -> None:
    if _digest(source) != digest:
        raise _DamagedError
    shutil.copyfile(source, target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
