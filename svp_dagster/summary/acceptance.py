"""Decide which offered values are written. A wrong value is worse than a blank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from svp_dagster.models import Evidence, PropertyFill, Value
from svp_dagster.notion.properties import unfit_values
from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema
from svp_dagster.summary.evidence import QUOTE_CHARS, Place, QuoteChecker
from svp_dagster.summary.language.tongues import is_translation
from svp_dagster.summary.material import Material
from svp_dagster.summary.show_notes import SHOW_NOTES
from svp_dagster.summary.support.pictures import SEEN_CONFIDENCE, objection, usable, without_unconfirmed
from svp_dagster.summary.support.places import grounded, without_places
from svp_dagster.summary.support.review import PASSAGE_CHARS, Check, Question
from svp_dagster.summary.support.rules import judge, occurs
from svp_dagster.summary.support.verdicts import Statement, Verdict, Whole
from svp_dagster.summary.words import clean, one_line

TITLE_CHARS = 200

_QUOTES = 3
_RELATED, _CLOSELY = 0.5, 0.75
"""A quote is about a place that has this share of its words, and another wording of one that has the other."""
_NO_QUOTE = "No quote for it was found in what is said, shown or written."
_OBJECTIONS = {
    Verdict.CONTRADICTED: "Its own quote says otherwise.",
    Verdict.UNLIKELY: "Its quote doesn't say so.",
}
_HARD_TO_UNDERSTAND = "The speech was hard to understand, and nothing else says so."
_DENIED = "Its quote doesn't say so, a second look found."
_CONTACTS = frozenset({ColumnType.URL, ColumnType.EMAIL, ColumnType.PHONE_NUMBER})
_SHORT_TYPES = frozenset(
    {ColumnType.NUMBER, ColumnType.DATE, ColumnType.CHECKBOX, ColumnType.SELECT, ColumnType.MULTI_SELECT}
)
"""Types of values that the rules can compare with a passage without the quote's words."""


class Accepted(Value):
    """Values to write, and the reason for each offered value that is left blank."""

    properties: dict[str, PropertyFill]
    left_blank: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """A value, or an item of a list, with the verdict of the rules and the evidence to show for it.

    Without a text `near` the evidence, nobody is asked about it. `objection` is the reason of one that was only seen.
    """

    column: Column
    value: Any
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    near: str = ""
    objection: str = ""

    @property
    def question(self) -> Question:
        quote = " / ".join(item.quote for item in self.evidence)
        return Question(
            column=self.column.name, kind=self.column.type, value=self.value, quote=quote, passage=self.near
        )


