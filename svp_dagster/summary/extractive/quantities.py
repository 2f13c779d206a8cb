"""Find the number for a column by its name and number format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from svp_dagster.notion.schema import Column
from svp_dagster.summary.extractive.patterns import Amount, amounts
from svp_dagster.summary.material import Passage

_MINUTES = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1 / 60),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "minuten"), 1.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "stunden"), 60.0),
}
DURATION_UNITS = frozenset(_MINUTES)
"""Words for seconds, minutes and hours, which can be converted into each other."""
_OTHER_UNITS = frozenset(
    {"g", "gram", "grams", "kg", "kilo", "kilos", "mg", "ml", "l", "liter", "liters", "litre", "litres", "oz", "lb"}
    | {"lbs", "cm", "m", "mm", "km", "mi", "miles", "kcal", "kj", "c", "f", "%"}
)
_TIME_WORDS = frozenset({"time", "duration", "minutes", "hours", "seconds", "zeit", "dauer"})
_PRICE_WORDS = frozenset({"price", "cost", "costs", "preis", "prix", "precio"})
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "servings": ("serving", "serves", "portions", "portion", "makes", "yields", "portionen"),
    "portions": ("serving", "servings", "serves", "makes", "yields", "portion"),
    "calories": ("calorie", "kcal", "cal", "cals"),
    "kcal": ("calorie", "calories", "cal", "cals"),
    "carbs": ("carbohydrates",),
    "prep time": ("prep", "preparation", "preparation time"),
    "cook time": ("cook", "cook for", "cooking time", "bake for", "simmer for"),
    "cooking time": ("cook", "cook for", "cook time", "bake for", "simmer for"),
    "total time": ("ready in", "takes", "done in"),
    "duration": ("takes", "ready in"),
    "rating": ("rated", "score"),
    "score": ("rated", "rating"),
    "temperature": ("temp", "preheat to", "bake at", "heat to"),
}
_CURRENCIES = {
    "dollar": r"\$|usd\b|dollars?\b",
    "us_dollar": r"\$|usd\b|dollars?\b",
    "euro": r"€|eur\b|euros?\b",
    "pound": r"£|gbp\b|pounds?\b",
    "yen": r"¥|jpy\b|yen\b|円",
    "rupee": r"₹|inr\b|rupees?\b|rs\.?",
    "won": r"₩|krw\b|won\b",
    "yuan": r"¥|cny\b|rmb\b|yuan\b|元",
    "franc": r"chf\b|francs?\b|fr\.",
}
_ANY_CURRENCY = r"[$€£¥₹₩₺₽]|(?:usd|eur|gbp|chf)\b|(?:dollars?|euros?)\b"
_OTHER_BEFORE, _OTHER_AFTER = re.compile(rf"(?:{_ANY_CURRENCY})\s*$"), re.compile(rf"\s*(?:{_ANY_CURRENCY})")
_FILLERS = r"(?:\s*[:=]\s*|\s+)(?:(?:is|are|was|of|for|about|around|approx\.?|ca\.?|only|just|~|≈)\s*){0,2}[$€£¥₹]?\s*"
_NEVER = r"(?!)"
_UNIT_IN_NAME = re.compile(r"[(\[]\s*([^\W\d_]+|%)\s*[)\]]\s*$|\bin\s+([^\W\d_]+)\s*$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number for a column with its passage, and whether the column's name and a colon precede it."""

    value: float
    passage: Passage
    is_labelled: bool = False


def quantities(column: Column, passages: Sequence[Passage]) -> list[Quantity]:
    """Return the numbers that fit the column, only labelled ones if there are any."""
    matcher = _Matcher(column, passages)
    found = [quantity for passage in passages for quantity in matcher.read(passage)]
    return [quantity for quantity in found if quantity.is_labelled] or found


