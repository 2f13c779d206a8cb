"""Clean text from outside, and normalise it for comparison."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from svp_dagster.notion import rich_text

# Direction overrides and isolates, and invisible code points that can carry hidden text. Joiners (emoji, Persian,
# Indic) and direction marks are kept: ordinary text needs them.
_HIDDEN = re.compile("[\u00ad\u200b\u202a-\u202e\u2060-\u206f\ufff9-\ufffb\U000e0000-\U000e0fff]")
_STACKED_ACCENTS = re.compile("([\u0300-\u036f]{3})[\u0300-\u036f]+")
_SPACES = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\s*\n\s*\n\s*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？।])\s*|\n+")
# Scripts without spaces between words: Han, kana, Hangul jamo (the NFKD form of Hangul), Thai, Lao, Khmer, Burmese.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def clean(text: str) -> str:
    """Return the text without characters that are invisible, can't be stored or change the direction. Keeps lines."""
    text = _STACKED_ACCENTS.sub(r"\1", _HIDDEN.sub("", rich_text.clean(text)))
    return _EMPTY_LINES.sub("\n\n", _SPACES.sub(" ", text)).strip()


def one_line(text: str, *, at_most: int | None = None) -> str:
    """Return the cleaned text on one line, cut at a word to `at_most` characters."""
    line = " ".join(clean(text).split())
    if at_most is None or len(line) <= at_most:
        return line
    head = line[: at_most - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[at_most // 2 :] else head).rstrip() + "…"


def says_something(text: str) -> bool:
    """Return whether the text has a letter or a digit."""
    return any(character.isalnum() for character in text)


@lru_cache(maxsize=4096)
def comparable(text: str) -> str:
    """Return the words of a text without case, accents and punctuation, separated by single spaces."""
    kept = []
    for character in unicodedata.normalize("NFKD", text).casefold():
        if "\u0300" <= character <= "\u036f" or character in "'’":
            continue
        kept.append(character if unicodedata.category(character)[0] in "LMN" else " ")
    return " ".join("".join(kept).split())


def is_unspaced(text: str) -> bool:
    """Return whether the text has characters of a script without spaces between words."""
    return _UNSPACED.search(text) is not None


def occurrences(phrase: str, text: str) -> Iterator[int]:
    """Yield the offsets of a comparable phrase in a comparable text, as whole words unless its script has no spaces."""
    if not phrase:
        return
    whole = not is_unspaced(phrase)
    at = text.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if not whole or ((at == 0 or text[at - 1] == " ") and (end == len(text) or text[end] == " ")):
            yield at
        at = text.find(phrase, at + 1)


def occurs(phrase: str, text: str) -> bool:
    """Return whether `occurrences` has any."""
    return next(occurrences(phrase, text), None) is not None


def sentences(text: str) -> list[str]:
    """Split a text into sentences. A line end ends a sentence, too."""
    return [part for part in (piece.strip() for piece in _SENTENCE_END.split(text)) if part]


def tokens(text: str) -> list[str]:
    """Return the comparable words, or pairs of characters in scripts without spaces."""
    found: list[str] = []
    for word in comparable(text).split():
        if is_unspaced(word) and len(word) > 2:
            found.extend(word[at : at + 2] for at in range(len(word) - 1))
        else:
            found.append(word)
    return found