class Judge:
    """Accepts or rejects the values that an engine offers for a schema.

    - A value needs a confidence of at least `min_confidence`, and a quote that supports it. The rules of `support` say
      whether it does, doesn't or whether they can't tell. Then a `check` may be asked, all values at once.
    - A quote has to occur in the material. One in other words counts if the material near it supports the value.
    - Addresses and telephone numbers must occur in the material themselves.
    - A check mark that is not set needs no quote: there is nothing to quote, and blank means the same.
    - Show notes lose the lines whose time or address isn't in the material.
    - A title needs no quote, but its words and figures have to be those of the material.
    - Doubtful speech proves nothing. A value quoted from it counts if the caption or the screen supports it.
    - What is seen counts where no text supports the value and none contradicts it, as far as `support.pictures` allows.
      The check isn't asked: it would cost the picture once more, and ask the same eyes.
    """

    def __init__(self, schema: DataSourceSchema, material: Material, *, min_confidence: float) -> None:
        self._schema = schema
        self._passages = material.reliable.passages
        self._checker = QuoteChecker(self._passages)
        self._whole = Whole(material.reliable)
        self._is_doubtful = material.doubtful
        self._min_confidence = min_confidence
        self._supporting: dict[tuple[str, str], list[Place]] = {}

    def accept(self, offers: dict[str, PropertyFill], *, check: Check | None = None) -> Accepted:
        """Return the accepted values. `check` is asked about those for which the rules can't tell."""
        fills: dict[str, PropertyFill] = {}
        left_blank: dict[str, str] = {}
        claims: list[_Claim] = []
        for name, offer in offers.items():
            column = self._schema.column(name)
            if column is None:
                continue
            value = _cleaned(column, offer.value)
            if column == SHOW_NOTES:
                value = grounded(str(value), self._passages)
            fill = offer.model_copy(update={"value": value})
            objection = self._objection(column, fill)
            if objection:
                left_blank[name] = objection
            else:
                fills[name] = fill
                claims += self._claims(column, fill)
        judged = _reviewed(claims, check)
        properties: dict[str, PropertyFill] = {}
        for name, fill in fills.items():
            own = [(claim, objection) for claim, objection in judged if claim.column.name == name]
            kept = [claim for claim, objection in own if not objection]
            if kept:
                properties[name] = _filled(fill, kept)
            else:
                left_blank[name] = self._explained(own[0][1])
        return Accepted(properties=properties, left_blank=left_blank)

    def _explained(self, reason: str) -> str:
        return _HARD_TO_UNDERSTAND if reason == _NO_QUOTE and self._is_doubtful else reason

    def overview(self, text: str) -> str:
        """Return an overview without the sentences that tell of pictures what no text confirms."""
        return without_unconfirmed(text, self._whole)

    def _objection(self, column: Column, fill: PropertyFill) -> str:
        """Return why a value can't be written whatever is quoted for it, or an empty text."""
        unfit = unfit_values(self._schema, {column.name: fill.value}).get(column.name)
        if unfit is not None:
            return unfit
        if column.type is not ColumnType.TITLE and fill.confidence < self._min_confidence:
            return f"The engine was not sure enough: {fill.confidence:.0%}."
        if column.type in _CONTACTS and not occurs(column, str(fill.value), self._whole.texts):
            return "It does not occur in what is said, shown or written."
        return ""

    def _claims(self, column: Column, fill: PropertyFill) -> list[_Claim]:
        quotes = _quotes(fill.evidence)
        found = [(item, place) for item in quotes if (place := self._checker.find(item)) is not None]
        value = without_places(fill.value) if column == SHOW_NOTES else fill.value
        items = value if isinstance(value, list) else [value]
        return [self._claim(column, item, quotes, found) for item in items]

    def _claim(
        self, column: Column, value: Any, quotes: Sequence[Evidence], found: Sequence[tuple[Evidence, Place]]
    ) -> _Claim:
        """Return the claim by the text. Without its support, return the one by what is seen, if there is any.

        What the model calls seen may be found in the text word for word: then the text is its source.
        """
        by_text = self._text_claim(column, value, quotes, found)
        seen = [item for item in quotes if item.source == "picture"]
        if not seen or by_text.verdict >= Verdict.LIKELY or (found and by_text.verdict is Verdict.CONTRADICTED):
            return by_text
        by_picture = self._picture_claim(column, value, seen)
        return by_picture if by_picture.verdict >= by_text.verdict else by_text

    def _picture_claim(self, column: Column, value: Any, seen: Sequence[Evidence]) -> _Claim:
        reason = objection(column, str(value), seen, self._whole)
        verdict = Verdict.CONTRADICTED if reason else Verdict.LIKELY
        evidence = tuple(usable(seen, self._whole)[:_QUOTES])
        return _Claim(column=column, value=value, verdict=verdict, evidence=evidence, objection=reason)

    def _text_claim(
        self, column: Column, value: Any, quotes: Sequence[Evidence], found: Sequence[tuple[Evidence, Place]]
    ) -> _Claim:
        statements = [Statement(item.quote, place.around) for item, place in found]
        is_found = [item for item, _ in found]
        unfound = [item for item in quotes if item not in is_found and item.source != "picture"]
        evidence = (
            *(item.model_copy(update=_at(place) | {"checked": True}) for item, place in found),
            *(item.model_copy(update={"checked": False, "at_s": None}) for item in unfound),
        )[:_QUOTES]
        if column.type is ColumnType.CHECKBOX and value is False:
            return _Claim(column=column, value=value, verdict=Verdict.SUPPORTED, evidence=evidence)
        if statements or column.type is ColumnType.TITLE:
            verdict = judge(column, value, statements, self._whole)
            room = PASSAGE_CHARS // max(1, len(found))
            near = "\n…\n".join(place.shown(at_most=room) for _, place in found)
            return _Claim(column=column, value=value, verdict=verdict, evidence=evidence, near=near)
        return self._reworded(column, value, unfound)

    def _reworded(self, column: Column, value: Any, quotes: Sequence[Evidence]) -> _Claim:
        """Return the claim of a value whose quotes aren't in the material, by the places that they may be about.

        The rules alone take it where such a place supports it, and the quote too.
        """
        claims = [
            self._claim_at(column, value, item, place) for item in quotes for place in self._places(column, value, item)
        ]
        unfound = tuple(item.model_copy(update={"checked": False, "at_s": None}) for item in quotes)
        nothing = _Claim(column=column, value=value, verdict=Verdict.CONTRADICTED, evidence=unfound[:_QUOTES])
        return max(claims, key=lambda claim: claim.verdict, default=nothing)

    def _claim_at(self, column: Column, value: Any, item: Evidence, place: Place) -> _Claim:
        verdict = judge(column, value, [Statement(place.around, place.around)], self._whole)
        evidence = item.model_copy(update=_at(place) | {"checked": False, "reworded": True})
        share = self._checker.share(item, place, self._whole.language)
        least = _CLOSELY if verdict is Verdict.LIKELY else 0.0 if column.type in _SHORT_TYPES else _RELATED
        if verdict >= Verdict.LIKELY and share < least:
            verdict = Verdict.UNLIKELY
        return _Claim(
            column=column, value=value, verdict=verdict, evidence=(evidence,), near=place.shown(at_most=PASSAGE_CHARS)
        )

    def _places(self, column: Column, value: Any, item: Evidence) -> list[Place]:
        """Return the places that a quote in other words may be about."""
        places = self._checker.related(item, self._whole.language)
        places += [place for place in self._checker.at_moment(item) if self._may_mean(column, value, item, place)]
        if places or column.type not in _SHORT_TYPES | _CONTACTS:
            return places
        # The quote itself has to support the value: else one invented quote would vouch for any value that occurs.
        said = judge(column, value, [Statement(item.quote, item.quote)], self._whole)
        if said is not Verdict.SUPPORTED or not occurs(column, str(value), [item.quote]):
            return []
        key = (column.name, str(value))
        if key not in self._supporting:
            self._supporting[key] = self._supporting_place(column, value)
        return self._supporting[key]

    def _supporting_place(self, column: Column, value: Any) -> list[Place]:
        """Return the first place that supports a value, if there is one."""
        supporting = (
            place
            for place in self._checker.places
            if judge(column, value, [Statement(place.around, place.around)], self._whole) is Verdict.SUPPORTED
            and (column.type not in _CONTACTS or occurs(column, str(value), [place.around]))
        )
        return list(islice(supporting, 1))

    def _may_mean(self, column: Column, value: Any, item: Evidence, place: Place) -> bool:
        """Return whether what is said at a quote's second may be what it translates."""
        if column.type not in _SHORT_TYPES:
            return is_translation(item.quote, place.around)
        if self._checker.share(item, place, self._whole.language) > 0:
            return True
        return judge(column, value, [Statement(place.around, place.around)], self._whole) is Verdict.SUPPORTED


