"""Values of a summary as Notion property values, within Notion's sizes by construction.

A value that a column can't hold is left out with a reason. Nothing here raises: once a video has been heard and
read, one odd value doesn't stop its page.
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
from svp_dagster.notion.relations import Choice, named_titles
from svp_dagster.notion.rich_text import ITEM_UNITS, ITEMS_PER_ARRAY, clean, cut, one_line, rich_text, units
from svp_dagster.notion.schema import Column, DataSourceSchema, fillable_columns, normalised

OPTION_UNITS = 100
"""Longest name of an option and of a file."""
CONTACT_UNITS = 100
"""Longest email address and phone number: the text of Notion's documentation says 200, its OpenAPI description 100."""

LINK_NAMES = ("video_link", "video_url", "video", "link", "url", "source", "source_link", "source_url")
"""Names that mark the url column which gets the video's link, the surest first (see `normalised`)."""

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

    `left_out` tells why a value was not written, `shortened` what of a written one is missing.
    """

    properties: JsonObject = Field(default_factory=dict)
    left_out: dict[str, str] = Field(default_factory=dict)
    shortened: dict[str, str] = Field(default_factory=dict)


class _Unfit(Exception):
    """The column can't hold the value; the message is the reason in words."""


class _Converted(Value):
    content: Any
    shortened: str = ""


