"""Outcomes to show and to search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from svp_dagster.models import (
    CaptionTrack,
    ContactSheet,
    Evidence,
    MediaFile,
    Outcome,
    PropertyFill,
    ScreenLine,
    ScreenText,
    Segment,
    Summary,
    Tile,
    Transcript,
    Video,
)

NOWHERE = Path("/dev/null")
SOUP = (
    Segment(start_s=0, end_s=4, text="Today we cook a soup."),
    Segment(start_s=65, end_s=70, text="Add the garlic now."),
)


def outcome(
    *,
    said: tuple[Segment, ...] = SOUP,
    title: str = "Garlic soup",
    description: str = "A soup for cold days",
    shown: tuple[ScreenLine, ...] = (ScreenLine(text="2 cloves", first_s=3, last_s=5),),
    values: dict[str, Any] | None = None,
    overview: str = "How to cook a soup.",
) -> Outcome:
    """What came out of a video about a soup."""
    quote = Evidence(source="speech", quote="Add the garlic now.", at_s=65, checked=True)
    filled = {"Dish": "Soup"} if values is None else values
    file = NOWHERE / "video.mp4"
    return Outcome(
        video=Video(
            media_key="tiktok:1",
            url="https://www.tiktok.com/@cook/video/1",
            title=title,
            description=description,
            uploader="cook",
            duration_s=80,
            video_path=file,
            files=(MediaFile(path=file, duration_s=80, readable_s=80, has_video=True, has_audio=True),),
            captions=(CaptionTrack(language="en", translated=False, segments=said),),
        ),
        transcript=Transcript(text=" ".join(one.text for one in said), language="en", segments=said, source="captions"),
        screen_text=ScreenText(
            lines=shown,
            source="rapidocr",
            frames_read=3,
            sheet=ContactSheet(
                path=NOWHERE / "contact-sheet.jpg",
                width=100,
                height=100,
                columns=2,
                tiles=(Tile(at_s=0), Tile(at_s=2.5)),
                recipe="sheet",
            ),
        ),
        summary=Summary(
            overview=overview,
            properties={name: PropertyFill(value=value, evidence=(quote,)) for name, value in filled.items()},
            engine="gemini",
            model="gemini-3.5-flash-lite",
        ),
    )
