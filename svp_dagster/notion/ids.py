"""The ids of Notion's objects."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from uuid import UUID

_ID = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$", re.IGNORECASE)


def object_id(text: str) -> str | None:
    """Return the id in `text`, with dashes: `text` itself, or the end of its path if it is the URL of a page."""
    text = text.strip()
    try:
        path = urlsplit(text).path if "/" in text else text
    except ValueError:
        return None
    found = _ID.search(path.rstrip("/"))
    return str(UUID(found[0])) if found else None
