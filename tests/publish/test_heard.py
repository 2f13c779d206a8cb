"""What a page shows of what is heard."""

from __future__ import annotations

import pytest

from svp_dagster.models import BlockBudget, PageOptions, Segment, Transcript
from svp_dagster.publish.body import page_blocks
from tests.publish.test_body import LONG_TRANSCRIPT, LONG_VIDEO, SCREEN, SUMMARY, TRANSCRIPT, body, words

SUNG = TRANSCRIPT.model_copy(
    update={"segments": (*TRANSCRIPT.segments, Segment(start_s=70, end_s=74, text="Carry me home", sung=True))}
)


@pytest.mark.parametrize("block_budget", [BlockBudget.COMPACT, BlockBudget.FULL])
def test_lyrics_stand_apart_from_what_is_said(block_budget: BlockBudget) -> None:
    lines = words(body(block_budget, transcript=SUNG)).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("Lyrics"))
    assert lines[place + 1] == "Carry me home"
    assert lines.count("Carry me home") == 1
    assert "Lyrics" not in words(body(block_budget))


@pytest.mark.parametrize("block_budget", [BlockBudget.COMPACT, BlockBudget.FULL])
def test_a_doubtful_transcript_says_so_where_it_is_shown(block_budget: BlockBudget) -> None:
    doubtful = TRANSCRIPT.model_copy(update={"doubtful": True})
    lines = words(body(block_budget, transcript=doubtful)).splitlines()
    assert lines[lines.index("Transcript") + 1].startswith("The speech was hard to understand")
    assert "hard to understand" not in words(body(block_budget))
    assert "hard to understand" not in words(body(block_budget, transcript=Transcript(doubtful=True)))


@pytest.mark.parametrize("block_budget", [BlockBudget.COMPACT, BlockBudget.FULL])
def test_doubtful_words_make_no_headings(block_budget: BlockBudget) -> None:
    for doubtful, has_chapters in ((False, True), (True, False)):
        transcript = LONG_TRANSCRIPT.model_copy(update={"doubtful": doubtful})
        options = PageOptions(block_budget=block_budget)
        page = page_blocks(LONG_VIDEO, transcript, SCREEN, SUMMARY, options)
        assert ("Chapters" in words(page)) is has_chapters
