"""The Link Database: its columns, its rows as values, and the updates that show a status.

url              url               the video's link; where it is empty, the title may hold one
tag              select            the name of the Content Database
processing_type  select, optional  how much of the video is processed (`ProcessingType`)
status           select or status  the state of the row (`Status`); empty counts as pending once link and tag are there
updated_time     date              when the status changed last
error            text, optional    the sentence of a failure
result           url, optional     the content page
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, cast

from svp_dagster.errors import Code, ReasonCode, SvpError, failure
from svp_dagster.models import JsonObject, LinkEntry, ProcessingType, Status, Value
from svp_dagster.notion.properties import to_properties
from svp_dagster.notion.rich_text import clean, plain_text
from svp_dagster.notion.schema import ColumnType, DataSourceSchema, normalised

StatusType = Literal[ColumnType.SELECT, ColumnType.STATUS]

URL, TAG, PROCESSING_TYPE, STATUS, UPDATED_TIME = "url", "tag", "processing_type", "status", "updated_time"
ERROR, RESULT = "error", "result"

_ADDRESS = re.compile(r"https?:/|(?<![\w@./-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/\S", re.IGNORECASE)
_LINK_MENTIONS = frozenset({"link_mention", "link_preview"})

_REQUIRED: dict[str, tuple[ColumnType, ...]] = {
    URL: (ColumnType.URL,),
    TAG: (ColumnType.SELECT,),
    STATUS: (ColumnType.SELECT, ColumnType.STATUS),
    UPDATED_TIME: (ColumnType.DATE,),
}
_OPTIONAL: dict[str, tuple[ColumnType, ...]] = {
    PROCESSING_TYPE: (ColumnType.SELECT,),
    ERROR: (ColumnType.RICH_TEXT,),
    RESULT: (ColumnType.URL,),
}


class InvalidRow(Value):
    """A row without the values that a run needs. `reason` fills the sentence of `code`."""

    page_id: str
    connection_id: str
    last_edited_time: datetime
    code: ReasonCode
    reason: str

    @property
    def failure(self) -> SvpError:
        """The failure that the row's owner sees."""
        return failure(self.code, reason=self.reason, detail=self.reason)


def check_columns(schema: DataSourceSchema) -> list[str]:
    """Return what a data source lacks to be a Link Database, a sentence per column; empty if it is one."""
    problems = [_column_problem(schema, name, types) for name, types in (_REQUIRED | _OPTIONAL).items()]
    return [problem for problem in [*problems, _status_options_problem(schema)] if problem is not None]


def status_type(schema: DataSourceSchema) -> StatusType:
    """Return the type of the status column of a Link Database that `check_columns` accepts."""
    column = schema.column(STATUS)
    is_status = column is not None and column.type is ColumnType.STATUS
    return ColumnType.STATUS if is_status else ColumnType.SELECT


def pending_filter(status_type: StatusType) -> JsonObject:
    """Return the filter of a query for the pending rows, and for those without a status that `is_request` checks."""
    unset = [
        {"property": STATUS, status_type: {"is_empty": True}},
        {"property": TAG, ColumnType.SELECT: {"is_not_empty": True}},
    ]
    return {"or": [{"property": STATUS, status_type: {"equals": Status.PENDING.value}}, {"and": unset}]}


def is_request(page: JsonObject) -> bool:
    """Whether a row that passed `pending_filter` asks for a run.

    A row without a status does so once it has a link and a tag: until then a person is still filling it in.
    """
    cells: JsonObject = page["properties"]
    return bool(_option(cells.get(STATUS)) or (_link_text(cells) and _option(cells.get(TAG))))


def parse_row(page: JsonObject, connection_id: str) -> LinkEntry | InvalidRow:
    """Parse a row of Notion's response. An unknown processing type counts as `full`.

    Whether the link is supported and the tag is known is not checked here. Raises KeyError, TypeError or ValueError
    if `page` is no page of Notion's.
    """
    cells: JsonObject = page["properties"]
    url, tag, kind = _link_text(cells), _option(cells.get(TAG)), _option(cells.get(PROCESSING_TYPE)).casefold()
    edited = datetime.fromisoformat(page["last_edited_time"])
    if not url or not tag:
        return InvalidRow(
            page_id=page["id"],
            connection_id=connection_id,
            last_edited_time=edited,
            code=Code.UNKNOWN_TAG if url else Code.UNSUPPORTED_LINK,
            reason="The tag column is empty" if url else "the url column is empty",
        )
    return LinkEntry(
        page_id=page["id"],
        connection_id=connection_id,
        url=url,
        tag=tag,
        processing_type=next((known for known in ProcessingType if known == kind), ProcessingType.FULL),
        last_edited_time=edited,
    )


