"""What `svp check` asks Notion: a page is made below another, filled, compared, and thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from svp_dagster.commands.checks.line import Answer, CheckLine, Questions, skipped
from svp_dagster.commands.checks.probe import Probe
from svp_dagster.models import JsonObject
from svp_dagster.notion.blocks import children, file, match_key, paragraph, text_runs, toggles
from svp_dagster.notion.client.workspace import Workspace
from svp_dagster.notion.rich_text import text_item

SERVICE = "notion"
BLOCKS_MADE = 8
"""For the operator: blocks are scarce in a small workspace, and deleting gives none back."""

_MAX_LOOKED_AT = 100
_SHARE = "Share a page with the connection in Notion (••• → Connections), or name one with --notion-parent."
_REPORT = "Please report it with this table: pages that are updated can come out wrong."
_NEW_FIRST = "the new blocks, then all that follow"
_ONE, _TWO, _LAST = "One", "Two", "Last"


@dataclass(kw_only=True)
class _Page:
    """The page, once it is made."""

    parent_id: str | None
    id: str = ""


def check_notion(workspace: Workspace, probe: Probe, questions: Questions, *, parent_id: str) -> list[CheckLine]:
    """Return a line per question. The page is made below `parent_id`, '' for the first page that can be seen.

    Whatever happens, the page is in the trash at the end.
    """
    page, ask = _Page(parent_id=parent_id or None), partial(questions.ask, SERVICE)
    made = [
        ask("token", expected="the connection's bot", how=lambda: _token(workspace)),
        ask("search", expected="pages shared with the connection", how=lambda: _search(workspace, page)),
    ]
    try:
        made.append(_page_line(workspace, probe, questions, page))
        made += _lines_of_page(workspace, probe, questions, page)
    finally:
        if page.id:
            made.append(ask("archive", expected="in the trash", how=lambda: _archive(probe, page)))
    person = "Needs a person: register one in the app, and read what it says."
    return [*made, skipped(SERVICE, "linked views, wikis", person)]


def _page_line(workspace: Workspace, probe: Probe, questions: Questions, page: _Page) -> CheckLine:
    if page.parent_id is None:
        return skipped(SERVICE, "page", _SHARE)
    expected = "the blocks that were sent"
    return questions.ask(SERVICE, "page", expected=expected, how=lambda: _create(workspace, probe, page))


def _lines_of_page(workspace: Workspace, probe: Probe, questions: Questions, page: _Page) -> Iterator[CheckLine]:
    ask = partial(questions.ask, SERVICE)
    if not page.id:
        yield from (skipped(SERVICE, asked, "Needs the page.") for asked in ("append", "update"))
        return
    yield ask("append", expected=_NEW_FIRST, how=lambda: _append(probe, page))
    yield ask("update", expected="in order, none lost", how=lambda: _update(workspace, probe, page))


def _token(workspace: Workspace) -> Answer:
    bot = workspace.me()
    return Answer(got=f"bot {bot.bot_id}, files up to {bot.max_upload_bytes / 1e6:.0f} MB")


def _search(workspace: Workspace, page: _Page) -> Answer:
    pages = workspace.search_pages(limit=_MAX_LOOKED_AT)
    sources = workspace.search_data_sources(limit=_MAX_LOOKED_AT)
    if page.parent_id is None and pages:
        page.parent_id = pages[0].page_id
    got = f"{len(pages)} pages, {len(sources)} data sources"
    return Answer(got=got, advice="" if page.parent_id else _SHARE)


def _create(workspace: Workspace, probe: Probe, page: _Page) -> Answer:
    """Make the page with the text blocks that we use, and let the product add the file."""
    sent = _blocks()
    title = f"svp check {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    page.id = probe.create_page(page.parent_id or "", title=title, blocks=sent)
    with tempfile.TemporaryDirectory() as folder:
        attached = Path(folder) / "transcript.vtt.txt"
        attached.write_text("WEBVTT\n")
        wanted = [*sent, file(attached, mark="Version 1")]
        workspace.replace_body(page.id, wanted)
    return _compared(probe, page, wanted)


def _append(probe: Probe, page: _Page) -> Answer:
    """Append two blocks behind the first, and look at what is answered and at what stands there."""
    before = [block["id"] for block in probe.blocks(page.id)]
    answered = probe.append(page.id, [_text(_ONE), _text(_TWO)], after_id=before[0])
    present = [block["id"] for block in probe.blocks(page.id)]
    new = [block_id for block_id in present if block_id not in before]
    if present != [before[0], *new, *before[1:]] or len(new) != 2:
        return Answer(got=f"{len(new)} of 2 blocks, at place {_places(new, present)}", advice=_REPORT)
    if answered == [*new, *before[1:]]:
        return Answer(got=_NEW_FIRST)
    if answered == new:
        advice = "Nothing breaks: the product reads the first ones. Please report it."
        return Answer(got="the new blocks alone", advice=advice)
    if answered[: len(new)] == new:
        return Answer(got="the new blocks first, then others", advice="Nothing breaks. Please report it.")
    where = "last" if answered[-len(new) :] == new else f"at place {_places(new, answered)}"
    return Answer(got=f"the new blocks {where} of {len(answered)}", advice=_REPORT)


def _update(workspace: Workspace, probe: Probe, page: _Page) -> Answer:
    """Let the product turn the page's body into another, as it does when a row is processed again."""
    first, *others = _blocks()
    wanted = [first, _text(f"{_ONE} changed"), *others, _text(_LAST)]
    workspace.replace_body(page.id, wanted)
    return _compared(probe, page, wanted)


