"""The media of posts, kept for a day, so that nobody asks a site twice for the same post.

A post's files lie below `media/` and a digest of its media key, with `video.json`, which is written last. So a post is
complete or absent; a file that is missing or damaged makes the whole post absent. A storage that fails costs nothing
but another download.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from svp_dagster.component import Component
from svp_dagster.errors import SvpError
from svp_dagster.models import Link, Value, Video
from svp_dagster.storage.keys import WrongKeyError, digest_of
from svp_dagster.storage.place import StoredFile
from svp_dagster.storage.storage import Storage

logger = logging.getLogger(__name__)

_PREFIX: Final = "media"
_MANIFEST: Final = "video.json"
_NOWHERE: Final = Path("/dev/null")
"""The folder of files that are gone. It is none, so that nothing can ever be in it."""
_FILE_FIELDS: Final = ("video_path", "audio_path", "cover_path")


class _Kept(Value):
    """What `video.json` holds: the video, its paths as names of files, and a digest of each file."""

    video: Video
    digests: dict[str, str]
    kept_at: datetime


class PlayingFile(Value):
    """A kept file, by its key in the storage."""

    storage_key: str
    sha256: str


class _Post(Value):
    """What a listing shows of a post, which may be one that is being kept."""

    place: str
    files: tuple[StoredFile, ...]

    @property
    def is_complete(self) -> bool:
        return any(file.key == f"{self.place}/{_MANIFEST}" for file in self.files)

    @property
    def changed_at(self) -> datetime:
        return max(file.changed_at for file in self.files)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class KeptMedia(Component):
    """Posts in the storage. With `hours=0` nothing is kept."""

    storage: Storage
    hours: float = Field(default=24, ge=0, description="How long a post is kept.")
    max_bytes: int = Field(default=5_000_000_000, ge=0, description="What all posts may take; the oldest go first.")

    def lookup(self) -> Callable[[Link], bool]:
        """Return what tells whether a post seems to be kept. The storage is asked once, at the first link."""
        held = lru_cache(maxsize=1)(self._complete)
        return lambda link: bool(self.hours and link.post_id) and _place(media_key(link)) in held()

    def get(self, link: Link, *, folder: Path) -> Video | None:
        """Copy a kept post into `folder` and return it. None where there is none, or not a whole one."""
        return self.restore(media_key(link), folder=folder) if link.post_id else None

    def restore(self, key: str, *, folder: Path) -> Video | None:
        """Do the same for the post with this media key."""
        if not self.hours:
            return None
        try:
            return self._restore(_place(key), folder)
        except (OSError, SvpError) as error:
            _warn("the kept media of %s can't be used: %s", key, error)
        except (ValidationError, _DamagedError) as error:
            _warn("the kept media of %s are damaged: %s", key, error)
            self._remove(_place(key))
        return None

    def playing(self, key: str) -> PlayingFile | None:
        """Return the file of the post with this media key that plays: its video, or else its sound."""
        manifest = self.storage.quick.get_bytes(f"{_place(key)}/{_MANIFEST}") if self.hours else None
        if manifest is None:
            return None
        try:
            kept = _Kept.model_validate_json(manifest)
        except ValidationError:
            return None
        path = kept.video.video_path or kept.video.audio_path
        if path is None or path.name not in kept.digests:
            return None
        return PlayingFile(storage_key=f"{_place(key)}/{path.name}", sha256=kept.digests[path.name])

    def put(self, video: Video) -> None:
        """Keep a post whose files were checked. One that can't be kept costs nothing but another download."""
        files = sorted(set(_files(video)))
        size_bytes = sum(path.stat().st_size for path in files)
        if not self.hours or size_bytes > self.max_bytes:
            return
        place = _place(video.media_key)
        try:
            self._make_room(size_bytes)
            self.storage.delete(f"{place}/{_MANIFEST}")  # nobody reads the older post while it is replaced
            self.storage.delete(place)
            self._put(place, video, files)
        except (OSError, SvpError, WrongKeyError) as error:
            _warn("the media of %s are not kept: %s", video.media_key, error)
            self._remove(place)

    def prune(self) -> int:
        """Remove the posts that are older than they are kept, and what was never finished. Return how many."""
        oldest = datetime.now(UTC) - timedelta(hours=self.hours)
        old = [post for post in _posts(self.storage) if post.changed_at < oldest]
        for post in old:
            self.storage.delete(post.place)
        return len(old)

    def keep_only(self, media_keys: Callable[[], set[str]]) -> int:
        """Remove the posts that are none of these, but not those that are being kept. Return how many.

        The keys are read after the posts, so that no post is missed among them that is kept meanwhile.
        """
        complete = [post for post in _posts(self.storage) if post.is_complete]
        kept = {_place(key) for key in media_keys()}
        others = [post for post in complete if post.place not in kept]
        for post in others:
            self.storage.delete(post.place)
        return len(others)

    def _restore(self, place: str, folder: Path) -> Video | None:
        manifest = self.storage.get_bytes(f"{place}/{_MANIFEST}")
        if manifest is None:
            return None
        kept = _Kept.model_validate_json(manifest)
        if datetime.now(UTC) - kept.kept_at > timedelta(hours=self.hours):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        for name, digest in kept.digests.items():
            if not self.storage.fetch(f"{place}/{name}", folder / name) or _digest(folder / name) != digest:
                raise _DamagedError(name)
        return _relocated(kept.video, folder)

    def _put(self, place: str, video: Video, files: list[Path]) -> None:
        for path in files:
            self.storage.put(f"{place}/{path.name}", path)
        digests = {path.name: _digest(path) for path in files}
        kept = _Kept(video=_relocated(video, Path()), digests=digests, kept_at=datetime.now(UTC))
        self.storage.put_bytes(f"{place}/{_MANIFEST}", kept.model_dump_json().encode())

    def _make_room(self, size_bytes: int) -> None:
        posts = sorted(_posts(self.storage), key=lambda post: post.changed_at)
        taken = sum(post.size_bytes for post in posts)
        for post in posts:
            if taken + size_bytes <= self.max_bytes:
                return
            self.storage.delete(post.place)
            taken -= post.size_bytes

    def _complete(self) -> frozenset[str]:
        """Return the places of complete posts; none while the storage doesn't answer."""
        try:
            return frozenset(post.place for post in _posts(self.storage.quick) if post.is_complete)
        except SvpError as error:
            logger.warning("kept media can't be listed: %s", error)
            return frozenset()

    def _remove(self, place: str) -> None:
        try:
            self.storage.delete(place)
        except SvpError as error:
            logger.warning("unusable media are left until they are pruned: %s", error)


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


def _posts(storage: Storage) -> list[_Post]:
    found: defaultdict[str, list[StoredFile]] = defaultdict(list)
    for file in storage.files(_PREFIX):
        found[file.key.rpartition("/")[0]].append(file)
    return [_Post(place=place, files=tuple(files)) for place, files in found.items()]


def _place(key: str) -> str:
    return f"{_PREFIX}/{digest_of(key)}"


def _warn(words: str, key: str, error: Exception) -> None:
    """Log a failure, without the text of an error that may quote a file."""
    logger.warning(words, key, error if isinstance(error, SvpError) else type(error).__name__)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
