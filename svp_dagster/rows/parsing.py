"""What a person wrote into a row: the link in it, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Collection

from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import LinkEntry, Status
from svp_dagster.notion.rows import InvalidRow
from svp_dagster.store.entries import Entry

Row = LinkEntry | InvalidRow


def parsed(row: Row, extra_hosts: Collection[str]) -> tuple[LinkEntry, SvpError | None]:
    """Return the row with the link in its text, or with what is wrong with it. A direct entry has its link already."""
    if isinstance(row, InvalidRow):
        ids = {"page_id": row.page_id, "connection_id": row.connection_id}
        return LinkEntry(**ids, url="", tag="", last_edited_time=row.last_edited_time), row.failure
    if not row.has_row:
        return row, None
    try:
        return row.model_copy(update={"link": parse_link(row.url, extra_hosts=extra_hosts)}), None
    except SvpError as error:
        return row, error


def is_edited(link: LinkEntry, entry: Entry | None) -> bool:
    """Return whether a row says something else than its entry, which no run has claimed yet."""
    is_valid = bool(link.url and link.tag)
    if entry is None or entry.status is not Status.PENDING or entry.holder is not None or not is_valid:
        return False
    then = entry.link
    return (link.url, link.tag, link.processing_type) != (then.url, then.tag, then.processing_type)


def tag_problem(link: LinkEntry, tags: Collection[str]) -> SvpError | None:
    """Return what is wrong with the tag of a row, None where it has a Content Database. A direct entry needs no tag."""
    if link.tag in tags or not (link.has_row or link.tag):
        return None
    known = ", ".join(f"“{tag}”" for tag in sorted(tags)) or "none yet"
    reason = f"No Content Database is registered for the tag “{link.tag}” (registered: {known})"
    return failure(Code.UNKNOWN_TAG, reason=reason)
