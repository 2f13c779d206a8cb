"""Values of a summary as Notion property values, within Notion's size limits.

A value that a column can't hold is left out with a reason. Nothing here raises: one odd value doesn't stop the page of
a video that is already transcribed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from svp_dagster.models import JsonObject, Value
from svp_dagster.notion.blocks import PARAGRAPH_UNITS, REQUEST_BYTES, size_bytes
from svp_dagster.notion.dates import parse_date
from svp_dagster.notion.numbers import parse_number
from svp_dagster.notion.relations import LinkedPages, named_titles
from svp_dagster.notion.rich_text import ITEM_UNITS, ITEMS_PER_ARRAY, clean, cut, one_line, rich_text, units
from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema, fillable_columns, normalised

OPTION_UNITS = 100
"""Maximum length of the name of an option or a file."""
CONTACT_UNITS = 100
"""Maximum length of an email address or phone number: Notion's documentation says 200, its OpenAPI description 100."""

LINK_NAMES = ("video_link", "video_url", "video", "link", "url", "source", "source_link", "source_url")
"""Names (see `normalised`) of the url column that gets the video's link, in order of preference."""

_WEB_ADDRESS = re.compile(r"https?://[^\s/?#]+(?:[/?#]\S*)?", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?:[/?#]\S*)?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_PHONE = re.compile(r"[+(]?\d[\d\s().\-/]*(?:(?:ext|x)\.?\s*\d+)?", re.IGNORECASE)
_INTEGER_BITS = 1000
_LIST_MARKS = re.compile(r"[,;\n]")
_YES = frozenset({"true", "yes", "y", "1"})
_NO = frozenset({"false", "no", "n", "0"})


class Filled(Value):
    """Property values for a request, by column name.

    `left_out` has the reasons why values are missing, `shortened` what is missing of values that were cut.
    """

    properties: JsonObject = Field(default_factory=dict)
    left_out: dict[str, str] = Field(default_factory=dict)
    shortened: dict[str, str] = Field(default_factory=dict)


class _Rejected(Exception):
    """The column can't hold the value; the message is the reason for the page's reader."""


class _Converted(Value):
    content: Any
    shortened: str = ""


def to_properties(schema: DataSourceSchema, values: Mapping[str, Any]) -> Filled:
    """Return the property values for `values` (plain JSON by column name, see `PropertyFill.value`).

    The value of a relation is `LinkedPages`, that of a files column a list of paths. All values together fit into one
    request: if they don't, the texts are cut to equal shares.
    """
    filled = _filled(schema, values, text_limit=ITEM_UNITS * ITEMS_PER_ARRAY)
    if size_bytes(filled.properties) > REQUEST_BYTES:
        texts = sum("rich_text" in cell for cell in filled.properties.values())
        filled = _filled(schema, values, text_limit=PARAGRAPH_UNITS // max(1, texts))
    while size_bytes(filled.properties) > REQUEST_BYTES:
        filled = _without_largest(filled)
    return filled


def unfit_values(schema: DataSourceSchema, values: Mapping[str, Any]) -> dict[str, str]:
    """Return why columns can't hold their values, by name. Titles of relations are not looked up."""
    relations = {column.name for column in schema.columns if column.type is ColumnType.RELATION and column.is_fillable}
    others = {name: value for name, value in values.items() if name not in relations}
    untitled = (name for name in values if name in relations and not named_titles(values[name]))
    return to_properties(schema, others).left_out | dict.fromkeys(untitled, "No page is named.")


def link_column(schema: DataSourceSchema) -> Column | None:
    """Return the url column that gets the video's link: one of `LINK_NAMES`, else the first; None without any."""
    links = [column for column in schema.columns if column.type is ColumnType.URL]
    by_name = {normalised(column.name): column for column in reversed(links)}
    named = (by_name[name] for name in LINK_NAMES if name in by_name)
    return next(named, links[0] if links else None)


def askable_columns(schema: DataSourceSchema) -> tuple[Column, ...]:
    """Return the columns that a summary fills: not those that Notion computes or that publishing fills itself."""
    link = link_column(schema)
    return tuple(
        column for column in fillable_columns(schema) if column.type is not ColumnType.FILES and column != link
    )


def web_address(text: str) -> str | None:
    """Return `text` as an http(s) URL that Notion accepts (`https://example.com` for `example.com`), else None."""
    address = clean(text)
    if _BARE_ADDRESS.fullmatch(address):
        address = f"https://{address}"
    fits = units(address) <= ITEM_UNITS and _WEB_ADDRESS.fullmatch(address)
    return address if fits else None


def _filled(schema: DataSourceSchema, values: Mapping[str, Any], *, text_limit: int) -> Filled:
    properties: JsonObject = {}
    left_out: dict[str, str] = {}
    shortened: dict[str, str] = {}
    for name, value in values.items():
        column = schema.column(name)
        try:
            converted = _convert(column, value, text_limit)
        except _Rejected as reason:
            left_out[name] = str(reason)
            continue
        assert column is not None
        properties[name] = {column.type: converted.content}
        if converted.shortened:
            shortened[name] = converted.shortened
    return Filled(properties=properties, left_out=left_out, shortened=shortened)


def _without_largest(filled: Filled) -> Filled:
    largest = max(filled.properties, key=lambda name: size_bytes(filled.properties[name]))
    return Filled(
        properties={name: cell for name, cell in filled.properties.items() if name != largest},
        left_out=filled.left_out | {largest: "It doesn't fit into one request together with the others."},
        shortened={name: words for name, words in filled.shortened.items() if name != largest},
    )


def _convert(column: Column | None, value: Any, text_limit: int) -> _Converted:
    if column is None:
        raise _Rejected("There is no such column.")
    if column.why_not is not None:
        raise _Rejected(column.why_not)
    if value is None:
        raise _Rejected("No value was found.")
    if column.type is ColumnType.RICH_TEXT:
        return _text(clean(_words(value)), limit=text_limit)
    return _CONVERTERS[column.type](column, value)


def _title(_: Column, value: Any) -> _Converted:
    return _text(one_line(_words(value)), limit=ITEM_UNITS)


def _text(text: str, *, limit: int) -> _Converted:
    if not text:
        raise _Rejected("The text is empty.")
    items = rich_text(text, limit=limit)
    kept = sum(len(item["text"]["content"]) for item in items)
    return _Converted(content=items, shortened="The text was too long and is cut." if kept < len(text) else "")


def _number(column: Column, value: Any) -> _Converted:
    number = parse_number(value, is_percent=column.number_format == "percent")
    if number is None:
        raise _Rejected(f"{_quoted(value)} is not one number.")
    return _Converted(content=number)


def _select(column: Column, value: Any) -> _Converted:
    names = _option_names(column, value if isinstance(value, list) else [value])
    if not names:
        raise _Rejected("The option's name is empty.")
    rest = f"Only the first of {len(names)} options fits into this column." if len(names) > 1 else ""
    return _Converted(content={"name": names[0]}, shortened=rest)


def _multi_select(column: Column, value: Any) -> _Converted:
    names = _option_names(column, value if isinstance(value, list) else _LIST_MARKS.split(_words(value)))
    if not names:
        raise _Rejected("No option is named.")
    kept = names[:ITEMS_PER_ARRAY]
    rest = f"Only the first {len(kept)} of {len(names)} options fit." if len(kept) < len(names) else ""
    return _Converted(content=[{"name": name} for name in kept], shortened=rest)


def _status(column: Column, value: Any) -> _Converted:
    name = _known_option(column, one_line(_words(value)))
    if name is None:
        raise _Rejected(
            f"{_quoted(value)} is not an option of this status, and Notion lets nobody add one over its API."
        )
    return _Converted(content={"name": name})


def _date(_: Column, value: Any) -> _Converted:
    date = parse_date(value)
    if date is None:
        raise _Rejected(f"{_quoted(value)} is not a full date.")
    return _Converted(content=date)


def _checkbox(_: Column, value: Any) -> _Converted:
    word = one_line(_words(value)).casefold()
    if isinstance(value, bool) or word in _YES | _NO:
        return _Converted(content=value if isinstance(value, bool) else word in _YES)
    raise _Rejected(f"{_quoted(value)} is neither yes nor no.")


def _url(_: Column, value: Any) -> _Converted:
    address = web_address(_words(value))
    if address is None:
        raise _Rejected(f"{_quoted(value)} is not a web address of at most {ITEM_UNITS:,} characters.")
    return _Converted(content=address)


def _email(_: Column, value: Any) -> _Converted:
    address = one_line(_words(value)).removeprefix("mailto:")
    if units(address) > CONTACT_UNITS or not _EMAIL.fullmatch(address):
        raise _Rejected(f"{_quoted(value)} is not an email address.")
    return _Converted(content=address)


def _phone_number(_: Column, value: Any) -> _Converted:
    number = one_line(_words(value)).removeprefix("tel:")
    if units(number) > CONTACT_UNITS or not _PHONE.fullmatch(number) or sum(map(str.isdigit, number)) < 3:
        raise _Rejected(f"{_quoted(value)} is not a phone number.")
    return _Converted(content=number)


def _files(_: Column, value: Any) -> _Converted:
    """Files of this machine, which are uploaded when the page is sent (`notion.client.upload`)."""
    paths = [path for path in value if isinstance(path, Path)] if isinstance(value, list) else []
    if not paths:
        raise _Rejected("There is no file to put here.")
    return _Converted(content=[{"path": str(path), "name": cut(path.name, OPTION_UNITS)} for path in paths])


def _relation(_: Column, value: Any) -> _Converted:
    if not isinstance(value, LinkedPages):
        raise _Rejected(f"{_quoted(value)} does not name pages of the related database.")
    if not value.page_ids:
        raise _Rejected(value.left_out)
    return _Converted(content=[{"id": page_id} for page_id in value.page_ids], shortened=value.left_out)


def _option_names(column: Column, values: list[Any]) -> list[str]:
    """Return valid option names (no comma, at most 100 units), without duplicates; existing options are preferred."""
    cleaned = (one_line(_words(value)) for value in values)
    names = (_known_option(column, name) or cut(one_line(name.replace(",", " ")), OPTION_UNITS) for name in cleaned)
    unique: dict[str, str] = {}
    for name in filter(None, names):
        unique.setdefault(name.casefold(), name)
    return list(unique.values())


def _known_option(column: Column, name: str) -> str | None:
    if name in column.options:
        return name
    return next((option for option in column.options if option.casefold() == name.casefold()), None)


def _words(value: Any) -> str:
    """Return a plain value as text, lists line by line; empty for objects."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value) if value.bit_length() <= _INTEGER_BITS else ""
        case float():
            return f"{value:.15g}" if math.isfinite(value) else ""
        case list():
            return "\n".join(filter(None, map(_words, value)))
        case _:
            return ""


def _quoted(value: Any) -> str:
    return f'"{cut(one_line(_words(value)), 60)}"'


_CONVERTERS: dict[ColumnType, Callable[[Column, Any], _Converted]] = {
    ColumnType.TITLE: _title,
    ColumnType.NUMBER: _number,
    ColumnType.SELECT: _select,
    ColumnType.MULTI_SELECT: _multi_select,
    ColumnType.STATUS: _status,
    ColumnType.DATE: _date,
    ColumnType.CHECKBOX: _checkbox,
    ColumnType.URL: _url,
    ColumnType.EMAIL: _email,
    ColumnType.PHONE_NUMBER: _phone_number,
    ColumnType.FILES: _files,
    ColumnType.RELATION: _relation,
}