def _reviewed(claims: Sequence[_Claim], check: Check | None) -> list[tuple[_Claim, str]]:
    """Return each claim with why it is not written, an empty text where it is."""
    open_ones = [claim for claim in claims if claim.verdict.is_open and claim.near]
    answers = check([claim.question for claim in open_ones]) if check is not None and open_ones else {}
    answered = {id(open_ones[index]): supported for index, supported in answers.items()}
    return [(claim, _blank_reason(claim, answered.get(id(claim)))) for claim in claims]


def _blank_reason(claim: _Claim, is_supported: bool | None) -> str:
    if is_supported is not None:
        return "" if is_supported else _DENIED
    if claim.verdict >= Verdict.LIKELY or claim.objection:
        return claim.objection
    has_quote = any(item.checked or item.reworded for item in claim.evidence)
    return _OBJECTIONS[claim.verdict] if has_quote else _NO_QUOTE


def _filled(fill: PropertyFill, kept: Sequence[_Claim]) -> PropertyFill:
    value = [claim.value for claim in kept] if isinstance(fill.value, list) else fill.value
    evidence = dict.fromkeys(item for claim in kept for item in claim.evidence)
    is_seen = any(item.source == "picture" for item in evidence)
    confidence = min(fill.confidence, SEEN_CONFIDENCE) if is_seen else fill.confidence
    return PropertyFill(value=value, confidence=confidence, evidence=tuple(evidence)[:_QUOTES])


def _quotes(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the quotes on one line each, without repetitions, as many as are looked up."""
    quotes = (item.model_copy(update={"quote": one_line(item.quote, at_most=QUOTE_CHARS)}) for item in evidence)
    once = {item.quote: item for item in quotes if item.quote}
    return list(once.values())[: 3 * _QUOTES]


def _at(place: Place) -> dict[str, Any]:
    return {"source": place.passage.source, "at_s": place.passage.at_s, "slide": place.passage.slide}


def _cleaned(column: Column, value: Any) -> Any:
    match value:
        case str() if column.type is ColumnType.RICH_TEXT:
            return clean(value)
        case str():
            return one_line(value, at_most=TITLE_CHARS if column.type is ColumnType.TITLE else None)
        case list():
            return list(dict.fromkeys(filter(None, (one_line(item) for item in value if isinstance(item, str)))))
        case _:
            return value
