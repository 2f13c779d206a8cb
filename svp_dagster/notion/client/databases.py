"""Databases and their columns: found, read, made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from svp_dagster.models import JsonObject
from svp_dagster.notion import templates
from svp_dagster.notion.client.created_time import is_created_since
from svp_dagster.notion.client.endpoints import Endpoints
from svp_dagster.notion.client.failures import CONTENT_DATABASE, DIGEST_HOME, LINK_DATABASE, PARENT_PAGE
from svp_dagster.notion.client.http import Call
from svp_dagster.notion.client.responses import (
    Database,
    DataSource,
    Page,
    parse_data_source,
    parse_database,
    parse_page,
    read,
)
from svp_dagster.notion.rich_text import ITEMS_PER_ARRAY
from svp_dagster.notion.schema import DataSourceSchema, parse_schema

MAX_LISTED = 1000
"""Most blocks and search results of one look."""
_TOP_LEVEL_PARENTS = frozenset({"workspace", "page_id", "block_id"})


class Databases(Endpoints):
    """Verbs for databases and data sources, and for the pages that a database can be made under."""

    def schema(self, data_source_id: str) -> DataSourceSchema:
        """Return the columns of a data source as they are now."""
        path = f"data_sources/{CONTENT_DATABASE.require_id(data_source_id)}"
        return read(parse_schema, self._get_live(path))

    def database(self, database_id: str) -> Database:
        """Return a database with its data sources."""
        return read(parse_database, self._get_live(f"databases/{CONTENT_DATABASE.require_id(database_id)}"))

    def create_database(self, template: templates.Template, *, parent_page_id: str) -> Database:
        """Create the database of a template below a page."""
        parent_id, begun = PARENT_PAGE.require_id(parent_page_id), datetime.now(UTC)
        body = templates.create_database(template, parent_page_id=parent_id)

        def look() -> JsonObject | None:
            below = Call(method="GET", path=f"blocks/{parent_id}/children", subject=PARENT_PAGE)
            for block in self._calls.objects(below, limit=MAX_LISTED):
                title = (block.get("child_database") or {}).get("title")
                if title == template.name and is_created_since(block, begun):
                    return self._calls.send(Call(method="GET", path=f"databases/{block['id']}", subject=PARENT_PAGE))
            return None

        call = Call(method="POST", path="databases", body=body, subject=PARENT_PAGE)
        return read(parse_database, self._calls.send_once(call, look=look))

    def offer_options(self, data_source_id: str, column: str, names: Sequence[str]) -> None:
        """Add options to those of a select column, up to the number that Notion accepts."""
        path = f"data_sources/{LINK_DATABASE.require_id(data_source_id)}"
        response = self._calls.send(Call(method="GET", path=path, subject=LINK_DATABASE))
        present = read(lambda raw: list(raw["properties"][column]["select"]["options"]), response)
        kept = [{"id": option["id"]} for option in present]
        missing = [{"name": name} for name in names if name not in {option["name"] for option in present}]
        options = [*kept, *missing][:ITEMS_PER_ARRAY]
        if len(options) > len(kept):
            body = {"properties": {column: {"select": {"options": options}}}}
            self._calls.send(Call(method="PATCH", path=path, body=body, subject=LINK_DATABASE))

    def search_pages(self, *, limit: int = 100) -> list[Page]:
        """Return the pages that the connection can see, the last edited first, without rows of databases."""
        pages = (page for page in self._search("page") if _is_top_level(page))
        return [read(parse_page, page) for page in islice(pages, limit)]

    def home_page(self, page_id: str) -> Page:
        """Return the page that digests are to be made below."""
        path = f"pages/{DIGEST_HOME.require_id(page_id)}"
        response = self._calls.send(Call(method="GET", path=path, subject=DIGEST_HOME))
        if response.get("in_trash"):
            raise DIGEST_HOME.not_found("in the trash")
        return read(parse_page, response)

    def search_data_sources(self, *, limit: int = 100) -> list[DataSource]:
        """Return the data sources that the connection can see, the last edited first."""
        return [read(parse_data_source, source) for source in islice(self._search("data_source"), limit)]

    def _get_live(self, path: str) -> JsonObject:
        response = self._calls.send(Call(method="GET", path=path, subject=CONTENT_DATABASE))
        if response.get("in_trash"):
            raise CONTENT_DATABASE.not_found("in the trash")
        return response

    def _search(self, kind: str) -> Iterator[JsonObject]:
        body = {
            "filter": {"property": "object", "value": kind},
            "sort": {"timestamp": "last_edited_time", "direction": "descending"},
        }
        found = self._calls.objects(Call(method="POST", path="search", body=body), limit=MAX_LISTED)
        # Source: 399 recorded searches of 2026-03-11: data sources in the trash are found too, 162 of them.
        return (item for item in found if not item.get("in_trash"))


def _is_top_level(page: JsonObject) -> bool:
    return page.get("parent", {}).get("type") in _TOP_LEVEL_PARENTS
