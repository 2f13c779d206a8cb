"""Templates of the databases that the product creates: the Link Database and ready-made Content Databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from svp_dagster.models import JsonObject, ProcessingType, Status, Value
from svp_dagster.notion import rows
from svp_dagster.notion.rich_text import ITEMS_PER_ARRAY, one_line, text_item
from svp_dagster.notion.schema import ColumnType

_STATUS_COLORS = {
    Status.PENDING: "gray",
    Status.DOWNLOADING: "blue",
    Status.TRANSCRIBING: "blue",
    Status.PROCESSING: "purple",
    Status.SAVING: "yellow",
    Status.COMPLETED: "green",
    Status.FAILED: "red",
}


class Template(Value):
    """A database to create. `columns` are Notion's property configurations by name, `prompt` the schema prompt."""

    name: str
    icon: str
    columns: JsonObject
    prompt: str = ""


def create_database(template: Template, *, parent_page_id: str) -> JsonObject:
    """Return the body of the request that creates the database below a page."""
    return {
        "parent": {"type": "page_id", "page_id": parent_page_id},
        "title": [text_item(template.name)],
        "icon": {"type": "emoji", "emoji": template.icon},
        "initial_data_source": {"properties": template.columns},
    }


def link_database(tags: Iterable[str]) -> Template:
    """Return a Link Database with every column; `tags` (at most 100, no commas) are the options of its tag column."""
    names = dict.fromkeys(one_line(tag.replace(",", " ")) for tag in tags)
    return Template(
        name="Video links",
        icon="🔗",
        columns={
            "name": _column(ColumnType.TITLE, "Anything that helps you to find the row again."),
            rows.URL: _column(ColumnType.URL, "The link of one TikTok or Instagram post."),
            rows.TAG: _select("Which Content Database the page goes into.", dict.fromkeys(names, "default")),
            rows.STATUS: _select("Set it to pending to start, or to start again.", _STATUS_COLORS),
            rows.RESULT: _column(ColumnType.URL, "The page that was made."),
            rows.ERROR: _column(ColumnType.RICH_TEXT, "What went wrong and what you can do."),
            rows.PROCESSING_TYPE: _select(
                "How much of the video is looked at. Empty: full.", dict.fromkeys(ProcessingType, "default")
            ),
            rows.UPDATED_TIME: _column(ColumnType.DATE, "When the status changed last."),
        },
    )


def _column(kind: ColumnType, description: str) -> JsonObject:
    return {"type": kind.value, kind.value: {}, "description": description}


def _select(description: str, options: Mapping[Any, str]) -> JsonObject:
    listed = [{"name": str(name), "color": color} for name, color in options.items()]
    return {"type": "select", "select": {"options": listed[:ITEMS_PER_ARRAY]}, "description": description}


def _categories(names: Iterable[str], description: str) -> JsonObject:
    options = [{"name": name} for name in names]
    return {"type": "multi_select", "multi_select": {"options": options}, "description": description}


COOKING = Template(
    name="Cooking",
    icon="🍳",
    columns={
        "name": _column(ColumnType.TITLE, "The name of the dish."),
        "video_link": _column(ColumnType.URL, "The video."),
        "ingredients": _column(ColumnType.RICH_TEXT, "One ingredient per line, with its amount."),
        "steps": _column(ColumnType.RICH_TEXT, "One step per line, in order."),
    },
    prompt=(
        "The video shows how a dish is made. List every ingredient with its amount on a line of its own, and the steps "
        "in order, one per line and numbered, with times and temperatures. Take amounts from the speech, the text on "
        "the screen or the caption; where none is given, name the ingredient alone. Don't add usual ingredients that "
        "are not mentioned."
    ),
)

PLACES = Template(
    name="Places",
    icon="📍",
    columns={
        "name": _column(ColumnType.TITLE, "The name of the place."),
        "address": _column(ColumnType.RICH_TEXT, "Street, city, country, as far as they are told."),
        "video_link": _column(ColumnType.URL, "The video."),
        "categories": _categories(
            ["restaurant", "café", "bar", "bakery", "shop", "museum", "park", "viewpoint", "hotel", "event"],
            "What kind of place it is.",
        ),
        "recommendation": _column(ColumnType.RICH_TEXT, "What is worth ordering, seeing or doing."),
        "hours": _column(ColumnType.RICH_TEXT, "Opening hours, as they are told."),
        "website": _column(ColumnType.URL, "The place's own website."),
        "is_popup": _column(ColumnType.CHECKBOX, "Whether it is there for a limited time only."),
    },
    prompt=(
        "The video recommends a place to go to. Give its name as its sign or the speaker says it, the address as far "
        "as it is told, and what the speaker recommends there. Opening hours and the website only where they are said "
        "or shown. It is a pop-up only if the video says that it is temporary."
    ),
)

CONTENT_TEMPLATES: dict[str, Template] = {"cooking": COOKING, "places": PLACES}
"""The ready-made Content Databases, by their proposed tag."""
