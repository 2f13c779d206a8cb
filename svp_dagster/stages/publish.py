"""The last stage: one page per link entry, made once and brought up to date in place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from svp_dagster.models import ContentPage, JsonObject, ScreenText, Summary, Transcript, Value, Video
from svp_dagster.notion.body import BlockBudget, page_blocks
from svp_dagster.notion.properties import Filled, link_column, to_properties
from svp_dagster.notion.schema import Column, DataSourceSchema
from svp_dagster.ports import Pages


class Place(Value):
    """Where a link entry's page belongs, and what is known about it.

    `known_page_id` is the page that a run made before. `pages_of_others` are the pages of other link entries for the
    same video; with `asked_at`, the time of the wish, they tell a page that a dead attempt made from a foreign one.
    """

    columns: DataSourceSchema
    known_page_id: str | None
    pages_of_others: frozenset[str]
    asked_at: datetime


def publish(
    video: Video,
    transcript: Transcript,
    screen_text: ScreenText,
    summary: Summary,
    *,
    place: Place,
    pages: Pages,
    made: Callable[[ContentPage], None],
    block_budget: BlockBudget,
    with_cover: bool,
) -> ContentPage:
    """Create the page, or update the one that there is: known from a run before, or made by an attempt that died.

    `made` is told the page before its body is completed, so that an attempt that dies then leaves no second one.
    Raises the failures of Notion.
    """
    filled = _fill(video, summary, place.columns)
    blocks = page_blocks(video, transcript, screen_text, _with_notes(summary, filled), block_budget)
    there = pages.content_page(place.known_page_id) if place.known_page_id else None
    there = there or _made_by_a_dead_attempt(pages, place, filled)
    if there is None:
        page = _create(pages, place, filled, blocks, video if with_cover else None)
    else:
        page = pages.update_page(there.page_id, filled.properties)
    made(page)
    pages.replace_body(page.page_id, blocks)
    return page


def _fill(video: Video, summary: Summary, schema: DataSourceSchema) -> Filled:
    values = {name: fill.value for name, fill in summary.properties.items()}
    link = link_column(schema)
    if link is not None:
        values[link.name] = video.url
    return to_properties(schema, values)


def _with_notes(summary: Summary, filled: Filled) -> Summary:
    """The summary, with what the page's columns could not take among what was left blank."""
    return summary.model_copy(update={"left_blank": {**summary.left_blank, **filled.left_out, **filled.shortened}})


def _made_by_a_dead_attempt(pages: Pages, place: Place, filled: Filled) -> ContentPage | None:
    column, value = _mark(place.columns, filled)
    if not value:
        return None
    return pages.find_page(
        place.columns.data_source_id,
        column,
        value,
        created_since=place.asked_at,
        ignoring=place.pages_of_others,
    )


def _mark(schema: DataSourceSchema, filled: Filled) -> tuple[Column, str]:
    """What a page is known again by: the video's link, or its title where no column takes links."""
    link = link_column(schema)
    if link is not None and link.name in filled.properties:
        return link, filled.properties[link.name]["url"]
    title = schema.title_column
    items: list[JsonObject] = filled.properties.get(title.name, {}).get("title", [])
    return title, "".join(item["text"]["content"] for item in items)


def _create(
    pages: Pages, place: Place, filled: Filled, blocks: list[JsonObject], cover_of: Video | None
) -> ContentPage:
    thumbnail = cover_of.thumbnail_path if cover_of else None
    return pages.create_page(
        place.columns.data_source_id,
        filled.properties,
        blocks=blocks,
        cover_upload_id=pages.upload_file(thumbnail) if thumbnail else None,
        find=lambda: _made_by_a_dead_attempt(pages, place, filled),
    )
