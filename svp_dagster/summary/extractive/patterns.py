"""Patterns for web addresses, telephone numbers, hashtags, amounts and days.

All run on one passage of a few hundred characters, so that backtracking stays bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from svp_dagster.notion.numbers import parse_number

_TLDS = (
    "com|org|net|io|co|app|shop|store|blog|me|info|biz|dev|tv|eu|de|at|ch|fr|es|it|nl|be|pl|pt|se|no|dk|fi|ie|uk|us|"
    "ca|au|nz|in|jp|kr|br|mx|ly|link|site|online|food|recipes|kitchen|restaurant|cafe|travel|studio|academy"
)
_URL = re.compile(
    r"https?://[^\s<>\"'“”‘’]+|"
    rf"(?<![\w@.-])(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.){{1,4}}(?:{_TLDS})(?![\w@-]|\.\w)(?:/[^\s<>\"']*)?",
    re.IGNORECASE | re.ASCII,
)
_URL_TAIL = ".,;:!?)]}…*'\""
_EMAIL = re.compile(r"(?<![\w.+-])[a-z0-9](?:[\w.+-]{0,63})@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}\b", re.I | re.A)
_PHONE = re.compile(r"(?<![\w+./-])(?:\+|\()?\d[\d ().\-/]{5,20}\d(?![\w/-])")
_PHONE_CUE = re.compile(r"call|phone|tel\b|tel\.|telefon|whatsapp|mobile|☎|📞|📱", re.IGNORECASE)
_GROUPED_PHONE = re.compile(r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}")
_HASHTAG = re.compile(r"(?<![\w&])#(\w[\w·-]{0,99})")
_MENTION = re.compile(r"(?<![\w.])@[\w.]+")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATES = tuple(
    re.compile(rf"(?<![\w./-])(?:{pattern})(?!(?!T\d)[\w/-]|\.\d)", re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)",
        rf"{_MONTH} {_DAY},? {_YEAR}",
        rf"{_DAY} (?:of )?{_MONTH},? {_YEAR}",
        rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}",
        rf"(?P<first>\d{{1,2}})/(?P<second>\d{{1,2}})/{_YEAR}",
    )
)
_TIME_AFTER = re.compile(
    r"(?:T|[,;\s]{0,3}(?:at |from |um |@ ?)?)"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?::\d\d)?\s?(?P<half>[ap]\.?m\.?)?(?![\w:])",
    re.IGNORECASE,
)

_AMOUNT = re.compile(
    r"(?<![\w.,/:+\-–−#@])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,15}(?:[.,]\d{1,2})?)(?![\d/:]|[.,]\d)"
)
_RANGE_BEFORE = re.compile(r"\d\s*(?:-|–|to|or|bis)\s*$", re.IGNORECASE)
_RANGE_AFTER = re.compile(r"\s*(?:-|–|to|or|bis)\s*\d", re.IGNORECASE)
_UNIT = re.compile(r"\s?(%|[^\W\d_]{1,12})")


@dataclass(frozen=True, kw_only=True)
class Amount:
    """A number in a text with its place, and the word after it in lower case, which is usually a unit."""

    value: float
    start: int
    end: int
    unit: str


def urls(text: str) -> list[str]:
    """Return web addresses as written, without trailing punctuation."""
    return [found.group().rstrip(_URL_TAIL) for found in _URL.finditer(text)]


def emails(text: str) -> list[str]:
    """Return email addresses."""
    return [found.group() for found in _EMAIL.finditer(text)]


def phones(text: str) -> list[str]:
    """Return telephone numbers: international, grouped as in North America, or after a word such as "call"."""
    return [found.group().strip() for found in _PHONE.finditer(text) if _is_phone(found, text)]


def hashtags(text: str) -> list[str]:
    """Return hashtags without their sign."""
    return _HASHTAG.findall(text)


def mentions(text: str) -> list[str]:
    """Return mentioned accounts with their sign."""
    return [found.group().rstrip(_URL_TAIL) for found in _MENTION.finditer(text)]


def without_marks(text: str) -> str:
    """Return the text without hashtags, mentions and web addresses."""
    for pattern in (_URL, _HASHTAG, _MENTION):
        text = pattern.sub(" ", text)
    return " ".join(text.split())


def amounts(text: str) -> Iterator[Amount]:
    """Yield single numbers: no ranges, fractions, times of day, days or parts of addresses."""
    for found in _AMOUNT.finditer(text):
        if _RANGE_BEFORE.search(text, 0, found.start()) or _RANGE_AFTER.match(text, found.end()):
            continue
        value = parse_number(found["digits"])
        if value is None:
            continue
        unit = _UNIT.match(text, found.end())
        yield Amount(value=value, start=found.start(), end=found.end(), unit=unit.group(1).casefold() if unit else "")


def days(text: str) -> list[str]:
    """Return days with a year, and a time of day after them, as ISO 8601. Skips ambiguous ones such as `03/04/2026`."""
    found = [moment for pattern in _DATES for match in pattern.finditer(text) if (moment := _moment(match, text))]
    return list(dict.fromkeys(found))


def _is_phone(found: re.Match[str], text: str) -> bool:
    number = found.group()
    if not 7 <= sum(map(str.isdigit, number)) <= 15 or days(number):
        return False
    if number.startswith("+") or _GROUPED_PHONE.fullmatch(number):
        return True
    return _PHONE_CUE.search(text, max(0, found.start() - 40), found.start()) is not None


def _moment(match: re.Match[str], text: str) -> str | None:
    parts = match.groupdict()
    if "first" in parts:
        day, month = int(parts["first"]), int(parts["second"])
        if day <= 12 and month <= 12 and day != month:
            return None
        if day <= 12:
            day, month = month, day
    else:
        day = int(parts["day"])
        month = int(parts["month"]) if parts["month"].isdigit() else _MONTHS.index(parts["month"][:3].casefold()) + 1
    try:
        found = date(int(parts["year"]), month, day)
    except ValueError:
        return None
    clock = _clock(text, match.end())
    return found.isoformat() if clock is None else datetime.combine(found, clock).isoformat(timespec="minutes")


def _clock(text: str, start: int) -> time | None:
    """Return the time of day right after a day. A bare number is none."""
    found = _TIME_AFTER.match(text, start)
    if found is None or (found["minute"] is None and found["half"] is None):
        return None
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"][0].casefold() == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
