"""Rules for texts and titles: their figures, negations, names and words have to be those of the material."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from svp_dagster.summary.language.figures import Figure, close, counted, ranges
from svp_dagster.summary.language.moments import time_ranges, times, weekdays, without_times
from svp_dagster.summary.language.names import capitalised_names
from svp_dagster.summary.language.negation import clauses, has_negation
from svp_dagster.summary.language.tongues import alike, content_words, guess, share_in, word_set
from svp_dagster.summary.language.units import MONEY
from svp_dagster.summary.support.verdicts import Statement, Verdict, Whole
from svp_dagster.summary.words import comparable, is_unspaced

_NUMBERING = re.compile(r"^\s*(?:step |schritt |paso |[ée]tape )?\d{1,2}\s?[.):]\s+", re.IGNORECASE | re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+")
_CHARACTERS = re.compile("[\u30a1-\u30fa\u3400-\u9fff]")
_CLAUSE_MARK = " ¦ "
_POUNDS = frozenset({"£", "mass"})
_NAME_WORDS, _MOST_SHORT = 3, 10
"""Longest name, and longest text that its quotes alone have to support: a longer one sums up more than they say."""
_NEARLY_ALL, _TWO_THIRDS, _SAME, _HALF, _FEW = 0.85, 0.66, 0.6, 0.5, 0.2
_COPIED = 80.0
_ABSENT = word_set(
    "closed shut empty only except lacks lack lacking missing none forbidden prohibited banned impossible unavailable "
    "sold geschlossen zu verboten nur fehlt fehlen falta manque manca cerrado solo prohibido ferme interdit seulement "
    "chiuso vietato fechado proibido gesloten verboden"
)
_MODEL = re.compile(r"(?<!\w)[a-z]{1,8}\d{1,4}(?!\w)")
"""The name of a model, such as "x2". Its number has to be right, too."""
_LOWER = re.compile(r"[a-zà-ÿ]{4,}")


def judge_text(value: str, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge a text by the sentences around its quotes, and its figures by all of the material."""
    if (
        misses_figure(value, whole)
        or _miscounts(value, whole)
        or any(_alters(value, one) or _denies(value, one, share=_TWO_THIRDS) for one in statements)
    ):
        return Verdict.CONTRADICTED
    doubtful = any(_denies(value, one, share=_HALF) for one in statements)
    if doubtful or _names_others(value, whole) or is_another_name(value, whole):
        return Verdict.UNLIKELY
    return _judge_words(value, statements, whole)


