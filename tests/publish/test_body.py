from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from svp_dagster.models import (
    BlockBudget,
    Evidence,
    JsonObject,
    MediaFile,
    PageOptions,
    PropertyFill,
    ScreenLine,
    ScreenText,
    Segment,
    Summary,
    Transcript,
    Video,
)
from svp_dagster.notion.blocks import (
    batches,
    children,
    file,
    match_key,
    one_paragraph,
    paragraph,
    text_runs,
    without_children,
)
from svp_dagster.notion.client.upload import with_uploads
from svp_dagster.notion.rich_text import plain_text, rich_text, text_item
from svp_dagster.publish.body import page_blocks
from tests.openapi import assert_valid_request, require_description

VIDEO = Video(
    media_key="TikTok:1",
    url="https://www.tiktok.com/@cook/video/1",
    title="Soup",
    description="A soup for #winter",
    uploader="cook",
    duration_s=75,
)
TRANSCRIPT = Transcript(
    text="Take two eggs. Stir.",
    language="en",
    source="whisper-1",
    segments=(Segment(start_s=0, end_s=3, text="Take two eggs."), Segment(start_s=65, end_s=67, text="Stir.")),
)
SCREEN = ScreenText(lines=(ScreenLine(text="2 EGGS", first_s=3.7), ScreenLine(text="END", slide=2)), source="rapidocr")
SUMMARY = Summary(
    overview="A soup.\n\nWith eggs.",
    properties={
        "ingredients": PropertyFill(
            value="2 eggs", evidence=(Evidence(source="speech", quote="two eggs", at_s=1.2, checked=True),)
        )
    },
    left_blank={"hours": "No value was found."},
    engine="extractive",
    model="extractive",
)
CLIP = MediaFile(
    path=Path("media.mp4"),
    duration_s=600,
    readable_s=600,
    has_video=True,
    has_audio=True,
    width_px=1080,
    height_px=1920,
    codec="h264",
)
LONG_VIDEO = VIDEO.model_copy(
    update={
        "duration_s": 600.0,
        "video_path": CLIP.path,
        "files": (CLIP,),
        "published_at": datetime(2026, 3, 1, tzinfo=UTC),
    }
)
LONG_TRANSCRIPT = Transcript(
    source="whisper-1",
    segments=tuple(
        Segment(start_s=start, end_s=start + 9 - (start == 120), text=f"Sentence {start}.")
        for start in range(0, 600, 10)
    ),
)
UPLOAD_ID = "00000000-0000-4000-8000-000000000001"


def body(block_budget: BlockBudget, **changes: Any) -> list[JsonObject]:
    given = {"video": VIDEO, "transcript": TRANSCRIPT, "screen_text": SCREEN, "summary": SUMMARY} | changes
    return page_blocks(**given, options=PageOptions(block_budget=block_budget))


def flat(blocks: list[JsonObject]) -> list[JsonObject]:
    return [one for block in blocks for one in (block, *flat(children(block)))]


def words(blocks: list[JsonObject]) -> str:
    texts = (block[block["type"]] for block in flat(blocks))
    return "\n".join(plain_text(text.get("rich_text", [])) for text in texts)


def links(blocks: list[JsonObject]) -> list[str]:
    return [link for block in flat(blocks) for _, link in text_runs(block) if link]


def assert_within_limits(blocks: list[JsonObject]) -> None:
    for batch in batches(blocks):
        assert len(batch) <= 100
        assert len(flat(batch)) <= 1000
        assert len(json.dumps({"children": batch}, ensure_ascii=False).encode()) <= 500_000


def assert_sendable(blocks: list[JsonObject]) -> None:
    assert_within_limits(blocks)
    for batch in batches(blocks):
        assert_valid_request("PATCH", "/v1/blocks/p1/children", {"children": batch})


def test_properties_only_makes_no_block() -> None:
    assert body(BlockBudget.PROPERTIES_ONLY) == []


