"""Fills a JSON Schema from the text of a prompt, by rules: a stand-in for a model that reads and quotes.

What the prompt tells to do is not done. Where the prompt has blocks (`<name>…</name>`), only their lines are
quoted; else every line that is no heading.
"""

import itertools
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.ai.gemini_schema import resolve

_BLOCK = re.compile(r"<(?P<name>[A-Za-z][\w-]*)[^<>]*>\s*\n?(?P<text>.*?)</(?P=name)>", re.DOTALL)
_LEADING = re.compile(
    r"^\s*(?:[-*•]\s+)?(?:[\[(]?\d{1,2}:\d{2}(?::\d{2})?[\])]?|[\[(]?\d+(?:\.\d+)?\s?s[\])])?[\s:–-]*"
)
_LABEL = re.compile(r"^(?P<label>[A-Za-z][A-Za-z ]{1,30}):\s+(?P<text>\S.*)$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[^\W_]{3,}")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w]*-\d)")
_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")

_MARKUP = ("# ", "## ", "### ", "```", "<")
_LONGEST_LINE = 300
_MOST_OF_A_LIST = 3
_DEEPEST = 8
_WITHOUT_OWN_MEANING = {"value", "values", "evidence", "quote", "quotes", "source", "text", "items"}
_QUOTING = {"evidence", "quote", "quotes", "source"}


def build_answer(schema: dict[str, Any], *, prompt: str) -> Any:
    """A value that is valid by `schema`, whose strings occur in `prompt` where there is anything to quote."""
    return _Writer(schema, prompt).value(schema, hint="", is_required=True, depth=0)


@dataclass(frozen=True)
class _Line:
    """A quotable piece; `words` are those of its label and its text, in lower case."""

    text: str
    words: frozenset[str]


class _Nothing:
    """The mark of a value that can be left out."""


_NOTHING = _Nothing()