def completed_page_url(page: JsonObject) -> str:
    """Return the address of the content page that a completed row shows; '' for any other row."""
    cells: JsonObject = page["properties"]
    return _url(cells.get(RESULT)) if _option(cells.get(STATUS)) == Status.COMPLETED else ""


def new_row(
    schema: DataSourceSchema, *, url: str, tag: str, processing_type: ProcessingType | None, at: datetime
) -> JsonObject:
    """Return the properties of a new row: pending, with the link as its title."""
    values = {URL: url, TAG: tag, STATUS: Status.PENDING, UPDATED_TIME: _utc(at), schema.title_column.name: url}
    if processing_type is not None and schema.column(PROCESSING_TYPE) is not None:
        values[PROCESSING_TYPE] = processing_type
    return to_properties(schema, values).properties


def status_update(
    schema: DataSourceSchema,
    status: Status,
    at: datetime,
    *,
    sentence: str | None = None,
    result_url: str | None = None,
) -> JsonObject:
    """Return the properties that show `status` on a row.

    Without a `sentence` the error column is emptied; without a `result_url` the result column is not changed.
    Columns that the Link Database doesn't have are left out.
    """
    values = {STATUS: status, UPDATED_TIME: _utc(at), ERROR: sentence, RESULT: result_url}
    known = {name: value for name, value in values.items() if value and _is_usable(schema, name)}
    properties = to_properties(schema, known).properties
    if not sentence and _is_usable(schema, ERROR):
        properties[ERROR] = {"rich_text": []}
    return properties


def shows_errors(schema: DataSourceSchema) -> bool:
    """Whether there is a column for a failure's sentence; otherwise it goes into a comment on the row."""
    return _is_usable(schema, ERROR)


def _is_usable(schema: DataSourceSchema, name: str) -> bool:
    column = schema.column(name)
    return column is not None and column.type in (_REQUIRED | _OPTIONAL)[name]


def _column_problem(schema: DataSourceSchema, name: str, types: tuple[ColumnType, ...]) -> str | None:
    wanted = " or ".join(types)
    column = schema.column(name)
    if column is not None:
        wrong = f'The column "{name}" is of type {column.type_name}; it must be of type {wanted}.'
        return None if column.type in types else wrong
    similar = next((column.name for column in schema.columns if normalised(column.name) == name), None)
    if similar is not None:
        return f'The column "{similar}" must be called "{name}".'
    return f'The column "{name}" (type {wanted}) is missing.' if name in _REQUIRED else None


def _status_options_problem(schema: DataSourceSchema) -> str | None:
    """Check for the options that Notion doesn't create: all of a status column, and those of a select in a filter."""
    column = schema.column(STATUS)
    if column is None or column.type not in _REQUIRED[STATUS]:
        return None
    needed = list(Status) if column.type is ColumnType.STATUS else [Status.PENDING]
    missing = [option.value for option in needed if option.value not in column.options]
    if not missing:
        return None
    return f'The column "{STATUS}" lacks the option{"s" if len(missing) > 1 else ""} {", ".join(missing)}.'


def _link_text(cells: JsonObject) -> str:
    """Return the text of the url column, else a title with a link in it; empty if there is neither."""
    return _url(cells.get(URL)) or _title_link(cells)


def _url(cell: JsonObject | None) -> str:
    return clean(cell.get("url") or "") if cell else ""


def _title_link(cells: JsonObject) -> str:
    items: list[JsonObject] = next((cell["title"] for cell in cells.values() if cell.get("type") == "title"), [])
    text = plain_text(items)
    if _ADDRESS.search(text):
        return clean(text)
    hrefs = (item.get("href") or "" for item in items if _is_link(item))
    return next((clean(href) for href in hrefs if _ADDRESS.match(href)), "")


def _is_link(item: JsonObject) -> bool:
    """Whether the address behind a part of a title is one that a person put there: not a page or person mentioned."""
    return item.get("type") != "mention" or item["mention"].get("type") in _LINK_MENTIONS


def _option(cell: JsonObject | None) -> str:
    """Return the name of the chosen option of a select or status; empty if none is chosen."""
    chosen = cell.get(cell["type"]) if cell else None
    return cast(str, chosen["name"]).strip() if isinstance(chosen, dict) else ""


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