def test_compact_takes_ten_blocks_at_most() -> None:
    files = [file(Path(name), mark="Version 1") for name in ("transcript.vtt.txt", "transcript.srt.txt")]
    blocks = body(BlockBudget.COMPACT, video=LONG_VIDEO, transcript=LONG_TRANSCRIPT, files=files)

    assert len(flat(blocks)) == 10
    assert [match_key(block)[1] for block in blocks if block["type"] == "toggle"] == [
        "Where it was found",
        "Transcript",
        "Text on the screen",
    ]
    assert_sendable(with_uploads(blocks, {file["file"]["path"]: UPLOAD_ID for file in files}))


@pytest.mark.parametrize("block_budget", [BlockBudget.COMPACT, BlockBudget.FULL])
def test_a_long_video_has_chapters_with_links_unless_they_are_not_wanted(block_budget: BlockBudget) -> None:
    blocks = body(block_budget, video=LONG_VIDEO, transcript=LONG_TRANSCRIPT)
    without = page_blocks(
        LONG_VIDEO, LONG_TRANSCRIPT, SCREEN, SUMMARY, PageOptions(block_budget=block_budget, page_chapters=False)
    )

    assert "Chapters\n0:00 Sentence 0.\n" in words(blocks)
    assert f"{LONG_VIDEO.url}#t=130" in links(blocks)
    assert "Chapters" not in words(without)
    assert "Chapters" not in words(body(block_budget))


def test_video_facts_are_told_unless_they_are_not_wanted() -> None:
    found = words(body(BlockBudget.COMPACT, video=LONG_VIDEO))
    without = page_blocks(LONG_VIDEO, TRANSCRIPT, SCREEN, SUMMARY, PageOptions(page_video_facts=False))

    assert "Soup (by cook, posted 2026-03-01, 10:00, 1080 × 1920, h264)\n" in found
    assert "h264" not in words(without)
    assert LONG_VIDEO.url in links(without)


def test_what_was_left_out_of_the_summary_is_told() -> None:
    shortened = SUMMARY.model_copy(update={"note": "The end of the transcript was left out."})

    assert "left out" in words(body(BlockBudget.COMPACT, summary=shortened))


def test_a_model_that_made_the_summary_is_named() -> None:
    made = SUMMARY.model_copy(update={"engine": "gemini", "model": "gemini-3.5-flash-lite"})

    assert "Summary by gemini-3.5-flash-lite (Gemini)." in words(body(BlockBudget.COMPACT, summary=made))


@pytest.mark.parametrize("block_budget", [BlockBudget.COMPACT, BlockBudget.FULL])
def test_the_body_says_what_was_found_and_how(block_budget: BlockBudget) -> None:
    said = words(body(block_budget))

    for part in ("A soup.", "With eggs.", "Take two eggs.", "Stir.", "2 EGGS", "Slide 2:", "A soup for #winter"):
        assert part in said
    assert "ingredients: “two eggs” — said at 0:01" in said
    assert "Transcript by whisper-1 (en)." in said
    assert "Screen text by rapidocr." in said
    assert "Summary: quoted sentences, no model (extractive)." in said
    assert "Left blank: hours. No value was found." in said


def test_evidence_links_into_the_video() -> None:
    found = links(body(BlockBudget.COMPACT))

    assert "https://www.tiktok.com/@cook/video/1#t=1" in found


def test_a_full_transcript_has_a_link_for_each_minute() -> None:
    found = links(body(BlockBudget.FULL))

    assert "https://www.tiktok.com/@cook/video/1#t=0" in found
    assert "https://www.tiktok.com/@cook/video/1#t=65" in found


def test_a_local_file_has_no_links() -> None:
    assert links(body(BlockBudget.FULL, video=Video(media_key="sha256:0", url="/videos/clip.mp4"))) == []


def test_a_doubtful_quote_is_marked() -> None:
    doubtful = SUMMARY.model_copy(
        update={"properties": {"a": PropertyFill(value=1, evidence=(Evidence(source="caption", quote="one"),))}}
    )

    assert "written in the caption (not found word for word)" in words(body(BlockBudget.COMPACT, summary=doubtful))


