"""The chapters and links of show notes: their times and addresses have to be those of the material."""

from __future__ import annotations

import re
from collections.abc import Sequence

from svp_dagster.notion.schema import Column, ColumnType
from svp_dagster.summary.extractive.patterns import urls
from svp_dagster.summary.material import Passage
from svp_dagster.summary.support.rules import occurs

_ROUNDED_S = 1.0
"""How far a time may be from that of a passage: models round, and leave out fractions."""
_TIME = re.compile(r"^(\W*)(?:(\d{1,2}):)?(\d{1,3}):(\d\d)\b")
_MARKDOWN_SIGNS = str.maketrans(dict.fromkeys("<>()[]*`|", " "))
_HEADING = re.compile(r"^\s*#+\s.*$")
_ADDRESS = Column(id="", name="", type=ColumnType.URL)


def grounded(notes: str, passages: Sequence[Passage]) -> str:
    """Return show notes without the lines whose time or address doesn't occur, and without a heading of nothing."""
    texts = [passage.text for passage in passages]
    moments = [passage.at_s for passage in passages if passage.at_s is not None]
    lines = [line for line in notes.splitlines() if _has_known_time(line, moments) and _has_known_links(line, texts)]
    kept = [line for number, line in enumerate(lines) if not _is_empty_section(lines[number:])]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def without_places(notes: str) -> str:
    """Return what show notes say, without times, headings and lines with links: these are no statements to be judged."""
    lines = (line for line in notes.splitlines() if not (_HEADING.match(line) or urls(line.translate(_MARKDOWN_SIGNS))))
    return "\n".join(said for line in lines if (said := _TIME.sub("", line).strip(" -*")))


def _has_known_time(line: str, moments: Sequence[float]) -> bool:
    found = _TIME.match(line)
    if found is None:
        return True
    at_s = int(found[2] or 0) * 3600 + int(found[3]) * 60 + int(found[4])
    return any(abs(int(moment) - at_s) <= _ROUNDED_S for moment in moments)


def _has_known_links(line: str, texts: Sequence[str]) -> bool:
    return all(occurs(_ADDRESS, url, texts) for url in urls(line.translate(_MARKDOWN_SIGNS)))


def _is_empty_section(lines: Sequence[str]) -> bool:
    """Return whether the first of these lines is a heading without a line below it."""
    below = next((line for line in lines[1:] if line.strip()), "#")
    return _HEADING.match(lines[0]) is not None and below.lstrip().startswith("#")
