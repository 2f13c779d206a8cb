"""Schemas of data sources, made by hand and by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from svp_dagster.models import JsonObject
from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema

RELATED_IDS = ("d5000000-0000-4000-8000-00000000000a", "d5000000-0000-4000-8000-00000000000b")


def column(name: str, kind: str, **details: Any) -> Column:
    """A column whose id is made of its name, of a type by Notion's name."""
    return Column(**{"id": f"id-{name}", "name": name, "type": ColumnType(kind), **details})


def schema(*columns: Column) -> DataSourceSchema:
    """A data source with a title column `Name` and the others."""
    return DataSourceSchema(
        data_source_id="d5000000-0000-4000-8000-000000000001",
        database_id="db000000-0000-4000-8000-000000000001",
        title="Test",
        columns=(column("Name", "title"), *columns),
    )


def create_page(properties: JsonObject) -> JsonObject:
    """The body of the request that makes a page with these properties."""
    return {"parent": {"type": "data_source_id", "data_source_id": "d5"}, "properties": properties}


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
option_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1, max_size=100)
columns = st.builds(
    Column,
    id=st.uuids().map(str),
    name=names,
    type=st.sampled_from(sorted(set(ColumnType) - {ColumnType.TITLE})),
    description=st.text(max_size=20),
    options=st.lists(option_names, max_size=5).map(tuple),
    number_format=st.sampled_from([None, "number", "percent", "euro"]),
    relation_data_source_id=st.none() | st.sampled_from(RELATED_IDS),
)
schemas = st.lists(columns, max_size=6, unique_by=lambda made: made.name).map(
    lambda made: schema(*(one for one in made if one.name != "Name"))
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.text("a\ud83d\ude00😀é\x00\u2028 \n,", max_size=5000),
    st.sampled_from(
        [
            "2026-05-01",
            "2026-05-01T18:30+02:00/2026-05-03",
            "1,200 €",
            "-4.5 %",
            "example.com/a b",
            "https://example.com/" + "x" * 2000,
            "a@b.example",
            "+49 30 1234567",
            "5e000000-0000-4000-8000-000000000001",
            "yes",
        ]
    ),
    st.dates().map(str),
    st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat()),
)
keys = st.sampled_from(["start", "end", "time_zone", "name", "url", "path"]) | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=130) | st.dictionaries(keys, inner, max_size=4), max_leaves=150
)
