"""What hostile videos make a model say; the engine that only quotes."""

from __future__ import annotations

import json

import pytest

from svp_dagster.notion.properties import askable_columns, unfit_values
from svp_dagster.summary.engines import ExtractiveSummarizer
from tests.fakes import CountingMeter
from tests.sandbox.ai_service import AiService
from tests.summary.gemini_examples import GOOD, bodies, engine, offer, run, script
from tests.summary.hostile import ORDERED, TEXTS
from tests.summary.recipe import NO_SCREEN_TEXT, NO_TRANSCRIPT, RECIPES, TRANSCRIPT, VIDEO

OBEYED = {
    "number": 5,
    "checkbox": True,
    "multi_select": ["Baking"],
    "select": "Thai",
    "status": "Done",
    "relation": [ORDERED],
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_what_a_hostile_video_makes_a_model_say_is_not_written(gemini: AiService, text: str) -> None:
    lie = f"a quote of {ORDERED} that nobody said"
    columns = askable_columns(RECIPES)
    script(
        gemini,
        {
            "overview": "A pasta recipe.",
            "properties": {column.name: offer(OBEYED.get(column.type, ORDERED), lie) for column in columns},
        },
    )
    spoken = TRANSCRIPT.segments[0].model_copy(update={"text": text})
    hostile = TRANSCRIPT.model_copy(update={"segments": (*TRANSCRIPT.segments, spoken)})
    written = {"description": f"{VIDEO.description}\n{text}", "uploader": text, "title": text[:100]}
    video = VIDEO.model_copy(update=written)
    made = run(engine(gemini), video=video, transcript=hostile)
    assert set(made.properties) == {"Name"}
    asked = bodies(gemini)[0]["contents"][0]["parts"][0]["text"]
    assert asked.count("<material>") == asked.count("</material>") == 1
    assert isinstance(json.loads(asked.split("<material>\n")[1].split("\n</material>")[0]), dict)
    assert "PWNED" not in bodies(gemini)[0]["systemInstruction"]["parts"][0]["text"]
    made.model_dump_json().encode()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_engine_that_quotes_obeys_nobody(text: str) -> None:
    hostile = TRANSCRIPT.model_copy(update={"text": text, "segments": ()})
    made = run(ExtractiveSummarizer(), transcript=hostile, prompt=text)
    assert made.properties["Name"].value == "Creamy lemon pasta 🍋 in 15 minutes!"
    assert made.properties["Servings"].value == 4
    assert "Rating" not in made.properties
    assert unfit_values(RECIPES, {name: fill.value for name, fill in made.properties.items()}) == {}
    assert all(item.checked for fill in made.properties.values() for item in fill.evidence)
    made.model_dump_json().encode()


def test_the_engine_that_quotes_says_who_it_is_and_asks_nobody() -> None:
    meter = CountingMeter(calls_allowed=0)
    made = run(ExtractiveSummarizer(), meter=meter, transcript=NO_TRANSCRIPT, screen_text=NO_SCREEN_TEXT)
    assert (made.engine, made.model) == ("extractive", "extractive")
    assert meter.checks == 0


def test_what_was_left_out_of_a_long_video_is_noted(gemini: AiService) -> None:
    script(gemini, GOOD)
    long = TRANSCRIPT.model_copy(update={"segments": TRANSCRIPT.segments * 200})
    made = run(engine(gemini, material_chars=5_000), transcript=long)
    assert "of the transcript were used" in made.note
    assert made.note in bodies(gemini)[0]["contents"][0]["parts"][0]["text"]
    assert "of the transcript were used" in run(ExtractiveSummarizer(material_chars=5_000), transcript=long).note
