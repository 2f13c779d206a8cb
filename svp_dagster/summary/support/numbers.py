"""Rule for numbers: the quote has to state the value, in the column's unit or one that converts to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from svp_dagster.notion.schema import Column
from svp_dagster.summary.language.figures import Figure, close, counted, figures
from svp_dagster.summary.language.negation import has_negation
from svp_dagster.summary.language.tongues import alike, content_words, word_set
from svp_dagster.summary.language.units import (
    MONEY,
    POUND,
    PRICE,
    SERVINGS,
    SOFT,
    TIME,
    Unit,
    kind_of_name,
    unit_of,
    unit_of_format,
)
from svp_dagster.summary.support.verdicts import Statement, Verdict, Whole, best
from svp_dagster.summary.words import comparable, is_unspaced

_IN_BRACKETS = re.compile(r"[(\[（]\s*([^)\]）]+?)\s*[)\]）]|\bin ([^\W\d_]+)\s*$", re.IGNORECASE)
_PER = re.compile(r"\b(?:per|pro|por|par|je|a)\b|/", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,;](?=\s)|[.!?](?=\s|$)|[。、，；！？\n|()（）]|\s[–—-]\s")
_WORD = re.compile(r"[^\W\d_]+")
_COMPARISONS = frozenset(
    {"even", "more", "less", "than", "mehr", "als", "mas", "de", "plus", "menos", "moins", "unter", "until"}
)
_CLOSE_WORDS = 2
# What stands before a number of servings.
_YIELDS = word_set(
    "serves serve feeds makes yields for reicht ergibt fur salen rinde rinden para pour per rende basta genoeg voor"
)


@dataclass(frozen=True)
class _Measure:
    """What a column holds: the words of its name, its kind of unit, and the unit itself if the name says it."""

    words: tuple[str, ...]
    kind: str | None
    unit: Unit | None
    is_percent: bool

    @classmethod
    def of(cls, column: Column) -> _Measure:
        name, bracketed = column.name, _IN_BRACKETS.search(column.name)
        named = unit_of(bracketed[1] or bracketed[2]) if bracketed else None
        words = content_words(name[: bracketed.start()] if bracketed and named else name)
        main = _PER.split(name, maxsplit=1)[0] or name
        spelled = [unit_of(word) for word in comparable(main).split() if len(word) > 2 or is_unspaced(word)]
        unit = named or unit_of_format(column.number_format) or next(filter(None, spelled), None)
        kind = unit.kind if unit else kind_of_name(comparable(main).split())
        return cls(tuple(words), kind, unit, column.number_format == "percent")

    def takes(self, figure: Figure) -> bool:
        """Return whether a figure may be meant for the column by its unit."""
        if figure.unit is None:
            return True
        if self.kind is None:
            return figure.unit.kind in SOFT
        if self.kind in MONEY and figure.unit == POUND:
            return self.kind == "£"
        is_price = figure.unit.kind in MONEY or figure.unit == POUND
        return figure.unit.kind == self.kind or (self.kind == PRICE and is_price)

    def holds(self, figure: Figure, value: float) -> bool:
        """Return whether a figure is the value in the column's unit."""
        if self.is_percent:
            return close(figure.value, value * 100) or (figure.unit is None and close(figure.value, value))
        if figure.unit is None or (figure.unit == POUND and self.kind in MONEY | {PRICE}):
            return close(figure.value, value)
        if self.kind == TIME and self.unit is None:
            return close(figure.value, value) or close(figure.base, value)
        if self.unit is not None and self.unit.kind == figure.unit.kind:
            return close(figure.base, value * self.unit.factor)
        return close(figure.value, value)


def judge_number(column: Column, value: float, statements: Sequence[Statement], whole: Whole) -> Verdict:
    """Judge a number by each quote, and by the sentence around a quote that states none.

    An amount in a currency that nothing names is unlikely: a bare "250" may be rupees, whose sign was not read.
    """
    measure = _Measure.of(column)
    verdict = best(_judge(measure, value, statement, whole) for statement in statements)
    is_of_unnamed_currency = measure.unit and measure.unit.kind in MONEY - whole.currencies
    return min(verdict, Verdict.UNLIKELY) if is_of_unnamed_currency else verdict


def _judge(measure: _Measure, value: float, statement: Statement, whole: Whole) -> Verdict:
    for text in (statement.quote, statement.around):
        verdict = _judge_text(measure, value, whole.read(text), whole.read(statement.around))
        if verdict is not None:
            return verdict
    return Verdict.UNLIKELY


