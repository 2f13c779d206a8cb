"""Decide which offered values are written. A wrong value is worse than a blank."""

from __future__ import annotations

import re
from typing import Any

from svp_dagster.models import Evidence, PropertyFill, Value
from svp_dagster.notion.properties import unfit_values
from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema
from svp_dagster.summary.evidence import QUOTE_CHARS, QuoteChecker
from svp_dagster.summary.extractive.patterns import amounts, days
from svp_dagster.summary.extractive.quantities import DURATION_UNITS
from svp_dagster.summary.material import Material
from svp_dagster.summary.words import clean, one_line

TITLE_CHARS = 200

_QUOTES = 3
_NO_PHONE_SIGNS = re.compile(r"[^\d+]")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://(?:www\.)?|^(?:www\.|mailto:)", re.IGNORECASE)
# Part of a longer address or word is no occurrence: "evil.example" does not occur in "notevil.example".
_ADDRESS_SIGN = r"[\w.@-]"


class Accepted(Value):
    """Values to write, and the reason for each offered value that is left blank."""

    properties: dict[str, PropertyFill]
    left_blank: dict[str, str]


class Judge:
    """Accepts or rejects the values that an engine offers for a schema.

    - A value needs a quote that occurs in the material, and a confidence of at least `min_confidence`. So do options
      and check marks: without a quote "vegan" is a guess.
    - Addresses and telephone numbers must occur in the material themselves. A number or day must not contradict its
      own quotes.
    - A check mark that is not set needs no quote: there is nothing to quote, and blank means the same.
    - The title is always written, whatever its evidence.
    """

    def __init__(self, schema: DataSourceSchema, material: Material, *, min_confidence: float) -> None:
        self._schema = schema
        self._checker = QuoteChecker(material.passages)
        self._texts = [passage.text.casefold() for passage in material.passages]
        self._min_confidence = min_confidence

    def accept(self, offers: dict[str, PropertyFill]) -> Accepted:
        """Return the accepted values."""
        properties: dict[str, PropertyFill] = {}
        left_blank: dict[str, str] = {}
        for name, offer in offers.items():
            column = self._schema.column(name)
            if column is None:
                continue
            fill = PropertyFill(
                value=_cleaned(column, offer.value), confidence=offer.confidence, evidence=self._checked(offer.evidence)
            )
            objection = self._objection(column, fill)
            if objection:
                left_blank[name] = objection
            else:
                properties[name] = fill
        return Accepted(properties=properties, left_blank=left_blank)

    def _checked(self, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        """Check the quotes, and return the first few, found ones first."""
        quotes = (item.model_copy(update={"quote": one_line(item.quote, at_most=QUOTE_CHARS)}) for item in evidence)
        once = {item.quote: item for item in quotes if item.quote}
        checked = [self._checker.check(item) for item in list(once.values())[: 3 * _QUOTES]]
        return tuple(sorted(checked, key=lambda item: not item.checked)[:_QUOTES])

    def _objection(self, column: Column, fill: PropertyFill) -> str:
        unfit = unfit_values(self._schema, {column.name: fill.value}).get(column.name)
        if unfit is not None:
            return unfit
        if column.type is ColumnType.TITLE:
            return ""
        if fill.confidence < self._min_confidence:
            return f"The engine was not sure enough: {fill.confidence:.0%}."
        if column.type is ColumnType.CHECKBOX and fill.value is False:
            return ""
        if not any(item.checked for item in fill.evidence):
            return "No quote for it was found in what is said, shown or written."
        if not self._occurs(column, fill.value):
            return "It does not occur in what is said, shown or written."
        if _is_contradicted(column, fill):
            return "Its own quote says otherwise."
        return ""

    def _occurs(self, column: Column, value: Any) -> bool:
        match column.type:
            case ColumnType.URL | ColumnType.EMAIL:
                address = re.escape(_SCHEME.sub("", value.casefold()).rstrip("/"))
                whole = re.compile(rf"(?<!{_ADDRESS_SIGN}){address}(?!{_ADDRESS_SIGN}*\w)")
                return any(whole.search(_without_www(text)) for text in self._texts)
            case ColumnType.PHONE_NUMBER:
                digits = _NO_PHONE_SIGNS.sub("", value)
                return any(digits in _NO_PHONE_SIGNS.sub("", text) for text in self._texts)
            case _:
                return True


def _is_contradicted(column: Column, fill: PropertyFill) -> bool:
    """Return whether the quotes state exactly one number, or days, and the value is another."""
    quotes = [item.quote for item in fill.evidence if item.checked]
    if column.type is ColumnType.DATE:
        stated = {day[:10] for quote in quotes for day in days(quote)}
        return bool(stated) and str(fill.value)[:10] not in stated
    if column.type is not ColumnType.NUMBER:
        return False
    numbers = {amount.value for quote in quotes for amount in amounts(quote)}
    is_duration = any(amount.unit in DURATION_UNITS for quote in quotes for amount in amounts(quote))
    return len(numbers) == 1 and not is_duration and not {fill.value, fill.value * 100} & numbers


def _without_www(text: str) -> str:
    return text.replace("www.", "")


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
