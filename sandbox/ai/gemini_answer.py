"""Fills a JSON Schema from the text of a prompt, by rules: a stand-in for a model that reads and quotes.

What the prompt tells to do is not done; its lines are only quoted.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.ai.gemini_schema import resolve
from sandbox.ai.quotable import Line, leaves, quotable_lines, stems

_NUMBER = re.compile(r"(?<![\w.,-])-?\d+(?:\.\d+)?(?![-/:]?\d)")
_PATTERNS = {
    "date": re.compile(r"\b\d{4}-\d{2}-\d{2}\b"),
    "date-time": re.compile(r"\b\d{4}-\d{2}-\d{2}\b"),
    "uri": re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;]"),
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "phone": re.compile(r"\+?\d[\d ()/-]{6,}\d"),
}
_STAND_INS = {"date": "2000-01-01", "date-time": "2000-01-01", "uri": "https://example.com", "email": "a@example.com"}
_FORMAT_WORDS = {"iso 8601": "date", "web address": "uri", "url": "uri", "email": "email", "telephone": "phone"}
_HASHTAG = re.compile(r"#(\w+)")
_LONG_WORD = re.compile(r"[^\W\d_]{5,}")
_SHORT_NAMES = {"tags", "keywo", "hashta", "topics", "names"}
_TITLE_SOURCES = {"captio", "headli"}
_MOST_CHARACTERS = re.compile(r"at most (\d+) characters")

_MOST_OF_A_LIST = 3
_DEEPEST = 8
_NAME_WEIGHT = 10
_QUOTING = {"evidence", "quote", "quotes", "source"}
_JUDGING = {"confidence", "score", "probability"}
_WITHOUT_OWN_MEANING = _QUOTING | {"value", "values", "text", "items"}


def build_answer(schema: dict[str, Any], *, prompt: str, seen: Sequence[str] = ()) -> Any:
    """A value that is valid by `schema`, whose strings occur in `prompt` where there is anything to quote.

    What is `seen`, a description for each picture, is told where nothing in the prompt has to do with a property.
    """
    return _Writer(schema, prompt, seen).value(schema, _Wish(), is_required=True)


class _Nothing:
    """The mark of a value that the prompt doesn't give."""


_NOTHING = _Nothing()


@dataclass(frozen=True)
class _Wish:
    """What a value is wanted for: the property's name, what the schema says about it, and the line to quote."""

    name: str = ""
    about: str = ""
    line: Line | None = None
    depth: int = 0

    def score(self, line: Line) -> int:
        """How much `line` has to do with it."""
        own = line.stems
        about = stems(self.about)
        about |= _TITLE_SOURCES if "title" in about else set()
        return _NAME_WEIGHT * len(own & stems(self.name)) + len(own & about)

    def inside(self, name: str, *, line: Line | None) -> "_Wish":
        """The wish for a property of the object that is wanted."""
        if name in _WITHOUT_OWN_MEANING:
            return _Wish(self.name, self.about, line, self.depth + 1)
        return _Wish(name, "", line, self.depth + 1)

    def told(self, schema: dict[str, Any]) -> "_Wish":
        """The same with what `schema` says."""
        about = " ".join([self.about, schema.get("title", ""), schema.get("description", "")]).strip()
        return _Wish(self.name, about, self.line, self.depth)


