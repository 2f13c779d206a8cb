"""The rows of a Link Database: read, updated, commented on."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from svp_dagster.models import JsonObject, LinkEntry
from svp_dagster.notion.client.created_time import is_created_since
from svp_dagster.notion.client.endpoints import Endpoints
from svp_dagster.notion.client.failures import LINK_DATABASE, ROW
from svp_dagster.notion.client.http import Call
from svp_dagster.notion.client.query import query
from svp_dagster.notion.client.responses import read
from svp_dagster.notion.ids import object_id
from svp_dagster.notion.rich_text import plain_text, rich_text
from svp_dagster.notion.rows import InvalidRow, StatusType, completed_page_url, is_request, parse_row, pending_filter

MAX_ROWS = 1000
"""Most rows of one look. The oldest come first and leave when they are processed, so the others get their turn."""
MAX_COMMENTS = 1000


class Rows(Endpoints):
    """Verbs for the rows of a Link Database."""

    def pending_rows(self, data_source_id: str, status_type: StatusType) -> list[LinkEntry | InvalidRow]:
        """Return the pending rows, the oldest first, at most `MAX_ROWS`. A failed read raises, it is never empty."""
        found = query(
            self._calls,
            LINK_DATABASE.require_id(data_source_id),
            where=pending_filter(status_type),
            subject=LINK_DATABASE,
            limit=MAX_ROWS,
        )
        requests = [page for page in found if read(is_request, page)]
        return [read(partial(parse_row, connection_id=self.connection_id), page) for page in requests]

    def row(self, page_id: str) -> LinkEntry | InvalidRow:
        """Return a row as it is now. Raises `row_gone`, also for one in the trash."""
        response = self._calls.send(Call(method="GET", path=f"pages/{ROW.require_id(page_id)}", subject=ROW))
        if response.get("in_trash"):
            raise ROW.not_found("in the trash")
        return read(partial(parse_row, connection_id=self.connection_id), response)

    def completed_page(self, page_id: str) -> str | None:
        """Return the id of the content page that a completed row shows; None for any other row. Raises `row_gone`."""
        response = self._calls.send(Call(method="GET", path=f"pages/{ROW.require_id(page_id)}", subject=ROW))
        return object_id(read(completed_page_url, response))

    def set_row(self, page_id: str, properties: JsonObject) -> None:
        """Write to the columns of a row. Raises `row_gone`, `schema_changed`."""
        path, body = f"pages/{ROW.require_id(page_id)}", {"properties": properties}
        self._calls.send(Call(method="PATCH", path=path, body=body, subject=ROW))

    def comment(self, page_id: str, text: str) -> None:
        """Comment on a row, once. Raises `row_gone`."""
        row_id, begun, content = ROW.require_id(page_id), datetime.now(UTC), rich_text(text)
        body = {"parent": {"type": "page_id", "page_id": row_id}, "rich_text": content}

        def look() -> JsonObject | None:
            listed = Call(method="GET", path="comments", query={"block_id": row_id}, subject=ROW)
            for comment in self._calls.objects(listed, limit=MAX_COMMENTS):
                is_same = plain_text(comment.get("rich_text", [])) == plain_text(content)
                if is_same and is_created_since(comment, begun):
                    return comment
            return None

        self._calls.send_once(Call(method="POST", path="comments", body=body, subject=ROW), look=look)
