"""Numbers in words: rewrite them in digits, in twenty languages and the numerals of Han script.

The words come from `number_words.json`, made with num2words 0.5 and completed by hand: 0 to 99, the hundreds and the
thousands of each language. Larger numbers are put together from these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from svp_dagster.summary.language.tongues import guess, word_set
from svp_dagster.summary.words import comparable

_LONGEST_PHRASE = 5
_SHORTEST_COMPOUND, _LONGEST_COMPOUND = 8, 60
_CLEAR_LETTERS = 5
"""Shorter words of other languages are no numbers: they may be anything. If no language is known, one letter less."""
_WORD = re.compile(r"[^\W\d_]+")
_GAPS = re.compile(r"[ \u00a0‐-]")
_AND = frozenset({"and", "und", "y", "et", "e", "en", "og", "och", "i", "si"})
# Articles in many languages: they count only before a unit of time (see `figures`).
ARTICLES = frozenset(
    {"a", "an", "ein", "eine", "einen", "einer", "un", "une", "una", "uno", "um", "uma", "een", "en", "et", "ett", "o"}
)
# Words of one language that are numbers in another: a heading "au four" has no 4.
_FALSE_FRIENDS = {
    "fr": {"four"},
    "pl": {"ten"},
}
_OFTEN_OTHERS = frozenset({"once", "sept", "cent", "tres", "cents", "mille", "sete", "seis", "hundred", "mila", "lima"})

_BEFORE_PRONOUN = word_set("this that the no any every each another which some only first last")
"""Words after which "one" is no number."""

_HAN_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000}
_HAN_COUNTERS = "分秒時时小点個个人名円元块日月年週周歳岁本枚杯克斤毫公度回次倍%％割つ歩位種种匹頭泊丁カヶ階层楼号"
_HAN_NUMERAL = "零〇一二三四五六七八九十百千两兩"
_HAN = re.compile(
    rf"[{_HAN_NUMERAL}]{{1,12}}[万萬][{_HAN_NUMERAL}]{{0,12}}|[{_HAN_NUMERAL}]{{2,12}}|[{_HAN_NUMERAL}](?=[{_HAN_COUNTERS}ァ-ヶ])"
)
_HAN_MULTIPLE = re.compile(r"(?<!\d)(\d{1,9}(?:\.\d{1,3})?)([百千万萬])")
_MULTIPLES = {"百": 100, "千": 1000, "万": 10_000, "萬": 10_000}
_NATIVE_KOREAN = {"한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10}
_KOREAN = re.compile(rf"(?<![가-힣])({'|'.join(_NATIVE_KOREAN)})\s?(?=시간|시|개|명|잔|조각|스푼|인분|컵)")
_SINO_KOREAN = {sign: value for value, sign in enumerate("영일이삼사오육칠팔구")} | {"십": 10, "백": 100, "천": 1000}
_KOREAN_NUMERAL = re.compile(
    r"(?<![가-힣])([일이삼사오육칠팔구십백천]+)\s?(?=분|초|그램|원|도|인분|킬로|밀리|칼로리|퍼센트)"
)
_GERMAN_HALF = re.compile(r"\b(zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn)einhalb\b")
_MULTIPLE_WORDS = {
    **dict.fromkeys(("hundred", "hundert"), 100),
    **dict.fromkeys(word_set("thousand tausend mil mille mila duizend tusen tysięcy тысяч k"), 1000),
    **dict.fromkeys(
        word_set("million millions millionen mio millón millones milione milioni milhão milhões miljoen"), 10**6
    ),
}
_MULTIPLE = re.compile(rf"(?<![\d.,])(\d{{1,3}}(?:[.,]\d)?)(?: ({'|'.join(_MULTIPLE_WORDS)})|(k))\b")
_ROUND = re.compile(r"(?<![\d.,])(\d{1,3}) (1000|100)(?!\d|[.,]\d)")
_DECIMAL = re.compile(r"(?<!\d)(\d{1,9}) (?:point|komma|coma|virgule|virgola|v[ií]rgula) (\d{1,9})", re.IGNORECASE)


def with_digits(text: str, language: str | None = None) -> str:
    """Return the text in lower case with digits for numbers in words. `language` is its likely one (ISO 639-1)."""
    language = (language or "")[:2].casefold()
    text = _han_in_digits(text.casefold())
    text = _KOREAN.sub(lambda found: str(_NATIVE_KOREAN[found[1]]), text)
    text = _KOREAN_NUMERAL.sub(lambda found: str(_of_numerals(found[1], _SINO_KOREAN)), text)
    text = _GERMAN_HALF.sub(r"\1 komma fünf", text)
    words = list(_WORD.finditer(text))
    known = _vocabulary(guess(text, language) or language or "")
    parts, at, number = [], 0, 0
    while number < len(words):
        value, count = _read(words, number, text, known)
        if count:
            parts += [text[at : words[number].start()], f"{value}"]
            at = words[number + count - 1].end()
        number += count or 1
    text = _DECIMAL.sub(r"\1.\2", "".join([*parts, text[at:]]))
    return _MULTIPLE.sub(_multiplied, _ROUND.sub(lambda found: f"{int(found[1]) * int(found[2])}", text))


def _multiplied(found: re.Match[str]) -> str:
    word = found[2] or found[3]
    return f"{float(found[1].replace(',', '.')) * _MULTIPLE_WORDS[word]:.15g}"


def _read(words: list[re.Match[str]], start: int, text: str, known: Mapping[str, int]) -> tuple[int, int]:
    """Return the number that begins at a word and how many words it takes, 0 for none."""
    total, count = _phrase(words, start, text, known)
    if not count:
        return 0, 0
    while _place(total):
        is_and = start + count < len(words) and comparable(words[start + count].group()) in _AND
        skipped = int(is_and and total >= 100)
        if not _joined(words, start + count - 1, skipped + 1, text):
            break
        value, more = _phrase(words, start + count + skipped, text, known)
        if not more or value >= _place(total):
            break
        total, count = total + value, count + skipped + more
    return total, count


def _phrase(words: list[re.Match[str]], start: int, text: str, known: Mapping[str, int]) -> tuple[int, int]:
    """Return the value of the longest known phrase at a word and its number of words."""
    for count in range(min(_LONGEST_PHRASE, len(words) - start), 0, -1):
        if not _joined(words, start, count - 1, text):
            continue
        phrase = " ".join(comparable(word.group()) for word in words[start : start + count])
        if phrase == "one" and start and words[start - 1].group() in _BEFORE_PRONOUN:
            continue
        value = known.get(phrase) if phrase not in ARTICLES else None
        if value is None and count == 1:
            value = _compound(phrase, known)
        if value is not None:
            return value, count
    return 0, 0


def _compound(word: str, known: Mapping[str, int]) -> int | None:
    """Return the value of a compound such as `zweihundertfunfzig` or `duecentocinquanta`."""
    if not _SHORTEST_COMPOUND <= len(word) <= _LONGEST_COMPOUND:
        return None
    if word.endswith("hundert") and (count := known.get(word.removesuffix("hundert"))):
        return count * 100
    for at in range(len(word) - 3, 3, -1):
        head = known.get(word[:at])
        if head is None or head < 100:
            continue
        rest = word[at:].removeprefix("und")
        tail = known.get(rest) if rest not in ARTICLES else None
        tail = _compound(rest, known) if tail is None else tail
        if tail is not None and tail < _place(head):
            return head + tail
    return None


def _place(value: int) -> int:
    """Return what has to be more than a number that follows a round one: `two thousand` may be followed by 999."""
    if value < 20:
        return 0
    return next((place for place in (1000, 100, 10) if value % place == 0), 0)


def _joined(words: list[re.Match[str]], start: int, gaps: int, text: str) -> bool:
    """Return whether so many gaps after a word are single spaces or hyphens."""
    if start + gaps >= len(words):
        return False
    pairs = zip(words[start : start + gaps], words[start + 1 : start + gaps + 1], strict=True)
    return all(_GAPS.fullmatch(text[one.end() : other.start()]) for one, other in pairs)


@lru_cache(maxsize=64)
def _vocabulary(language: str) -> dict[str, int]:
    """Return the phrases of a language, and those of others that can hardly be anything else."""
    tables = _tables()
    least = _CLEAR_LETTERS if language in tables else _CLEAR_LETTERS - 1
    others = {
        phrase: value
        for name, table in tables.items()
        for phrase, value in table.items()
        if (name == "en" and phrase != "one") or (len(phrase) >= least and phrase not in _OFTEN_OTHERS)
    }
    for friend in _FALSE_FRIENDS.get(language, ()):
        others.pop(friend, None)
    return others | tables.get(language, {})


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, int]]:
    path = Path(__file__).with_name("number_words.json")
    tables: dict[str, dict[str, int]] = json.loads(path.read_text(encoding="utf-8"))
    return tables


def _han_in_digits(text: str) -> str:
    text = _HAN.sub(lambda found: str(_of_han(found.group())), text)
    return _HAN_MULTIPLE.sub(lambda found: f"{float(found[1]) * _MULTIPLES[found[2]]:.15g}", text)


def _of_han(numeral: str) -> int:
    head, myriad, rest = numeral.replace("萬", "万").partition("万")
    if myriad:
        return _of_han(head) * 10_000 + (_of_han(rest) if rest else 0)
    return _of_numerals(numeral, _HAN_DIGITS | _HAN_UNITS)


def _of_numerals(numeral: str, values: Mapping[str, int]) -> int:
    """Return the value of digits and powers of ten as China, Japan and Korea write them."""
    if all(values[sign] < 10 for sign in numeral):
        return int("".join(str(values[sign]) for sign in numeral))
    total, digit = 0, 0
    for sign in numeral:
        if values[sign] < 10:
            digit = values[sign]
        else:
            total, digit = total + (digit or 1) * values[sign], 0
    return total + digit
