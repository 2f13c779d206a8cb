"""What the parts of the benchmark share: the material's files, and how a part says that it can't measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import yaml

from svp_dagster.models import JsonObject, ScreenLine, ScreenText, Segment, Transcript, Video
from svp_dagster.notion.schema import Column, ColumnType, DataSourceSchema
from svp_dagster.ports import SummaryRequest

MATERIAL = Path(__file__).parent / "material"
_SEGMENT_S = 4.0


class NotMeasured(Exception):
    """A part lacks what it needs. The text says what, and how to get it."""


def load(name: str) -> list[JsonObject]:
    """Return the videos of a file of `material/`."""
    videos = yaml.safe_load((MATERIAL / name).read_text())
    assert isinstance(videos, list)
    return videos


def request_for(raw: Mapping[str, Any]) -> SummaryRequest:
    """Return what a summary of a described video is made of."""
    published = datetime.combine(raw["published"], time(), UTC) if "published" in raw else None
    spoken = tuple(Segment(start_s=at_s, end_s=at_s + _SEGMENT_S, text=text) for at_s, text in raw.get("speech", ()))
    shown = tuple(ScreenLine(text=text, first_s=at_s, last_s=at_s) for at_s, text in raw.get("screen", ()))
    return SummaryRequest(
        video=Video(
            media_key="tiktok:1",
            url="https://www.tiktok.com/@somebody/video/1",
            description=raw.get("caption", ""),
            uploader=raw.get("uploader", ""),
            published_at=published,
        ),
        transcript=Transcript(
            text=" ".join(segment.text for segment in spoken), segments=spoken, language=raw["language"]
        ),
        screen_text=ScreenText(lines=shown),
        data_schema=DataSourceSchema(
            data_source_id="", database_id="", title="", columns=tuple(_columns(raw["columns"]))
        ),
        prompt="",
        language=None,
    )


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print(f"| {' | '.join(head)} |")
    print(f"|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")


def _columns(raw: Mapping[str, Any]) -> Iterable[Column]:
    """Yield the columns: a type's name, or an object of it and its options or number format."""
    for name, kind in raw.items():
        if isinstance(kind, str):
            related = name if kind == ColumnType.RELATION else None
            yield Column(id=name, name=name, type=ColumnType(kind), relation_data_source_id=related)
        else:
            ((of_type, detail),) = kind.items()
            of_number = of_type == ColumnType.NUMBER
            yield Column(
                id=name,
                name=name,
                type=ColumnType(of_type),
                options=() if of_number else tuple(detail),
                number_format=detail if of_number else None,
            )
