"""Rule for options, check marks and names of pages: the quote has to name them, and not to deny them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.summary.language.negation import clauses, has_negation, is_question, reaches, without_negation
from svp_dagster.summary.language.tongues import alike, content_words
from svp_dagster.summary.support.verdicts import Statement, Verdict, Whole, best
from svp_dagster.summary.words import comparable, is_unspaced, occurrences, sentences

_WORD = re.compile(r"\S+")
# A name such as "Gluten free" is about what is not there.
_WITHOUT = frozenset({"ohne", "sin", "sans", "senza", "sem", "without", "no", "non", "zonder", "kein", "keine"})
_FREE = frozenset({"free", "frei", "libre", "less"})
_HEAD = 3
_LONGEST_ENDING = 4
_LESS_ENDINGS = ("frei", "free", "なし", "不使用", "フリー")


def judge_option(column: Column, option: str, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge an option: named in a quote, in its sentence, or elsewhere in the material."""
    if column.type is not ColumnType.MULTI_SELECT and _names_another(column, option, statements):
        return Verdict.CONTRADICTED
    verdict = judge_name(option, statements)
    if verdict is not Verdict.UNLIKELY:
        return verdict
    return _judge_elsewhere(option, whole)


def judge_page(name: str, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge the name of a page: like an option, and everything that its words say has to occur."""
    verdict = judge_name(name, statements)
    return _judge_elsewhere(name, whole) if verdict is Verdict.UNLIKELY else verdict


def judge_name(name: str, statements: Sequence[Statement]) -> Verdict:
    """Judge a name by the quotes and the sentences that they stand in."""
    return best(_judge(name, statement) for statement in statements)


@lru_cache(maxsize=512)  # asked for each place that a quote may be about
def _judge_elsewhere(name: str, whole: Whole) -> Verdict:
    """Judge a name that no quote has by the rest of the material: it is likely if it stands there undenied."""
    flags = (flag for text in whole.texts for flag in _mentions(name, text))
    return Verdict.LIKELY if any(not flag for flag in flags) else Verdict.UNLIKELY


def _judge(name: str, statement: Statement) -> Verdict:
    flags = list(_mentions(name, statement.around))
    if not flags:
        return Verdict.UNLIKELY
    return Verdict.CONTRADICTED if all(flags) else Verdict.SUPPORTED


def _names_another(column: Column, option: str, statements: Sequence[Statement]) -> bool:
    """Return whether the quotes name another option, and not this one."""
    quotes = [Statement(one.quote, one.quote) for one in statements]
    if not quotes or judge_name(option, quotes) is not Verdict.UNLIKELY:
        return False
    others = [other for other in column.options if comparable(other) != comparable(option)]
    return any(judge_name(other, quotes) is Verdict.SUPPORTED for other in others)


def _mentions(name: str, text: str) -> Iterator[bool]:
    """Yield for each clause that names it whether it denies it. A clause of a question says neither."""
    words, is_less = _core(name)
    letters = comparable(text).replace(" ", "")
    if any(word[:_HEAD] not in letters for word in words):  # most names are not in most passages
        return
    for sentence in sentences(text):
        if is_question(sentence):
            continue
        for clause in clauses(sentence):
            denied = _is_denied(words, clause)
            if denied is not None:
                yield denied is not is_less


@lru_cache(maxsize=512)
def _core(name: str) -> tuple[list[str], bool]:
    """Return the words that carry a name, and whether it is about their absence."""
    normal = comparable(name)
    parts = normal.split()
    if len(parts) > 1 and (parts[0] in _WITHOUT or parts[-1] in _FREE):
        return parts[1:] if parts[0] in _WITHOUT else parts[:-1], True
    if (
        parts
        and parts[0] not in _FREE
        and not is_unspaced(normal)
        and has_negation(normal)
        and (rest := without_negation(normal))
    ):
        return rest, True
    for ending in map(comparable, _LESS_ENDINGS):
        if normal.endswith(ending) and len(normal) > len(ending) + 1:
            return [normal.removesuffix(ending).strip()], True
    return ([normal] if is_unspaced(normal) else content_words(name) or parts), False


def _is_denied(words: Sequence[str], clause: str) -> bool | None:
    """Return whether a clause denies the words together, None if it doesn't have them all."""
    normal = comparable(clause)
    if len(words) == 1 and is_unspaced(words[0]):
        places = [(at, at + len(words[0])) for at in occurrences(words[0], normal)]
        return all(reaches(normal, start, end) for start, end in places) if places else None
    spans = list(_spans(normal))
    found = [span for wanted in words if (span := next((span for span in spans if alike(span[0], wanted)), None))]
    if not found or len(found) < len(words):
        return None
    if any(word.endswith(_LESS_ENDINGS) and len(word) > _LONGEST_ENDING + 1 for word, _, _ in found):
        return True
    start, end = min(span[1] for span in found), max(span[2] for span in found)
    between = " ".join(word for word in normal[start:end].split() if word not in {span[0] for span in found})
    return reaches(normal, start, end) or has_negation(between)


def _spans(normal: str) -> Iterator[tuple[str, int, int]]:
    """Yield the words of a comparable text with their places, and pairs of them as one: `pop up` as `popup`."""
    words = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(normal)]
    yield from words
    yield from ((one + other, start, end) for (one, start, _), (other, _, end) in pairwise(words))
