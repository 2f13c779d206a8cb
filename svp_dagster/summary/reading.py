"""Split a video's material into sentences that can be quoted, and rank them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from svp_dagster.summary.extractive.calls import is_call, vagueness
from svp_dagster.summary.extractive.patterns import emails, urls, without_marks
from svp_dagster.summary.material import PIECE_CHARS, Material, Passage
from svp_dagster.summary.words import comparable, is_unspaced, says_something, sentences, tokens

_PAUSE_S = 30.0
_COMPARED = 150
_SHORT_WORDS = 4
_SHORT_LETTERS, _SHORT_UNSPACED = 8, 3
_ENDS = (".", "!", "?", "…", "。", "！", "？", "।")


def read_sentences(material: Material) -> tuple[Passage, ...]:
    """Return the sentences of caption, speech and screen, in this order. Speech is joined across segments."""
    caption = _parted(material.caption)
    screen = _parted(material.screen)
    return (*caption, *_joined(_parted(material.speech)), *screen)


def telling(material: Material) -> tuple[Passage, ...]:
    """Return the sentences about the subject: none of hashtags alone, with an address, or to the viewers."""
    return tuple(
        sentence
        for sentence in read_sentences(material)
        if says_something(without_marks(sentence.text))
        and not (urls(sentence.text) or emails(sentence.text) or is_call(sentence.text))
    )


def central(passages: Sequence[Passage], *, most: int) -> list[Passage]:
    """Return the passages that share the most words with the others, in order, without repetitions.

    Passages are ranked by the mean Jaccard overlap of their words. Of very many passages an even sample is ranked.
    """
    step = max(1, len(passages) // _COMPARED)
    unique = {frozenset(tokens(passage.text)): passage for passage in reversed(passages[::step])}
    candidates = [(words, passage) for words, passage in unique.items() if words][::-1]
    if len(candidates) > most:
        full = [(words, passage) for words, passage in candidates if len(words) >= _SHORT_WORDS]
        candidates = full if len(full) >= most else candidates
    ranked = sorted(
        range(len(candidates)),
        key=lambda number: (-_closeness(candidates[number][0], [words for words, _ in candidates]), number),
    )
    chosen: list[int] = []
    for number in ranked:
        if len(chosen) < most and all(_overlap(candidates[number][0], candidates[other][0]) < 0.6 for other in chosen):
            chosen.append(number)
    return [candidates[number][1] for number in sorted(chosen)]


def prominent(passages: Iterable[Passage]) -> Passage | None:
    """Return the line most like a heading: the first with letters that isn't too short and names something."""
    lines = [passage for passage in passages if any(character.isalpha() for character in passage.text)]
    early = [line for line in lines if _is_long(line.text)] or lines
    return min(early, key=lambda line: vagueness(line.text), default=None)


def _is_long(text: str) -> bool:
    least = _SHORT_UNSPACED if is_unspaced(comparable(text)) else _SHORT_LETTERS
    return len(text.split()) >= 2 or len(text) >= least


def _parted(passages: Sequence[Passage]) -> list[Passage]:
    return [
        passage.model_copy(update={"text": sentence})
        for passage in passages
        for sentence in sentences(passage.text)
        if says_something(sentence)
    ]


def _joined(pieces: Sequence[Passage]) -> list[Passage]:
    """Join successive pieces to sentences, up to a sentence end, a pause, or the longest passage."""
    numbered: list[tuple[int, Passage]] = []
    number, length = 0, 0
    for before, piece in zip([None, *pieces], pieces, strict=False):
        ended = before is None or before.text.endswith(_ENDS)
        paused = before is not None and abs((piece.at_s or 0.0) - (before.at_s or 0.0)) > _PAUSE_S
        length += len(piece.text) + 1
        if ended or paused or length > PIECE_CHARS:
            number, length = number + 1, len(piece.text)
        numbered.append((number, piece))
    groups = ([piece for _, piece in group] for _, group in groupby(numbered, key=lambda item: item[0]))
    return [group[0].model_copy(update={"text": " ".join(piece.text for piece in group)}) for group in groups]


def _closeness(words: frozenset[str], others: Sequence[frozenset[str]]) -> float:
    return sum(_overlap(words, other) for other in others) / len(others)


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
