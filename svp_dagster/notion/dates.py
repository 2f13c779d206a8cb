"""Dates, times, zones and ranges in Notion's form."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from svp_dagster.models import JsonObject

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(rf"{_DAY.pattern}[T ]\d.*")
_RANGE_MARKS = ("/", " – ", " — ", " - ", " to ", "..")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)*")


def parse_date(value: Any) -> JsonObject | None:
    """Return Notion's date object for an ISO 8601 date, time or range; None if `value` is none of them.

    A range is `start/end` in one text, a list of two, or an object with `start`, `end` and an IANA `time_zone`.
    An end that is invalid or not after its start is dropped, and so is a zone beside an offset. If only one of the two
    has a time of day, both become days; if only one has an offset, both get it.
    """
    given_start, given_end, given_zone = _parts(value)
    start, end = _moment(given_start), _moment(given_end)
    if start is None:
        return None
    if end is not None:
        start, end = _alike(start, end)
    parsed = {"start": _iso(start)}
    if end is not None and end > start:
        parsed["end"] = _iso(end)
    if isinstance(start, datetime) and start.tzinfo is None and _is_zone(given_zone):
        parsed["time_zone"] = given_zone
    return parsed


def _parts(value: Any) -> tuple[Any, Any, Any]:
    """Return start, end and zone as they were given."""
    match value:
        case {"start": start}:
            return start, value.get("end"), value.get("time_zone")
        case [start]:
            return start, None, None
        case [start, end]:
            return start, end, None
        case str() if _moment(value) is None:
            halves = (value.partition(mark) for mark in _RANGE_MARKS)
            ranges = ((start, end, None) for start, found, end in halves if found and _moment(start))
            return next(ranges, (value, None, None))
        case _:
            return value, None, None


def _moment(value: Any) -> date | datetime | None:
    """Parse a day, or a time of a day with or without an offset."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        return None
    offset = moment.utcoffset() if moment else None
    return None if offset is not None and offset % timedelta(minutes=1) else moment


def _alike(start: date | datetime, end: date | datetime) -> tuple[date | datetime, date | datetime]:
    """Return both as days or both as times, with an offset both or neither."""
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        return _day(start), _day(end)
    zone = start.tzinfo or end.tzinfo
    return start.replace(tzinfo=start.tzinfo or zone), end.replace(tzinfo=end.tzinfo or zone)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _iso(moment: date | datetime) -> str:
    if isinstance(moment, datetime):
        return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return moment.isoformat()


def _is_zone(name: Any) -> bool:
    """Whether `name` is in the time zone database."""
    if not isinstance(name, str) or not _ZONE.fullmatch(name):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a key, a folder of the database
        return False
    return True