class _Matcher:
    """Patterns for a column's name and number format, and whether the passages name its currency at all."""

    def __init__(self, column: Column, passages: Sequence[Passage]) -> None:
        name = column.name.casefold()
        unit = _UNIT_IN_NAME.search(name)
        self._label = " ".join(re.findall(r"[^\W_]+", name[: unit.start()] if unit else name))
        self._unit = next(filter(None, unit.groups()), "") if unit else ""
        words = set(self._label.split())
        self._is_time = self._unit in _MINUTES or bool(words & _TIME_WORDS)
        units = [word for word in (self._unit, *sorted(words)) if word in _MINUTES]
        self._minutes = _MINUTES[units[0]] if units else None
        self._is_percent = column.number_format == "percent"
        currency = _CURRENCIES.get(column.number_format or "", _ANY_CURRENCY if words & _PRICE_WORDS else _NEVER)
        own = _CURRENCIES.get(column.number_format or "")
        self._has_currency = own is not None
        self._is_named = any(re.search(own or _NEVER, passage.text.casefold()) for passage in passages)
        self._currency_before = re.compile(rf"(?:{currency})\s*$")
        self._currency_after = re.compile(rf"\s*(?:{currency})")
        labels = sorted({self._label, *_SYNONYMS.get(self._label, ())} - {""}, key=len, reverse=True)
        spelled = "|".join(r"\W+".join(map(re.escape, label.split())) for label in labels) or _NEVER
        self._before = re.compile(rf"(?<!\w)(?:{spelled}){_FILLERS}$")
        self._colon = re.compile(rf"(?<!\w)(?:{spelled})\s*(?:[(\[][^)\]]*[)\]])?\s*[:=]\s*\W{{0,3}}$")
        self._after = re.compile(rf"\s*(?:%|[^\W\d_]{{1,3}}\.?\s)?\s*(?:of\s+)?(?:{spelled})(?!\w)")

    def read(self, passage: Passage) -> Iterator[Quantity]:
        text = passage.text.casefold()
        for amount in amounts(text):
            is_labelled = self._colon.search(text, 0, amount.start) is not None
            if not (is_labelled or self._is_meant(amount, text)) or self._is_in_another_currency(amount, text):
                continue
            value = self._in_unit(amount, is_labelled=is_labelled)
            if value is not None:
                yield Quantity(value=value, passage=passage, is_labelled=is_labelled)

    def _is_meant(self, amount: Amount, text: str) -> bool:
        return any(pattern.search(text, 0, amount.start) for pattern in (self._currency_before, self._before)) or any(
            pattern.match(text, amount.end) for pattern in (self._currency_after, self._after)
        )

    def _is_in_another_currency(self, amount: Amount, text: str) -> bool:
        """Return whether an amount may not be in the column's currency: a screen reader loses signs such as ₹."""
        if not self._has_currency or self._currency_before.search(text, 0, amount.start):
            return False
        if self._currency_after.match(text, amount.end):
            return False
        has_other = _OTHER_BEFORE.search(text, 0, amount.start) or _OTHER_AFTER.match(text, amount.end)
        return has_other is not None or not self._is_named

    def _in_unit(self, amount: Amount, *, is_labelled: bool) -> float | None:
        """Return the value in the column's unit, None if the text has another unit."""
        if self._is_time:
            return self._in_minutes(amount, is_labelled=is_labelled)
        if amount.unit in _MINUTES and amount.unit != self._unit and len(amount.unit) > 1:
            return None
        if self._is_percent:
            return amount.value / 100 if amount.unit == "%" else None
        if self._unit and amount.unit in _OTHER_UNITS and amount.unit[:2] != self._unit[:2]:
            return None
        return amount.value

    def _in_minutes(self, amount: Amount, *, is_labelled: bool) -> float | None:
        """Return a duration in the column's unit. A column without a unit takes only minutes."""
        factor = _MINUTES.get(amount.unit)
        if factor is None:
            return amount.value if is_labelled and self._minutes and not amount.unit else None
        if self._minutes is None and factor != 1.0:
            return None
        value = round(amount.value * factor / (self._minutes or 1.0), 2)
        return int(value) if value == int(value) else value
