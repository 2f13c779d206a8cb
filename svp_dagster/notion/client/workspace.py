"""Notion, as one connection may see it: the verbs of our domain."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field, PrivateAttr

from svp_dagster.errors import SvpError
from svp_dagster.models import ContentPage, JsonObject, LinkEntry
from svp_dagster.notion import templates
from svp_dagster.notion.blocks import REQUEST_BYTES, batches, size_bytes
from svp_dagster.notion.client.answers import (
    Bot,
    Database,
    DataSource,
    Page,
    parse_bot,
    parse_content_page,
    parse_data_source,
    parse_database,
    parse_page,
)
from svp_dagster.notion.client.failures import (
    CONTENT_DATABASE,
    CONTENT_PAGE,
    LINK_DATABASE,
    PARENT_PAGE,
    RELATED_DATABASE,
    ROW,
    Subject,
)
from svp_dagster.notion.client.http import NOTION_VERSION, Call, Calls, Persistence, Tokens, gate_of, read
from svp_dagster.notion.client.page_body import PageBody
from svp_dagster.notion.client.query import query
from svp_dagster.notion.client.upload import files_in, local_files, upload, upload_all, with_files, with_uploads
from svp_dagster.notion.ids import object_id
from svp_dagster.notion.relations import MOST_TITLES, pages_by_title, title_filter
from svp_dagster.notion.rich_text import ITEMS_PER_ARRAY, plain_text, rich_text
from svp_dagster.notion.rows import InvalidRow, StatusType, parse_row, pending_filter
from svp_dagster.notion.schema import Column, DataSourceSchema, parse_schema

if TYPE_CHECKING:
    from notion_client import Client

MOST_LISTED = 1000
"""Most rows, pages or comments of one look. Pending rows come the oldest first, and leave: it is the others' turn."""
_NO_ROWS = frozenset({"workspace", "page_id", "block_id"})