def test_a_reworded_quote_is_marked() -> None:
    evidence = Evidence(source="speech", quote="one", at_s=3.0, reworded=True)
    reworded = SUMMARY.model_copy(update={"properties": {"a": PropertyFill(value=1, evidence=(evidence,))}})

    assert "said (reworded) at 0:03" in words(body(BlockBudget.COMPACT, summary=reworded))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"at_s": 7.4}, "a: “a dog in the snow” — seen at 0:07 (no text confirms it)"),
        ({"slide": 3}, "a: “a dog in the snow” — seen on slide 3 (no text confirms it)"),
    ],
)
def test_what_was_only_seen_is_marked_with_its_place(place: dict[str, float], said: str) -> None:
    evidence = Evidence.model_validate({"source": "picture", "quote": "a dog in the snow"} | place)
    seen = SUMMARY.model_copy(update={"properties": {"a": PropertyFill(value="Dog", evidence=(evidence,))}})

    for budget in (BlockBudget.COMPACT, BlockBudget.FULL):
        assert said in words(body(budget, summary=seen))


def test_a_quote_from_a_slide_names_it() -> None:
    evidence = Evidence(source="screen", quote="one", slide=2, checked=True)
    shown = SUMMARY.model_copy(update={"properties": {"a": PropertyFill(value=1, evidence=(evidence,))}})

    assert "a: “one” — shown on slide 2" in words(body(BlockBudget.COMPACT, summary=shown))


def test_a_page_of_pictures_alone_says_so_in_its_first_line() -> None:
    seen = SUMMARY.model_copy(update={"engine": "gemini", "model": "gemini-3.5-flash-lite", "is_seen": True})

    said = words(body(BlockBudget.COMPACT, summary=seen)).splitlines()
    assert said[0] == "Described from the pictures alone: no text confirms it."


@pytest.mark.parametrize("block_budget", [BlockBudget.COMPACT, BlockBudget.FULL])
def test_a_page_made_without_a_model_says_so_in_its_first_line(block_budget: BlockBudget) -> None:
    said = words(body(block_budget)).splitlines()
    assert said[0] == "Quoted, not summarised: may be incomplete."

    by_model = SUMMARY.model_copy(update={"engine": "gemini", "model": "gemini-3.5-flash-lite"})
    assert "Quoted, not summarised" not in words(body(block_budget, summary=by_model))


def test_missing_parts_are_explained_in_the_notes_and_make_no_empty_blocks() -> None:
    blocks = page_blocks(
        Video(media_key="TikTok:1", url=VIDEO.url),
        Transcript(note="The video has no sound."),
        ScreenText(note="Reading was switched off."),
        Summary(overview="", engine="gemini", model="gemini-3.5-flash-lite"),
        PageOptions(),
    )

    assert [block["type"] for block in blocks] == ["paragraph"]
    assert "No transcript. The video has no sound." in words(blocks)
    assert "No text on the screen. Reading was switched off." in words(blocks)


def test_a_long_transcript_is_whole_in_full_and_cut_with_a_mark_in_compact() -> None:
    long = Transcript(text=" ".join(f"word{number}" for number in range(40_000)), source="whisper-1")

    full, compact = body(BlockBudget.FULL, transcript=long), body(BlockBudget.COMPACT, transcript=long)

    inside = next(block for block in full if match_key(block) == ("toggle", "Transcript"))
    assert words(children(inside)).replace("\n", "") == long.text
    cut = next(block for block in compact if match_key(block) == ("toggle", "Transcript"))
    assert words(children(cut)).endswith("…")
    assert_sendable(full)
    assert_sendable(compact)


