"""The body of a weekly digest: what was saved, by tag, with pictures and links; what failed and why; what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from svp_dagster.models import JsonObject, Status
from svp_dagster.notion.blocks import Items, bullet, heading, image, paragraph
from svp_dagster.notion.properties import web_address
from svp_dagster.notion.rich_text import cut, one_line, text_item
from svp_dagster.store.digests import SavedLink

_TITLE_UNITS = 200
_SENTENCE_UNITS = 500


def digest_blocks(
    saved: Sequence[SavedLink], pictures: Mapping[str, Path], *, usd: float, is_cut: bool = False
) -> list[JsonObject]:
    """Return the blocks of a digest. `pictures` has JPEG files by media key; `is_cut`: there were more links."""
    completed = [link for link in saved if link.status is Status.COMPLETED]
    failed = [link for link in saved if link.status is Status.FAILED]
    waiting = [link for link in saved if not link.status.is_final]
    return [
        paragraph([text_item(_sums(completed, failed, waiting, usd=usd, is_cut=is_cut))]),
        *_by_tag(completed, pictures),
        *_section("Failed", [_with_reason(link) for link in failed]),
        *_section("Not ready yet", [_with_reason(link) for link in waiting]),
    ]


def _sums(
    completed: Sequence[SavedLink],
    failed: Sequence[SavedLink],
    waiting: Sequence[SavedLink],
    *,
    usd: float,
    is_cut: bool,
) -> str:
    counts = [f"{len(completed)} saved", f"{len(failed)} failed", f"{len(waiting)} not ready yet"]
    more = f" There were more; the first {len(completed) + len(failed) + len(waiting)} are listed." if is_cut else ""
    return f"{', '.join(counts)}. Cost: ${usd:.2f}.{more}"


def _by_tag(completed: Sequence[SavedLink], pictures: Mapping[str, Path]) -> Iterator[JsonObject]:
    for tag, links in groupby(sorted(completed, key=_tag), key=_tag):
        together = list(links)
        yield heading([text_item(f"{tag} ({len(together)})")])
        for link in together:
            picture = pictures.get(link.media_key or "")
            yield bullet([_linked(link, link.content_page_url)], inside=[image(picture)] if picture else [])


def _tag(link: SavedLink) -> str:
    return cut(one_line(link.tag), _TITLE_UNITS) or "Without a tag"


def _section(name: str, lines: Sequence[Items]) -> list[JsonObject]:
    return [heading([text_item(f"{name} ({len(lines)})")]), *map(bullet, lines)] if lines else []


def _with_reason(link: SavedLink) -> Items:
    reason = cut(one_line(link.sentence or ""), _SENTENCE_UNITS)
    return [_linked(link, link.url), *([text_item(f": {reason}")] if reason else [])]


def _linked(link: SavedLink, address: str | None) -> JsonObject:
    """Return the link's title. What a person wrote in place of a link is shown, but leads nowhere."""
    name = cut(one_line(link.title), _TITLE_UNITS) or cut(one_line(link.url), _TITLE_UNITS) or "A row without a link"
    return text_item(name, url=web_address(address or ""))
