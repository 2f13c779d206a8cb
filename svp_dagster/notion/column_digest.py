"""A digest of what the pages of a database are made for, to find those that were made for something else."""

from __future__ import annotations

import hashlib
import json

from svp_dagster.models import JsonObject
from svp_dagster.notion.properties import askable_columns
from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema


def column_digest(schema: DataSourceSchema, prompt: str) -> str:
    """Return a digest of the prompt and of the columns that are filled, in whatever order they are."""
    columns = sorted((_described(column) for column in askable_columns(schema)), key=lambda column: str(column["id"]))
    given = json.dumps({"columns": columns, "prompt": prompt}, sort_keys=True)
    return hashlib.sha256(given.encode()).hexdigest()[:32]


def _described(column: Column) -> JsonObject:
    """Return a column without the options of a multi_select, which grow with the pages themselves."""
    left_out = {"options"} if column.type is ColumnType.MULTI_SELECT else set[str]()
    return column.model_dump(mode="json", exclude=left_out)
