from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import Evidence, ScreenLine, ScreenText, Segment, Transcript
from svp_dagster.summary.evidence import QuoteChecker
from svp_dagster.summary.material import Material, gather
from svp_dagster.summary.spelling import LONGEST_SHOWN_S, spelled
from tests.summary.recipe import VIDEO

CAPTIONS = ("boil the noodles first", "then chop two onions", "and serve it very hot")
"""Lines that repeat the speech, so that it is clear that there are captions."""


def said(*texts: str) -> Transcript:
    texts = (*CAPTIONS, *texts)
    segments = tuple(Segment(start_s=4.0 * n, end_s=4.0 * n + 4, text=text) for n, text in enumerate(texts))
    return Transcript(text=" ".join(texts), segments=segments, source="whisper-1")


def shown(*texts: str, stands_s: float = 2.0) -> ScreenText:
    lines = [ScreenLine(text=text, first_s=4.0 * n, last_s=4.0 * n + 2) for n, text in enumerate(CAPTIONS)]
    first = 4.0 * len(CAPTIONS)
    return ScreenText(
        lines=(*lines, *(ScreenLine(text=text, first_s=first, last_s=first + stands_s) for text in texts))
    )


def made(transcript: Transcript, screen_text: ScreenText) -> Material:
    return gather(video=VIDEO, transcript=transcript, screen_text=screen_text, budget_chars=5000)


def speech(transcript: Transcript, screen_text: ScreenText) -> str:
    return made(transcript, screen_text).speech[-1].text


def on_screen(transcript: Transcript, screen_text: ScreenText) -> list[str]:
    return [passage.text for passage in made(transcript, screen_text).screen]


@pytest.mark.parametrize(
    ("heard", "caption", "expected"),
    [
        (
            "we had coffee at Devoción, in Brooklyn.",
            "coffee at Devotion in Brooklyn",
            "coffee at Devotion, in Brooklyn.",
        ),
        ("add two spoons of go to jang.", "add two spoons of gochujang", "Add two spoons of gochujang."),
        ("I love the new Bojo lay primer so much", "love the new Beaujolais primer", "love the new Beaujolais primer"),
        ("you have to see cafe Majestick in Porto", "CAFE MAJESTIC IN PORTO", "cafe Majestic in Porto"),
    ],
)
def test_a_caption_spells_what_was_misheard(heard: str, caption: str, expected: str) -> None:
    assert expected.casefold() in speech(said(heard), shown(caption)).casefold()
    assert on_screen(said(heard), shown(caption)) == []


@pytest.mark.parametrize(
    ("heard", "caption"),
    [
        ("then we chop some onions", "then we chop some onlons"),  # letters that look alike
        ("then we chop some onions", "then we chop some onins"),  # a letter that was not read
        ("then we chop some onions", "THEN WE CHOP SOME ONIONS!"),
        ("then we chop some onions", "then we chopsome onions"),
    ],
)
def test_a_caption_that_agrees_changes_nothing_and_is_left_out(heard: str, caption: str) -> None:
    assert speech(said(heard), shown(caption)) == heard
    assert on_screen(said(heard), shown(caption)) == []


@pytest.mark.parametrize(
    ("heard", "caption"),
    [
        ("you can't eat this part of it", "you can eat this part of it"),
        ("you couldn't eat this part of it", "you could eat this part of it"),
        ("this is an unhealthy breakfast for kids", "this is a healthy breakfast for kids"),
        ("we paid 15 euros for that plate", "we paid 50 euros for that plate"),
        ("the best bagels in town today", "the best bagels in Rome today"),
    ],
)
def test_a_caption_that_says_something_else_stays_beside_the_speech(heard: str, caption: str) -> None:
    assert speech(said(heard), shown(caption)) == heard
    assert on_screen(said(heard), shown(caption)) == [caption]


def test_a_heading_does_not_overwrite_speech() -> None:
    heard = "we had coffee at Devoción in Brooklyn"
    assert speech(said(heard), shown("coffee at Devotion in Brooklyn", stands_s=LONGEST_SHOWN_S + 1)) == heard


def test_without_captions_no_line_overwrites_speech() -> None:
    heard = said("we had coffee at Devoción in Brooklyn")
    screen_text = ScreenText(lines=shown("coffee at Devotion in Brooklyn").lines[len(CAPTIONS) :])
    assert speech(heard, screen_text) == "we had coffee at Devoción in Brooklyn"


def test_a_caption_far_from_its_words_changes_nothing() -> None:
    caption = ScreenLine(text="coffee at Devotion in Brooklyn", first_s=60, last_s=62)
    screen_text = ScreenText(lines=(*shown().lines, caption))
    assert "Devoción" in speech(said("we had coffee at Devoción in Brooklyn"), screen_text)


def test_a_name_misheard_across_two_segments_is_spelled_once() -> None:
    whole = spelled(said("add two spoons of go to", "jang to the broth"), shown("spoons of gochujang to the broth"))
    assert whole.transcript.text.endswith("add two spoons of gochujang to the broth")
    assert whole.transcript.segments[-1].text == "to the broth"


def test_a_quote_counts_in_either_spelling_at_the_same_second() -> None:
    checker = QuoteChecker(
        made(said("we had coffee at Devoción in Brooklyn"), shown("coffee at Devotion in Brooklyn")).passages
    )
    for name in ("Devotion", "Devoción"):
        found = checker.check(Evidence(source="speech", quote=f"coffee at {name} in Brooklyn"))
        assert (found.checked, found.source, found.at_s) == (True, "speech", 12.0)
    place = checker.find(Evidence(source="speech", quote="coffee at Devoción in Brooklyn"))
    assert place is not None
    assert "Devotion" in place.around


def test_doubtful_speech_leaves_the_screen_as_it_is() -> None:
    doubtful = said("add two spoons of go to jang").model_copy(update={"doubtful": True})
    assert len(on_screen(doubtful, shown("add two spoons of gochujang"))) == len(CAPTIONS) + 1
    assert spelled(doubtful, shown("add two spoons of gochujang")).transcript == doubtful


def test_a_transcript_without_times_is_spelled_too() -> None:
    whole = said("add two spoons of go to jang").model_copy(update={"segments": ()})
    assert spelled(whole, shown("add two spoons of gochujang")).transcript.text.endswith("spoons of gochujang")


WORDS = st.lists(st.sampled_from(["go", "to", "jang", "gochujang", "Rome", "2", "hot", "♪", "，"]), max_size=9)


@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=8))
def test_any_lines_over_any_speech_are_decided(spoken: list[list[str]], lines: list[list[str]]) -> None:
    transcript = said(*(" ".join(words) for words in spoken))
    screen_text = shown(*(" ".join(words) for words in lines))
    whole = spelled(transcript, screen_text)
    assert len(whole.transcript.segments) == len(transcript.segments)
    assert whole.repeated <= set(screen_text.lines)
