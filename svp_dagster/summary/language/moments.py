"""Days and times of day in a text, as far as it states them: a weekday, a day and a month, a year, an hour.

Names of months and weekdays in English, German, Spanish, French, Italian, Portuguese and Dutch; the forms of Chinese,
Japanese and Korean; and days in digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from svp_dagster.summary.language.numbers import with_digits
from svp_dagster.summary.words import comparable

_MONTHS = (
    "january jan januar janner enero janvier gennaio janeiro januari",
    "february feb februar feber febrero fevrier fev febbraio fevereiro februari",
    "march mar marz marz marzo mars marco maart",
    "april apr abril avril avr aprile abr",
    "may mai mayo mei maggio maio mag",
    "june jun juni junio juin giugno junho giu",
    "july jul juli julio juillet juil luglio julho lug",
    "august aug agosto aout augustus ago",
    "september sep sept septiembre septembre settembre setembro set",
    "october oct oktober okt octubre octobre ottobre outubro ott out",
    "november nov noviembre novembre novembro",
    "december dec dezember dez diciembre dic decembre dicembre dezembro",
)
_WEEKDAYS = (
    "monday mon montag lunes lundi lunedi segunda maandag",
    "tuesday tue tues dienstag martes mardi martedi terca dinsdag",
    "wednesday wed mittwoch miercoles mercredi mercoledi quarta woensdag",
    "thursday thu thur thurs donnerstag jueves jeudi giovedi quinta donderdag",
    "friday fri freitag viernes vendredi venerdi sexta vrijdag",
    "saturday sat samstag sonnabend sabado samedi sabato zaterdag",
    "sunday sun sonntag domingo dimanche domenica zondag",
)
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_WEEKDAY_OF = {name: number for number, names in enumerate(_WEEKDAYS) for name in names.split()}
_LONGEST_SHORT_NAME = 6
_ORDINALS = {
    word: number
    for number, words in enumerate(
        ("first erste erster premier primero", "second zweite", "third dritte", "fourth vierte", "fifth funfte",
         "sixth sechste", "seventh siebte", "eighth achte", "ninth neunte", "tenth zehnte", "eleventh elfte",
         "twelfth zwolfte", "thirteenth dreizehnte", "fourteenth vierzehnte", "fifteenth funfzehnte",
         "sixteenth sechzehnte", "seventeenth siebzehnte", "eighteenth achtzehnte", "nineteenth neunzehnte",
         "twentieth zwanzigste", "twentyfirst einundzwanzigste", "twentysecond zweiundzwanzigste",
         "twentythird dreiundzwanzigste", "twentyfourth vierundzwanzigste", "twentyfifth funfundzwanzigste",
         "twentysixth sechsundzwanzigste", "twentyseventh siebenundzwanzigste", "twentyeighth achtundzwanzigste",
         "twentyninth neunundzwanzigste", "thirtieth dreissigste", "thirtyfirst einunddreissigste"), start=1)
    for word in words.split()
}  # fmt: skip
_ORDINAL = re.compile(r"\b(?:(?:twenty|thirty)[- ])?[^\W\d_]{4,}\b")

_NAME = r"(?P<month>[^\W\d_]{3,10})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|°|\.)?"
_YEAR = r"(?:,?\s*(?:de |del )?(?P<year>(?:19|20)\d\d))?(?!\d)"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\d)(?P<year>(?:19|20)\d\d)[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)",
        r"(?:(?P<year>(?:19|20)?\d\d)\s?[年년]\s?)?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日号號일]",
        rf"(?<![\w.]){_DAY}\s?(?:of |de |d['’])?{_NAME}{_YEAR}",
        rf"(?<!\w){_NAME} (?:the )?{_DAY}{_YEAR}",
        r"(?<![\d.])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>(?:19|20)?\d\d)?(?!\d)",
        r"(?<![\d/])(?P<day>\d{1,2})/(?P<month>\d{1,2})(?:/(?P<year>(?:19|20)?\d\d))?(?![\d/])",
    )
)
_WEEKDAY_WORD = re.compile(r"[^\W\d_]{3,}")
_ALSO_WORDS = frozenset({"mon", "wed", "sat", "sun"})
"""Short names of weekdays that are words, too."""
_BEFORE_WEEKDAY = re.compile(r"(?:([^\W\d_]+)\.?\s?(?:,|&|/|-|–|—|and|to|till|until)?\s?)$", re.IGNORECASE)
_AFTER_WEEKDAY = re.compile(r"\.?\s?(?:,|&|/|-|–|—|and|to|till|until)?\s?(\d|[^\W\d_]+)", re.IGNORECASE)
_BESIDE_CHARS = 20
_BEFORE_DAYS = frozenset(
    {"on", "every", "each", "this", "next", "last", "until", "till", "from", "open", "closed", "by"}
)
_HAN_WEEKDAY = re.compile(
    r"(?:星期|周|礼拜|禮拜)(?P<zh>[一二三四五六日天1-6])|(?P<ja>[月火水木金土日])(?:曜|(?<=[(（].)[)）])|(?P<ko>[월화수목금토일])요일"
)
_HAN_WEEKDAYS = {"zh": "一二三四五六日", "ja": "月火水木金土日", "ko": "월화수목금토일"}
_RELATIVE = re.compile(
    r"\b(?:today|tonight|tomorrow|next|this (?:week|month|year|weekend|friday|saturday|sunday)|"
    r"heute|morgen|ubermorgen|nachst|kommend|hoy|manana|proximo|aujourd|demain|prochain|oggi|domani|prossim|hoje|amanha)|"
    "今日|明日|明天|今天|来週|下周|오늘|내일",
)

_PM = (
    r"p\.?\s?m\b\.?|(?:in the )?(?:afternoon|evening)|at night|abends|nachmittags|am (?:abend|nachmittag)|"
    r"de la (?:tarde|noche)|du soir|"
    r"de l['’]apres-midi|di sera|del pomeriggio|da (?:tarde|noite)|'s (?:avonds|middags)"
)
_AM = (
    r"a\.?\s?m\b\.?|in the morning|morgens|vormittags|de la manana|du matin|di mattina|del mattino|da manha|'s morgens"
)
_CLOCKS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\d.,:])(?P<hour>\d{{1,2}})[:.](?P<minute>\d\d)\s?(?:uhr\s?)?(?:h\s)?(?:(?P<pm>{_PM})|(?P<am>{_AM}))",
        rf"(?<![\d.,:])(?P<hour>\d{{1,2}})\s?(?:uhr\s?|o['’]?\s?clock\s?)?(?:(?P<pm>{_PM})|(?P<am>{_AM}))",
        r"(?P<hanpm>午後|下午|晚上|오후)?(?P<hanam>午前|上午|早上|오전)?\s?(?P<hour>\d{1,2})\s?[時时点點시](?!間|间)(?:\s?(?P<minute>\d{1,2})\s?[分분]|(?P<half>半|반))?",
        r"(?<![\d.,:])(?P<hour>\d{1,2})[:.](?P<minute>\d\d)\s?uhr",
        r"(?<![\d.,:])(?P<hour>\d{1,2}):(?P<minute>\d\d)(?![\d:])",
        r"(?<![\d.,:])(?P<hour>\d{1,2})\s?(?:uhr|h)\s?(?P<minute>\d\d)?(?![\w:])",
        r"(?:um|a las|à|alle|às|om|at)\s(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?(?![\w:.,]\d|\s?(?:%|€|\$|min))",
    )
)
_CLOCK_RANGE = re.compile(
    r"(?<![\d.,:/])(\d{1,2})(?:[:.](\d\d))?\s?(?:uhr|h)?\s?(?:-|–|—|~|〜|to|till|until|bis|a|à|alle|às|tot)\s?"
    r"(\d{1,2})(?:[:.](\d\d))?\s?(uhr|h)(?![\w])"
)
_HALF = re.compile(r"\bhalb (\d{1,2})\b|\bhalf past (\d{1,2})\b")
_NOON = re.compile(r"\b(?:noon|midday|mittags?|mediodia|midi|mezzogiorno|meio[- ]dia)\b|正午|中午|정오")
_LINK = re.compile(r"\s?(?:-|–|—|~|〜|to|till|until|bis|a|à|alle|às|tot|から)\s?(?:the )?")
_FROM_NOON = re.compile(
    r"\b(noon|midday|mittags?|mediodia|midi|mezzogiorno)(?:-|–| to | till | until | bis | a | à | alle )"
    r"(\d{1,2})(?![\d:.])"
)
_MIDNIGHT = re.compile(r"\b(?:midnight|mitternacht|medianoche|minuit|mezzanotte|meia[- ]noite)\b|深夜0時|자정")


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day as far as it is stated. `swapped` marks digits that may be month and day."""

    day: int
    month: int
    year: int | None = None
    swapped: bool = False

    def is_that_of(self, other: date) -> bool:
        """Return whether it is that day."""
        straight = (self.month, self.day) == (other.month, other.day)
        turned = self.swapped and (self.day, self.month) == (other.month, other.day)
        return (straight or turned) and self.year in (None, other.year)


