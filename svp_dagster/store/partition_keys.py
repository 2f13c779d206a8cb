"""The keys of Dagster's partitions, which people choose rows by: `cooking/tiktok-7512345678901234501/c83836ab`.

Tag, post and the beginning of the row's page id. A tag is free text of a person's, and a key becomes part of addresses
and of file names, so only letters, marks and numbers of any script, pictographs, `_` and `-` are kept of it. Dagster
refuses `...` and control characters in a key; its UI reads commas, brackets and `*` as more than one key.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from svp_dagster.models import Link, LinkEntry

_TAG_CHARACTERS: Final = 40
_POST_CHARACTERS: Final = 60
"""No part is longer than the 255 bytes that file systems allow, whatever its letters."""
_ID_CHARACTERS: Final = 8
_READ_CHARACTERS: Final = 500
_KEPT_CATEGORIES: Final = ("L", "M", "N", "So")


def partition_keys(link: LinkEntry) -> tuple[str, str]:
    """Return the key for a row, and the longer one for the case that another row has the first.

    The longer one has the whole page id, so no two rows have the same.
    """
    beginning = f"{_readable(link.tag, _TAG_CHARACTERS) or 'tag'}/{_post(link.link)}"
    return f"{beginning}/{link.page_id[:_ID_CHARACTERS]}", f"{beginning}/{link.page_id}"


def _post(link: Link | None) -> str:
    """Return site and post. A short link, which doesn't say which post it is for, gives its code.

    An upload's id is the entry's, which the key has anyway.
    """
    if link is None:
        return "no-link"
    if link.is_upload:
        return link.platform
    name = link.post_id or urlsplit(link.url).path.rstrip("/").rpartition("/")[2]
    return _readable(f"{link.platform}-{name}", _POST_CHARACTERS)


def _readable(text: str, limit: int) -> str:
    """Return what may stand in a key, with a dash for anything else."""
    normal = unicodedata.normalize("NFKC", text[:_READ_CHARACTERS])
    kept = "".join(character if _is_kept(character) else "-" for character in normal)
    return re.sub("-+", "-", kept).strip("-")[:limit].rstrip("-")


def _is_kept(character: str) -> bool:
    return character == "_" or unicodedata.category(character).startswith(_KEPT_CATEGORIES)
