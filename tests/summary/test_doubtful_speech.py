"""Speech that its engine hardly understood proves nothing alone, and lyrics prove nothing at all."""

from __future__ import annotations

import pytest

from svp_dagster.models import PropertyFill, ScreenLine, ScreenText, Segment, Transcript, Video
from svp_dagster.summary.acceptance import Accepted, Judge
from svp_dagster.summary.engines import ExtractiveSummarizer
from svp_dagster.summary.material import Material, gather, holds_text
from svp_dagster.summary.prompt import request
from tests.fakes import CountingMeter
from tests.sandbox.ai_service import AiService
from tests.summary.gemini_examples import engine, run
from tests.summary.recipe import NO_SCREEN_TEXT, RECIPES, quoted, wanted

SAYING = "Serves 4 people. An Italian dish. Write to cook@example.com or call."
QUOTE = "Serves 4 people"


def transcript(*, doubtful: bool = False, sung: bool = False) -> Transcript:
    segments = (Segment(start_s=1, end_s=9, text=SAYING, sung=sung),)
    return Transcript(text="" if sung else SAYING, segments=segments, language="en", doubtful=doubtful)


def material(said: Transcript, *, screen: str = "") -> Material:
    lines = (ScreenLine(text=screen, first_s=2.0),) if screen else ()
    video = Video(media_key="tiktok:1", url="https://www.tiktok.com/@a/video/1")
    return gather(video=video, transcript=said, screen_text=ScreenText(lines=lines), budget_chars=5000)


def accepted(made: Material, **offers: PropertyFill) -> Accepted:
    return Judge(RECIPES, made, min_confidence=0.4).accept(offers)


def test_a_value_from_doubtful_speech_alone_is_not_written() -> None:
    offers = {"Servings": quoted(4, QUOTE), "Contact": quoted("cook@example.com", "Write to cook@example.com")}
    assert set(accepted(material(transcript()), **offers).properties) == {"Servings", "Contact"}
    judged = accepted(material(transcript(doubtful=True)), **offers)
    assert judged.properties == {}
    assert judged.left_blank["Servings"] == "The speech was hard to understand, and nothing else says so."


def test_a_value_that_the_screen_shows_too_is_written_with_the_screen_as_its_source() -> None:
    judged = accepted(material(transcript(doubtful=True), screen="Serves 4 people"), Servings=quoted(4, QUOTE))
    (evidence,) = judged.properties["Servings"].evidence
    assert (evidence.source, evidence.at_s) == ("screen", 2.0)


def test_a_figure_that_the_screen_shows_otherwise_does_not_confirm_it() -> None:
    judged = accepted(material(transcript(doubtful=True), screen="Serves 6 people"), Servings=quoted(4, QUOTE))
    assert judged.properties == {}


def test_a_title_of_words_from_doubtful_speech_is_not_written() -> None:
    title = RECIPES.title_column.name
    for said, written in ((transcript(), {title}), (transcript(doubtful=True), set())):
        assert set(accepted(material(said), **{title: PropertyFill(value="An Italian dish")}).properties) == written


@pytest.mark.parametrize("said", [transcript(doubtful=True), transcript(sung=True)], ids=["doubtful", "sung"])
def test_the_engine_without_a_key_takes_nothing_from_it(said: Transcript) -> None:
    video = wanted().video.model_copy(update={"title": "Look!", "description": ""})
    for heard, filled in ((transcript(), True), (said, False)):
        asked = wanted(video=video, transcript=heard, screen_text=NO_SCREEN_TEXT)
        summary = ExtractiveSummarizer().summarize(asked, meter=CountingMeter())
        assert ("Servings" in summary.properties) is filled
        assert ("Contact" in summary.properties) is filled


def test_the_model_is_not_shown_doubtful_speech() -> None:
    assert "Italian dish" in request(material(transcript()), prompt="")
    told = request(material(transcript(doubtful=True), screen="Serves 4 people"), prompt="")
    assert "Italian dish" not in told
    assert "Serves 4 people" in told


def test_nothing_is_paid_where_doubtful_speech_is_all_there_is(gemini: AiService) -> None:
    said, meter = transcript(doubtful=True), CountingMeter()
    video = wanted().video.model_copy(update={"title": "", "description": ""})
    made = run(engine(gemini), meter=meter, video=video, transcript=said, screen_text=NO_SCREEN_TEXT)
    assert (made.overview, set(made.properties), made.engine) == ("", {"Name"}, "extractive")
    assert "dish" not in str(made.properties["Name"].value)
    assert meter.calls == []


@pytest.mark.parametrize("said", [transcript(doubtful=True), transcript(sung=True)], ids=["doubtful", "sung"])
def test_the_language_of_such_speech_is_not_that_of_the_video(said: Transcript) -> None:
    assert material(said).language is None
    assert material(transcript()).language == "en"


def test_lyrics_alone_are_no_speech_that_was_hard_to_understand() -> None:
    sung = transcript(sung=True).model_copy(update={"doubtful": True})
    judged = accepted(material(sung, screen="Soup"), Servings=quoted(4, QUOTE))
    assert "hard to understand" not in judged.left_blank["Servings"]


def test_lyrics_are_no_material() -> None:
    made = material(transcript(sung=True))
    assert made.speech == ()
    assert not holds_text(
        video=Video(media_key="a", url="https://a"), transcript=transcript(sung=True), screen_text=NO_SCREEN_TEXT
    )


def test_lyrics_that_are_burned_in_are_no_material_either() -> None:
    lines = ("I walk the road", "carry me home", "the stars are cold")
    segments = tuple(Segment(start_s=0, end_s=9, text=line, sung=True) for line in lines)
    shown = ScreenText(lines=tuple(ScreenLine(text=line, first_s=1, last_s=3) for line in (*lines, "Lisbon, day 2")))
    video = Video(media_key="a", url="https://a")
    made = gather(video=video, transcript=Transcript(segments=segments), screen_text=shown, budget_chars=5000)
    assert [passage.text for passage in made.screen] == ["Lisbon, day 2"]


@pytest.mark.parametrize("doubtful", [False, True])
def test_a_single_line_of_lyrics_on_the_screen_is_no_material(doubtful: bool) -> None:
    segments = (Segment(start_s=0, end_s=9, text="Carry me home tonight, 4 people", sung=True),)
    said = Transcript(segments=segments, doubtful=doubtful)
    assert [line.text for line in material(said, screen="carry me home tonight").screen] == []
    assert [line.text for line in material(said, screen="Serves 4 people").screen] == ["Serves 4 people"]
