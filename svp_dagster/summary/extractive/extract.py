"""Fill a schema by quoting: values are found by their pattern, by the column's name, or by an option that occurs.

Nothing is invented: each value is a piece of the material, or an option that the material names. If several values fit
a column that takes one, it stays blank with a reason. A status column always stays blank: it is about its owner's
progress, not about the video.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from svp_dagster.models import Evidence, PropertyFill
from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.summary.acceptance import TITLE_CHARS
from svp_dagster.summary.evidence import QUOTE_CHARS
from svp_dagster.summary.extractive.calls import vagueness
from svp_dagster.summary.extractive.cues import find_text
from svp_dagster.summary.extractive.notes import find_show_notes, is_show_notes
from svp_dagster.summary.extractive.patterns import days, emails, hashtags, phones, urls, without_marks
from svp_dagster.summary.extractive.quantities import quantities
from svp_dagster.summary.language.negation import is_question, negated
from svp_dagster.summary.material import Material, Passage
from svp_dagster.summary.reading import central, prominent, read_sentences, telling
from svp_dagster.summary.words import comparable, is_unspaced, occurs, one_line, says_something, sentences

OVERVIEW_CHARS = 600

_SURE, _LIKELY, _CHOSEN = 0.9, 0.8, 0.6
_QUOTES = 3
_HASHTAGS = 10
# Options that occur by chance, and check marks about what their owner did: neither is about the video.
_VAGUE_OPTIONS = frozenset(
    {"yes", "no", "other", "others", "none", "new", "all", "any", "todo", "to do", "done", "n a"}
)
_OWNERS_MARKS = frozenset(
    {"archived", "bought", "checked", "completed", "cooked", "done", "favorite", "favourite", "finished", "important"}
    | {"liked", "made", "pinned", "posted", "published", "read", "reviewed", "saved", "seen", "starred", "todo"}
    | {"tried", "verified", "visited", "watched", "wishlist"}
)
_PUBLISHED = frozenset({"published", "posted", "uploaded", "upload"})
_TITLE_END = re.compile(r"[\s#@|:;,–—-]+$")

Finding = PropertyFill | str | None
"""A value, a reason why something that was found is no value, or None."""


def extract(material: Material, columns: Iterable[Column]) -> tuple[dict[str, PropertyFill], dict[str, str]]:
    """Return the values found for the columns, and a reason for each column whose findings are ambiguous."""
    properties: dict[str, PropertyFill] = {}
    left_blank: dict[str, str] = {}
    for column in columns:
        find = _find_show_notes if is_show_notes(column) else _FINDERS.get(column.type)
        finding = find(column, material) if find else None
        if isinstance(finding, str):
            left_blank[column.name] = finding
        elif finding is not None:
            properties[column.name] = finding
    return properties, left_blank


def title(material: Material) -> PropertyFill:
    """Return a title: the first sentence of caption, screen and speech that names something.

    A sentence to the viewers ("Save this for your next trip") or about them is taken only where nothing else stands.
    Hashtags, mentions and addresses are removed. If nothing remains, the title is the name of the file, or names the
    uploader and the platform.
    """
    spoken = [sentence for sentence in read_sentences(material) if sentence.source == "speech"]
    heading = prominent(material.screen)
    passages = (*material.caption[:3], *([heading] if heading else []), *spoken[:1])
    candidates = [(text, passage) for passage in passages if (text := _titled(passage.text))]
    if candidates:
        text, passage = min(candidates, key=lambda candidate: vagueness(_first_sentence(candidate[1].text)))
        return _fill(text, [passage], confidence=_CHOSEN)
    if material.file_name:
        return _fill(one_line(material.file_name, at_most=TITLE_CHARS), [], confidence=_CHOSEN)
    uploader, platform = material.fact("Uploader"), material.fact("Platform")
    named = " on ".join(filter(None, (uploader, platform))) or next(
        (passage.text for passage in material.content if says_something(passage.text)), "Untitled video"
    )
    return _fill(one_line(named, at_most=TITLE_CHARS), material.facts, confidence=_CHOSEN)


def _titled(text: str) -> str:
    return one_line(_TITLE_END.sub("", _first_sentence(text)), at_most=TITLE_CHARS)


def _first_sentence(text: str) -> str:
    return next((sentence for sentence in sentences(without_marks(text)) if says_something(sentence)), "")


def overview(material: Material) -> str:
    """Return the up to three sentences that share the most words with the others, an empty text without any."""
    chosen = central(telling(material), most=3) or list(material.content[:1])
    return one_line(" ".join(_ended(passage.text) for passage in chosen), at_most=OVERVIEW_CHARS)


def _find_title(_: Column, material: Material) -> Finding:
    return title(material)


def _find_text(column: Column, material: Material) -> Finding:
    found = find_text(column.name, material)
    return _fill(found.text, found.quoted, confidence=_CHOSEN) if found else None


def _find_show_notes(column: Column, material: Material) -> Finding:
    found = find_show_notes(column, material)
    return _fill(found[0], found[1], confidence=_CHOSEN) if found else None


def _find_number(column: Column, material: Material) -> Finding:
    found = quantities(column, material.passages)
    values = list(dict.fromkeys(quantity.value for quantity in found))
    if len(values) > 1:
        return _several("numbers", [f"{value:g}" for value in values])
    return _fill(values[0], [quantity.passage for quantity in found], confidence=_SURE) if values else None


def _find_date(column: Column, material: Material) -> Finding:
    words = set(comparable(column.name).split())
    facts = [fact for fact in material.facts if fact.text.startswith("Published: ")]
    passages = facts if words & _PUBLISHED else material.caption + material.speech + material.screen
    return _only("days", [(day, passage) for passage in passages for day in days(passage.text)], column)


def _find_url(column: Column, material: Material) -> Finding:
    found = [(url, passage) for passage in material.passages for url in urls(passage.text)]
    return _only("web addresses", found, column, key=lambda url: url.casefold().split("//")[-1].removeprefix("www."))


def _find_email(column: Column, material: Material) -> Finding:
    found = [(email, passage) for passage in material.passages for email in emails(passage.text)]
    return _only("email addresses", found, column, key=str.casefold)


def _find_phone(column: Column, material: Material) -> Finding:
    found = [(phone, passage) for passage in material.passages for phone in phones(passage.text)]
    return _only("telephone numbers", found, column, key=lambda phone: re.sub(r"\D", "", phone))


def _find_option(column: Column, material: Material) -> Finding:
    """Find the option that is named most often."""
    named = _named_options(column, material)
    ranked = Counter({option: len(passages) for option, passages in named.items()}).most_common(2)
    if not ranked:
        return None
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        return _several("options", list(named))
    option = ranked[0][0]
    return _fill(option, named[option], confidence=_LIKELY)


def _find_options(column: Column, material: Material) -> Finding:
    named = _named_options(column, material)
    if comparable(column.name) in _HASHTAG_NAMES:
        known = {comparable(option).replace(" ", "") for option in named}
        for passage in material.passages:
            for tag in hashtags(passage.text):
                if len(named) < _HASHTAGS and comparable(tag).replace(" ", "") not in known:
                    known.add(comparable(tag).replace(" ", ""))
                    named[tag] = [passage.model_copy(update={"text": f"#{tag}"})]
    if not named:
        return None
    return _fill(list(named), [passages[0] for passages in named.values()], confidence=_LIKELY)


def _find_checkbox(column: Column, material: Material) -> Finding:
    name = comparable(column.name)
    if not name or set(name.split()) & _OWNERS_MARKS:
        return None
    naming = [passage for passage in material.passages for _ in range(_mentions(name, passage.text))]
    return _fill(True, naming, confidence=_LIKELY) if naming and not _is_in_passing(naming) else None


def _named_options(column: Column, material: Material) -> dict[str, list[Passage]]:
    """Return the options that are named, in the column's order, with a passage for each mention."""
    named: dict[str, list[Passage]] = {}
    for option in column.options:
        phrase = comparable(option)
        if phrase in _VAGUE_OPTIONS or (len(phrase) < 3 and not is_unspaced(phrase)):
            continue
        passages = [passage for passage in material.passages for _ in range(_mentions(phrase, passage.text))]
        if passages and not _is_in_passing(passages):
            named[option] = passages
    return named


