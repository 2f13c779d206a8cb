from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import CaptionTrack, ProcessingType, Segment, Transcript, Video
from svp_dagster.speech.stage import from_captions, transcribe
from tests.fakes import ContentsInMemory, CountingMeter, SayingEngine
from tests.media.making import CLIPS, plain_video, probed, sound

SAID = Transcript(text="Mix the flour.", language="en", source="whisper-1")


def track(language: str, *texts: str, translated: bool = False) -> CaptionTrack:
    segments = tuple(Segment(start_s=2.0 * n, end_s=2.0 * n + 2, text=text) for n, text in enumerate(texts))
    return CaptionTrack(language=language, translated=translated, segments=segments)


def video(path: Path | None, **fields: object) -> Video:
    return probed(Video.model_validate({"media_key": "TikTok:1", "url": "https://x", "video_path": path} | fields))


def heard(
    given_video: Video,
    folder: Path,
    *,
    engine: SayingEngine | None = None,
    contents: ContentsInMemory | None = None,
    processing_type: ProcessingType = ProcessingType.FULL,
) -> Transcript:
    return transcribe(
        given_video,
        processing_type=processing_type,
        engine=engine or SayingEngine(failure(Code.INTERNAL)),
        contents=contents or ContentsInMemory(),
        meter=CountingMeter(),
        folder=folder,
    )


def test_speech_is_handed_to_the_engine_with_the_places_where_somebody_speaks(tmp_path: Path) -> None:
    engine = SayingEngine(SAID)
    assert heard(video(CLIPS / "pancakes.mp4"), tmp_path, engine=engine) == SAID
    (speech,) = engine.speech
    assert 10 < sum(span.length_s for span in speech) < 16
    assert list(tmp_path.iterdir()) == []


def test_captions_of_the_platform_are_taken_before_anything_is_paid(tmp_path: Path) -> None:
    tracks = (track("es-ES", "Mezcla la harina", translated=True), track("en-US", "[music]", "Mix the flour", "Rest"))
    transcript = heard(video(CLIPS / "pancakes.mp4", captions=tracks), tmp_path)
    assert (transcript.text, transcript.language, transcript.source) == ("Mix the flour Rest", "en-US", "captions")
    assert [segment.start_s for segment in transcript.segments] == [2.0, 4.0]


def test_a_translation_is_better_than_nothing() -> None:
    found = from_captions([track("es", "Mezcla", translated=True)])
    assert found is not None
    assert found.language == "es"


@pytest.mark.parametrize("texts", [[], ["[Music]"], ["♪ ♪", "(applause)", "*laughs*"], ["..."]])
def test_captions_without_a_word_are_none(texts: list[str]) -> None:
    assert from_captions([track("en", *texts)]) is None


@given(st.lists(st.text(max_size=40), max_size=8))
def test_captions_of_any_text_give_their_words_or_nothing(texts: list[str]) -> None:
    found = from_captions([track("en", *texts)])
    assert found is None or (found.text.strip() and found.segments)


@pytest.mark.parametrize("text", ["[" * 50_000, "♪" * 50_000, "*(" * 25_000, "(a" * 25_000 + "]"])
def test_captions_made_to_take_for_ever_do_not(text: str) -> None:
    from_captions([track("en", text)])


def test_a_video_without_sound_is_no_failure(tmp_path: Path) -> None:
    transcript = heard(video(plain_video(tmp_path / "a.mp4", sound=False)), tmp_path)
    assert (transcript.text, transcript.note) == ("", "The video has no sound.")


def test_slides_without_a_sound_are_no_failure(tmp_path: Path) -> None:
    assert heard(video(None, slides=(CLIPS / "porto_1.jpg",)), tmp_path).note == "The post has no sound."


def test_a_picture_that_somebody_uploaded_is_no_post(tmp_path: Path) -> None:
    picture = video(None, slides=(CLIPS / "porto_1.jpg",)).model_copy(update={"media_key": "sha256:00"})
    assert heard(picture, tmp_path).note == "The file has no sound."