def test_many_lines_on_the_screen_are_all_there_in_full() -> None:
    many = ScreenText(lines=tuple(ScreenLine(text=f"line {number}", first_s=number) for number in range(5000)))

    blocks = body(BlockBudget.FULL, screen_text=many)

    toggles = [block for block in blocks if match_key(block)[1].startswith("Text on the screen")]
    assert [match_key(block)[1] for block in toggles] == ["Text on the screen", "Text on the screen (2)"]
    assert sum(words([block]).count("line ") for block in toggles) == 5000
    assert_within_limits(blocks)


text = st.text(max_size=200) | st.text("😀漢\ud800\x00\n ", min_size=0, max_size=9000)
seconds = st.floats()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    video=st.builds(
        Video, media_key=st.just("k"), url=text, title=text, description=text, uploader=text, duration_s=st.none()
    ),
    transcript=st.builds(
        Transcript,
        text=text,
        source=text,
        segments=st.lists(st.builds(Segment, start_s=seconds, end_s=seconds, text=text), max_size=30).map(tuple),
    ),
    screen_text=st.builds(
        ScreenText,
        lines=st.lists(st.builds(ScreenLine, text=text, first_s=st.none() | seconds), max_size=30).map(tuple),
    ),
    summary=st.builds(
        Summary,
        overview=text,
        properties=st.dictionaries(
            text,
            st.builds(
                PropertyFill,
                value=st.none(),
                confidence=st.just(1.0),
                evidence=st.lists(
                    st.builds(
                        Evidence,
                        source=st.sampled_from(["speech", "screen", "picture"]),
                        quote=text,
                        at_s=st.none() | seconds,
                    ),
                    max_size=5,
                ).map(tuple),
            ),
            max_size=5,
        ),
        left_blank=st.dictionaries(text, text, max_size=5),
    ),
)
@pytest.mark.parametrize("block_budget", [BlockBudget.COMPACT, BlockBudget.FULL])
def test_whatever_was_found_the_body_can_be_sent(
    block_budget: BlockBudget, video: Video, transcript: Transcript, screen_text: ScreenText, summary: Summary
) -> None:
    require_description()
    blocks = page_blocks(video, transcript, screen_text, summary, PageOptions(block_budget=block_budget))

    assert_sendable(blocks)
    assert block_budget is BlockBudget.FULL or len(flat(blocks)) <= 10


def test_batches_keep_the_order_and_the_limits() -> None:
    blocks = [paragraph([text_item(str(number))]) for number in range(250)]

    parts = batches(blocks)

    assert [len(part) for part in parts] == [100, 100, 50]
    assert [block for part in parts for block in part] == blocks
    assert batches([]) == []


def test_large_blocks_get_requests_of_their_own() -> None:
    large = paragraph(rich_text("漢" * 100_000))

    assert [len(part) for part in batches([large, large, large])] == [1, 1, 1]


def test_lines_beyond_one_paragraph_are_counted_in_a_mark() -> None:
    made = one_paragraph([text_item(str(number)), text_item("x", url="https://example.com")] for number in range(50))

    (block,) = made
    assert plain_text(block["paragraph"]["rich_text"]).endswith("… (18 more)")


def test_blocks_say_the_same_however_their_text_is_parted() -> None:
    sent = paragraph([text_item("Hello "), text_item("world"), text_item("!", url="https://example.com")])
    answered = {
        "type": "paragraph",
        "id": "b1",
        "paragraph": {
            "rich_text": [
                {"type": "text", "text": {"content": "Hello world", "link": None}, "plain_text": "Hello world"},
                {"type": "text", "text": {"content": "!", "link": {"url": "https://example.com"}}, "plain_text": "!"},
            ]
        },
    }

    assert text_runs(sent) == text_runs(answered)
    assert text_runs(sent) != text_runs(paragraph([text_item("Hello world!")]))


def test_an_update_leaves_out_what_is_inside_a_block() -> None:
    toggle = next(block for block in body(BlockBudget.COMPACT) if block["type"] == "toggle")

    update = without_children(toggle)

    assert update == {"type": "toggle", "toggle": {"rich_text": toggle["toggle"]["rich_text"]}}
    assert_valid_request("PATCH", "/v1/blocks/b1", update)