def days(text: str, language: str | None = None) -> list[Day]:
    """Return the days that are stated, with or without a year."""
    text = _plain(text, language)
    text = _ORDINAL.sub(lambda found: _ordinal(found.group()), text)
    found: list[Day] = []
    taken: list[tuple[int, int]] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            day = _day(match)
            if day is not None and not any(start < match.end() and match.start() < end for start, end in taken):
                found.append(day)
                taken.append(match.span())
    return found


def weekdays(text: str) -> set[int]:
    """Return the weekdays that are named, Monday as 0."""
    text = unicodedata.normalize("NFC", text)
    named = {
        day
        for match in _WEEKDAY_WORD.finditer(text)
        if (day := _weekday(match.group())) is not None and _is_day(match, text)
    }
    for match in _HAN_WEEKDAY.finditer(text):
        kind = match.lastgroup or "zh"
        named.add(_HAN_WEEKDAYS[kind].find(match[kind].replace("天", "日")))
    return named


def _weekday(word: str) -> int | None:
    plain = comparable(word)
    return _WEEKDAY_OF.get(plain.removesuffix("s") if len(plain) > _LONGEST_SHORT_NAME else plain)


def _is_day(match: re.Match[str], text: str) -> bool:
    """Return whether a name of a weekday is meant as one: the sun is seen more often than a Sunday."""
    word = match.group()
    if comparable(word) not in _ALSO_WORDS:
        return True
    ahead = text[max(0, match.start() - _BESIDE_CHARS) : match.start()]
    before, after = _BEFORE_WEEKDAY.search(ahead), _AFTER_WEEKDAY.match(text, match.end())
    if (before and _weekday(before[1]) is not None) or (after and _weekday(after[1]) is not None):
        return True
    has_capital = word[0].isupper()
    if has_capital and after and after[1].isdigit():
        return True
    return has_capital and " ".join(ahead.split()[-1:]).casefold() in _BEFORE_DAYS