def test_the_sound_of_slides_is_heard(tmp_path: Path) -> None:
    spoken = tmp_path / "spoken.m4a"
    from tests.media.making import ffmpeg

    ffmpeg("-i", str(CLIPS / "pancakes.mp4"), "-vn", "-c:a", "copy", str(spoken))
    slides = video(None, slides=(CLIPS / "porto_1.jpg",), audio_path=spoken)
    assert heard(slides, tmp_path, engine=SayingEngine(SAID)) == SAID


def test_the_clips_of_a_carousel_are_heard_one_after_the_other(tmp_path: Path) -> None:
    engine = SayingEngine(SAID)
    tone = plain_video(tmp_path / "tone.mp4", duration_s=5)
    slides = (CLIPS / "porto_1.jpg", tone, CLIPS / "cafe.mp4", CLIPS / "pancakes.mp4")

    assert heard(video(None, slides=slides), tmp_path, engine=engine) == SAID

    (speech,) = engine.speech
    assert speech[0].start_s > 5


def test_where_nobody_speaks_nothing_is_asked_of_the_engine_and_that_is_kept(tmp_path: Path) -> None:
    music = video(None, audio_path=sound(tmp_path / "music.mp3", "aevalsrc='0.3*sin(2*PI*220*t)*sin(t)':d=6"))
    engine, contents = SayingEngine(SAID), ContentsInMemory()
    transcript = heard(music, tmp_path, engine=engine, contents=contents)
    assert transcript.no_speech
    assert transcript.note == "Nobody speaks in this video."
    assert engine.speech == []
    assert heard(music, tmp_path, engine=engine, contents=contents) == transcript


def test_the_second_time_is_not_heard_again_but_another_engine_hears_anew(tmp_path: Path) -> None:
    contents, first, other = ContentsInMemory(), SayingEngine(SAID), SayingEngine(SAID, recipe="other")
    for engine in (first, first, other):
        heard(video(CLIPS / "pancakes.mp4"), tmp_path, engine=engine, contents=contents)
    assert (len(first.speech), len(other.speech)) == (1, 1)


def test_what_an_engine_could_not_do_is_not_kept(tmp_path: Path) -> None:
    contents, engine = ContentsInMemory(), SayingEngine(Transcript(note="The model is not installed."))
    heard(video(CLIPS / "pancakes.mp4"), tmp_path, engine=engine, contents=contents)
    assert contents.kept == {}


@pytest.mark.parametrize("kind", [ProcessingType.SCREEN, ProcessingType.CAPTION])
def test_a_processing_type_that_does_not_hear_says_so(kind: ProcessingType, tmp_path: Path) -> None:
    assert str(kind) in heard(video(CLIPS / "pancakes.mp4"), tmp_path, processing_type=kind).note


def test_a_failure_of_the_engine_is_the_runs(tmp_path: Path) -> None:
    engine = SayingEngine(failure(Code.SPEECH_FAILED))
    with pytest.raises(SvpError) as caught:
        heard(video(CLIPS / "pancakes.mp4"), tmp_path, engine=engine)
    assert caught.value.code is Code.SPEECH_FAILED
    assert list(tmp_path.iterdir()) == []


def test_a_sound_that_can_not_be_decoded_is_a_failure(tmp_path: Path) -> None:
    whole = sound(tmp_path / "a.m4a", "sine=duration=3").read_bytes()
    start = whole.index(b"mdat") + 4
    end = whole.index(b"moov") - 4
    broken = tmp_path / "broken.m4a"
    broken.write_bytes(whole[:start] + random.Random(1).randbytes(end - start) + whole[end:])
    with pytest.raises(SvpError) as caught:
        heard(video(None, audio_path=broken), tmp_path)
    assert caught.value.code is Code.AUDIO_UNREADABLE
