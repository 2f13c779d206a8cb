"""The rows of a data source that pass a filter, also beyond the ceiling that Notion has for one query."""

from __future__ import annotations

import logging

from svp_dagster.errors import Code, failure
from svp_dagster.models import JsonObject
from svp_dagster.notion.client.failures import Subject
from svp_dagster.notion.client.http import Call, Calls
from svp_dagster.notion.client.responses import read, results

logger = logging.getLogger(__name__)


def query(calls: Calls, data_source_id: str, *, where: JsonObject, subject: Subject, limit: int) -> list[JsonObject]:
    """Return the first `limit` pages that pass `where`, the oldest first.

    Where Notion ends a query early, the next one begins at the time at which the last page was created. Raises
    `notion_unreachable` for an incomplete query without a page.
    """
    found: dict[str, JsonObject] = {}
    since: str | None = None
    while len(found) < limit:
        found_before = len(found)
        call = Call(
            method="POST",
            path=f"data_sources/{data_source_id}/query",
            body={
                "filter": _window(where, since),
                "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
                # Source: Notion's OpenAPI description of 2026-03: without it a wiki returns its data sources too.
                "result_type": "page",
            },
            subject=subject,
        )
        if _collect(calls, call, found, limit=limit):
            break
        if len(found) == found_before:
            if not found:
                raise failure(Code.NOTION_UNREACHABLE, detail="incomplete query without a page")
            logger.warning("data source %s: a query ended early without a new page", data_source_id)
            break
        since = read(_created_time, list(found.values())[-1])
    return list(found.values())[:limit]


def _collect(calls: Calls, call: Call, found: dict[str, JsonObject], *, limit: int) -> bool:
    """Add a query's pages to `found` by id; return whether the query was complete or the limit is reached."""
    for response in calls.pages(call):
        found.update((read(_id, page), page) for page in results(response))
        if len(found) >= limit:
            return True
        if (response.get("request_status") or {}).get("type") == "incomplete":
            return False
    return True


def _window(where: JsonObject, since: str | None) -> JsonObject:
    """Return the filter for what passes `where` and was created since then.

    Notion nests compound filters one level deep, so the time goes into each part of an `or`.
    """
    if since is None:
        return where
    if "or" in where:
        return {"or": [_window(part, since) for part in where["or"]]}
    parts: list[JsonObject] = where.get("and", [where])
    return {"and": [*parts, {"timestamp": "created_time", "created_time": {"on_or_after": since}}]}


def _created_time(page: JsonObject) -> str:
    return str(page["created_time"])


def _id(page: JsonObject) -> str:
    return str(page["id"])