def times(text: str, language: str | None = None) -> list[frozenset[int]]:
    """Return the times of day that are stated, in minutes. An hour that may be in either half of the day has two."""
    return [stated for stated, _ in _clocks(_spread(_plain(text, language)))]


def time_ranges(text: str, language: str | None = None) -> list[tuple[frozenset[int], frozenset[int]]]:
    """Return the pairs of times of day from one to the other."""
    plain = _spread(_plain(text, language))
    found = sorted(_clocks(plain), key=lambda one: one[1])
    return [
        (one, other) for (one, (_, end)), (other, (start, _)) in pairwise(found) if _LINK.fullmatch(plain[end:start])
    ]


def without_times(text: str, language: str | None = None) -> str:
    """Return the text in lower case without its times of day."""
    text = _spread(_plain(text, language))
    for _, span in _clocks(text):
        text = text[: span[0]] + " " * (span[1] - span[0]) + text[span[1] :]
    return text


def _clocks(text: str) -> list[tuple[frozenset[int], tuple[int, int]]]:
    """Return the times of day of a plain text with their places."""
    found = [(frozenset({12 * 60}), match.span()) for match in _NOON.finditer(text)]
    found += [(frozenset({0}), match.span()) for match in _MIDNIGHT.finditer(text)]
    for match in _HALF.finditer(text):
        hour = int(match[1]) - 1 if match[1] else int(match[2])
        found.append((frozenset({(hour % 12) * 60 + 30, (hour % 12 + 12) * 60 + 30}), match.span()))
    for pattern in _CLOCKS:
        for match in pattern.finditer(text):
            taken = any(start < match.end() and match.start() < end for _, (start, end) in found)
            if not taken and (minutes := frozenset(_minutes(match))):
                found.append((minutes, match.span()))
    return found