def _judge_text(measure: _Measure, value: float, text: str, around: str) -> Verdict | None:
    """Return the verdict by the figures of a text, None if it has none."""
    stated = list(figures(text))
    found = [figure for figure in stated if not _is_denied(figure, text, around)]
    labelled = [figure for figure in found if _is_labelled(figure, measure, text)]
    meant = [figure for figure in labelled if measure.kind is None or measure.takes(figure)]
    meant = _closest(meant, measure, text) or [figure for figure in found if measure.takes(figure)]
    if not meant:
        is_denied = len(found) < len(stated)
        is_of_another_kind = measure.kind is not None and any(close(figure.value, value) for figure in found)
        return Verdict.CONTRADICTED if is_denied or is_of_another_kind else Verdict.UNLIKELY if found else None
    right = [figure for figure in meant if measure.holds(figure, value)]
    if right:
        return _judge_equal(measure, right, meant, text, is_labelled=bool(labelled))
    may_follow = _is_between(meant, measure, value) or _is_sum(meant, measure, value)
    return Verdict.LIKELY if may_follow else Verdict.CONTRADICTED


def _judge_equal(
    measure: _Measure, right: Sequence[Figure], meant: Sequence[Figure], text: str, *, is_labelled: bool
) -> Verdict:
    """Judge a value that some of the figures equal. Without the column's word, they may count something else."""
    if is_labelled:
        return Verdict.SUPPORTED
    if all(_counts_another(figure, measure, text) for figure in right):
        return Verdict.LIKELY if measure.kind is None else Verdict.UNLIKELY
    is_only_one = len({figure.base for figure in meant}) == 1
    is_of_kind = any(figure.unit and figure.unit.kind == measure.kind for figure in meant)
    return Verdict.SUPPORTED if is_only_one or is_of_kind else Verdict.LIKELY


def _counts_another(figure: Figure, measure: _Measure, text: str) -> bool:
    """Return whether a figure without a unit counts something that isn't the column's: "4 cloves"."""
    start, _ = _clause_of(figure, text)
    before = set(comparable(text[start : figure.start]).split())
    if figure.unit is not None or (measure.kind == SERVINGS and _YIELDS & before):
        return False
    return any(other.start == figure.start for other, _ in counted(text))


def _is_denied(figure: Figure, text: str, around: str) -> bool:
    """Return whether the words right before a figure deny it, also where the quote begins with it."""
    before = text[: figure.start]
    if not _WORD.search(before) and (at := around.find(text)) > 0:
        before = around[:at]
    clause = _CLAUSE_END.split(before)[-1]
    near = _WORD.findall(clause)[-_CLOSE_WORDS:]
    return has_negation(" ".join(near)) and not _COMPARISONS & set(near)


def _is_labelled(figure: Figure, measure: _Measure, text: str) -> bool:
    start, end = _clause_of(figure, text)
    words = content_words(text[start:end])
    return any(alike(word, label) for label in measure.words for word in words)


def _closest(labelled: list[Figure], measure: _Measure, text: str) -> list[Figure]:
    """Return the figures right before or after the column's word, or else all labelled ones."""
    beside = [figure for figure in labelled if _is_beside(figure, measure, text)]
    return beside if len(labelled) > 1 and beside else labelled


def _is_beside(figure: Figure, measure: _Measure, text: str) -> bool:
    after = _WORD.findall(text[figure.end : figure.end + 40])[:2]
    near = [word for word in after if unit_of(word) is None][:1]
    return any(alike(comparable(word), label) for word in near for label in measure.words)


def _clause_of(figure: Figure, text: str) -> tuple[int, int]:
    ends = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    start = max(end for end in ends if end <= figure.start)
    return start, min(end for end in ends if end >= figure.end)


def _is_between(meant: Sequence[Figure], measure: _Measure, value: float) -> bool:
    factor = measure.unit.factor if measure.unit else 1.0
    return any(
        low.opens_range and min(low.base, high.base) <= value * (factor if low.unit else 1) <= max(low.base, high.base)
        for low, high in pairwise(meant)
    )


def _is_sum(meant: Sequence[Figure], measure: _Measure, value: float) -> bool:
    """Return whether the value is the sum of two or more figures of the column's kind."""
    same = [figure for figure in meant if figure.unit and figure.unit.kind == measure.kind]
    factor = measure.unit.factor if measure.unit else 1.0
    return len(same) > 1 and close(sum(figure.base for figure in same), value * factor)
