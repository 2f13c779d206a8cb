"""The last stage: one page per link entry, created once and updated in place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from svp_dagster.errors import Code, Retry, SvpError, failure
from svp_dagster.library.subtitles import as_srt, as_vtt
from svp_dagster.models import ContentPage, JsonObject, PageOptions, ScreenText, Summary, Transcript, Value, Video
from svp_dagster.notion.blocks import file
from svp_dagster.notion.properties import Filled, link_column, to_properties
from svp_dagster.notion.relations import MAX_TITLES, LinkedPages, named_titles
from svp_dagster.notion.schema import PICTURE_NAMES, TRANSCRIPT_NAMES, Column, ColumnType, DataSourceSchema, normalised
from svp_dagster.ports import Pages
from svp_dagster.publish.body import page_blocks
from svp_dagster.publish.relations import link_titles
from svp_dagster.summary.spelling import spelled

SUBTITLE_FILES = {"transcript.vtt.txt": as_vtt, "transcript.srt.txt": as_srt}
"""Named as texts: Notion takes neither .vtt nor .srt."""

_DIGEST_DIGITS = 8
_HIDDEN = (
    "Notion no longer shows this relation: it was removed, or the database that it leads to is not shared with this "
    "connection (••• → Connections)."
)


class Place(Value):
    """Where a link entry's page belongs, and what is known about it.

    `known_page_id` is the page that a run made before. `pages_of_others` are the pages of other link entries for the
    same video; with `asked_at`, the time of the request, they tell a page that a dead attempt made from a foreign one.
    `hidden_relations` are columns that stay blank because Notion no longer shows them. With `update_only` no page is
    made in the place of one that is gone.
    """

    columns: DataSourceSchema
    hidden_relations: tuple[str, ...] = ()
    known_page_id: str | None
    pages_of_others: frozenset[str]
    asked_at: datetime
    update_only: bool = False


def publish(
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    summary: Summary,
    *,
    place: Place,
    pages: Pages,
    record_page: Callable[[ContentPage], bool],
    options: PageOptions,
    folder: Path,
) -> ContentPage:
    """Create the page, or update an existing one: of a run before, or of an attempt that died.

    `record_page` gets the page before its body is completed, so that an attempt that dies then leaves no second one. It
    returns False for a page that another entry took at the same moment: two that wait for a lost answer may find the
    same one. Files for the page are written to `folder`. Raises `page_gone`, and the failures of Notion.
    """
    transcript = spelled(transcript, screen_text).transcript
    subtitles = list(_subtitles(transcript, folder))
    filled = _fill(video, summary, place, pages, files=_files(place.columns, video.cover_path, subtitles))
    attached = [file(path, mark=_version(path)) for path in subtitles if options.page_subtitle_files]
    blocks = page_blocks(video, transcript, screen_text, _with_notes(summary, filled), options, files=attached)
    existing = pages.content_page(place.known_page_id) if place.known_page_id else None
    if existing is None and place.update_only:
        raise failure(Code.PAGE_GONE, detail=f"page {place.known_page_id}")
    cover = video.cover_path if options.page_cover else None
    page = _page(pages, place, filled, existing, record_page=record_page, blocks=blocks, cover=cover)
    if not page.has_whole_body:
        pages.replace_body(page.page_id, blocks)
    return page


def _subtitles(transcript: Transcript, folder: Path) -> Iterator[Path]:
    """Write the transcript as subtitle files, if it has segments."""
    for name, form in SUBTITLE_FILES.items() if transcript.segments else ():
        path = folder / name
        path.write_text(form(transcript.segments), encoding="utf-8", errors="replace")
        yield path


def _version(path: Path) -> str:
    return f"Version {hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGEST_DIGITS]}"


def _files(schema: DataSourceSchema, picture: Path | None, subtitles: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the files for the files columns, by name."""
    pictures = {name: [picture] for name in _named(schema, PICTURE_NAMES) if picture}
    return pictures | {name: [*subtitles] for name in _named(schema, TRANSCRIPT_NAMES)}


