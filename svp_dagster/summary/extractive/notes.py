"""Show notes by quoting: the gist, hashtags, and a list of what is said and shown with its times."""

from __future__ import annotations

from svp_dagster.notion.schema import Column
from svp_dagster.summary import show_notes
from svp_dagster.summary.extractive.patterns import hashtags, urls
from svp_dagster.summary.material import Material, Passage
from svp_dagster.summary.reading import central, telling
from svp_dagster.summary.words import clean, one_line

_GIST, _NOTES, _LINKS, _TAGS = 3, 12, 20, 8
_MARKDOWN_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>#|"})

Quoted = tuple[str | list[str], list[Passage]]
"""A value, and the passages that it quotes."""


def is_show_notes(column: Column) -> bool:
    """Return whether a column is one of the show notes that are found here."""
    return column in (show_notes.DESCRIPTION, show_notes.TAGS, show_notes.SHOW_NOTES)


def find_show_notes(column: Column, material: Material) -> Quoted | None:
    """Return what stands in the material for this column of the show notes. None where nothing does."""
    if column == show_notes.TAGS:
        return _tags(material)
    return _gist(material) if column == show_notes.DESCRIPTION else _notes(material)


def _gist(material: Material) -> Quoted | None:
    chosen = central(telling(material), most=_GIST)
    return (" ".join(one_line(passage.text) for passage in chosen), chosen) if chosen else None


def _tags(material: Material) -> Quoted | None:
    found = {tag.casefold(): (tag, passage) for passage in material.passages for tag in hashtags(passage.text)}
    chosen = list(found.values())[:_TAGS]
    return ([tag for tag, _ in chosen], [passage for _, passage in chosen]) if chosen else None


def _notes(material: Material) -> Quoted | None:
    chosen = sorted(central(telling(material), most=_NOTES), key=_place)
    linked = {url: passage for passage in material.passages for url in urls(passage.text)}
    links = list(linked.items())[:_LINKS]
    blocks = ["\n".join(f"- {_line(passage)}" for passage in chosen)] if chosen else []
    blocks += ["## Links\n\n" + "\n".join(f"- <{url}>" for url, _ in links)] if links else []
    return (clean("\n\n".join(blocks)), [*chosen, *(passage for _, passage in links)]) if blocks else None


def _place(passage: Passage) -> tuple[float, int]:
    return (-1.0 if passage.at_s is None else passage.at_s, passage.slide or 0)


def _line(passage: Passage) -> str:
    """Return a quote with its place. Signs that Markdown would take for its own are escaped."""
    text = one_line(passage.text).translate(_MARKDOWN_SIGNS)
    if passage.slide is not None:
        return f"Slide {passage.slide}: {text}"
    return text if passage.at_s is None else f"{_clock(passage.at_s)} {text}"


def _clock(at_s: float) -> str:
    hours, minutes = divmod(int(at_s) // 60, 60)
    seconds = int(at_s) % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