class NotionResource(dg.ConfigurableResource):
    """Notion's API."""

    base_url: str = Field(default="https://api.notion.com", description="Where the API is, without /v1.")
    timeout_s: float = Field(default=30.0, gt=0, description="How long a call waits for the next bytes.")
    attempts: int = Field(default=4, ge=1, description="How often a call is tried while Notion is out of order.")
    backoff_s: float = Field(default=0.5, ge=0, description="Wait after the first attempt, doubled after each.")
    patience_s: float = Field(default=60.0, ge=0, description="Longest wait in all where Notion asks to slow down.")

    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _client: Client | None = PrivateAttr(default=None)

    def workspace(self, connection_id: str, tokens: Tokens, *, patience_s: float | None = None) -> Workspace:
        """Notion, as this connection may see it.

        With `patience_s=0` a call is postponed at once while Notion asks the connection to slow down: for work that
        has to give way.
        """
        persistence = Persistence(
            attempts=self.attempts,
            backoff_s=self.backoff_s,
            patience_s=self.patience_s if patience_s is None else patience_s,
        )
        gate = gate_of(self.base_url, connection_id)
        calls = Calls(self._open(), connection_id=connection_id, tokens=tokens, gate=gate, persistence=persistence)
        return Workspace(calls, connection_id=connection_id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 (Dagster's signature)
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections; workspaces made before can't be used any more."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _open(self) -> Client:
        """The one client of all workspaces; it takes the token with each request."""
        import httpx
        from notion_client import Client

        with self._lock:
            if self._client is None:
                # Without a logger of ours each client adds one more handler to the SDK's, which prints every refusal.
                self._client = Client(
                    client=httpx.Client(),
                    base_url=self.base_url.rstrip("/"),
                    notion_version=NOTION_VERSION,
                    timeout_ms=round(self.timeout_s * 1000),
                    retry=False,
                    logger=logging.getLogger(f"{__name__}.sdk"),
                    log_level=logging.ERROR,
                )
            return self._client


class Workspace:
    """What a connection sees and does at Notion.

    Every verb raises the failures `not_connected`, `notion_busy`, `notion_unreachable` and `notion_refused`. What
    isn't there, isn't shared with the connection or has an id that is none is `row_gone` for rows and else
    `database_not_shared`.
    """

    def __init__(self, calls: Calls, *, connection_id: str) -> None:
        self.connection_id = connection_id
        self._calls = calls

    @cached_property
    def _bot(self) -> Bot:
        return read(parse_bot, self._calls.send(Call(method="GET", path="users/me")))

    def me(self) -> Bot:
        """Who the connection is. Asked once."""
        return self._bot

    def schema(self, data_source_id: str) -> DataSourceSchema:
        """The columns of a data source as they are now."""
        path = f"data_sources/{_id(data_source_id, CONTENT_DATABASE)}"
        answer = self._calls.send(Call(method="GET", path=path, subject=CONTENT_DATABASE))
        if answer.get("in_trash"):
            raise CONTENT_DATABASE.missing("in the trash")
        return read(parse_schema, answer)

    def database(self, database_id: str) -> Database:
        """A database with its data sources."""
        path = f"databases/{_id(database_id, CONTENT_DATABASE)}"
        answer = self._calls.send(Call(method="GET", path=path, subject=CONTENT_DATABASE))
        if answer.get("in_trash"):
            raise CONTENT_DATABASE.missing("in the trash")
        return read(parse_database, answer)

    def data_sources(self, database_id: str) -> tuple[DataSource, ...]:
        """The data sources of a database."""
        return self.database(database_id).data_sources

    def create_database(self, template: templates.Template, *, parent_page_id: str) -> Database:
        """Make the database of a template below a page."""
        parent_id, begun = _id(parent_page_id, PARENT_PAGE), _now()
        body = templates.create_database(template, parent_page_id=parent_id)

        def look() -> JsonObject | None:
            below = Call(method="GET", path=f"blocks/{parent_id}/children", subject=PARENT_PAGE)
            for block in self._calls.objects(below, limit=MOST_LISTED):
                title = (block.get("child_database") or {}).get("title")
                if title == template.name and _is_since(block, begun):
                    return self._calls.send(Call(method="GET", path=f"databases/{block['id']}", subject=PARENT_PAGE))
            return None

        call = Call(method="POST", path="databases", body=body, subject=PARENT_PAGE)
        return read(parse_database, self._calls.send_once(call, look=look))

    def offer_options(self, data_source_id: str, column: str, names: Sequence[str]) -> None:
        """Let a select column offer these options beside those that it has, as far as Notion takes so many."""
        path = f"data_sources/{_id(data_source_id, LINK_DATABASE)}"
        answer = self._calls.send(Call(method="GET", path=path, subject=LINK_DATABASE))
        offered = read(lambda raw: list(raw["properties"][column]["select"]["options"]), answer)
        there = [{"id": option["id"]} for option in offered]
        missing = [{"name": name} for name in names if name not in {option["name"] for option in offered}]
        wanted = [*there, *missing][:ITEMS_PER_ARRAY]
        if len(wanted) > len(there):
            body = {"properties": {column: {"select": {"options": wanted}}}}
            self._calls.send(Call(method="PATCH", path=path, body=body, subject=LINK_DATABASE))

    def search_pages(self, words: str = "", *, limit: int = 100) -> list[Page]:
        """Pages whose title has the `words`, the last edited first; rows of databases are left out."""
        pages = (page for page in self._search("page", words) if page.get("parent", {}).get("type") in _NO_ROWS)
        return [read(parse_page, page) for page in islice(pages, limit)]

    def search_data_sources(self, words: str = "", *, limit: int = 100) -> list[DataSource]:
        """Data sources whose title has the `words`, the last edited first."""
        return [read(parse_data_source, source) for source in islice(self._search("data_source", words), limit)]

    def pending_rows(self, data_source_id: str, status_type: StatusType) -> list[LinkEntry | InvalidRow]:
        """The rows of a Link Database that wait, the oldest first, 1,000 at most. A failed read is a failure."""
        found = query(
            self._calls,
            _id(data_source_id, LINK_DATABASE),
            where=pending_filter(status_type),
            subject=LINK_DATABASE,
            limit=MOST_LISTED,
        )
        return [read(partial(parse_row, connection_id=self.connection_id), page) for page in found]

    def row(self, page_id: str) -> LinkEntry | InvalidRow:
        """A row as it is now. Raises `row_gone`, also for one in the trash."""
        answer = self._calls.send(Call(method="GET", path=f"pages/{_id(page_id, ROW)}", subject=ROW))
        if answer.get("in_trash"):
            raise ROW.missing("in the trash")
        return read(partial(parse_row, connection_id=self.connection_id), answer)

    def set_row(self, page_id: str, properties: JsonObject) -> None:
        """Write to a row. Raises `row_gone`, `schema_changed`."""
        path, body = f"pages/{_id(page_id, ROW)}", {"properties": properties}
        self._calls.send(Call(method="PATCH", path=path, body=body, subject=ROW))

    def comment(self, page_id: str, text: str) -> None:
        """Comment on a row, once. Raises `row_gone`."""
        row_id, begun = _id(page_id, ROW), _now()
        said = rich_text(text)
        body = {"parent": {"type": "page_id", "page_id": row_id}, "rich_text": said}

        def look() -> JsonObject | None:
            listed = Call(method="GET", path="comments", query={"block_id": row_id}, subject=ROW)
            for comment in self._calls.objects(listed, limit=MOST_LISTED):
                same = plain_text(comment.get("rich_text", [])) == plain_text(said)
                if same and _is_since(comment, begun):
                    return comment
            return None

        self._calls.send_once(Call(method="POST", path="comments", body=body, subject=ROW), look=look)

    def content_page(self, page_id: str) -> ContentPage | None:
        """A page of a Content Database; None where it is gone or in the trash."""
        try:
            path = f"pages/{_id(page_id, CONTENT_PAGE)}"
            answer = self._calls.send(Call(method="GET", path=path, subject=CONTENT_PAGE))
        except SvpError as error:
            if error.code is CONTENT_PAGE.gone:
                return None
            raise
        return None if answer.get("in_trash") else read(partial(parse_content_page, created=False), answer)

    def find_page(
        self,
        data_source_id: str,
        column: Column,
        value: str,
        *,
        created_since: datetime | None = None,
        ignoring: Collection[str] = (),
    ) -> ContentPage | None:
        """The oldest page whose `column` (a url or text) is `value`: one that an attempt made that died, say.

        `ignoring` are the ids of pages that are known to be another's.
        """
        where: JsonObject = {"property": column.name, column.type: {"equals": value}}
        if created_since is not None:
            since = {"on_or_after": _minute(created_since).isoformat()}
            where = {"and": [where, {"timestamp": "created_time", "created_time": since}]}
        source_id = _id(data_source_id, CONTENT_DATABASE)
        pages = query(self._calls, source_id, where=where, subject=CONTENT_DATABASE, limit=len(ignoring) + 1)
        found = (read(partial(parse_content_page, created=False), page) for page in pages)
        return next((page for page in found if page.page_id not in ignoring), None)

    def pages_titled(
        self, data_source_id: str, titles: Sequence[str], *, limit: int = MOST_LISTED
    ) -> dict[str, str | None]:
        """The one live page that has a title, by title (see `pages_by_title`); None where several have it.

        Titles that no page has are missing. One query for each 25 titles, which looks at `limit` pages at most.
        """
        source_id = _id(data_source_id, RELATED_DATABASE)
        found: dict[str, str | None] = {}
        for start in range(0, len(titles), MOST_TITLES):
            some = titles[start : start + MOST_TITLES]
            answers = query(self._calls, source_id, where=title_filter(some), subject=RELATED_DATABASE, limit=limit)
            pages = [read(parse_page, answer) for answer in answers]
            known = pages_by_title(some, [(page.title, page.page_id) for page in pages])
            # Where not all were looked at, a title that was seen once may come again.
            found |= known if len(pages) < limit else dict.fromkeys(known)
        return found

    def create_page(
        self,
        data_source_id: str,
        properties: JsonObject,
        *,
        blocks: Sequence[JsonObject] = (),
        cover: Path | None = None,
        find: Callable[[], ContentPage | None],
    ) -> ContentPage:
        """Make a page, once: where no answer comes, `find` looks for it before it is made again.

        Where `blocks` don't fit into the request, the rest of them isn't there yet: then the page has not its whole
        body, and `replace_body` is to be called.
        """
        uploads = self._upload([*local_files(blocks), *files_in(properties), *([cover] if cover else [])])
        sendable, cells = with_uploads(blocks, uploads), with_files(properties, uploads)
        first = [*batches(sendable), []][0]
        fits = size_bytes({"properties": cells, "children": first}) <= REQUEST_BYTES
        body = {
            "parent": {"type": "data_source_id", "data_source_id": _id(data_source_id, CONTENT_DATABASE)},
            "properties": cells,
            **_cover(uploads.get(str(cover))),
            **({"children": first} if first and fits else {}),
        }

        def look() -> JsonObject | None:
            page = find()
            return {"id": page.page_id, "url": page.url} if page is not None else None

        answer = self._calls.send_once(
            Call(method="POST", path="pages", body=body, subject=CONTENT_DATABASE), look=look
        )
        page = read(partial(parse_content_page, created=True), answer)
        return page.model_copy(update={"has_whole_body": fits and len(first) == len(sendable)})

    def update_page(self, page_id: str, properties: JsonObject) -> ContentPage:
        """Write to a page of a Content Database. Raises `database_not_shared` where it is gone, `schema_changed`."""
        body = {"properties": with_files(properties, self._upload(list(files_in(properties))))}
        path = f"pages/{_id(page_id, CONTENT_PAGE)}"
        answer = self._calls.send(Call(method="PATCH", path=path, body=body, subject=CONTENT_PAGE))
        return read(partial(parse_content_page, created=False), answer)

    def replace_body(self, page_id: str, blocks: Sequence[JsonObject]) -> None:
        """Make the body that this connection wrote on a page say what `blocks` say, in place (see `PageBody`)."""
        body = PageBody(self._calls, bot_id=self.me().bot_id, ready=self._ready)
        body.replace(_id(page_id, CONTENT_PAGE), blocks)

    def upload_file(self, path: Path) -> str | None:
        """The id of an uploaded file, to be named within the hour; None where the workspace doesn't take it."""
        return upload(self._calls, path, max_bytes=self.me().max_upload_bytes)

    def _upload(self, paths: Sequence[Path]) -> dict[str, str]:
        return upload_all(paths, self.upload_file)

    def _ready(self, blocks: Sequence[JsonObject]) -> list[JsonObject]:
        return with_uploads(blocks, self._upload(list(local_files(blocks))))

    def _search(self, kind: str, words: str) -> Iterator[JsonObject]:
        body = {
            **({"query": words} if words else {}),
            "filter": {"property": "object", "value": kind},
            "sort": {"timestamp": "last_edited_time", "direction": "descending"},
        }
        return self._calls.objects(Call(method="POST", path="search", body=body), limit=MOST_LISTED)


def _id(text: str, subject: Subject) -> str:
    """A checked id: what isn't one never becomes part of a path."""
    found = object_id(text)
    if found is None:
        raise subject.missing("not an id of Notion's")
    return found


def _cover(upload_id: str | None) -> JsonObject:
    return {"cover": {"type": "file_upload", "file_upload": {"id": upload_id}}} if upload_id else {}


def _now() -> datetime:
    return datetime.now(UTC)


def _minute(moment: datetime) -> datetime:
    """Notion cuts the times that it tells to the minute."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _is_since(made: JsonObject, begun: datetime) -> bool:
    return read(lambda one: datetime.fromisoformat(one["created_time"]), made) >= _minute(begun)
