"""The names of files in the storage."""

from __future__ import annotations

import hashlib
from typing import Final

MAX_KEY_BYTES: Final = 512
"""S3 and Cloud Storage take 1,024 bytes with the prefix:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
https://cloud.google.com/storage/docs/objects#naming"""
MAX_PART_BYTES: Final = 200
"""Folders take names of 255 bytes."""
# Meant by a shell, by a query string of an address, or by a library as a pattern or a version.
_FORBIDDEN: Final = frozenset('\\*?[]#<>|":')


class WrongKeyError(ValueError):
    """A key could mean another file than its own: a mistake of the caller, and no failure of the storage."""


def require_key(key: str) -> str:
    """Return the key. Raises `WrongKeyError`."""
    parts = key.split("/")
    if len(key.encode(errors="replace")) > MAX_KEY_BYTES or not all(_is_plain(part) for part in parts):
        raise WrongKeyError("not a key of the storage")
    return key


def digest_of(name: str) -> str:
    """Return a part of a key that stands for a name from outside, such as a media key, and doesn't tell it."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _is_plain(part: str) -> bool:
    """Return whether a part of a key is a name on every kind of storage. No name begins with a dot."""
    is_short = 0 < len(part.encode(errors="replace")) <= MAX_PART_BYTES
    return is_short and part[0] != "." and part.isprintable() and not _FORBIDDEN.intersection(part)
