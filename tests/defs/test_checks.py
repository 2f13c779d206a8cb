"""What the checks of a page find: warnings, with numbers."""

from __future__ import annotations

import dagster as dg
import pytest

from svp_dagster.defs import checks
from svp_dagster.models import Evidence, PropertyFill, ScreenLine, ScreenText, Summary, Transcript
from svp_dagster.notion.properties import askable_columns
from tests.summary.recipe import wanted


def summary(*quotes: bool, left_blank: int = 0) -> Summary:
    """A summary with one value for each quote: found in the material or not."""
    return Summary(
        overview="Soup.",
        properties={
            f"Column {number}": PropertyFill(value="x", evidence=(Evidence(source="speech", quote="x", checked=found),))
            for number, found in enumerate(quotes)
        },
        left_blank={f"Blank {number}": "No quote." for number in range(left_blank)},
        engine="gemini",
        model="gemini-3.5",
    )


def numbers(result: dg.AssetCheckResult) -> dict[str, object]:
    return {name: value.value for name, value in result.metadata.items()}


@pytest.mark.parametrize(
    ("quotes", "passed", "share"),
    [((True, True), True, 1.0), ((True, False), False, 0.5), ((), True, None)],
    ids=["all found", "half found", "no quotes"],
)
def test_the_share_of_quotes_that_stand_in_the_material(
    quotes: tuple[bool, ...], passed: bool, share: float | None
) -> None:
    result = checks.evidence_checked(summary(*quotes))
    assert (result.passed, numbers(result).get("share")) == (passed, share)


def test_what_was_only_seen_is_no_quote_that_has_to_be_found() -> None:
    seen = PropertyFill(value="Quiet", evidence=(Evidence(source="picture", quote="a lake", at_s=1.0),))
    made = summary(True)
    with_looks = made.model_copy(update={"properties": made.properties | {"Mood": seen, "Kind": seen}})
    assert numbers(checks.evidence_checked(with_looks))["share"] == 1.0


@pytest.mark.parametrize(("left_blank", "passed", "share"), [(0, True, 1.0), (1, True, 0.75), (3, False, 0.5)])
def test_the_share_of_offered_values_that_their_quotes_support(left_blank: int, passed: bool, share: float) -> None:
    result = checks.quotes_support(summary(True, True, True, left_blank=left_blank))
    assert (result.passed, numbers(result)["share"]) == (passed, share)


def test_the_share_of_columns_that_have_a_value() -> None:
    columns = wanted().data_schema
    asked = askable_columns(columns)
    one = Summary(
        overview="", properties={asked[0].name: PropertyFill(value="x")}, engine="extractive", model="extractive"
    )
    result = checks.columns_filled(one, columns)
    assert numbers(result) == {"count": 1, "of": len(asked), "share": round(1 / len(asked), 3)}
    assert result.passed == (1 / len(asked) >= checks.MIN_COLUMNS_FILLED)


@pytest.mark.parametrize(
    ("transcript", "passed"),
    [
        (Transcript(text="Two eggs", source="whisper-1"), True),
        (Transcript(no_speech=True, source="whisper-1"), True),
        (Transcript(note="The video has no sound."), True),
        (Transcript(source="whisper-1"), False),
    ],
    ids=["words", "silence", "no sound", "nothing left of what was heard"],
)
def test_speech_that_was_not_heard_is_a_warning(transcript: Transcript, passed: bool) -> None:
    result = checks.heard(transcript)
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert numbers(result)["words"] == len(transcript.text.split())


@pytest.mark.parametrize(
    ("screen_text", "passed"),
    [
        (ScreenText(lines=(ScreenLine(text="2 eggs"),), source="RapidOCR", frames_read=3), True),
        (ScreenText(source="RapidOCR", frames_read=3, note="No text was seen on the screen."), True),
        (ScreenText(note="There are no pictures to read."), True),
        (ScreenText(source="Google Vision", note="The text on the screen was not read."), False),
    ],
    ids=["lines", "no text", "no pictures", "not read"],
)
def test_pictures_that_could_not_be_read_are_a_warning(screen_text: ScreenText, passed: bool) -> None:
    result = checks.read(screen_text)
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert numbers(result) == {"lines": len(screen_text.lines), "frames_read": screen_text.frames_read}
