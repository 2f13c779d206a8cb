"""Show notes: what is made of a video without a Content Database, by quoting and by a model."""

from __future__ import annotations

import pytest

from svp_dagster.models import Evidence, PropertyFill, ScreenText, Segment, Transcript, Video
from svp_dagster.notion.properties import askable_columns, to_properties
from svp_dagster.summary import show_notes
from svp_dagster.summary.acceptance import Judge
from svp_dagster.summary.extractive import extract
from svp_dagster.summary.material import Material, gather, holds_text
from svp_dagster.summary.prompt import described_schema
from tests.summary.recipe import whole

BOIL = Evidence(source="speech", quote="boil the spaghetti in salted water")
BLEND = Evidence(source="speech", quote="Blend cashews with lemon juice")


def accepted(notes: str) -> tuple[str, str]:
    """The show notes of a model as they are written, and why there are none."""
    offer = PropertyFill(value=notes, confidence=0.9, evidence=(BOIL, BLEND))
    judged = Judge(show_notes.SCHEMA, whole(), min_confidence=0.5).accept({"show_notes": offer})
    fill = judged.properties.get("show_notes")
    return (fill.value if fill else ""), judged.left_blank.get("show_notes", "")


def podcast(*said: str, title: str = "") -> Material:
    segments = tuple(Segment(start_s=60.0 * at, end_s=60.0 * at + 9, text=text) for at, text in enumerate(said))
    transcript = Transcript(text=" ".join(said), language="en", segments=segments)
    video = Video(media_key="sha256:00", url="", title=title)
    return gather(video=video, transcript=transcript, screen_text=ScreenText(), budget_chars=10_000)


def test_quoted_show_notes_name_the_thing_and_list_what_is_said_with_its_times() -> None:
    material = podcast(
        "Sourdough bread needs time.",
        "The dough rests for a night in the fridge.",
        "Bake the bread in a hot pot.",
        "All recipes are at bread.example.com/sourdough.",
        title="VID_20260301_101500",
    )
    properties, _ = extract.extract(material, askable_columns(show_notes.SCHEMA))
    values = {name: fill.value for name, fill in properties.items()}
    assert values["title"] == "Sourdough bread needs time."
    assert "fridge" in values["description"]
    first, *others = values["show_notes"].splitlines()
    assert first == "- 0:00 Sourdough bread needs time."
    assert "- 2:00 Bake the bread in a hot pot." in others
    assert "- <bread.example.com/sourdough>" in others
    assert "tags" not in values
    assert properties["show_notes"].evidence[0].checked


def test_quoted_tags_are_the_hashtags_of_the_material() -> None:
    properties, _ = extract.extract(whole(), askable_columns(show_notes.SCHEMA))
    assert properties["tags"].value == ["pasta", "vegan"]


def test_what_is_said_is_no_markdown() -> None:
    properties, _ = extract.extract(podcast("Use *two* stars [and] a #hash <b>here</b>."), [show_notes.SHOW_NOTES])
    assert properties["show_notes"].value == r"- 0:00 Use \*two\* stars \[and\] a \#hash \<b\>here\</b\>."


def test_all_columns_of_the_show_notes_can_be_written() -> None:
    values = {"title": "Soup", "description": "A soup.", "tags": ["soup"], "show_notes": "- 0:01 Soup"}
    assert to_properties(show_notes.SCHEMA, values).left_out == {}


def test_a_model_is_asked_for_markdown() -> None:
    described = described_schema(askable_columns(show_notes.SCHEMA))
    assert "Markdown. First the chapters" in described
    assert described.count("Plain text") == 1  # for the description


def test_chapters_and_links_of_a_model_are_kept_where_the_material_has_them() -> None:
    notes = (
        "- 0:03 Boil the spaghetti in salted water\n- 0:07 Blend cashews with lemon juice\n\n"
        "## Links\n\n- [The recipe](https://anna.example.com/lemon-pasta)"
    )
    assert accepted(notes) == (notes, "")


def test_a_chapter_at_a_time_of_nothing_and_a_foreign_link_are_dropped() -> None:
    notes = (
        "- 0:03 Boil the spaghetti in salted water\n- 7:59 Blend cashews with lemon juice\n\n"
        "## Links\n\n- https://evil.example/lemon-pasta"
    )
    assert accepted(notes) == ("- 0:03 Boil the spaghetti in salted water", "")


def test_show_notes_about_something_else_stay_blank() -> None:
    written, reason = accepted("- 0:03 The football match begins with a goal and the referee shows a red card")
    assert written == ""
    assert reason


@pytest.mark.parametrize(
    "name",
    [
        "IMG_4711",
        "VID-20260301-WA0007",
        "PXL_20260301_101500",
        "Screen Recording 2026-03-01 at 10.15.00",
        "WhatsApp Video 2026-03-01 at 10.15.00",
        "video (2)",
        "audio",
        "2026-03-01 10-15-00",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
    ],
)
def test_a_name_that_a_device_gave_to_a_file_names_nothing(name: str) -> None:
    material = podcast(title=name)
    assert (material.caption, material.file_name) == ((), "")


@pytest.mark.parametrize("name", ["Grandma's apple pie", "Video games of 1999", "Final exam in biology", "Movie night"])
def test_a_name_that_a_person_gave_to_a_file_is_a_title_at_most_and_proves_nothing(name: str) -> None:
    material = podcast("#bread @anna", title=name)
    assert material.caption == ()
    assert name not in material.as_json()
    properties, _ = extract.extract(material, askable_columns(show_notes.SCHEMA))
    assert (properties["title"].value, properties["title"].evidence) == (name, ())
    assert properties.keys() == {"title", "tags"}
    assert name not in extract.overview(material)


def test_what_is_said_names_a_file_before_its_name_does() -> None:
    assert extract.title(podcast("Sourdough bread needs time.", title="pancakes")).value.startswith("Sourdough bread")


def test_a_name_alone_is_nothing_to_make_notes_of() -> None:
    video = Video(media_key="sha256:00", url="", title="pancakes")
    assert not holds_text(video=video, transcript=Transcript(), screen_text=ScreenText())
