"""Rewrite the many ways to write a figure into one, so that figures can be found by one pattern.

Numbers in words become digits, `half an hour` becomes `0.5 hour`, `1 h 30` becomes `90 min`, `3 Euro 50` `3.50 euro`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from svp_dagster.summary.language.numbers import ARTICLES, with_digits
from svp_dagster.summary.words import comparable

_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75", "⅓": ".33", "⅔": ".67", "⅛": ".125"}
_MIXED = re.compile(rf"(?<!\d)(\d{{0,9}})\s?([{''.join(_FRACTIONS)}])")
_SLASHED = re.compile(r"(?<![\d/.])(?:(\d{1,3}) )?(\d{1,3}) ?/ ?(\d{1,3})(?![\d/])")
_SCORES = frozenset({5, 6, 10, 20, 100})
_OUT_OF = re.compile(
    r"(?<!\d)(\d{1,9}(?:[.,]\d)?) (?:out of|von|sur|su) (?:5|6|10|20|100)\b"
    r"(?: (?:stars?|points?|sternen?|punkten?|[ée]toiles|stelle))?|"
    r"(?<!\d)(\d{1,9}(?:[.,]\d)?) de (?:5|10) (?:estrellas|estrelas)"
)


def _any(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True))})"


_TIME = (
    r"(?:hours?|hrs?|h|stunden?|std|horas?|heures?|or[ae]|uur|minutes?|minuten?|minutos?|minuto|minuti|min|"
    r"seconds?|sekunden?|segundos?|secondes?|second[oi]|weeks?|wochen?|semanas?|days?|tage?|d[ií]as?|jours?|giorn[oi]|"
    r"years?|jahre?|a[nñ]os?|ann?[oi]|ans?|m[eo]s|mois|mes[ei]|monate?|months?)"
)
_UNIT = (
    rf"(?:{_TIME}|lit(?:re|er|ro|ros|ri)s?|kilos?|pounds?|pfund|cups?|tassen?|tazas?|teaspoons?|tablespoons?|"
    "小時|小时|時間|分钟|天)"
)
_ONE = r"(?:an?|une?|una|uma|eine|un['’]|een)"
_HALF = (
    r"(?:half(?: of)?(?: an?)?|(?:eine[nr]? )?halbe[nrs]?|medi[ao]|(?:une? )?demi-?e?|mezz[ao]?['’]?|mei[ao]|"
    "een half|半)"
)
_AND_A_HALF = r"(?:and a half|y media|y medio|et demie?|e mezz[ao]|e mei[ao])"
_AND_A_QUARTER = r"(?:and a quarter|y cuarto|et quart|e un quarto|e quarto)"
_THREE_QUARTERS = (
    r"(?:(?:three|3)[- ]quarters? of an hour|dreiviertelstunde|(?:tres|3) cuartos de hora|"
    r"(?:trois|3) quarts d['’]heure)"
)
_QUARTER = (
    r"(?:(?:a )?quarter of an hour|(?:eine )?viertelstunde|(?:un )?cuarto de hora|(?:un )?quart d['’]heure|"
    r"(?:un )?quarto d['’]ora|(?:um )?quarto de hora|kwartier)"
)
_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (rf"\b{_THREE_QUARTERS}", "0.75 h"),
        (rf"\b{_QUARTER}", "0.25 h"),
        (r"\b(\d{1,9})einhalb\b", r"\1.5"),
        (r"\b(?:anderthalb|eineinhalb)\b", "1.5"),
        (rf"\b{_ONE} ?({_TIME}) {_AND_A_HALF}\b", r"1.5 \1"),
        (rf"(?<!\d)(\d{{1,9}})( {_UNIT})? {_AND_A_HALF}\b", r"\1.5\2"),
        (rf"\b{_ONE} ?({_TIME}) {_AND_A_QUARTER}\b", r"1.25 \1"),
        (rf"(?<!\d)(\d{{1,9}}) ({_TIME}) {_AND_A_QUARTER}\b", r"\1.25 \2"),
        (r"(?<!\d)(\d{1,9})(時間|小时|小時|시간)半", r"\1.5\2"),
        (r"(?<!\d)(\d{1,9})[个個]半(小时|小時|月)", r"\1.5\2"),
        (r"半[个個]?(小时|小時|時間|分钟|天|日)", r"0.5\1"),
        (rf"\bhalf an? ({_UNIT})\b", r"0.5 \1"),
        (rf"(?<!\w){_HALF} ?({_UNIT})(?!\w)", r"0.5 \1"),
        (r"\b(?:half an? |(?:eine[nr]? )?halbe[nrs]? |une? demi[- ]|demi-)(?=[^\W\d_])", "0.5 "),
        (rf"\b{_any(ARTICLES)}['’]? ?(?=(?:whole |ganze |full |good )?{_UNIT}\b)", "1 "),
        (r"(\d)\s?[x×*]\s?(?=\d)", r"\1 x "),
    )
)
_POINT_BEFORE_THOUSANDS = frozenset({"de", "es", "it", "pt", "nl", "fr", "tr", "id", "da", "no", "sv", "ro", "vi"})
_POINTED = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+(?![\d.,])")
_CURRENCY_BEFORE_CENTS = re.compile(
    r"(?<!\d)(\d{1,9}) ?(euros?|€|dollars?|\$|pounds?|£) ?(\d\d)\b(?! ?(?:%|minut|stund|hour|sec))"
)
_HOURS_MINUTES = re.compile(
    r"(?<![\d.,:])(\d{1,2})\s?(?:h|hrs?|hours?|stunden?|std\.?|horas?|heures?|or[ae]|時間|小时|小時|시간)"
    r"[\s,]{0,2}(?:and |und |y |et |e )?(\d{1,2})(?!\d|[.,:]\d)"
    r"\s?(?:min(?:s|utes?|uten|utos?|uti)?\b|分|分钟|分鐘|분|m\b|(?!\s?[^\W\d_]))"
)
# Without "first" and "second", which mostly order what is said.
_ENGLISH_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
_GERMAN_ORDINALS = "dritte vierte funfte sechste siebte achte neunte zehnte"
_ORDINALS = {word: number for number, word in enumerate(_ENGLISH_ORDINALS.split(), start=3)} | {
    f"{word}{end}": number
    for number, word in enumerate(_GERMAN_ORDINALS.split(), start=3)
    for end in ("", "n", "r", "s")
}
_ORDINAL = re.compile(r"\b[^\W\d_]{2,12}(?:th|rd|t?e[nrs]?)\b")


@lru_cache(maxsize=4096)
def read(text: str, language: str | None = None) -> str:
    """Return the text in lower case, with digits for words and one way of writing times, fractions and money."""
    text = _MIXED.sub(lambda found: f"{found[1] or '0'}{_FRACTIONS[found[2]]}", text)
    text = _ORDINAL.sub(_ordinal, with_digits(text, language))
    for pattern, by in _REWRITES:
        text = pattern.sub(by, text)
    if (language or "")[:2] in _POINT_BEFORE_THOUSANDS:
        text = _POINTED.sub(lambda found: found.group().replace(".", ""), text)
    text = _CURRENCY_BEFORE_CENTS.sub(r"\1.\3 \2", text)
    text = _HOURS_MINUTES.sub(lambda found: f"{int(found[1]) * 60 + int(found[2])} min ", text)
    text = _OUT_OF.sub(lambda found: f"{found[1] or found[2]} points", text)
    return _SLASHED.sub(_slashed, text)


def _ordinal(found: re.Match[str]) -> str:
    number = _ORDINALS.get(comparable(found.group()))
    return found.group() if number is None else f"{number}"


def _slashed(found: re.Match[str]) -> str:
    whole, upper, lower = int(found[1] or 0), int(found[2]), int(found[3])
    if lower in (2, 3, 4, 8) and upper < lower:
        return f"{whole + upper / lower:.3g}"
    if lower in _SCORES and upper <= lower and not whole:
        return f"{upper} points"
    return found.group()
