"""Links added and asked for again. The app never starts a run: the row says *pending* in Notion and in the store, its
connection is due, and the sensor does the rest. So it does for a link without a tag, which has no row.
"""

from __future__ import annotations

import logging
import uuid

from oauth_app.errors import Refusal, refusal, require_notion
from oauth_app.services import services
from svp_dagster.download.links import parse_link
from svp_dagster.errors import Code, EntryGone, SvpError, failure
from svp_dagster.library.files import delete_entry_files
from svp_dagster.models import ContentPage, Link, LinkEntry, ProcessingType
from svp_dagster.notion import rows
from svp_dagster.notion.rows import InvalidRow
from svp_dagster.rows.retry import MOST_AT_ONCE, retry_row, retry_rows
from svp_dagster.store.connections import Connection
from svp_dagster.store.databases import LinkDatabase
from svp_dagster.store.entries import Entry

logger = logging.getLogger(__name__)


def add(connection: Connection, *, url: str, tag: str | None, processing_type: ProcessingType) -> Entry:
    """Add a link: a row of the connection's Link Database, or without a tag an entry of the library alone.

    Raises a `Refusal` for a tag that can't be used, and `unsupported_link`.
    """
    if tag is not None:
        _require_tag(connection, tag)
    link = parse_link(url, extra_hosts=services().settings.extra_hosts)
    if tag is None:
        asked = _direct(connection, link, processing_type)
    else:
        asked = _add_row(connection, link.url, tag, processing_type).model_copy(update={"link": link})
    found = services()
    try:
        entry = found.store.entries.request(asked, now=found.now())
    except EntryGone as error:
        raise Refusal(401, "not_signed_in", "Your data were deleted just now, so nothing was added.") from error
    if entry.link.has_row:
        found.store.databases.poll_now(connection.id, now=found.now())
    return entry


def retry(connection: Connection, entry: Entry) -> Entry:
    """Ask for a row again that failed or waits for its time: set it back to pending. Refuses any other."""
    found = services()
    if not entry.can_retry:
        raise _not_failed(entry)
    if entry.link.has_row:
        _link_database(connection, entry)
    try:
        asked = retry_row(found.store, found.workspace(connection), entry, now=found.now())
    except SvpError as error:
        raise refusal(error, entry=entry) from error
    if asked is None:
        raise _not_failed(entry)
    return asked


def retry_failed(connection: Connection, *, tag: str | None, code: str | None) -> tuple[int, int]:
    """Ask again for the links that failed for good, the latest first; how many were asked for, and how many are left.

    The store alone is written: `MOST_AT_ONCE` rows are too many to sync to Notion while a person waits.
    """
    store, now = services().store, services().now()
    failed, total = store.sweep.failed_of(connection.id, tag=tag, code=code, limit=MOST_AT_ONCE)
    if not failed or any(entry.link.has_row for entry in failed):
        _link_database(connection)
    asked = retry_rows(store, [entry.link.page_id for entry in failed], now=now)
    return len(asked), total - len(failed)


def delete(entry: Entry) -> None:
    """Delete an entry that has no row with all that was made of it: first from the store, for files are swept."""
    if entry.link.has_row:
        words = "This link is a row of your Link Database: delete it in Notion, and its page there if you like."
        raise Refusal(409, "has_row", words, entry=entry)
    found = services()
    found.store.uploads.delete(entry.link.page_id)
    try:
        delete_entry_files(found.storage.quick, entry.link.page_id)
    except SvpError as error:
        logger.warning("the files of %s are left to the sweep: %s", entry.link.page_id, error.code)


def address_at_notion(connection: Connection, entry: Entry) -> str:
    """Where the row is shown at Notion. Refuses an entry that has none there."""
    if not entry.link.has_row:
        raise Refusal(404, "no_row", "This entry has no row in Notion.", entry=entry)
    page = services().workspace(connection).content_page(entry.link.page_id)
    if page is None:
        raise refusal(failure(Code.ROW_GONE), entry=entry)
    return page.url


def mine(connection: Connection, page_id: str) -> Entry:
    """An entry of this connection; refuses another's as if there were none."""
    entry = services().store.entries.get(page_id)
    if entry is None or entry.link.connection_id != connection.id:
        raise Refusal(404, "no_such_entry", "There is no such link entry.", entry_id=page_id)
    return entry


def _link_database(connection: Connection, entry: Entry | None = None) -> LinkDatabase:
    found = services().store.databases.link_database(connection.id)
    if found is None:
        require_notion(connection, "add links to a Link Database")
        raise Refusal(409, "no_link_database", "Register a Link Database first.", entry=entry)
    return found


def _not_failed(entry: Entry) -> Refusal:
    words = f"This link is {entry.status}; only those that failed or wait for their time can be tried again."
    return Refusal(409, "not_failed", words, entry=entry)


def _require_tag(connection: Connection, tag: str) -> None:
    """Refuse a tag whose row could not be added, or would fail."""
    databases = services().store.databases
    _link_database(connection)
    if databases.for_tag(connection.id, tag) is None:
        known = ", ".join(f"“{database.tag}”" for database in databases.content_databases(connection.id)) or "none yet"
        words = f"No Content Database is registered for the tag “{tag}” (registered: {known})."
        raise Refusal(422, "unknown_tag", words)


def _direct(connection: Connection, link: Link, processing_type: ProcessingType) -> LinkEntry:
    return LinkEntry(
        page_id=str(uuid.uuid4()),
        connection_id=connection.id,
        url=link.url,
        link=link,
        tag="",
        processing_type=processing_type,
        has_row=False,
        last_edited_time=services().now(),
    )


def _add_row(connection: Connection, address: str, tag: str, processing_type: ProcessingType) -> LinkEntry:
    database, workspace = _link_database(connection), services().workspace(connection)
    schema, source_id, now = database.data_schema, database.data_source_id, services().now()
    properties = rows.new_row(schema, url=address, tag=tag, processing_type=processing_type, at=now)
    column = schema.column(rows.URL)

    def find() -> ContentPage | None:
        return workspace.find_page(source_id, column, address, created_since=now) if column else None

    row = workspace.row(workspace.create_page(source_id, properties, find=find).page_id)
    if isinstance(row, InvalidRow):
        raise row.failure
    return row