def _judge_words(value: str, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge a text by its words. A short one has to be made of those around its quotes to be beyond doubt."""
    words = [word for word in content_words(value) if not word.isdigit()]
    near = share_in(words, [word for one in statements for word in content_words(one.around)])
    if len(words) > _MOST_SHORT:
        is_supported = near > _FEW and max(near, whole.words.share(words)) >= _SAME
    else:
        is_supported = near >= _NEARLY_ALL and any(_in_one_clause(words, one) for one in statements)
    if is_supported:
        return Verdict.SUPPORTED
    is_foreign = near <= _FEW and len(words) > 1 and _is_in_language_of(value, whole)
    return Verdict.UNLIKELY if is_foreign else Verdict.LIKELY


def judge_title(value: str, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge a title by all of the material. It may sum up, but without any of its words it names something else."""
    if misses_figure(value, whole):
        return Verdict.CONTRADICTED
    share = whole.words.share(content_words(f"{value} {whole.read(value)}"))
    if _names_others(value, whole):
        return Verdict.UNLIKELY
    if share >= _SAME:
        return Verdict.SUPPORTED
    is_foreign = share <= _FEW and (_is_in_language_of(value, whole) or guess(value) is None)
    return Verdict.UNLIKELY if is_foreign or not statements else Verdict.LIKELY


def misses_figure(value: str, whole: Whole) -> bool:
    """Return whether a figure in digits, a time of day or a weekday occurs nowhere in the material."""
    plain = _NUMBERING.sub("", value)
    if any(not _is_stated_time(given, whole) for given in times(plain, whole.language)):
        return True
    if whole.weekdays and not weekdays(plain) <= whole.weekdays:
        return True
    if any(not whole.words.has(model) for model in _MODEL.findall(comparable(plain))):
        return True
    rest = without_times(plain, whole.language)
    read = whole.read(rest)
    stated = [figure for figure in whole.figures_of(rest) if _is_in_digits(figure, read, plain)]
    return any(not is_stated(figure, whole) for figure in stated)


def _is_stated_time(given: frozenset[int], whole: Whole) -> bool:
    """Return whether a time of day is stated, be it as a bare hour: "from nine to two"."""
    if any(given & stated for stated in whole.times):
        return True
    hours = {minutes // 60 % 12 for minutes in given if minutes % 60 == 0}
    return any(figure.unit is None and figure.value % 12 in hours for figure in whole.figures)


def _is_in_digits(figure: Figure, read: str, plain: str) -> bool:
    """Return whether digits of the text itself gave a figure. What is counted in words may be the writer's own."""
    return any(digits in plain for digits in _NUMBER.findall(read[figure.start : figure.end])) or bool(
        figure.unit and figure.unit.kind == "time" and _NUMBER.search(plain)
    )


def is_stated(figure: Figure, whole: Whole) -> bool:
    """Return whether a figure is in the material, be it in another unit, but not in a currency that nothing names."""
    if figure.unit is not None and figure.unit.kind in MONEY - whole.currencies:
        return False
    if figure.value == 1:  # "a pinch" is one, too
        return True
    return any(figure.equals(other) or _are_pounds(figure, other) for other in whole.figures)


def _are_pounds(one: Figure, other: Figure) -> bool:
    kinds = {figure.unit.kind for figure in (one, other) if figure.unit}
    return kinds == _POUNDS and close(one.value, other.value)


def _alters(value: str, statement: Statement) -> bool:
    """Return whether a value copies a stretch of the material but for its numbers or their order."""
    copy, text = comparable(value), comparable(statement.around)
    copied = _NUMBER.findall(copy)
    if not copied or "\n" in value or len(copy) < 8 or len(copy) > len(text):
        return False
    if fuzz.partial_ratio(copy, text) < _COPIED:
        return False
    stated = _NUMBER.findall(text)
    stretches = (stated[at : at + len(copied)] for at in range(len(stated)))
    return len(stated) >= len(copied) and copied not in stretches


def _miscounts(value: str, whole: Whole) -> bool:
    """Return whether the material has another figure before the same word, or another end of the same range."""
    given, stated = list(_counted(value, whole)), whole.counted
    for figure, word in given:
        others = [other for other, known in stated if alike(word, known) and _are_of_a_kind(figure, other)]
        if others and not any(figure.equals(other) for other in others):
            return True
    return _breaks_hours(value, whole) or any(
        _breaks_range(low, high, whole)
        for low, high in ranges(list(whole.figures_of(without_times(value, whole.language))))
    )


def _counted(value: str, whole: Whole) -> Iterator[tuple[Figure, str]]:
    return counted(whole.read(_NUMBERING.sub("", value)))


def _are_of_a_kind(one: Figure, other: Figure) -> bool:
    return (one.unit.kind if one.unit else None) == (other.unit.kind if other.unit else None)


def _breaks_range(low: Figure, high: Figure, whole: Whole) -> bool:
    known = ranges(whole.figures)
    touched = [pair for pair in known if close(pair[0].value, low.value) or close(pair[1].value, high.value)]
    return bool(touched) and not any(
        close(pair[0].value, low.value) and close(pair[1].value, high.value) for pair in touched
    )


def _breaks_hours(value: str, whole: Whole) -> bool:
    """Return whether the material has hours with one of these ends and another for the other."""
    for opens, closes in time_ranges(value, whole.language):
        touched = [pair for pair in whole.time_ranges if pair[0] & opens or pair[1] & closes]
        if touched and not any(pair[0] & opens and pair[1] & closes for pair in touched):
            return True
    return False


def _denies(value: str, statement: Statement, *, share: float) -> bool:
    """Return whether a negation is lost: around the quote, or in a clause of which the value repeats such a share."""
    if has_negation(value) or set(comparable(value).split()) & _ABSENT:
        return False
    words = _kernel(value)
    quoted = clauses(statement.quote)
    if words and any(has_negation(clause) and share_in(words, _kernel(clause)) >= share for clause in quoted):
        return True
    if has_negation(statement.quote):
        return False
    is_about_it = share_in(words, _kernel(statement.quote)) > _FEW
    return is_about_it and any(has_negation(beyond) for beyond in _beyond(statement))


def _kernel(text: str) -> list[str]:
    """Return the words with content; in scripts without spaces the characters that aren't grammar."""
    return _CHARACTERS.findall(text) if is_unspaced(comparable(text)) else content_words(text)


def _beyond(statement: Statement) -> Iterator[str]:
    """Yield what the sentence has before and after the quote within the quote's first and last clause."""
    quote = comparable(statement.quote)
    text = _CLAUSE_MARK.join(comparable(clause) for clause in clauses(statement.around))
    found = fuzz.partial_ratio_alignment(quote, text, score_cutoff=_COPIED)
    if found is None or len(quote) > len(text):
        return
    start, end = found.dest_start, found.dest_end
    if not is_unspaced(text):  # the found stretch may begin or end inside a word
        start, end = text.rfind(" ", 0, start + 1) + 1, f"{text} ".find(" ", max(end - 1, 0))
    before = text[:start].rsplit(_CLAUSE_MARK, 1)[-1]
    after = text[end:].split(_CLAUSE_MARK, 1)[0]
    if is_unspaced(text):
        yield before[-4:]
        yield after[:14]
    else:
        yield " ".join(before.split()[-4:])
        yield " ".join(after.split()[:4])


def _in_one_clause(words: Sequence[str], statement: Statement) -> bool:
    return any(share_in(words, content_words(clause)) >= _SAME for clause in clauses(statement.around))


def _names_others(value: str, whole: Whole) -> bool:
    """Return whether a text names somebody or something that the material doesn't, as far as capitals tell names."""
    is_title_case = not any(_LOWER.fullmatch(word) and content_words(word) for word in _WORD.findall(value))
    if is_title_case:
        return False
    names = map(comparable, capitalised_names(value, whole.language))
    return not all(whole.words.has(name) for name in names if " " not in name)


def is_another_name(value: str, whole: Whole) -> bool:
    """Return whether a short text is nothing but a name of which the material has no word."""
    words = _WORD.findall(value)
    is_german = "de" in (guess(value), whole.language)  # there every noun has a capital
    if has_negation(value) or (is_german and len(words) > 1):
        return False
    is_name = 0 < len(words) <= _NAME_WORDS and all(word[0].isupper() for word in words)
    return is_name and guess(value) in (None, whole.language) and whole.words.share(content_words(value)) == 0


def _is_in_language_of(value: str, whole: Whole) -> bool:
    return bool(whole.language) and guess(value) == whole.language
