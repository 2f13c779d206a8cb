"""A cooking video, the Content Database it is filed into, and what a summary is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from svp_dagster.models import (
    Evidence,
    PropertyFill,
    ScreenLine,
    ScreenText,
    Segment,
    Transcript,
    Video,
)
from svp_dagster.notion.schema import DataSourceSchema
from svp_dagster.ports import SummaryRequest
from svp_dagster.summary.material import Material, gather
from tests.notion.schemas import RELATED_IDS, column, schema

RECIPES: DataSourceSchema = schema(
    column("Link", "url"),
    column("Ingredients", "rich_text"),
    column("Steps", "rich_text"),
    column("Servings", "number"),
    column("Cuisine", "select", options=("Italian", "Thai", "German")),
    column("Categories", "multi_select", options=("Quick", "Vegan", "Baking")),
    column("Vegan", "checkbox"),
    column("Event", "date"),
    column("Website", "url"),
    column("Contact", "email"),
    column("Phone", "phone_number"),
    column("Status", "status", options=("To do", "Done")),
    column("Rating", "number"),
    column("Cover", "files"),
    column("Made by", "people"),
    column("Made with", "relation", relation_data_source_id=RELATED_IDS[0]),
    column("Lost relation", "relation"),
)

VIDEO = Video(
    media_key="tiktok:7301",
    url="https://www.tiktok.com/@anna/video/7301",
    title="Creamy lemon pasta 🍋 in 15 minutes!",
    description=(
        "Creamy lemon pasta 🍋 in 15 minutes! #pasta #vegan\n"
        "Serves 4\n\n"
        "Ingredients:\n- 200 g spaghetti\n- 2 lemons\n\n"
        "Full recipe: https://anna.example.com/lemon-pasta\n"
        "Write to hello@anna.example.com or call +49 30 1234567\n"
        "Cooking class on March 14, 2026 at 7 pm"
    ),
    uploader="chef_anna",
    published_at=datetime(2026, 3, 1, tzinfo=UTC),
    duration_s=61.0,
)
TRANSCRIPT = Transcript(
    text="(see the segments)",
    language="en",
    segments=(
        Segment(start_s=0.0, end_s=3.0, text="Today we make an Italian classic,"),
        Segment(start_s=3.0, end_s=6.5, text="creamy lemon pasta. First, boil the spaghetti in salted water."),
        Segment(start_s=7.0, end_s=12.0, text="Blend cashews with lemon juice. Then toss everything together."),
        Segment(start_s=13.0, end_s=16.0, text="Honestly the best pasta I have made this year."),
    ),
    source="whisper-1",
)
SCREEN_TEXT = ScreenText(
    lines=(ScreenLine(text="LEMON PASTA", first_s=0.0, last_s=3.0), ScreenLine(text="Boil 8 minutes", first_s=4.0)),
    source="rapidocr",
)
NO_TRANSCRIPT, NO_SCREEN_TEXT = Transcript(), ScreenText()


def material(
    *,
    caption: str = "",
    speech: str = "",
    screen: tuple[str, ...] = (),
    uploader: str = "",
    budget_chars: int = 60_000,
) -> Material:
    """The material of a video with these texts, each spoken sentence ten seconds after the one before."""
    spoken = [sentence for sentence in speech.split("|") if sentence]
    segments = tuple(Segment(start_s=10.0 * at, end_s=10.0 * at + 9, text=text) for at, text in enumerate(spoken))
    lines = tuple(ScreenLine(text=text, first_s=float(at)) for at, text in enumerate(screen))
    return gather(
        video=Video(
            media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1", description=caption, uploader=uploader
        ),
        transcript=Transcript(text=" ".join(spoken), segments=segments),
        screen_text=ScreenText(lines=lines),
        budget_chars=budget_chars,
    )


def whole() -> Material:
    """All of the cooking video."""
    return gather(video=VIDEO, transcript=TRANSCRIPT, screen_text=SCREEN_TEXT, budget_chars=60_000)


def quoted(value: object, quote: str, *, confidence: float = 0.9) -> PropertyFill:
    """An engine's offer with one quote from the speech."""
    return PropertyFill(value=value, confidence=confidence, evidence=(Evidence(source="speech", quote=quote),))


def wanted(**changes: Any) -> SummaryRequest:
    """What a summary of the cooking video is made of, but for these changes."""
    given: dict[str, Any] = {
        "video": VIDEO,
        "transcript": TRANSCRIPT,
        "screen_text": SCREEN_TEXT,
        "data_schema": RECIPES,
        "prompt": "I cook for two.",
        "language": None,
    }
    return SummaryRequest(**(given | changes))
