"""The rule for each type of column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from svp_dagster.notion.dates import parse_date
from svp_dagster.notion.numbers import parse_number
from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.summary.support.dates import judge_day
from svp_dagster.summary.support.numbers import judge_number
from svp_dagster.summary.support.options import judge_name, judge_option, judge_page
from svp_dagster.summary.support.texts import judge_text, judge_title
from svp_dagster.summary.support.verdicts import Statement, Verdict, Whole

_NO_PHONE_SIGNS = re.compile(r"[^\d+]")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://(?:www\.)?|^(?:www\.|mailto:)", re.IGNORECASE)
# Part of a longer address or word is no occurrence: "evil.example" does not occur in "notevil.example".
_ADDRESS_SIGN = r"[\w.@-]"


def judge(column: Column, value: Any, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge a value, or one item of a list, by what is quoted for it."""
    match column.type:
        case ColumnType.TITLE:
            return judge_title(str(value), statements, whole)
        case ColumnType.NUMBER:
            number = parse_number(value, is_percent=column.number_format == "percent")
            return Verdict.UNLIKELY if number is None else judge_number(column, float(number), statements, whole)
        case ColumnType.DATE:
            day = parse_date(value)
            return Verdict.UNLIKELY if day is None else judge_day(day["start"], statements, whole)
        case ColumnType.CHECKBOX:
            return judge_name(column.name, statements)
        case ColumnType.SELECT | ColumnType.MULTI_SELECT | ColumnType.STATUS:
            return judge_option(column, str(value), statements, whole)
        case ColumnType.RELATION:
            return judge_page(str(value), statements, whole)
        case ColumnType.URL | ColumnType.EMAIL | ColumnType.PHONE_NUMBER:
            return Verdict.SUPPORTED
        case _:
            return judge_text(str(value), statements, whole)


def occurs(column: Column, value: str, texts: Sequence[str]) -> bool:
    """Return whether an address or a telephone number occurs in the material; True for any other value."""
    match column.type:
        case ColumnType.URL | ColumnType.EMAIL:
            address = re.escape(_SCHEME.sub("", value.casefold()).rstrip("/"))
            whole = re.compile(rf"(?<!{_ADDRESS_SIGN}){address}(?!{_ADDRESS_SIGN}*\w)")
            return any(whole.search(text.casefold().replace("www.", "")) for text in texts)
        case ColumnType.PHONE_NUMBER:
            digits = _NO_PHONE_SIGNS.sub("", value)
            return any(digits in _NO_PHONE_SIGNS.sub("", text) for text in texts)
        case _:
            return True
