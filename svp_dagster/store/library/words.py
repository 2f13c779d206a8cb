"""Text as words to search by: the same in both databases, since neither takes text apart itself.

A word is a run of letters, digits and their marks, without case, accents and Arabic vowel signs. Scripts that put no
spaces between words become overlapping pairs of characters, and the last character of a run stands alone: so each
character begins a word, and a search for one character finds it by its prefix.

Nothing else is left of a text. So no quote, operator or control character of a query reaches a database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

LONGEST_WORD = 64
"""Characters of a word that are compared. PostgreSQL takes 2,046 bytes."""
LONGEST_QUERY, MOST_TERMS = 1_000, 24
"""Characters and words of a query that are looked for."""
MOST_BYTES = 600_000
"""What is searched of an outcome. PostgreSQL's `tsvector` takes a megabyte; half an hour of speech has 30 kB."""

_ACCENTS_FROM = 10
"""Combining classes from here on are accents and vowel signs. Those below make other letters, as dakuten do."""
_MARK = "mark"
"""Of the kind of the letter that it stands on."""
_TATWEEL = "\u0640"
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese. Korean has spaces."""


class Word(NamedTuple):
    """A word and where it stands in its text."""

    text: str
    start: int
    end: int


def words(text: str) -> Iterator[Word]:
    """Yield the words of a text."""
    for start, end in _runs(text):
        if _UNSPACED.match(text, start):
            yield from _pairs(text, start, end)
        elif word := _folded(text[start:end])[:LONGEST_WORD]:
            yield Word(word, start, end)


def distinct(texts: Iterable[str]) -> list[str]:
    """Return each word of some texts once, as many as may be searched."""
    found: dict[str, None] = {}
    size = 0
    for text in texts:
        for word in words(text):
            if word.text not in found:
                size += len(word.text.encode()) + 1
                if size > MOST_BYTES:
                    return list(found)
                found[word.text] = None
    return list(found)


def terms(query: str) -> list[str]:
    """Return the beginnings of words that a query looks for; none where it has no letter or digit."""
    found: dict[str, None] = {}
    text = query[:LONGEST_QUERY]
    for start, end in _runs(text):
        run = [word.text for word in words(text[start:end])]
        # The last character alone is the beginning of a pair, which says less than the pair before it.
        is_pairs = _UNSPACED.match(text, start) is not None and len(run) > 1
        found |= dict.fromkeys(run[:-1] if is_pairs else run)
    return list(found)[:MOST_TERMS]


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield where runs of one kind of letters begin and end."""
    start, kind = 0, ""
    for at, character in enumerate(text):
        now = _kind(character)
        if now not in (kind, _MARK):
            if kind:
                yield start, at
            start, kind = at, now
    if kind:
        yield start, len(text)


@lru_cache(maxsize=4_096)
def _kind(character: str) -> str:
    category = unicodedata.category(character)[0]
    if category == "M":
        return _MARK
    if category not in "LN":
        return ""
    return "unspaced" if _UNSPACED.match(character) else "spaced"


def _pairs(text: str, start: int, end: int) -> Iterator[Word]:
    """Yield the overlapping pairs of a run, and its last character."""
    found: list[Word] = []
    for at in range(start, end):
        character = _folded(text[at])
        if found and character and unicodedata.combining(character[0]):
            last = found[-1]
            found[-1] = Word(unicodedata.normalize("NFKC", last.text + character), last.start, at + 1)
        elif character:
            found.append(Word(character, at, at + 1))
    for one, following in zip(found, [*found[1:], Word("", 0, end)], strict=True):
        yield Word((one.text + following.text)[:LONGEST_WORD], one.start, following.end)


@lru_cache(maxsize=4_096)
def _folded(text: str) -> str:
    """Return text without case, accents and compatibility forms."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (each for each in parts if unicodedata.combining(each) < _ACCENTS_FROM and each != _TATWEEL)
    whole = unicodedata.normalize("NFKC", "".join(kept))
    return "".join(each for each in whole if unicodedata.category(each)[0] in "LNM")
