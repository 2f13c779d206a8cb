"""Rule for days: what the quote states of a day and a time of day has to agree with the value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from svp_dagster.summary.language.moments import days, is_relative, times, weekdays
from svp_dagster.summary.support.verdicts import Statement, Verdict, Whole, best

_FARTHEST_DAYS = 400
"""A day without a year is at most so far from the publication."""
_SOON_DAYS = 45
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d))?")


def judge_day(value: str, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge an ISO 8601 day or time by each quote, and by the sentence around a quote that states no day."""
    found = _ISO.search(value)
    if found is None:
        return Verdict.UNLIKELY
    day = datetime.fromisoformat(found[1]).date()
    minute = int(found[2]) * 60 + int(found[3]) if found[2] else None
    return best(_judge(day, minute, statement, whole) for statement in statements)


def _judge(day: date, minute: int | None, statement: Statement, whole: Whole) -> Verdict:
    quote, around = statement.quote, statement.around
    text = quote if days(quote, whole.language) else around
    if minute:
        stated = times(text, whole.language) or times(around, whole.language) or whole.times
        if not any(minute in one for one in stated):
            return Verdict.CONTRADICTED
    return _judge_day(day, text, whole)


def _judge_day(day: date, text: str, whole: Whole) -> Verdict:
    stated, named = days(text, whole.language), weekdays(text)
    away = abs((day - whole.published).days) if whole.published else None
    if stated:
        same = [one for one in stated if one.is_that_of(day)]
        if not same or (len(stated) == len(named) == 1 and day.weekday() not in named):
            return Verdict.CONTRADICTED
        is_far = away is not None and away > _FARTHEST_DAYS and all(one.year is None for one in same)
        return Verdict.CONTRADICTED if is_far else Verdict.SUPPORTED
    if named and day.weekday() not in named:
        return Verdict.CONTRADICTED
    if (named or is_relative(text)) and (away is None or away <= _SOON_DAYS):
        return Verdict.LIKELY
    return Verdict.LIKELY if str(day.year) in text else Verdict.UNLIKELY
