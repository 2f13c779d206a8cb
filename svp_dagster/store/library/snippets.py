"""The part of a text that a search found, with the words that were looked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from svp_dagster.models import Value
from svp_dagster.store.library.words import words

BEFORE, WIDTH = 40, 160
"""Characters before the first word that was found, and in all."""


class SnippetPart(Value):
    """A piece of plain text. `is_hit` marks one that was looked for."""

    text: str
    is_hit: bool


Hit = tuple[int, int, frozenset[str]]
"""A word that was found, from its start to its end, and the terms that it begins with."""


def snippet(texts: Iterable[str], looked_for: Sequence[str]) -> tuple[SnippetPart, ...]:
    """Return the place where most of the terms stand close together; none where no text has one."""
    best, best_text, best_count = 0, "", 0
    found: list[Hit] = []
    for text in texts:
        hits = _hits(text, looked_for)
        at, count = _densest(hits)
        if count > best_count:
            best, best_text, best_count, found = at, text, count, hits
        if best_count == len(looked_for):
            break
    return _cut(best_text, found, found[best][0]) if found else ()


def _hits(text: str, looked_for: Sequence[str]) -> list[Hit]:
    hits: list[Hit] = []
    for word in words(text):
        begun = frozenset(term for term in looked_for if word.text.startswith(term))
        if begun:
            hits.append((word.start, word.end, begun))
    return hits


def _densest(hits: Sequence[Hit]) -> tuple[int, int]:
    """Return the hit from which on the most terms stand within a snippet, and how many these are."""
    best, best_count = 0, 0
    for first, (start, _, _) in enumerate(hits):
        near = (terms for at, _, terms in hits[first : first + WIDTH] if at < start + WIDTH - BEFORE)
        count = len(frozenset[str]().union(*near))
        if count > best_count:
            best, best_count = first, count
    return best, best_count


def _cut(text: str, hits: Sequence[Hit], at: int) -> tuple[SnippetPart, ...]:
    start, end = _word_start(text, max(0, at - BEFORE)), min(len(text), max(0, at - BEFORE) + WIDTH)
    parts = [SnippetPart(text="…", is_hit=False)] if start else []
    done = start
    for hit_start, hit_end, _ in hits:
        if hit_start >= end or hit_end <= done:
            continue
        if hit_start > done:
            parts.append(SnippetPart(text=text[done:hit_start], is_hit=False))
        parts.append(SnippetPart(text=text[max(done, hit_start) : hit_end], is_hit=True))
        done = hit_end
    rest = text[done:end] + ("…" if max(done, end) < len(text) else "")
    return (*parts, SnippetPart(text=rest, is_hit=False)) if rest else tuple(parts)


def _word_start(text: str, at: int) -> int:
    """Return where the next word begins, if that is near."""
    if at == 0 or text[at - 1].isspace():
        return at
    space = text.find(" ", at, at + BEFORE)
    return at if space < 0 else space + 1