def to_properties(schema: DataSourceSchema, values: Mapping[str, Any]) -> Filled:
    """The property values for `values` (plain JSON by column name, see `PropertyFill.value`).

    A relation takes a `Choice` of pages: its titles have been looked up before. Files are paths, never addresses.
    Together the values fit into one request: where they wouldn't, the texts are cut to equal shares.
    """
    filled = _filled(schema, values, text_limit=ITEM_UNITS * ITEMS_PER_ARRAY)
    if size_bytes(filled.properties) > REQUEST_BYTES:
        texts = sum("rich_text" in cell for cell in filled.properties.values())
        filled = _filled(schema, values, text_limit=PARAGRAPH_UNITS // max(1, texts))
    while size_bytes(filled.properties) > REQUEST_BYTES:
        filled = _without_the_largest(filled)
    return filled


def unfit_values(schema: DataSourceSchema, values: Mapping[str, Any]) -> dict[str, str]:
    """Why columns can't hold their values, by name, as far as that shows before a relation's titles are looked up."""
    relations = {column.name for column in schema.columns if column.type == "relation" and column.is_fillable}
    others = {name: value for name, value in values.items() if name not in relations}
    untitled = (name for name in values if name in relations and not named_titles(values[name]))
    return to_properties(schema, others).left_out | dict.fromkeys(untitled, "No page is named.")


def link_column(schema: DataSourceSchema) -> Column | None:
    """The column of type url that gets the video's link: the one so named, else the first; None where there is none."""
    links = [column for column in schema.columns if column.type == "url"]
    by_name = {normalised(column.name): column for column in reversed(links)}
    named = (by_name[name] for name in LINK_NAMES if name in by_name)
    return next(named, links[0] if links else None)


def askable_columns(schema: DataSourceSchema) -> tuple[Column, ...]:
    """Return the columns that a summary fills: not those that Notion computes or that publishing fills itself."""
    link = link_column(schema)
    return tuple(column for column in fillable_columns(schema) if column.type != "files" and column != link)


def web_address(text: str) -> str | None:
    """`text` as an http(s) URL that Notion takes (`example.com` becomes `https://example.com`), else None."""
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
        except _Unfit as reason:
            left_out[name] = str(reason)
            continue
        assert column is not None
        properties[name] = {column.type: converted.content}
        if converted.shortened:
            shortened[name] = converted.shortened
    return Filled(properties=properties, left_out=left_out, shortened=shortened)


def _without_the_largest(filled: Filled) -> Filled:
    largest = max(filled.properties, key=lambda name: size_bytes(filled.properties[name]))
    return Filled(
        properties={name: cell for name, cell in filled.properties.items() if name != largest},
        left_out=filled.left_out | {largest: "It doesn't fit into one request together with the others."},
        shortened={name: words for name, words in filled.shortened.items() if name != largest},
    )


def _convert(column: Column | None, value: Any, text_limit: int) -> _Converted:
    if column is None:
        raise _Unfit("There is no such column.")
    if column.why_not is not None:
        raise _Unfit(column.why_not)
    if value is None:
        raise _Unfit("No value was found.")
    if column.type == "rich_text":
        return _text(clean(_words(value)), limit=text_limit)
    return _CONVERTERS[column.type](column, value)


def _title(_: Column, value: Any) -> _Converted:
    return _text(one_line(_words(value)), limit=ITEM_UNITS)


def _text(text: str, *, limit: int) -> _Converted:
    if not text:
        raise _Unfit("The text is empty.")
    items = rich_text(text, limit=limit)
    kept = sum(len(item["text"]["content"]) for item in items)
    return _Converted(content=items, shortened="The text was too long and is cut." if kept < len(text) else "")


def _number(column: Column, value: Any) -> _Converted:
    number = parse_number(value, is_percent=column.number_format == "percent")
    if number is None:
        raise _Unfit(f"{_quoted(value)} is not one number.")
    return _Converted(content=number)


def _select(column: Column, value: Any) -> _Converted:
    names = _option_names(column, value if isinstance(value, list) else [value])
    if not names:
        raise _Unfit("The option's name is empty.")
    rest = f"Only the first of {len(names)} options fits into this column." if len(names) > 1 else ""
    return _Converted(content={"name": names[0]}, shortened=rest)


def _multi_select(column: Column, value: Any) -> _Converted:
    names = _option_names(column, value if isinstance(value, list) else _LIST_MARKS.split(_words(value)))
    if not names:
        raise _Unfit("No option is named.")
    kept = names[:ITEMS_PER_ARRAY]
    rest = f"Only the first {len(kept)} of {len(names)} options fit." if len(kept) < len(names) else ""
    return _Converted(content=[{"name": name} for name in kept], shortened=rest)


def _status(column: Column, value: Any) -> _Converted:
    name = _known_option(column, one_line(_words(value)))
    if name is None:
        raise _Unfit(f"{_quoted(value)} is not an option of this status, and Notion lets nobody add one over its API.")
    return _Converted(content={"name": name})


def _date(_: Column, value: Any) -> _Converted:
    date = parse_date(value)
    if date is None:
        raise _Unfit(f"{_quoted(value)} is not a full date.")
    return _Converted(content=date)


def _checkbox(_: Column, value: Any) -> _Converted:
    word = one_line(_words(value)).casefold()
    if isinstance(value, bool) or word in _YES | _NO:
        return _Converted(content=value if isinstance(value, bool) else word in _YES)
    raise _Unfit(f"{_quoted(value)} is neither yes nor no.")


def _url(_: Column, value: Any) -> _Converted:
    address = web_address(_words(value))
    if address is None:
        raise _Unfit(f"{_quoted(value)} is not a web address of at most {ITEM_UNITS:,} characters.")
    return _Converted(content=address)


def _email(_: Column, value: Any) -> _Converted:
    address = one_line(_words(value)).removeprefix("mailto:")
    if units(address) > CONTACT_UNITS or not _EMAIL.fullmatch(address):
        raise _Unfit(f"{_quoted(value)} is not an email address.")
    return _Converted(content=address)


def _phone_number(_: Column, value: Any) -> _Converted:
    number = one_line(_words(value)).removeprefix("tel:")
    if units(number) > CONTACT_UNITS or not _PHONE.fullmatch(number) or sum(map(str.isdigit, number)) < 3:
        raise _Unfit(f"{_quoted(value)} is not a phone number.")
    return _Converted(content=number)


def _files(_: Column, value: Any) -> _Converted:
    """Files of this machine, which are uploaded once the page is sent (`resources.notion_upload`)."""
    paths = [path for path in value if isinstance(path, Path)] if isinstance(value, list) else []
    if not paths:
        raise _Unfit("There is no file to put here.")
    return _Converted(content=[{"path": str(path), "name": cut(path.name, OPTION_UNITS)} for path in paths])


def _relation(_: Column, value: Any) -> _Converted:
    if not isinstance(value, Choice):
        raise _Unfit(f"{_quoted(value)} does not name pages of the related database.")
    if not value.page_ids:
        raise _Unfit(value.left_out)
    return _Converted(content=[{"id": page_id} for page_id in value.page_ids], shortened=value.left_out)


def _option_names(column: Column, values: list[Any]) -> list[str]:
    """Names within Notion's rules (no comma, at most 100 units), existing options preferred, each once."""
    cleaned = (one_line(_words(value)) for value in values)
    names = (_known_option(column, name) or cut(one_line(name.replace(",", " ")), OPTION_UNITS) for name in cleaned)
    once: dict[str, str] = {}
    for name in filter(None, names):
        once.setdefault(name.casefold(), name)
    return list(once.values())


def _known_option(column: Column, name: str) -> str | None:
    if name in column.options:
        return name
    return next((option for option in column.options if option.casefold() == name.casefold()), None)


def _words(value: Any) -> str:
    """A plain value in words: lists line by line. Objects have none."""
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


_CONVERTERS: dict[str, Callable[[Column, Any], _Converted]] = {
    "title": _title,
    "number": _number,
    "select": _select,
    "multi_select": _multi_select,
    "status": _status,
    "date": _date,
    "checkbox": _checkbox,
    "url": _url,
    "email": _email,
    "phone_number": _phone_number,
    "files": _files,
    "relation": _relation,
}