class _Writer:
    def __init__(self, root: dict[str, Any], prompt: str) -> None:
        self._root = root
        self._lines = list(dict.fromkeys(_lines(prompt)))
        self._text = "\n".join(line.text for line in self._lines)

    def value(self, schema: dict[str, Any], *, hint: str, is_required: bool, depth: int) -> Any:
        """The value, or `_NOTHING` where it isn't required and nothing in the prompt fits."""
        if "$ref" in schema:
            schema = resolve(schema["$ref"], root=self._root)
        hint = " ".join([hint, schema.get("title", ""), schema.get("description", "")]).strip()
        if depth > _DEEPEST and not is_required:
            return _NOTHING
        if "enum" in schema:
            return self._option(schema["enum"], is_required=is_required)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._choice(choices, hint=hint, is_required=is_required, depth=depth)
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds[0] == "null" and len(kinds) > 1:
            kinds = kinds[1:] + kinds[:1]
        found = self._of_kind(kinds[0], schema, hint=hint, is_required=is_required and "null" not in kinds, depth=depth)
        return None if found is _NOTHING and is_required else found

    def _of_kind(self, kind: str, schema: dict[str, Any], *, hint: str, is_required: bool, depth: int) -> Any:
        match kind:
            case "object":
                return self._object(schema, hint=hint, depth=depth)
            case "array":
                return self._array(schema, hint=hint, is_required=is_required, depth=depth)
            case "string":
                return self._string(schema, hint=hint, is_required=is_required)
            case "integer" | "number":
                return self._number(schema, kind=kind, hint=hint, is_required=is_required)
            case "boolean":
                return bool(_words(hint) & _words(self._text))
        return None

    def _object(self, schema: dict[str, Any], *, hint: str, depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        order = [*required, *(name for name in schema.get("propertyOrdering", properties) if name not in required)]
        found: dict[str, Any] = {}
        for name in sorted(order, key=_QUOTING.__contains__):
            own_hint = hint if name in _WITHOUT_OWN_MEANING else f"{hint} {name}"
            quoted = self._line_with(found.values()) if name in _QUOTING else None
            if quoted is not None and properties[name].get("type") == "string":
                found[name] = quoted
                continue
            value = self.value(properties[name], hint=own_hint, is_required=name in required, depth=depth + 1)
            if value is not _NOTHING:
                found[name] = value
        return {name: found[name] for name in order if name in found}

    def _array(self, schema: dict[str, Any], *, hint: str, is_required: bool, depth: int) -> Any:
        fewest = schema.get("minItems", 0)
        most = schema.get("maxItems", max(fewest, _MOST_OF_A_LIST))
        if prefix := schema.get("prefixItems"):
            return [self.value(part, hint=hint, is_required=True, depth=depth + 1) for part in prefix]
        items = schema["items"]
        items = resolve(items["$ref"], root=self._root) if "$ref" in items else items
        if "enum" in items:
            found = [option for option in items["enum"] if self._occurs(option)] or items["enum"][:fewest]
        elif items.get("type") == "string" and "format" not in items:
            wanted = max(fewest, min(most, _MOST_OF_A_LIST))
            found = [_cut(line.text, items.get("maxLength")) for line in self._ranked(hint)[:wanted]]
        else:
            found = [self.value(items, hint=hint, is_required=True, depth=depth + 1)]
        while len(found) < fewest:
            found.append(found[-1] if found else self.value(items, hint=hint, is_required=True, depth=depth + 1))
        return found[:most] if found or is_required else _NOTHING

    def _string(self, schema: dict[str, Any], *, hint: str, is_required: bool) -> Any:
        patterns = {"date": _DATE, "date-time": _DATE, "uri": _URL, "url": _URL, "email": _EMAIL}
        stand_ins = {
            "date": "2000-01-01",
            "date-time": "2000-01-01",
            "uri": "https://example.com",
            "email": "a@example.com",
        }
        wanted = schema.get("format", "")
        if wanted in patterns:
            match = patterns[wanted].search(self._text)
            if match is None and not is_required:
                return _NOTHING
            found = match.group().rstrip(".,;") if match else stand_ins.get(wanted, "")
            return f"{found}T00:00:00Z" if wanted == "date-time" else found
        ranked = self._ranked(hint)
        if not ranked:
            return "" if is_required else _NOTHING
        return _cut(ranked[0].text, schema.get("maxLength"))

    def _number(self, schema: dict[str, Any], *, kind: str, hint: str, is_required: bool) -> Any:
        wanted = _words(hint)
        near = [line for line in self._ranked(hint) if line.words & wanted]
        match = next((match for line in near if (match := _NUMBER.search(line.text))), None)
        if match is None and not is_required:
            return _NOTHING
        number = max(float(match.group()) if match else 0.0, schema.get("minimum", -math.inf))
        number = min(number, schema.get("maximum", math.inf))
        return int(number) if kind == "integer" or number.is_integer() else number

    def _option(self, options: list[Any], *, is_required: bool) -> Any:
        found = next((option for option in options if self._occurs(option)), _NOTHING)
        return options[0] if found is _NOTHING and is_required else found

    def _choice(self, choices: list[dict[str, Any]], *, hint: str, is_required: bool, depth: int) -> Any:
        may_be_null = any(choice.get("type") == "null" for choice in choices)
        for choice in choices:
            if choice.get("type") == "null":
                continue
            found = self.value(choice, hint=hint, is_required=False, depth=depth)
            if found is not _NOTHING:
                return found
        if may_be_null or not is_required:
            return None if may_be_null else _NOTHING
        return self.value(choices[0], hint=hint, is_required=True, depth=depth)

    def _occurs(self, option: Any) -> bool:
        return re.search(rf"(?<!\w){re.escape(str(option))}(?!\w)", self._text, re.IGNORECASE) is not None

    def _line_with(self, values: Any) -> str | None:
        """The first line that holds one of `values`."""
        wanted = [str(leaf).casefold() for value in values for leaf in _leaves(value) if str(leaf).strip()]
        return next((line.text for line in self._lines if any(leaf in line.text.casefold() for leaf in wanted)), None)

    def _ranked(self, hint: str) -> list[_Line]:
        """The lines by how many words they share with `hint`; where none does, another first line per hint."""
        wanted = _words(hint)
        ranked = sorted(self._lines, key=lambda line: -len(line.words & wanted))
        if ranked and not ranked[0].words & wanted:
            start = sum(map(ord, hint)) % len(ranked)
            return ranked[start:] + ranked[:start]
        return ranked


def _lines(prompt: str) -> Iterator[_Line]:
    blocks = [(match["name"], match["text"]) for match in _BLOCK.finditer(prompt)] or [("", prompt)]
    for name, text in blocks:
        for raw in _texts(text):
            line = _LEADING.sub("", raw, count=1).strip()
            label = _LABEL.match(line)
            label_words = _words(name) | (_words(label["label"]) if label else set())
            quotable = label["text"] if label else line
            if len(quotable) < 2 or quotable.endswith(":") or quotable.startswith(_MARKUP):
                continue
            pieces = _SENTENCE_END.split(quotable) if len(quotable) > _LONGEST_LINE else [quotable]
            for piece in pieces:
                yield _Line(text=piece, words=frozenset(label_words | _words(piece)))


def _texts(text: str) -> list[str]:
    """The lines of a text; of JSON its strings."""
    try:
        return [str(leaf) for leaf in _leaves(json.loads(text)) if isinstance(leaf, str)]
    except ValueError:
        return text.splitlines()


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        yield from itertools.chain.from_iterable(map(_leaves, value))
    elif value is not None and not isinstance(value, bool):
        yield value


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _cut(text: str, longest: int | None) -> str:
    """`text` up to the last whole word that fits."""
    if longest is None or len(text) <= longest:
        return text
    return text[: longest + 1].rsplit(" ", 1)[0][:longest]
