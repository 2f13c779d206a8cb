"""The pages of Content Databases, and those of digests: found, created, updated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from svp_dagster.errors import SvpError
from svp_dagster.models import ContentPage, JsonObject
from svp_dagster.notion.blocks import REQUEST_BYTES, batches, size_bytes
from svp_dagster.notion.client.created_time import to_minute
from svp_dagster.notion.client.endpoints import Endpoints
from svp_dagster.notion.client.failures import CONTENT_DATABASE, CONTENT_PAGE, DIGEST_HOME, RELATED_DATABASE
from svp_dagster.notion.client.http import Call
from svp_dagster.notion.client.page_body import PageBody
from svp_dagster.notion.client.query import query
from svp_dagster.notion.client.responses import parse_content_page, parse_page, read
from svp_dagster.notion.client.upload import files_in, local_files, upload_all, with_files, with_uploads
from svp_dagster.notion.relations import MAX_TITLES, pages_by_title, title_filter
from svp_dagster.notion.rich_text import rich_text
from svp_dagster.notion.schema import Column

MAX_BELOW = 1000
"""Most blocks of a page among which a page below it is looked for."""
MAX_RELATED = 1000
"""Most pages of a related database that one query for titles looks at."""


class ContentPages(Endpoints):
    """Verbs for the pages of Content Databases (`ports.Pages`)."""

    def content_page(self, page_id: str) -> ContentPage | None:
        """Return a page; None if it is gone or in the trash."""
        try:
            path = f"pages/{CONTENT_PAGE.require_id(page_id)}"
            response = self._calls.send(Call(method="GET", path=path, subject=CONTENT_PAGE))
        except SvpError as error:
            if error.code is CONTENT_PAGE.not_found_code:
                return None
            raise
        return None if response.get("in_trash") else read(partial(parse_content_page, created=False), response)

    def find_page(
        self,
        data_source_id: str,
        column: Column,
        value: str,
        *,
        created_since: datetime | None = None,
        ignoring: Collection[str] = (),
    ) -> ContentPage | None:
        """Return the oldest page whose `column` (a url or text) is `value`, such as one of an attempt that died.

        `ignoring` are the ids of pages that are known to belong to others.
        """
        where: JsonObject = {"property": column.name, column.type: {"equals": value}}
        if created_since is not None:
            since = {"on_or_after": to_minute(created_since).isoformat()}
            where = {"and": [where, {"timestamp": "created_time", "created_time": since}]}
        source_id = CONTENT_DATABASE.require_id(data_source_id)
        pages = query(self._calls, source_id, where=where, subject=CONTENT_DATABASE, limit=len(ignoring) + 1)
        found = (read(partial(parse_content_page, created=False), page) for page in pages)
        return next((page for page in found if page.page_id not in ignoring), None)

    def pages_titled(
        self, data_source_id: str, titles: Sequence[str], *, limit: int = MAX_RELATED
    ) -> dict[str, str | None]:
        """Return the id of the one live page with a title, by `title_key`; None where several pages have it.

        Titles that no page has are missing. Sends one query for each `MAX_TITLES` titles, which looks at `limit` pages
        at most.
        """
        source_id = RELATED_DATABASE.require_id(data_source_id)
        found: dict[str, str | None] = {}
        for start in range(0, len(titles), MAX_TITLES):
            batch = titles[start : start + MAX_TITLES]
            responses = query(self._calls, source_id, where=title_filter(batch), subject=RELATED_DATABASE, limit=limit)
            pages = [read(parse_page, response) for response in responses]
            known = pages_by_title(batch, [(page.title, page.page_id) for page in pages])
            # Beyond the limit there may be another page with a title that was seen once.
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
        """Create a page, once: after a lost response, `find` looks for it before it is created again.

        Blocks that don't fit into the request are not on the page yet: then it has not its whole body, and the caller
        completes it with `replace_body`.
        """
        uploads = self._upload([*local_files(blocks), *files_in(properties), *([cover] if cover else [])])
        sendable, cells = with_uploads(blocks, uploads), with_files(properties, uploads)
        first = [*batches(sendable), []][0]
        fits = size_bytes({"properties": cells, "children": first}) <= REQUEST_BYTES
        body = {
            "parent": {"type": "data_source_id", "data_source_id": CONTENT_DATABASE.require_id(data_source_id)},
            "properties": cells,
            **_cover(uploads.get(str(cover))),
            **({"children": first} if first and fits else {}),
        }

        def look() -> JsonObject | None:
            page = find()
            return {"id": page.page_id, "url": page.url} if page is not None else None

        call = Call(method="POST", path="pages", body=body, subject=CONTENT_DATABASE)
        page = read(partial(parse_content_page, created=True), self._calls.send_once(call, look=look))
        return page.model_copy(update={"has_whole_body": fits and len(first) == len(sendable)})

    def page_below(self, parent_page_id: str, title: str) -> ContentPage:
        """Return the page of this title below a page, an empty new one where there is none.

        Raises `database_not_shared` where the page above is gone or isn't shared.
        """
        parent_id = DIGEST_HOME.require_id(parent_page_id)

        def look() -> JsonObject | None:
            below = Call(method="GET", path=f"blocks/{parent_id}/children", subject=DIGEST_HOME)
            for block in self._calls.objects(below, limit=MAX_BELOW):
                if (block.get("child_page") or {}).get("title") == title:
                    return self._calls.send(Call(method="GET", path=f"pages/{block['id']}", subject=DIGEST_HOME))
            return None

        if (present := look()) is not None:
            return read(partial(parse_content_page, created=False), present)
        body = {
            "parent": {"type": "page_id", "page_id": parent_id},
            "properties": {"title": {"title": rich_text(title)}},
        }
        call = Call(method="POST", path="pages", body=body, subject=DIGEST_HOME)
        return read(partial(parse_content_page, created=True), self._calls.send_once(call, look=look))

    def update_page(self, page_id: str, properties: JsonObject) -> ContentPage:
        """Write to the columns of a page. Raises `database_not_shared` if it is gone, `schema_changed`."""
        body = {"properties": with_files(properties, self._upload(list(files_in(properties))))}
        path = f"pages/{CONTENT_PAGE.require_id(page_id)}"
        response = self._calls.send(Call(method="PATCH", path=path, body=body, subject=CONTENT_PAGE))
        return read(partial(parse_content_page, created=False), response)

    def replace_body(self, page_id: str, blocks: Sequence[JsonObject]) -> None:
        """Turn the blocks that this connection wrote on a page into `blocks`, in place (see `PageBody`)."""
        body = PageBody(self._calls, bot_id=self.me().bot_id, prepare=self._with_uploads)
        body.replace(CONTENT_PAGE.require_id(page_id), blocks)

    def _with_uploads(self, blocks: Sequence[JsonObject]) -> list[JsonObject]:
        return with_uploads(blocks, self._upload(list(local_files(blocks))))

    def _upload(self, paths: Sequence[Path]) -> dict[str, str]:
        return upload_all(self._calls, paths, max_bytes=self.me().max_upload_bytes) if paths else {}


def _cover(upload_id: str | None) -> JsonObject:
    return {"cover": {"type": "file_upload", "file_upload": {"id": upload_id}}} if upload_id else {}
