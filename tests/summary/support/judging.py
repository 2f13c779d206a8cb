"""Judge one offered value for one column of a small video."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from svp_dagster.models import Evidence, PropertyFill, ScreenLine, ScreenText, Segment, Transcript, Video
from svp_dagster.notion.schema import Column
from svp_dagster.summary.acceptance import Accepted, Judge
from svp_dagster.summary.material import Material, gather
from tests.notion.schemas import schema


def video(*, said: str = "", caption: str = "", shown: tuple[str, ...] = (), language: str | None = None) -> Material:
    """The material of a video published on 1 March 2026; sentences that are said are parted by `|`."""
    spoken = [text for text in said.split("|") if text]
    segments = tuple(Segment(start_s=10.0 * at, end_s=10.0 * at + 9, text=text) for at, text in enumerate(spoken))
    return gather(
        video=Video(
            media_key="tiktok:1",
            url="https://www.tiktok.com/@a/video/1",
            description=caption,
            published_at=datetime(2026, 3, 1, tzinfo=UTC),
        ),
        transcript=Transcript(text=" ".join(spoken), segments=segments, language=language),
        screen_text=ScreenText(lines=tuple(ScreenLine(text=text, first_s=1.0 + at) for at, text in enumerate(shown))),
        budget_chars=60_000,
    )


def offered(value: Any, *quotes: str, at_s: float | None = None) -> PropertyFill:
    evidence = tuple(Evidence(source="speech", quote=quote, at_s=at_s) for quote in quotes)
    return PropertyFill(value=value, confidence=0.9, evidence=evidence)


def accepted(column: Column, value: Any, *quotes: str, at_s: float | None = None, **material: Any) -> Accepted:
    judge = Judge(schema(column), video(**material), min_confidence=0.4)
    return judge.accept({column.name: offered(value, *quotes, at_s=at_s)})


def is_written(column: Column, value: Any, quote: str, *, at_s: float | None = None, **material: Any) -> bool:
    """Whether the rules alone write the whole value. Without other material the quote is all that is said."""
    given = material if {"said", "caption", "shown"} & set(material) else material | {"said": quote}
    made = accepted(column, value, quote, at_s=at_s, **given)
    return column.name in made.properties and made.properties[column.name].value == value