class _Writer:
    def __init__(self, root: dict[str, Any], prompt: str, seen: Sequence[str]) -> None:
        self._root = root
        self._lines = quotable_lines(prompt)
        self._seen = [Line(text, labels=("picture",), tile=1) for text in seen]
        self._text = "\n".join(line.text for line in self._lines)

    def value(self, schema: dict[str, Any], wish: _Wish, *, is_required: bool) -> Any:
        """The value, or `_NOTHING` where it isn't required and nothing in the prompt fits."""
        schema = self._resolved(schema)
        wish = wish.told(schema)
        if wish.depth > _DEEPEST and not is_required:
            return _NOTHING
        if "enum" in schema:
            return self._option(schema["enum"], wish, is_required=is_required)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._choice(choices, wish, is_required=is_required)
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kinds = [kinds] if isinstance(kinds, str) else sorted(kinds, key=lambda kind: kind == "null")
        found = self._of_kind(kinds[0], schema, wish, is_required=is_required and "null" not in kinds)
        return None if found is _NOTHING and is_required else found

    def _of_kind(self, kind: str, schema: dict[str, Any], wish: _Wish, *, is_required: bool) -> Any:
        match kind:
            case "object":
                return self._object(schema, wish, is_required=is_required)
            case "array":
                return self._array(schema, wish, is_required=is_required)
            case "string":
                return self._string(schema, wish, is_required=is_required)
            case "integer" | "number":
                return self._number(schema, wish, kind=kind, is_required=is_required)
            case "boolean":
                return bool(stems(f"{wish.name} {wish.about}") & stems(self._text))
        return None

    def _object(self, schema: dict[str, Any], wish: _Wish, *, is_required: bool) -> Any:
        """Required properties first, in their order; quotes are chosen last, to fit what they are to prove."""
        properties, required = schema.get("properties", {}), schema.get("required", [])
        order = [*required, *(name for name in schema.get("propertyOrdering", properties) if name not in required)]
        found: dict[str, Any] = {}
        line = wish.line
        for name in sorted(order, key=_QUOTING.__contains__):
            if name in _QUOTING and line is None:
                line = self._line_with(found.values()) or next(iter(self._ranked(wish)), None)
            inner = wish.inside(name, line=line)
            value = self.value(properties[name], inner, is_required=False)
            if value is _NOTHING and name in required:
                if not is_required:
                    return _NOTHING
                value = self.value(properties[name], inner, is_required=True)
            if value is not _NOTHING:
                found[name] = value
        return {name: found[name] for name in order if name in found}

    def _array(self, schema: dict[str, Any], wish: _Wish, *, is_required: bool) -> Any:
        fewest = schema.get("minItems", 0)
        most = schema.get("maxItems", max(fewest, _MOST_OF_A_LIST))
        if prefix := schema.get("prefixItems"):
            return [self.value(part, wish, is_required=True) for part in prefix]
        items = self._resolved(schema["items"])
        if "enum" in items:
            found = [option for option in items["enum"] if self._occurs(option)] or items["enum"][:fewest]
        elif items.get("type") == "string" and "format" not in items and wish.line is None:
            found = self._strings(items, wish, count=max(fewest, min(most, _MOST_OF_A_LIST)))
        else:
            found = [self.value(items, wish, is_required=True)]
        while len(found) < fewest:
            found.append(found[-1] if found else self.value(items, wish, is_required=True))
        return found[:most] if found or is_required else _NOTHING

    def _strings(self, items: dict[str, Any], wish: _Wish, *, count: int) -> list[str]:
        texts: Iterable[str] = (line.text for line in self._ranked(wish))
        if stems(f"{wish.name} {wish.about}") & _SHORT_NAMES:
            long_words = [word for word, _ in Counter(_LONG_WORD.findall(self._text)).most_common()]
            texts = dict.fromkeys(_HASHTAG.findall(self._text) or long_words)
        return [_cut(text, items.get("maxLength")) for text in texts][:count]

    def _string(self, schema: dict[str, Any], wish: _Wish, *, is_required: bool) -> Any:
        about = f"{wish.name} {wish.about}".casefold()
        meant = next((format_ for word, format_ in _FORMAT_WORDS.items() if word in about), None)
        wanted = schema.get("format") or (meant if wish.line is None else None)
        if wanted in _PATTERNS:
            match = _PATTERNS[wanted].search(self._text)
            if match is None and not is_required:
                return _NOTHING
            found = match.group() if match else _STAND_INS.get(wanted, "")
            return f"{found}T00:00:00Z" if wanted == "date-time" else found
        line = wish.line or next(iter(self._ranked(wish)), None)
        if line is None:
            return "" if is_required else _NOTHING
        told = _MOST_CHARACTERS.search(wish.about)
        return _cut(line.quote if wish.line else line.text, schema.get("maxLength", int(told[1]) if told else None))

    def _number(self, schema: dict[str, Any], wish: _Wish, *, kind: str, is_required: bool) -> Any:
        number = self._found_number(wish)
        if number is None and not is_required:
            return _NOTHING
        number = max(number or 0.0, schema.get("minimum", -math.inf))
        number = float(min(number, schema.get("maximum", math.inf)))
        return int(number) if kind == "integer" or number.is_integer() else number

    def _found_number(self, wish: _Wish) -> float | None:
        if wish.name in _JUDGING:
            return 0.9
        if wish.name == "tile":
            return wish.line.tile if wish.line else None
        if wish.line is not None:
            return wish.line.at_s
        near = [line for line in self._ranked(wish) if line.stems & stems(wish.name)]
        match = next((match for line in near if (match := _NUMBER.search(line.text))), None)
        return float(match.group()) if match else None

    def _option(self, options: list[Any], wish: _Wish, *, is_required: bool) -> Any:
        labels = wish.line.labels if wish.line else ()
        found = next((option for option in options if option in labels), _NOTHING)
        if found is _NOTHING:
            found = next((option for option in options if self._occurs(option)), _NOTHING)
        return options[0] if found is _NOTHING and is_required else found

    def _choice(self, choices: list[dict[str, Any]], wish: _Wish, *, is_required: bool) -> Any:
        others = [choice for choice in choices if choice.get("type") != "null"]
        found = next(
            (found for each in others if (found := self.value(each, wish, is_required=False)) is not _NOTHING), _NOTHING
        )
        if found is not _NOTHING or not is_required:
            return found
        return None if len(others) < len(choices) else self.value(others[0], wish, is_required=True)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = resolve(schema["$ref"], root=self._root)
        return schema

    def _occurs(self, option: Any) -> bool:
        return _stands_in(str(option), self._text)

    def _line_with(self, values: Iterable[Any]) -> Line | None:
        """The first line that holds one of `values`."""
        wanted = [str(leaf) for value in values for leaf in leaves(value) if str(leaf).strip()]
        lines = [*self._lines, *self._seen]
        return next((line for line in lines if any(_stands_in(leaf, line.text) for leaf in wanted)), None)

    def _ranked(self, wish: _Wish) -> list[Line]:
        """The lines by what they have to do with `wish`; where none has, another one leads for each name."""
        ranked = sorted(self._lines, key=wish.score, reverse=True)
        if self._seen and not (ranked and wish.score(ranked[0])):
            return [*self._seen, *ranked]
        if ranked and not wish.score(ranked[0]):
            start = sum(map(ord, wish.name)) % len(ranked)
            return ranked[start:] + ranked[:start]
        return ranked


def _stands_in(wanted: str, text: str) -> bool:
    """Whether `text` has it as whole words."""
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.IGNORECASE) is not None


def _cut(text: str, longest: int | None) -> str:
    """`text` up to the last whole word that fits."""
    if longest is None or len(text) <= longest:
        return text
    return text[: longest + 1].rsplit(" ", 1)[0][:longest]
