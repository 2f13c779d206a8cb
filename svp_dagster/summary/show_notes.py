"""Show notes: what is made of a video for which no Content Database says what to make."""

from __future__ import annotations

from typing import Final

from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema

TITLE: Final = Column(
    id="show_notes:title",
    name="title",
    type=ColumnType.TITLE,
    description="Names what it is about, as the title of an episode does.",
)
DESCRIPTION: Final = Column(
    id="show_notes:description",
    name="description",
    type=ColumnType.RICH_TEXT,
    description="What is said and shown, in two to four sentences.",
)
TAGS: Final = Column(
    id="show_notes:tags",
    name="tags",
    type=ColumnType.MULTI_SELECT,
    description="Up to eight subjects that it is about, each in one to three words of the material.",
)
SHOW_NOTES: Final = Column(
    id="show_notes:show_notes",
    name="show_notes",
    type=ColumnType.RICH_TEXT,
    description=(
        "Markdown. First the chapters, one line each: `- 1:23 what it is about`, with seconds that the material gives; "
        "then, below `## Links`, web addresses that occur in the material. Leave out what there is none of."
    ),
)
SCHEMA: Final = DataSourceSchema(
    data_source_id="", database_id="", title="Show notes", columns=(TITLE, DESCRIPTION, TAGS, SHOW_NOTES)
)
PROMPT: Final = (
    "Write show notes, as a podcast has them, for people who decide whether to watch or listen, and who look for a "
    "place in it afterwards. The show notes are Markdown: chapters with times that occur in the material, in their "
    "order, and links that occur in the material. Add nothing else: no greeting, no advertisement, no call to follow."
)
