"""Parsing of numbers as people and models write them."""

from __future__ import annotations

import math
import re
from typing import Any

_NUMBER = re.compile(
    r"(?P<before>[^\d+\-−.,]{0,4})"
    r"(?P<sign>[+\-−]?)"
    r"(?P<before_digits>[^\d+\-−.,\s]{0,4})"
    r"(?P<digits>\d[\d.,'’ \u00a0\u202f]*|[.,]\d+)"
    r"(?P<exponent>e[+\-]?\d{1,3})?"
    r"(?P<after>[^\d]{0,20})",
    re.IGNORECASE,
)
_GROUPING = re.compile(r"['’ \u00a0\u202f]")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_EXACT = 2**53


def parse_number(value: Any, *, is_percent: bool = False) -> int | float | None:
    """Return the one number that `value` is or contains (`1,200 €`, `45 minutes`), else None.

    `2-3` and `1/2` are not one number. A comma is a decimal mark unless it separates groups of three digits. With
    `is_percent`, a text with a per cent sign gives its hundredth, as Notion stores such columns.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _storable(value)
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    number = _decimal(found["digits"], exponent=found["exponent"] or "")
    if number is None:
        return None
    if found["sign"] in ("-", "−"):
        number = -number
    return _storable(number / 100 if is_percent and "%" in found["after"] else number)


def _decimal(digits: str, *, exponent: str) -> int | float | None:
    text = _GROUPING.sub("", digits)
    if _THOUSANDS.fullmatch(text) or (_last(text) == "." and "," in text):
        text = text.replace(",", "")
    elif "," in text:
        text = text.replace(".", "").replace(",", ".")
    text = text.rstrip(".")
    try:
        return float(text + exponent) if exponent or "." in text else int(text)
    except ValueError:  # several decimal marks, or more digits than Python converts
        return None


def _last(text: str) -> str:
    return max(",.", key=text.rfind)


def _storable(number: int | float) -> int | float | None:
    """Return `number` in the range of JSON numbers: exact if possible, else the nearest double."""
    if isinstance(number, int) and abs(number) <= _EXACT:
        return number
    try:
        nearest = float(number)
    except OverflowError:
        return None
    return nearest if math.isfinite(nearest) else None
