"""What can be quoted from a prompt, line by line, with what stands around each line.

Where the prompt has blocks (`<name>…</name>`), only they are quoted; of a block that is JSON, its strings.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

_BLOCK = re.compile(r"<(?P<name>[A-Za-z][\w-]*)[^<>]*>\s*(?P<text>.*?)\s*</(?P=name)>", re.DOTALL)
_TIME = re.compile(
    r"^\s*(?:[-*•]\s+)?[\[(]?(?:(?P<minutes>\d{1,2}):(?P<seconds>\d{2})|(?P<only_s>\d+(?:\.\d+)?)\s?s\b)[\])]?[\s:–-]*"
)
_BULLET = re.compile(r"^\s*[-*•]\s+")
_LABEL = re.compile(r"^(?P<label>[A-Za-z][A-Za-z ]{1,30}): (?P<text>\S.*)$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_MARKUP = ("# ", "## ", "### ", "```", "<")
_LONGEST_LINE = 300
_STEM_LETTERS = 6
_SMALL_WORDS = {"the", "and", "for", "not", "that", "this", "with", "from", "are", "you", "does", "will", "all"}


@dataclass(frozen=True)
class Line:
    """A piece of text; `labels` name what it stands under (a JSON key, a block, "Caption:"), `at_s` its second.

    `label` is the one that stands before it on the same line. `tile` is that of a contact sheet, for what is seen.
    """

    text: str
    label: str = ""
    labels: tuple[str, ...] = ()
    at_s: float | None = None
    tile: int | None = None

    @property
    def quote(self) -> str:
        """The text as it stands in the prompt."""
        return f"{self.label}: {self.text}" if self.label else self.text

    @property
    def stems(self) -> set[str]:
        """The beginnings of its words and of its labels."""
        return stems(" ".join([*self.labels, self.quote]))


def quotable_lines(prompt: str) -> list[Line]:
    """The lines of `prompt` that are neither headings nor markup, long ones by sentences, each once."""
    blocks = [(match["name"], match["text"]) for match in _BLOCK.finditer(prompt)] or [("", prompt)]
    found = itertools.chain.from_iterable(_of_block(name, text) for name, text in blocks)
    return list(dict.fromkeys(piece for line in found for piece in _pieces(line)))


def stems(text: str) -> set[str]:
    """The beginnings of the words of `text` that mean something, in lower case: "minutes" is near "minute"."""
    words = (word.casefold() for word in _WORD.findall(text))
    return {word[:_STEM_LETTERS] for word in words if word not in _SMALL_WORDS}


def leaves(value: Any) -> Iterator[Any]:
    """The strings and numbers in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        yield from itertools.chain.from_iterable(map(leaves, value))
    elif value is not None and not isinstance(value, bool):
        yield value


def _of_block(name: str, text: str) -> Iterator[Line]:
    try:
        content = json.loads(text)
    except ValueError:
        return (_of_text(raw, block=name) for raw in text.splitlines())
    return _of_json(content, labels=())


def _of_text(raw: str, *, block: str) -> Line:
    at_s = None
    if time := _TIME.match(raw):
        at_s = float(time["only_s"] or int(time["minutes"]) * 60 + int(time["seconds"]))
        raw = raw[time.end() :]
    line = Line(_BULLET.sub("", raw), labels=(block,) if block else (), at_s=at_s)
    return _without_label(line)


def _of_json(content: Any, *, labels: tuple[str, ...], at_s: float | None = None) -> Iterator[Line]:
    if isinstance(content, str):
        yield _without_label(Line(content, labels=labels, at_s=at_s))
    elif isinstance(content, dict):
        for name, part in content.items():
            yield from _of_json(part, labels=(*labels, name), at_s=at_s)
    elif isinstance(content, list):
        number = float(content[0]) if content and isinstance(content[0], int | float) else None
        for part in content:
            yield from _of_json(part, labels=labels, at_s=number)


def _without_label(line: Line) -> Line:
    match = _LABEL.match(line.text)
    return replace(line, text=match["text"], label=match["label"]) if match else line


def _pieces(line: Line) -> Iterator[Line]:
    text = line.text.strip()
    if len(text) < 2 or text.endswith(":") or text.startswith(_MARKUP):
        return
    if len(text) <= _LONGEST_LINE:
        yield replace(line, text=text)
        return
    for sentence in _SENTENCE_END.split(text):
        yield replace(line, text=sentence, label="")
