import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.download.captions import parse
from svp_dagster.models import Segment

VTT = """WEBVTT
Kind: captions

NOTE made by a machine

STYLE
::cue { color: red }

intro
00:00:00.400 --> 00:00:05.584 align:start position:0%
<v Cook>Today I am making <b>pasta</b> &amp; <00:00:01.500><c>salad.</c>

01:02.250 --> 01:04.000
Two lines
of one sentence.
"""

SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i> {\\an8}there\r\n\r\n"
    "2\r\n01:00:03,000 --> 01:00:04,000\r\nBye\r\n"
)


def test_webvtt_is_read_without_its_markup() -> None:
    assert parse(VTT) == (
        Segment(start_s=0.4, end_s=5.584, text="Today I am making pasta & salad."),
        Segment(start_s=62.25, end_s=64.0, text="Two lines of one sentence."),
    )


def test_srt_is_read_with_commas_and_windows_line_ends() -> None:
    assert parse(SRT) == (
        Segment(start_s=1.0, end_s=2.5, text="Hello there"),
        Segment(start_s=3603.0, end_s=3604.0, text="Bye"),
    )


def test_a_number_sign_or_a_heart_is_not_taken_for_markup() -> None:
    assert parse("WEBVTT\n\n00:01.000 --> 00:02.000\n1 < 2 <3 #pasta\n")[0].text == "1 < 2 <3 #pasta"


def test_captions_that_roll_say_every_line_once() -> None:
    rolling = (
        "WEBVTT\n\n00:00.000 --> 00:02.000\nfirst line\n\n00:02.000 --> 00:04.000\nfirst line\nsecond line\n\n"
        "00:04.000 --> 00:06.000\nsecond line\nthird line\n\n00:06.000 --> 00:06.010\nthird line\n"
    )

    assert [segment.text for segment in parse(rolling)] == ["first line", "second line", "third line"]


def test_what_someone_says_again_later_is_kept() -> None:
    text = "WEBVTT\n\n00:00.000 --> 00:01.000\nStir.\n\n00:05.000 --> 00:06.000\nStir.\n"

    assert [segment.start_s for segment in parse(text)] == [0.0, 5.0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "WEBVTT",
        "<!doctype html><html><body>404</body></html>",
        '{"utterances": []}',
        "WEBVTT\n\n00:02.000 --> 00:01.000\nbackwards\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n\n",
        "WEBVTT\n\n99999:00:01.000 --> 99999:00:02.000\nnever\n",
    ],
)
def test_what_holds_no_words_gives_no_segments(text: str) -> None:
    assert parse(text) == ()


@given(text=st.text(alphabet=st.sampled_from("0123:.,->\n \r<>{}\\&;ab\x00é語"), max_size=400))
def test_any_text_gives_ordered_segments_with_clean_words(text: str) -> None:
    segments = parse(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}")

    assert list(segments) == sorted(segments, key=lambda segment: segment.start_s)
    for segment in segments:
        assert 0 <= segment.start_s < segment.end_s
        assert segment.text == " ".join(segment.text.split()) != ""
        assert segment.text.isprintable()


WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöü語 ", min_size=1, max_size=30).filter(str.strip)


@given(words=st.lists(WORDS, max_size=8))
def test_what_is_written_as_webvtt_is_read_back(words: list[str]) -> None:
    cues = [f"00:00:{2 * n:02}.000 --> 00:00:{2 * n + 1:02}.500\n{text}\n" for n, text in enumerate(words)]

    assert [segment.text for segment in parse("WEBVTT\n\n" + "\n".join(cues))] == [" ".join(w.split()) for w in words]


def test_a_huge_file_is_read_in_no_time_and_cut() -> None:
    assert len(parse("WEBVTT\n\n" + "00:00:01.000 --> 00:00:02.000\nx\n\n" * 100_000)) < 100_000
    assert parse("<" * 3_000_000) == ()
