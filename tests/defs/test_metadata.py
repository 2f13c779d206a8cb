"""What the Dagster UI shows of results: for people, bounded, and inert whatever a video says."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import cv2
import dagster as dg
import pytest

from svp_dagster.defs import metadata
from svp_dagster.media.thumbnail import small_jpeg
from svp_dagster.models import Evidence, PropertyFill, ScreenLine, ScreenText, Segment, Summary, Transcript, Video
from tests.media.making import picture

HOSTILE = (
    "![seen](https://evil.example/pixel.png) [free](https://evil.example) <img src=//evil.example/x> "
    "https://evil.example/plain\n```\n<script>alert(1)</script>\n````\n| a | b |"
)


def markdown(facts: dict[str, Any], key: str) -> str:
    value = facts[key]
    assert isinstance(value, dg.MarkdownMetadataValue)
    return value.md_str or ""


def outside_of_code(text: str) -> str:
    """What a Markdown reader takes for more than plain characters."""
    fence = re.match(r"(`{3,})text\n", text)
    assert fence is not None
    inside, found, after = text[fence.end() :].partition(f"\n{fence[1]}")
    assert found
    assert not re.search(rf"^`{{{len(fence[1])},}}", inside, re.MULTILINE)
    return after


def summary(**properties: PropertyFill) -> Summary:
    return Summary(
        overview="Soup.", properties=properties, engine="gemini", model="gemini-3.5", left_blank={"Cost": "No quote."}
    )


@pytest.mark.parametrize("text", [HOSTILE, "plain words", "`````` six", ""])
def test_a_transcript_is_shown_as_text_that_does_nothing(text: str) -> None:
    transcript = Transcript(
        text=text, segments=(Segment(start_s=61, end_s=62, text=text),) if text else (), source="captions"
    )

    facts = metadata.of_transcript(transcript)

    if text:
        assert outside_of_code(markdown(facts, "transcript")).strip() == ""
        assert "1:01" in markdown(facts, "transcript")


def test_a_long_transcript_is_cut() -> None:
    segments = tuple(Segment(start_s=second, end_s=second + 1, text="word " * 20) for second in range(2000))
    transcript = Transcript(text=" ".join(segment.text for segment in segments), segments=segments, source="captions")

    facts = metadata.of_transcript(transcript)

    assert len(markdown(facts, "transcript")) < 2 * metadata.TRANSCRIPT_CHARACTERS
    assert facts["words"] == 40_000


def test_what_is_not_known_is_left_out_so_that_numbers_are_always_numbers() -> None:
    unknown = metadata.of_video(Video(media_key="tiktok:1", url="https://www.tiktok.com/v/1"), None)
    known = metadata.of_video(Video(media_key="tiktok:1", url="https://www.tiktok.com/v/1", duration_s=12.5), None)

    assert "duration_s" not in unknown
    assert known["duration_s"] == 12.5
    assert "language" not in metadata.of_transcript(Transcript())
    for facts in (unknown, known, metadata.of_transcript(Transcript()), metadata.of_screen_text(ScreenText(), None)):
        assert "unknown" not in str(facts)
        assert "none" not in [value for value in facts.values() if isinstance(value, str)]


def test_the_values_of_a_page_are_a_table_with_their_quotes() -> None:
    filled = PropertyFill(
        value=["basil", "tomato"],
        confidence=0.9,
        evidence=(Evidence(source="speech", quote=HOSTILE, at_s=3.0, checked=True),),
    )

    facts = metadata.of_summary(summary(Ingredients=filled))

    table = facts["values"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = [record.data for record in table.records]
    assert rows[0]["column"] == "Ingredients"
    assert rows[0]["value"] == "basil, tomato"
    assert rows[0]["checked"] is True
    assert [record.data for record in facts["left_blank"].records] == [{"column": "Cost", "reason": "No quote."}]
    assert facts["columns_filled"] == 1
    assert facts["columns_left_blank"] == 1


def test_a_large_table_is_cut() -> None:
    many = {f"Column {number}": PropertyFill(value="x" * 5000) for number in range(300)}

    table = metadata.of_summary(summary(**many))["values"]

    assert len(table.records) == metadata.SHOWN_ROWS
    assert max(len(str(record.data["value"])) for record in table.records) <= metadata.PREVIEW_CHARACTERS


def test_pictures_are_small_jpegs_within_the_page(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "sheet.jpg"), picture(size=(2000, 3000)))
    shown = metadata.picture("sheet", small_jpeg(tmp_path / "sheet.jpg"))

    data = re.fullmatch(r"!\[sheet\]\(data:image/jpeg;base64,([A-Za-z0-9+/=]+)\)", markdown(shown, "sheet"))
    assert data is not None
    assert len(base64.b64decode(data[1])) < metadata.PICTURE_BYTES
    assert metadata.picture("sheet", None) == {}
    assert metadata.picture("sheet", b"x" * (metadata.PICTURE_BYTES + 1)) == {}


def test_lines_on_the_screen_are_shown_with_their_places() -> None:
    lines = (ScreenLine(text=HOSTILE, first_s=4.0, last_s=9.0), ScreenLine(text="2 eggs", slide=3))

    facts = metadata.of_screen_text(ScreenText(lines=lines, source="RapidOCR", frames_read=7), None)

    assert outside_of_code(markdown(facts, "screen_text")).strip() == ""
    assert "slide 3" in markdown(facts, "screen_text")
    assert (facts["lines"], facts["frames_read"]) == (2, 7)