def _is_in_passing(mentions: Sequence[Passage]) -> bool:
    """Return whether something is named only once and only in speech: what a video is about is said more often."""
    return len(mentions) == 1 and mentions[0].source == "speech"


def _mentions(phrase: str, text: str) -> int:
    """Count how often a phrase occurs as whole words without a negation and outside questions, or as a hashtag."""
    if phrase not in comparable(text) and "#" not in text:  # hundreds of options meet hundreds of passages
        return 0
    said = [sentence for sentence in sentences(without_marks(text)) if not is_question(sentence)]
    spoken = sum(not is_negated for sentence in said for is_negated in negated(phrase, sentence))
    return spoken or sum(comparable(tag).replace(" ", "") == phrase.replace(" ", "") for tag in hashtags(text))


def _only(
    what: str, found: Sequence[tuple[str, Passage]], column: Column, *, key: Callable[[str], str] = str
) -> Finding:
    """Return the value if all findings are equal, or the one in passages with the column's name."""
    if len({key(value) for value, _ in found}) > 1:
        name = comparable(column.name)
        beside = [(value, passage) for value, passage in found if occurs(name, comparable(passage.text))]
        if len({key(value) for value, _ in beside}) != 1:
            return _several(what, list(dict.fromkeys(value for value, _ in found)))
        found = beside
    return _fill(found[0][0], [passage for _, passage in found], confidence=_SURE) if found else None


def _several(what: str, values: list[str]) -> str:
    shown = ", ".join(one_line(value, at_most=60) for value in values[:4])
    return f"Several {what} fit: {shown}{', …' if len(values) > 4 else ''}."


def _fill(value: Any, quoted: Iterable[Passage], *, confidence: float) -> PropertyFill:
    quotes = ((passage, one_line(passage.text, at_most=QUOTE_CHARS)) for passage in quoted)
    evidence = (
        Evidence(source=passage.source, quote=quote, at_s=passage.at_s, checked=True) for passage, quote in quotes
    )
    return PropertyFill(value=value, confidence=confidence, evidence=tuple(dict.fromkeys(evidence))[:_QUOTES])


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…", "。", "！", "？", "।")) else f"{text}."


_HASHTAG_NAMES = frozenset({"hashtags", "hashtag"})

_FINDERS: dict[ColumnType, Callable[[Column, Material], Finding]] = {
    ColumnType.TITLE: _find_title,
    ColumnType.RICH_TEXT: _find_text,
    ColumnType.NUMBER: _find_number,
    ColumnType.SELECT: _find_option,
    ColumnType.MULTI_SELECT: _find_options,
    ColumnType.DATE: _find_date,
    ColumnType.CHECKBOX: _find_checkbox,
    ColumnType.URL: _find_url,
    ColumnType.EMAIL: _find_email,
    ColumnType.PHONE_NUMBER: _find_phone,
}
