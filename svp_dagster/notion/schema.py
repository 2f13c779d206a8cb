"""The columns of a data source, as this product sees them."""

from __future__ import annotations

from enum import StrEnum

from svp_dagster.models import JsonObject, Value


class ColumnType(StrEnum):
    """Notion's types of columns, and `UNKNOWN` for every type that this product doesn't know."""

    TITLE = "title"
    RICH_TEXT = "rich_text"
    NUMBER = "number"
    SELECT = "select"
    MULTI_SELECT = "multi_select"
    STATUS = "status"
    DATE = "date"
    CHECKBOX = "checkbox"
    URL = "url"
    EMAIL = "email"
    PHONE_NUMBER = "phone_number"
    FILES = "files"
    RELATION = "relation"
    FORMULA = "formula"
    ROLLUP = "rollup"
    UNIQUE_ID = "unique_id"
    CREATED_TIME = "created_time"
    CREATED_BY = "created_by"
    LAST_EDITED_TIME = "last_edited_time"
    LAST_EDITED_BY = "last_edited_by"
    LAST_VISITED_TIME = "last_visited_time"
    PEOPLE = "people"
    PLACE = "place"
    LOCATION = "location"
    BUTTON = "button"
    VERIFICATION = "verification"
    UNKNOWN = "unknown"


PICTURE_NAMES = frozenset({"cover", "cover_image", "thumbnail", "picture", "image", "photo", "preview", "poster"})
TRANSCRIPT_NAMES = frozenset({"transcript", "transcription", "subtitles", "captions"})
"""Names (see `normalised`) of the files columns that get the video's picture, and its transcript."""

_COMPUTED = "Notion computes this column."
_RECORDED = "Notion records this by itself."
_NEEDS_COORDINATES = "Notion needs coordinates here, which a video doesn't give."
_WHY_NOT = {
    ColumnType.FORMULA: _COMPUTED,
    ColumnType.ROLLUP: _COMPUTED,
    ColumnType.UNIQUE_ID: "Notion numbers the rows by itself.",
    ColumnType.CREATED_TIME: _RECORDED,
    ColumnType.CREATED_BY: _RECORDED,
    ColumnType.LAST_EDITED_TIME: _RECORDED,
    ColumnType.LAST_EDITED_BY: _RECORDED,
    ColumnType.LAST_VISITED_TIME: _RECORDED,
    ColumnType.PEOPLE: "It names people of your workspace, whom a video doesn't know.",
    ColumnType.PLACE: _NEEDS_COORDINATES,
    ColumnType.LOCATION: _NEEDS_COORDINATES,
    ColumnType.BUTTON: "A button has no value.",
    ColumnType.VERIFICATION: "Only a person can verify a page.",
}
_KNOWN_TYPES = frozenset(ColumnType) - {ColumnType.UNKNOWN}

FILLABLE_TYPES = _KNOWN_TYPES - frozenset(_WHY_NOT)
"""Column types that a page can be given a value for; the others are computed by Notion or name people."""


class Column(Value):
    """One column. `options` are the names of a select, multi_select or status; `number_format` is Notion's word.

    `unknown_type` is Notion's name of a type that is `UNKNOWN` here.
    """

    id: str
    name: str
    type: ColumnType
    unknown_type: str = ""
    description: str = ""
    options: tuple[str, ...] = ()
    number_format: str | None = None
    relation_data_source_id: str | None = None

    @property
    def type_name(self) -> str:
        """Notion's name of the type, for sentences."""
        return self.unknown_type or self.type.value

    @property
    def is_fillable(self) -> bool:
        """Whether a value can be written."""
        return self.why_not is None

    @property
    def why_not(self) -> str | None:
        """Why no value can be written, as a sentence; None where one can."""
        match self.type:
            case ColumnType.UNKNOWN:
                return f"This product doesn't know columns of type {self.type_name}."
            case ColumnType.STATUS if not self.options:
                return "This status has no options yet."
            case ColumnType.RELATION if self.relation_data_source_id is None:
                return "Nothing tells which database this relates to."
            case ColumnType.FILES if normalised(self.name) not in PICTURE_NAMES | TRANSCRIPT_NAMES:
                return "Call it cover or thumbnail to get the video's picture here, or transcript to get what is said."
        return _WHY_NOT.get(self.type)


