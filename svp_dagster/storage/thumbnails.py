"""Small pictures of videos for the app: the sites' own links expire.

They are shared by all entries of a video. Who may see one is decided by whoever asks here: its entry has the media key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from svp_dagster.component import Component
from svp_dagster.errors import SvpError
from svp_dagster.storage.keys import digest_of
from svp_dagster.storage.storage import Storage

logger = logging.getLogger(__name__)

_PREFIX: Final = "thumbnails"


class Thumbnails(Component):
    """JPEGs by media key."""

    storage: Storage

    def put(self, media_key: str, jpeg: bytes) -> None:
        """Store the picture of a video that an entry has. A storage that fails costs the picture alone."""
        try:
            self.storage.put_bytes(_key(media_key), jpeg)
        except SvpError as error:
            logger.warning("the picture of %s is not stored: %s", media_key, error)

    def get(self, media_key: str) -> bytes | None:
        """Return the JPEG, or None. Raises `storage_failed` before somebody has waited long."""
        return self.storage.quick.get_bytes(_key(media_key))

    def keep_only(self, media_keys: Callable[[], set[str]]) -> int:
        """Remove the pictures of videos that have none of these keys. Return how many.

        The keys are read after the pictures: an entry has its key before the picture is stored.
        """
        found = self.storage.keys(_PREFIX)
        kept = {_key(media_key) for media_key in media_keys()}
        others = [key for key in found if key not in kept]
        for key in others:
            self.storage.delete(key)
        return len(others)


def _key(media_key: str) -> str:
    return f"{_PREFIX}/{digest_of(media_key)}.jpg"