def _archive(probe: Probe, page: _Page) -> Answer:
    if probe.trash(page.id):
        return Answer(got="in the trash")
    return Answer(got="not in the trash", advice=f"Delete the page {page.id} in Notion.")


def _blocks() -> list[JsonObject]:
    """Return each kind of text block that pages have (see `publish.body`)."""
    link = text_item("0:05", url="https://www.tiktok.com/@svp/video/1#t=5")
    return [
        paragraph([text_item("Overview with a link at "), link, text_item(" and äöü 🍜.")]),
        *toggles("Transcript", [_text("Inside")]),
        paragraph([text_item("Notes")], color="gray"),
    ]


def _text(content: str) -> JsonObject:
    return paragraph([text_item(content)])


def _compared(probe: Probe, page: _Page, wanted: Sequence[JsonObject]) -> Answer:
    present = probe.blocks(page.id)
    got, sent = [_seen(probe, block) for block in present], [_shape(block) for block in wanted]
    if got == sent:
        return Answer(got=f"{len(present)} blocks, as they were sent")
    lost = [shape for shape in sent if shape not in got]
    kinds = ", ".join(sorted({shape[0][0] for shape in lost}))
    problem = f"another text or no block for: {kinds}" if lost else "in another order, or with blocks that nobody sent"
    return Answer(got=f"{len(present)} of {len(wanted)} blocks, {problem}", advice=_REPORT)


_Shape = tuple[tuple[str, str], list[tuple[str, str | None]], list["_Shape"]]


def _shape(block: JsonObject) -> _Shape:
    """Return what a block of a request says: its kind, its text with links, and what is inside."""
    return match_key(block), text_runs(block), [_shape(inner) for inner in children(block)]


def _seen(probe: Probe, block: JsonObject) -> _Shape:
    """Return the same of a block on the page."""
    return match_key(block), text_runs(block), [_seen(probe, inner) for inner in _inside(probe, block)]


def _inside(probe: Probe, block: JsonObject) -> list[JsonObject]:
    return probe.blocks(block["id"]) if block.get("has_children") else []


def _places(ids: Sequence[str], among: Sequence[str]) -> str:
    return ", ".join(str(among.index(one) + 1) for one in ids if one in among) or "none"
