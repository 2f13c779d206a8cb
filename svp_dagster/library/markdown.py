"""An outcome as Markdown. What comes from a video is data: it is escaped, so that it can't become markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from svp_dagster.library.chapters import chapters_of
from svp_dagster.library.renderings import as_text
from svp_dagster.library.words import SOURCE_WORDS, clock, doubt, made_by, seen_at
from svp_dagster.models import Evidence, Outcome, Summary
from svp_dagster.notion.properties import web_address
from svp_dagster.notion.rich_text import clean, one_line

_INLINE = re.compile(r"([\\`*_\[\]<>#&~|$])")
_BLOCK = re.compile(r"^(\d*)([.)=+\-:])")
"""What makes a line a list, a rule, a heading or a table."""


def as_markdown(outcome: Outcome, *, note: str = "") -> str:
    """Return title, overview, values with their evidence, chapters, transcript and screen text. `note` ends it."""
    video, transcript, screen_text = outcome.video, outcome.transcript, outcome.screen_text
    moments = [f"- {clock(one.start_s)} {_inline(one.title)}" for one in chapters_of(video, transcript)]
    read = [f"- {seen_at(line)} {_inline(line.text)}" for line in screen_text.lines]
    parts = [
        f"# {_inline(video.title) or _inline(video.media_key)}",
        _address(video.url),
        _paragraphs(outcome.summary.overview),
        "\n".join(_values(outcome.summary)),
        *(["## Chapters", "\n".join(moments)] if moments else []),
        f"## Transcript ({_inline(transcript.source)})",
        _lines(as_text(transcript)),
        f"## On the screen ({_inline(screen_text.source)})",
        "\n".join(read) or _plain(screen_text.note),
        f"*{_inline(f'{made_by(outcome.summary)} {note}')}*",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _values(summary: Summary) -> Iterator[str]:
    for name, fill in summary.properties.items():
        yield f"- **{_inline(name)}**: {_indented(_value(fill.value))}"
        yield from (f"  - {_evidence(one)}" for one in fill.evidence)
    for name, reason in summary.left_blank.items():
        yield f"- *{_inline(name)}* left blank: {_inline(reason)}"


def _evidence(evidence: Evidence) -> str:
    slide = "" if evidence.slide is None else f" on slide {evidence.slide}"
    place = slide or ("" if evidence.at_s is None else f" at {clock(evidence.at_s)}")
    return f"“{_inline(evidence.quote)}” — {SOURCE_WORDS[evidence.source]}{place}{doubt(evidence)}"


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _indented(text: str) -> str:
    """Return text of one line as it is, and text of several below its name."""
    lines = [line for line in clean(text).split("\n") if line.strip()]
    return _inline(text) if len(lines) < 2 else "\\\n  " + "\\\n  ".join(map(_plain, lines))


def _address(url: str) -> str:
    address = web_address(url)
    return f"<{address}>" if address and not re.search(r"[<>\s\\]", address) else ""


def _paragraphs(text: str) -> str:
    return "\n\n".join(_lines(part) for part in clean(text).split("\n\n") if part.strip())


def _lines(text: str) -> str:
    return _broken(filter(None, map(_plain, clean(text).split("\n"))))


def _broken(lines: Iterable[str]) -> str:
    """Join lines of one paragraph so that each stays a line."""
    return "\\\n".join(lines)


def _plain(text: str) -> str:
    """Return text that stands at the beginning of a line."""
    return _BLOCK.sub(r"\1\\\2", _inline(text))


def _inline(text: str) -> str:
    """Return text that stands within a line."""
    return _INLINE.sub(r"\\\1", one_line(text))
