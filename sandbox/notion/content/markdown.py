"""Markdown that a request gives instead of blocks: the everyday part of it, one block per line or fence."""

import re

from sandbox.notion.content.block_kinds import LANGUAGES
from sandbox.notion.content.rich_text import LONGEST_TEXT
from sandbox.notion.state.store import Json

_HEADING = re.compile(r"^(#{1,3})\s+(.*)$")
_TO_DO = re.compile(r"^[-*]\s+\[( |x|X)\]\s+(.*)$")
_BULLET = re.compile(r"^[-*+]\s+(.*)$")
_NUMBERED = re.compile(r"^\d+[.)]\s+(.*)$")
_LINK_OR_BOLD = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)|\*\*([^*]+)\*\*")


def blocks(text: str) -> list[Json]:
    """The blocks that a Markdown text describes, as a request would hold them."""
    # Source: developers.notion.com/reference/post-page: `markdown` instead of `children`.
    # Assumed: the everyday part of Markdown is read so. If wrong: nothing, the product sends blocks. Check: none.
    made: list[Json] = []
    fence: list[str] | None = None
    language = "plain text"
    for line in text.splitlines():
        if line.startswith("```"):
            if fence is None:
                fence, language = [], line[3:].strip() if line[3:].strip() in LANGUAGES else "plain text"
            else:
                made.append({"code": {"rich_text": _spans("\n".join(fence), plain=True), "language": language}})
                fence = None
        elif fence is not None:
            fence.append(line)
        elif line.strip():
            made.append(_line(line.strip()))
    if fence:
        made.append({"code": {"rich_text": _spans("\n".join(fence), plain=True), "language": language}})
    return made


def _line(line: str) -> Json:
    if re.fullmatch(r"(-{3,}|\*{3,}|_{3,})", line):
        return {"divider": {}}
    if heading := _HEADING.match(line):
        return {f"heading_{len(heading[1])}": {"rich_text": _spans(heading[2])}}
    if to_do := _TO_DO.match(line):
        return {"to_do": {"rich_text": _spans(to_do[2]), "checked": to_do[1] != " "}}
    for pattern, kind in ((_BULLET, "bulleted_list_item"), (_NUMBERED, "numbered_list_item")):
        if item := pattern.match(line):
            return {kind: {"rich_text": _spans(item[1])}}
    if line.startswith("> "):
        return {"quote": {"rich_text": _spans(line[2:])}}
    return {"paragraph": {"rich_text": _spans(line)}}


def _spans(text: str, *, plain: bool = False) -> list[Json]:
    spans: list[Json] = []
    last = 0
    for found in () if plain else _LINK_OR_BOLD.finditer(text):
        spans += _pieces(text[last : found.start()])
        if found[2]:
            spans += [{"text": {"content": found[1], "link": {"url": found[2]}}}]
        else:
            spans += [piece | {"annotations": {"bold": True}} for piece in _pieces(found[3])]
        last = found.end()
    return spans + _pieces(text[last:])


def _pieces(text: str) -> list[Json]:
    half = LONGEST_TEXT // 2  # a character may count as two
    return [{"text": {"content": text[start : start + half]}} for start in range(0, len(text), half)]
