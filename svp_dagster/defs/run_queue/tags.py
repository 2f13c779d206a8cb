"""The tags of a run that works on a row: whose it is, which video, and where to look. Nothing secret."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import dagster as dg

from svp_dagster.defs.runs import CONNECTION_TAG, KIND_TAG, ROW, ROW_TAG, VIDEO_TAG
from svp_dagster.store.entries import Entry

LINK_TAGS: Final = {"row": "svp/row-url", "page": "svp/page-url", "entry": "svp/app-url"}
"""Where the row, its content page and its page in the app are. Dagster's UI (1.13) shows a tag's URL as plain text."""

_MAX_CHARACTERS: Final = 200
"""PostgreSQL indexes the values, and takes none longer than 2704 bytes."""


def row_tags(entry: Entry, *, app_url: str) -> dict[str, str]:
    """Return the tags of a run that works on this row."""
    link = entry.link
    tags = {KIND_TAG: ROW, ROW_TAG: link.page_id, CONNECTION_TAG: link.connection_id, "svp/tag": link.tag}
    if link.link is not None:
        tags["svp/platform"] = link.link.platform
        post = f"{link.link.platform} {link.link.post_id or link.link.url}"
        tags[VIDEO_TAG] = entry.media_key or post if link.link.is_upload else post
    tags[LINK_TAGS["entry"]] = in_app = f"{app_url.rstrip('/')}/entries/{link.page_id}"
    if link.has_row:
        tags[LINK_TAGS["row"]] = f"{in_app}/notion"
    if entry.content_page_url:
        tags[LINK_TAGS["page"]] = entry.content_page_url
    return {name: _bounded(value) for name, value in tags.items()}


def links(tags: Mapping[str, str]) -> dict[str, dg.UrlMetadataValue]:
    """Return the links among a run's tags as metadata, which Dagster's UI makes links of."""
    return {name: dg.MetadataValue.url(tags[tag]) for name, tag in LINK_TAGS.items() if tag in tags}


def _bounded(value: str) -> str:
    """Cut a long value. Two that differ stay different."""
    if len(value) <= _MAX_CHARACTERS:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:16]
    return f"{value[: _MAX_CHARACTERS - len(digest) - 1]}…{digest}"
