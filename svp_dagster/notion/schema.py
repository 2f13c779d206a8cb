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
        return self.type in FILLABLE_TYPES


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
    """The schema from Notion's answer to `data_sources.retrieve`. Unknown column types are kept, unfillable."""
    return DataSourceSchema(
        data_source_id=raw["id"],
        database_id=raw["parent"].get("database_id", ""),
        title="".join(part.get("plain_text", "") for part in raw.get("title", [])),
        columns=tuple(_parse_column(name, column) for name, column in raw["properties"].items()),
    )


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