class DataSourceSchema(Value):
    """The columns of one data source, in Notion's order."""

    data_source_id: str
    database_id: str
    title: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """Return the column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def title_column(self) -> Column:
        """The one column of type title. Each data source has exactly one."""
        return next(column for column in self.columns if column.type is ColumnType.TITLE)


def parse_schema(raw: JsonObject) -> DataSourceSchema:
    """Parse Notion's response to `data_sources.retrieve`. Columns of unknown types are kept, unfillable.

    Raises KeyError, TypeError or ValueError if the response is no data source.
    """
    columns = tuple(_parse_column(name, column) for name, column in raw["properties"].items())
    if sum(column.type is ColumnType.TITLE for column in columns) != 1:
        raise ValueError("a data source has exactly one title column")
    return DataSourceSchema(
        data_source_id=raw["id"],
        database_id=raw["parent"].get("database_id", ""),
        title="".join(part.get("plain_text", "") for part in raw.get("title", [])),
        columns=columns,
    )


def normalised(name: str) -> str:
    """Return a column's name without case, spaces and hyphens, so that `Video Link` equals `video_link`."""
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


def fillable_columns(schema: DataSourceSchema) -> tuple[Column, ...]:
    """Return the columns that a value can be written to."""
    return tuple(column for column in schema.columns if column.is_fillable)


def differences(registered: DataSourceSchema, live: DataSourceSchema) -> list[str]:
    """Return each change since `registered` that prevents values from being written, as part of a sentence.

    Columns that can't be filled anyway, new columns, new options and hidden relations are no difference.
    """
    found = (_difference(column, live) for column in fillable_columns(registered))
    return [words for words in found if words is not None]


def hidden_relations(registered: DataSourceSchema, live: DataSourceSchema) -> tuple[str, ...]:
    """Return the names of the relation columns that Notion no longer shows.

    Notion shows no relation whose database isn't shared with the connection, so such a column need not be removed. It
    is left blank, and the run goes on.
    """
    relations = (column for column in fillable_columns(registered) if column.type is ColumnType.RELATION)
    return tuple(column.name for column in relations if _live_column(column, live) is None)


def _live_column(was: Column, live: DataSourceSchema) -> Column | None:
    same_id = next((column for column in live.columns if column.id == was.id), None)
    return live.column(was.name) or same_id


def _difference(was: Column, live: DataSourceSchema) -> str | None:
    now = _live_column(was, live)
    if now is None:
        return f'the column "{was.name}" was removed' if was.type is not ColumnType.RELATION else None
    if now.name != was.name:
        return f'the column "{was.name}" is now called "{now.name}"'
    if now.type != was.type:
        return f'the column "{was.name}" was of type {was.type_name} and is now of type {now.type_name}'
    if was.type is ColumnType.RELATION and now.relation_data_source_id != was.relation_data_source_id:
        return f'the column "{was.name}" now relates to another database'
    gone = [option for option in was.options if option not in now.options]
    if was.type is ColumnType.STATUS and gone:
        return f'the status "{was.name}" no longer has the option "{gone[0]}"'
    return None


def _parse_column(name: str, raw: JsonObject) -> Column:
    kind = raw["type"]
    is_known = kind in _KNOWN_TYPES
    details = raw.get(kind) or {}
    return Column(
        id=raw["id"],
        name=name,
        type=ColumnType(kind) if is_known else ColumnType.UNKNOWN,
        unknown_type="" if is_known else kind,
        description=raw.get("description") or "",
        options=tuple(option["name"] for option in details.get("options", [])),
        number_format=details.get("format") if kind == ColumnType.NUMBER else None,
        relation_data_source_id=details.get("data_source_id") if kind == ColumnType.RELATION else None,
    )
