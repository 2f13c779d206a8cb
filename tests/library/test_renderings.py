"""What a person downloads of an outcome."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from svp_dagster.library.markdown import as_markdown
from svp_dagster.library.renderings import as_json, as_text
from svp_dagster.models import PropertyFill, ScreenLine, Segment, Transcript
from tests.library.outcomes import outcome

LINE_BREAK = "hardbreakbr"
HOSTILE = (
    "<script>alert(1)</script>",
    "![x](https://evil.example/p.png)",
    "[click](javascript:alert(1))",
    "# heading",
    "- item",
    "1. item",
    "=====",
    "---",
    "    code",
    "```\ncode",
    "&lt;b&gt;",
    "| a | b |\n|---|---|",
    "a\\",
    "*bold* _em_ ~~gone~~ `code`",
    "\u2028<b>x</b>\x00",
    "[ref]: https://evil.example",
)


def test_the_text_has_a_line_with_its_time_for_each_segment() -> None:
    sung = Segment(start_s=3_700, end_s=3_702, text="la  la\nla", sung=True)
    transcript = Transcript(segments=(Segment(start_s=5, end_s=6, text="Hello."), sung), source="whisper-1")
    assert as_text(transcript) == "[0:05] Hello.\n[1:01:40] ♪ la la la ♪\n"


def test_the_text_of_a_transcript_without_segments_is_as_it_was_written() -> None:
    assert as_text(Transcript(text="Hello.\nWorld.", source="gemini")) == "Hello.\nWorld.\n"


def test_the_text_says_why_nothing_is_heard() -> None:
    assert as_text(Transcript(note="Nobody speaks.", no_speech=True)) == "Nobody speaks.\n"


def test_the_json_has_everything_but_paths() -> None:
    found = json.loads(as_json(outcome()))
    assert found["video"]["captions"][0]["segments"][0]["text"] == "Today we cook a soup."
    assert [tile["at_s"] for tile in found["screen_text"]["sheet"]["tiles"]] == [0, 2.5]
    assert "/dev/null" not in as_json(outcome())


def test_the_markdown_is_the_whole_page() -> None:
    page = as_markdown(outcome(), note="Cost $0.0100.")
    for part in (
        "# Garlic soup\n",
        "<https://www.tiktok.com/@cook/video/1>",
        "How to cook a soup.",
        "- **Dish**: Soup\n  - “Add the garlic now.” — said at 1:05\n",
        "## Transcript (captions)\n\n\\[0:00\\] Today we cook a soup.\\\n\\[1:05\\] Add the garlic now.\n",
        "## On the screen (rapidocr)\n\n- 0:03 2 cloves\n",
        "Summary by gemini-3.5-flash-lite (Gemini). Cost \\$0.0100.*\n",
    ):
        assert part in page


def test_the_markdown_of_a_long_video_has_its_chapters() -> None:
    said = tuple(Segment(start_s=at, end_s=at + 9, text=f"Sentence at {at}.") for at in range(0, 600, 10))
    made = outcome(said=said)
    video = made.video.model_copy(update={"duration_s": 600})
    assert "## Chapters\n\n- 0:00 Sentence at 0.\n" in as_markdown(made.model_copy(update={"video": video}))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_video_never_becomes_markup(text: str) -> None:
    assert kinds(hostile(text)) <= kinds(hostile("plain")) | {LINE_BREAK}


@given(st.text(alphabet=st.sampled_from("<>[]()!#*_`~-+=|\\&;:.1aä \n\t\u2028"), max_size=40))
def test_no_text_of_a_video_becomes_markup(text: str) -> None:
    assert kinds(hostile(text)) <= kinds(hostile("plain")) | {LINE_BREAK}


def hostile(text: str) -> str:
    """The page of a video that says, shows and fills in nothing else."""
    made = outcome(
        said=(Segment(start_s=0, end_s=1, text=text),),
        title=f"t{text}",
        shown=(ScreenLine(text=text, first_s=1),),
        values={text: text},
        overview=text,
    )
    spoken = made.transcript.model_copy(update={"segments": (), "text": text})
    left_blank = {text: text}
    blank = made.summary.model_copy(update={"left_blank": left_blank, "properties": {"a": PropertyFill(value=text)}})
    return as_markdown(made) + as_markdown(made.model_copy(update={"transcript": spoken, "summary": blank}), note=text)


def kinds(page: str) -> set[str]:
    """The kinds of markup that a reader of GitHub's dialect finds, and where links lead."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
    inline = [child for token in tokens for child in token.children or ()]
    found = {token.type + token.tag for token in [*tokens, *inline]}
    return found | {str(token.attrs.get("href")) for token in inline if token.type == "link_open"}


def test_a_value_of_several_lines_keeps_them_in_markdown() -> None:
    notes = "- 0:00 Mash two bananas\n- 0:06 # Fold in the oats"
    shown = as_markdown(outcome(values={"show_notes": notes}))
    assert "- **show\\_notes**: \\\n  \\- 0:00 Mash two bananas\\\n  \\- 0:06 \\# Fold in the oats\n" in shown