def _spread(text: str) -> str:
    """Return the text with both ends of a range as times: `9-21 Uhr` as `9 uhr - 21 uhr`."""
    text = _FROM_NOON.sub(r"\1 - \2 uhr", text)
    return _CLOCK_RANGE.sub(
        lambda found: f"{found[1]}:{found[2] or '00'} - {found[3]}:{found[4] or '00'} {found[5] or 'uhr'}", text
    )


def is_relative(text: str) -> bool:
    """Return whether a text names a day by its distance, such as "tomorrow"."""
    return _RELATIVE.search(comparable(text)) is not None or _RELATIVE.search(text) is not None


def _plain(text: str, language: str | None) -> str:
    """Return the text in lower case with digits, without accents on letters."""
    text = with_digits(text, language)
    for accented, bare in zip("áàâäãéèêëíìîïóòôöõúùûüçñ", "aaaaaeeeeiiiiooooouuuucn", strict=True):
        text = text.replace(accented, bare)
    return text


def _ordinal(word: str) -> str:
    plain = comparable(word).replace(" ", "")
    number = _ORDINALS.get(plain) or _ORDINALS.get(plain[:-1])
    return f"{number}." if number else word


def _day(match: re.Match[str]) -> Day | None:
    parts = match.groupdict()
    raw = parts["month"]
    month = int(raw) if raw.isdecimal() else _MONTH_OF.get(comparable(raw), 0)
    day, year = int(parts["day"]), parts.get("year")
    swapped = "/" in match.group() and not year_first(match.group())
    if swapped and month > 12 >= day:
        day, month = month, day
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    full = None if not year else int(year) + (2000 if len(year) == 2 else 0)
    return Day(day=day, month=month, year=full, swapped=swapped)


def year_first(text: str) -> bool:
    """Return whether a day in digits begins with its year."""
    return re.match(r"\d{4}", text) is not None


def _minutes(match: re.Match[str]) -> Iterator[int]:
    parts = match.groupdict()
    hour = int(parts["hour"])
    minute = 30 if parts.get("half") else int(parts.get("minute") or 0)
    if hour > 24 or minute > 59:
        return
    is_pm, is_am = bool(parts.get("pm") or parts.get("hanpm")), bool(parts.get("am") or parts.get("hanam"))
    if is_pm and hour < 12:
        hour += 12
    if is_am and hour == 12:
        hour = 0
    yield hour % 24 * 60 + minute
    if not (is_pm or is_am) and 1 <= hour < 12 and not parts.get("minute"):
        yield (hour + 12) * 60 + minute
