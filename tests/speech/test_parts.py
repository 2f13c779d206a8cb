"""Parts of a sound, joined to one transcript."""

from __future__ import annotations

from svp_dagster.models import Segment, Span, Transcript
from svp_dagster.speech.parts import PartTranscript, joined, of_segments

MISSING = "A part is missing."


def heard(text: str, *, language: str = "en", note: str = "") -> PartTranscript:
    return PartTranscript(segments=(Segment(start_s=1.0, end_s=2.0, text=text),), language=language, note=note)


NOTHING = PartTranscript(segments=(), language=None)
WITHHELD = PartTranscript(segments=(), language=None, note=MISSING)


def test_times_are_those_of_the_whole_sound_and_the_language_is_spoken_longest() -> None:
    pairs = [(Span(0, 10), heard("Hola.", language="es")), (Span(20, 60), heard("Hello."))]
    transcript = joined(pairs, source="engine")
    assert [(one.start_s, one.end_s, one.text) for one in transcript.segments] == [
        (1.0, 2.0, "Hola."),
        (21.0, 22.0, "Hello."),
    ]
    assert (transcript.language, transcript.source, transcript.note) == ("en", "engine", "")


def test_what_is_missing_of_one_part_costs_no_other_and_is_said_once() -> None:
    pairs = [(Span(0, 10), WITHHELD), (Span(20, 30), heard("Hello.")), (Span(40, 50), WITHHELD)]
    transcript = joined(pairs, source="engine")
    assert (transcript.text, transcript.note, transcript.no_speech) == ("Hello.", MISSING, False)


def test_a_part_that_is_missing_is_no_silence() -> None:
    assert joined([(Span(0, 10), NOTHING)], source="engine").no_speech
    transcript = joined([(Span(0, 10), NOTHING), (Span(20, 30), WITHHELD)], source="engine")
    assert (transcript.text, transcript.note, transcript.no_speech) == ("", MISSING, False)


def test_half_an_emoji_in_an_answer_can_be_stored() -> None:
    """JSON can hold one half of a pair, and a model that is cut off writes it."""
    broken = [Segment(start_s=0, end_s=1, text="Look at this \ud83d view")]
    made = of_segments(broken, language="en", source="gemini")
    assert made.text == "Look at this view"
    assert Transcript.model_validate_json(made.model_dump_json()) == made
