"""What the stand-ins rest on: `python -m sandbox.assumptions > docs/assumptions.md`.

A behaviour that the product relies on carries one of two comments, wrapped over as many lines as it needs:

    Source: <documentation page, SDK file, issue or pull request, recording>.
    Assumed: <what>. If wrong: <what breaks for people>. Check: <line of `svp check`, or none>.
"""

import ast
import io
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).parent
_TITLES = {"notion": "Notion", "media": "TikTok and Instagram", "ai": "OpenAI, Gemini and Google Vision"}
_NOTE = re.compile(r"^sources?\b|\bassum", re.IGNORECASE)
_SOURCE = re.compile(r"Source: (?P<text>\S.*\S)\.")
_ASSUMPTION = re.compile(r"Assumed: (?P<text>\S.*?)\. If wrong: (?P<breaks>\S.*?)\. Check: (?P<check>\S.*?)\.")
_HEAD = """# What the stand-ins rest on

Made by `python -m sandbox.assumptions` from the comments in `sandbox/`; a test compares. The tests of this project run
against stand-ins for Notion, TikTok, Instagram, OpenAI, Gemini and Google Vision. Where a stand-in and a real service
differ, every test can pass and every user fail. So each behaviour names where it is known from, or says that it is
assumed.

`svp check` asks the real services: the last column names its line that would show a wrong assumption."""


class MalformedNoteError(Exception):
    """Some comments begin as a note or speak of an assumption, in neither of the two forms; the message lists them."""


@dataclass(frozen=True, order=True)
class Source:
    """Where a behaviour is known from."""

    service: str
    where: str
    text: str


@dataclass(frozen=True, order=True)
class Assumption:
    """What is believed without a source, what breaks for people if it is wrong, and what would show it."""

    service: str
    where: str
    text: str
    breaks: str
    check: str


def notes(folder: Path = FOLDER) -> list[Source | Assumption]:
    """Return what the comments of all modules say, by module and line. Raises MalformedNoteError."""
    found: list[Source | Assumption] = []
    malformed: list[str] = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        module, functions = path.relative_to(folder), _functions(text)
        for line, comment in _comments(text):
            note = _parsed(comment, service=module.parts[0], where=_place(module, functions, line))
            if note is not None:
                found.append(note)
            elif _NOTE.search(comment):
                malformed.append(f"{module}:{line}: {comment}")
    if malformed:
        raise MalformedNoteError("\n".join(malformed))
    return found


def page(found: list[Source | Assumption]) -> str:
    """Return docs/assumptions.md."""
    parts = [_HEAD, "## Assumptions"]
    for service, title in _TITLES.items():
        assumed = [note for note in found if isinstance(note, Assumption) and note.service == service]
        rows = [f"| `{n.where}` | {_cell(n.text)} | {_cell(n.breaks)} | {_cell(n.check)} |" for n in assumed]
        table = ["| where | assumed | if wrong | `svp check` |", "|---|---|---|---|", *rows]
        parts += [f"### {title}", "\n".join(table)]
    parts.append("## Sources")
    for service, title in _TITLES.items():
        places: dict[str, set[str]] = defaultdict(set)
        for note in found:
            if isinstance(note, Source) and note.service == service:
                places[note.text].add(note.where.partition(" ")[0])
        rows = [f"- {text} ({', '.join(f'`{place}`' for place in sorted(places[text]))})" for text in sorted(places)]
        parts += [f"### {title}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """Each comment with its first line; lines of their own that follow each other are one, up to the next note."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = [token for token in tokens if token.type == tokenize.COMMENT]
    start, parts = 0, list[str]()
    for before, token in pairwise([None, *lines]):
        words = token.string.lstrip("#").strip() if token is not None else ""
        goes_on = before is not None and token is not None and _follows(before, token) and not _begins(words)
        if parts and not goes_on:
            yield start, " ".join(parts)
            parts = []
        if not parts and token is not None:
            start = token.start[0]
        parts.append(words)
    if parts:
        yield start, " ".join(parts)


def _follows(before: tokenize.TokenInfo, token: tokenize.TokenInfo) -> bool:
    is_whole_line = not token.line[: token.start[1]].strip()
    return is_whole_line and token.start == (before.start[0] + 1, before.start[1])


def _begins(words: str) -> bool:
    return words.startswith(("Source:", "Assumed:"))


def _parsed(comment: str, *, service: str, where: str) -> Source | Assumption | None:
    if match := _ASSUMPTION.fullmatch(comment):
        return Assumption(service, where, match["text"], match["breaks"], match["check"])
    if match := _SOURCE.fullmatch(comment):
        return Source(service, where, match["text"])
    return None


def _functions(text: str) -> list[tuple[int, int, str]]:
    """First line, last line and name of every function and class, the outer before the inner."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return [(node.lineno, node.end_lineno or node.lineno, node.name) for node in found]


def _place(module: Path, functions: list[tuple[int, int, str]], line: int) -> str:
    """`notion/blocks.py append_children`: the module, and the innermost function or class around a line."""
    around = [name for first, last, name in functions if first <= line <= last]
    return f"{module.as_posix()} {around[-1]}" if around else module.as_posix()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page(notes()))