def _named(schema: DataSourceSchema, names: Collection[str]) -> list[str]:
    """Return the files columns with one of these names."""
    return [
        column.name for column in schema.columns if column.type is ColumnType.FILES and normalised(column.name) in names
    ]


def _fill(video: Video, summary: Summary, place: Place, pages: Pages, *, files: Mapping[str, Sequence[Path]]) -> Filled:
    values: dict[str, Any] = {name: fill.value for name, fill in summary.properties.items()} | dict(files)
    link = link_column(place.columns)
    if link is not None and video.url:
        values[link.name] = video.url
    filled = to_properties(place.columns, values | _linked_pages(place.columns, values, pages))
    hidden = dict.fromkeys(place.hidden_relations, _HIDDEN)
    return filled.model_copy(update={"left_out": filled.left_out | hidden})


def _linked_pages(schema: DataSourceSchema, values: Mapping[str, Any], pages: Pages) -> dict[str, LinkedPages]:
    """Return the pages for each relation column that has titles, with one request for each related database.

    Columns whose database Notion refuses for good stay blank: a page without its links is worth more than none.
    """
    named: dict[str, dict[str, tuple[str, ...]]] = {}
    for column in schema.columns:
        titles = named_titles(values.get(column.name)) if column.type is ColumnType.RELATION else ()
        if titles and column.relation_data_source_id:
            named.setdefault(column.relation_data_source_id, {})[column.name] = titles
    linked: dict[str, LinkedPages] = {}
    for data_source_id, columns in named.items():
        wanted = named_titles([title for titles in columns.values() for title in titles[:MAX_TITLES]])
        try:
            found = pages.pages_titled(data_source_id, wanted)
        except SvpError as refused:
            if refused.retry is not Retry.NEVER:
                raise
            linked |= {name: LinkedPages(page_ids=(), left_out=refused.sentence) for name in columns}
        else:
            linked |= {name: link_titles(titles, found) for name, titles in columns.items()}
    return linked


def _with_notes(summary: Summary, filled: Filled) -> Summary:
    """Return the summary with notes on the values that the page's columns could not hold, in whole or in part."""
    parts = [f"{name}: {words}" for name, words in filled.shortened.items()]
    return summary.model_copy(
        update={
            "left_blank": summary.left_blank | filled.left_out,
            "note": " ".join(filter(None, [summary.note, *parts])),
        }
    )


def _page(
    pages: Pages,
    place: Place,
    filled: Filled,
    existing: ContentPage | None,
    *,
    record_page: Callable[[ContentPage], bool],
    blocks: Sequence[JsonObject],
    cover: Path | None,
) -> ContentPage:
    """Update the page that exists, or that an attempt left; else create one. It is recorded before it is changed."""
    taken: set[str] = set()

    def find() -> ContentPage | None:
        return _find_orphan(pages, place, filled, taken=taken)

    found = existing or find()
    while found is not None:
        if record_page(found):
            return pages.update_page(found.page_id, filled.properties)
        taken.add(found.page_id)
        found = find()
    source_id = place.columns.data_source_id
    page = pages.create_page(source_id, filled.properties, blocks=blocks, cover=cover, find=find)
    while not record_page(page):
        taken.add(page.page_id)
        page = pages.create_page(source_id, filled.properties, blocks=blocks, cover=cover, find=find)
    return page


def _find_orphan(pages: Pages, place: Place, filled: Filled, *, taken: Collection[str]) -> ContentPage | None:
    """Return the page of an attempt that died before it recorded it."""
    column, value = _identity(place.columns, filled)
    if not value:
        return None
    return pages.find_page(
        place.columns.data_source_id,
        column,
        value,
        created_since=place.asked_at,
        ignoring={*place.pages_of_others, *taken},
    )


def _identity(schema: DataSourceSchema, filled: Filled) -> tuple[Column, str]:
    """Return the column and value that identify a page: the video's link, or the title without a column for links."""
    link = link_column(schema)
    if link is not None and link.name in filled.properties:
        return link, filled.properties[link.name]["url"]
    title = schema.title_column
    items: list[JsonObject] = filled.properties.get(title.name, {}).get("title", [])
    return title, "".join(item["text"]["content"] for item in items)
