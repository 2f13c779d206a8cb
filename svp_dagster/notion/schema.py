"""The columns of a data source, as this product sees them."""

from __future__ import annotations

from svp_dagster.models import JsonObject, Value

FILLABLE_TYPES = frozenset(
    {
        "title",
        "rich_text",
        "number",
        "select",
        "multi_select",
        "status",
        "date",
        "checkbox",
        "url",
        "email",
        "phone_number",
        "files",
        "relation",
    }
)
"""Column types that a page can be given a value for; the others are computed by Notion or name people."""

PICTURE_NAMES = frozenset({"cover", "cover_image", "thumbnail", "picture", "image", "photo", "preview", "poster"})
TRANSCRIPT_NAMES = frozenset({"transcript", "transcription", "subtitles", "captions"})
"""Names (see `normalised`) of the files columns that get the video's picture, and its transcript."""

_COMPUTED = "Notion computes this column."
_RECORDED = "Notion records this by itself."
_WHY_NOT = {
    "formula": _COMPUTED,
    "rollup": _COMPUTED,
    "unique_id": "Notion numbers the rows by itself.",
    "created_time": _RECORDED,
    "created_by": _RECORDED,
    "last_edited_time": _RECORDED,
    "last_edited_by": _RECORDED,
    "last_visited_time": _RECORDED,
    "people": "It names people of your workspace, whom a video doesn't know.",
    "place": "Notion needs coordinates here, which a video doesn't give.",
    "location": "Notion needs coordinates here, which a video doesn't give.",
    "button": "A button has no value.",
    "verification": "Only a person can verify a page.",
}


class Column(Value):
    """One column. `options` are the names of a select, multi_select or status; `number_format` is Notion's word."""

    id: str
    name: str
    type: str
    description: str = ""
    options: tuple[str, ...] = ()
    number_format: str | None = None
    relation_data_source_id: str | None = None

    @property
    def is_fillable(self) -> bool:
        """Whether a value can be written."""
        return self.why_not is None

    @property
    def why_not(self) -> str | None:
        """Why no value can be written, as a sentence; None where one can."""
        if self.type == "status" and not self.options:
            return "This status has no options yet."
        if self.type == "relation" and self.relation_data_source_id is None:
            return "Nothing tells which database this relates to."
        if self.type == "files" and normalised(self.name) not in PICTURE_NAMES | TRANSCRIPT_NAMES:
            return "Call it cover or thumbnail to get the video's picture here, or transcript to get what is said."
        if self.type in FILLABLE_TYPES:
            return None
        return _WHY_NOT.get(self.type, f"This product doesn't know columns of type {self.type}.")


class DataSourceSchema(Value):
    """The columns of one data source, in the order in which Notion gave them."""

    data_source_id: str
    database_id: str
    title: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def title_column(self) -> Column:
        """The one column of type title. Each data source has exactly one."""
        return next(column for column in self.columns if column.type == "title")


def parse_schema(raw: JsonObject) -> DataSourceSchema:
    """The schema from Notion's answer to `data_sources.retrieve`. Unknown column types are kept, unfillable.

    Raises KeyError, TypeError or ValueError where the answer is no data source.
    """
    columns = tuple(_parse_column(name, column) for name, column in raw["properties"].items())
    if sum(column.type == "title" for column in columns) != 1:
        raise ValueError("a data source has exactly one title column")
    return DataSourceSchema(
        data_source_id=raw["id"],
        database_id=raw["parent"].get("database_id", ""),
        title="".join(part.get("plain_text", "") for part in raw.get("title", [])),
        columns=columns,
    )


def normalised(name: str) -> str:
    """A column's name without regard to case, spaces and hyphens: `Video Link` and `video_link` are the same."""
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


def fillable_columns(schema: DataSourceSchema) -> tuple[Column, ...]:
    """The columns that a value can be written to."""
    return tuple(column for column in schema.columns if column.is_fillable)


def unfillable_columns(schema: DataSourceSchema) -> dict[str, str]:
    """The other columns by name, each with the sentence that says why."""
    return {column.name: column.why_not for column in schema.columns if column.why_not is not None}


def differences(registered: DataSourceSchema, live: DataSourceSchema) -> list[str]:
    """What changed since `registered` so that values can no longer be written as planned, a sentence part each.

    Columns that can't be filled anyway, new columns, new options and hidden relations are no difference.
    """
    found = (_difference(column, live) for column in fillable_columns(registered))
    return [words for words in found if words is not None]


def hidden_relations(registered: DataSourceSchema, live: DataSourceSchema) -> tuple[str, ...]:
    """The relation columns that are no longer seen, by name.

    Notion shows none while the database that it leads to isn't shared with the connection, so such a column need not
    be gone: it is left blank, and that is no reason to stop.
    """
    relations = (column for column in fillable_columns(registered) if column.type == "relation")
    return tuple(column.name for column in relations if _as_it_is_now(column, live) is None)


def _as_it_is_now(was: Column, live: DataSourceSchema) -> Column | None:
    same_id = next((column for column in live.columns if column.id == was.id), None)
    return live.column(was.name) or same_id


def _difference(was: Column, live: DataSourceSchema) -> str | None:
    now = _as_it_is_now(was, live)
    if now is None:
        return f'the column "{was.name}" was removed' if was.type != "relation" else None
    if now.name != was.name:
        return f'the column "{was.name}" is now called "{now.name}"'
    if now.type != was.type:
        return f'the column "{was.name}" was of type {was.type} and is now of type {now.type}'
    if was.type == "relation" and now.relation_data_source_id != was.relation_data_source_id:
        return f'the column "{was.name}" now relates to another database'
    gone = [option for option in was.options if option not in now.options]
    if was.type == "status" and gone:
        return f'the status "{was.name}" no longer has the option "{gone[0]}"'
    return None


def _parse_column(name: str, raw: JsonObject) -> Column:
    kind = raw["type"]
    details = raw.get(kind) or {}
    return Column(
        id=raw["id"],
        name=name,
        type=kind,
        description=raw.get("description") or "",
        options=tuple(option["name"] for option in details.get("options", [])),
        number_format=details.get("format") if kind == "number" else None,
        relation_data_source_id=details.get("data_source_id") if kind == "relation" else None,
    )
