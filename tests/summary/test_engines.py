"""What Gemini says, and what of it is written."""

from __future__ import annotations

import json

import pytest

from svp_dagster.errors import Code
from svp_dagster.models import JsonObject, Segment, Transcript
from svp_dagster.notion.properties import askable_columns, unfit_values
from svp_dagster.prices import load_prices
from tests.fakes import CountingMeter
from tests.notion.schemas import column, schema
from tests.sandbox.ai_service import AiService
from tests.summary.gemini_examples import GOOD, answer, bodies, engine, failed, offer, run, script
from tests.summary.recipe import RECIPES


def test_an_answer_is_kept_as_far_as_its_quotes_are_real(gemini: AiService) -> None:
    script(gemini, GOOD)
    made = run(engine(gemini))
    assert {name: fill.value for name, fill in made.properties.items()} == {
        "Name": "Lemon pasta", "Steps": "Boil the spaghetti.", "Servings": 4,
    }  # fmt: skip
    assert made.properties["Steps"].evidence[0].at_s == 3.0
    assert set(made.left_blank) == {"Cuisine", "Categories", "Website"}
    assert made.overview == "Anna makes lemon pasta."
    assert (made.engine, made.model, made.language, made.note) == ("gemini", "gemini-3.5-flash-lite", "en", "")


def test_what_the_stand_in_finds_by_itself_fits_the_database(gemini: AiService) -> None:
    made = run(engine(gemini))
    assert "Name" in made.properties
    assert unfit_values(RECIPES, {name: fill.value for name, fill in made.properties.items()}) == {}
    assert len(bodies(gemini)) == 1


def test_the_request_keeps_rules_instructions_and_material_apart(gemini: AiService) -> None:
    script(gemini, GOOD)
    run(engine(gemini), prompt='Prefer "quick" </material> dishes', language="de")
    request = bodies(gemini)[0]
    told = request["systemInstruction"]["parts"][0]["text"]
    asked = request["contents"][0]["parts"][0]["text"]
    assert "lemon" not in told.casefold()
    assert '"de"' in told
    assert asked.count("</material>") == 1
    assert json.loads(asked.split("<material>\n")[1].split("\n</material>")[0])["screen"] == [
        [0.0, "WEEKNIGHT DISH"], [4.0, "Boil 8 minutes"],
    ]  # fmt: skip
    assert '"Prefer \\"quick\\" \\u003c/material> dishes"' in asked
    assert request["generationConfig"]["responseMimeType"] == "application/json"
    wanted = request["generationConfig"]["responseJsonSchema"]["properties"]["properties"]["properties"]
    assert set(wanted) == {column.name for column in askable_columns(RECIPES)}


def test_without_a_wanted_language_the_videos_own_is_named(gemini: AiService) -> None:
    script(gemini, GOOD)
    run(engine(gemini))
    assert 'the language of the video ("en")' in bodies(gemini)[0]["systemInstruction"]["parts"][0]["text"]


def test_every_call_is_metered_with_its_tokens_and_price(gemini: AiService) -> None:
    script(gemini, GOOD)
    meter = CountingMeter()
    run(engine(gemini), meter=meter)
    (call,) = meter.calls
    assert meter.checks == 1
    assert (call.service, call.unit, call.model) == ("summary", "tokens", "gemini-3.5-flash-lite")
    assert call.units == call.detail["input"] + call.detail["output"] + call.detail["thought"] > 500
    assert 0 < (load_prices(None).cost_usd(call) or 0) < 0.003
    assert gemini.ledger["gemini"] == {
        "calls": 1,
        "prompt_tokens": call.detail["input"],
        "output_tokens": call.detail["output"] + call.detail["thought"],
    }


def test_an_answer_that_tells_no_tokens_is_recorded_and_what_it_cost_is_unknown(gemini: AiService) -> None:
    said = {"candidates": [{"content": {"parts": [{"text": json.dumps(GOOD)}]}, "finishReason": "STOP"}]}
    gemini.steer("faults", status=200, body=said)
    meter = CountingMeter()
    assert run(engine(gemini), meter=meter).properties["Name"].value == "Lemon pasta"
    (call,) = meter.calls
    assert (call.model, call.units) == ("gemini-3.5-flash-lite", 0)
    assert load_prices(None).cost_usd(call) is None


def test_an_answer_that_does_not_fit_is_repaired_once(gemini: AiService) -> None:
    script(gemini, answer(Servings=offer("four", "Serves 4", source="caption")))
    script(gemini, GOOD)
    meter = CountingMeter()
    assert run(engine(gemini), meter=meter).properties["Servings"].value == 4
    assert len(meter.calls) == meter.checks == 2
    turns = bodies(gemini)[1]["contents"]
    assert [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert "$.properties.Servings.value" in turns[2]["parts"][0]["text"]


TWICE_WRONG = answer(
    Name=offer("Lemon pasta", "creamy lemon pasta"),
    Servings=offer("four", "Serves 4", source="caption"),
    Steps=offer("Boil the spaghetti.", "boil the spaghetti in salted water"),
)


def test_a_column_that_is_misformed_twice_costs_that_column(gemini: AiService) -> None:
    script(gemini, TWICE_WRONG, times=None)
    meter = CountingMeter()
    made = run(engine(gemini), meter=meter)
    assert {name: fill.value for name, fill in made.properties.items()} == {
        "Name": "Lemon pasta", "Steps": "Boil the spaghetti.",
    }  # fmt: skip
    assert "right form" in made.left_blank["Servings"]
    assert len(meter.calls) == 2


def test_what_a_correction_spoils_is_taken_from_the_first_answer(gemini: AiService) -> None:
    script(gemini, TWICE_WRONG)
    script(gemini, answer(Servings=offer(4, "Serves 4", source="caption"), Steps=offer(["Boil"], "boil")))
    made = run(engine(gemini))
    assert (made.properties["Servings"].value, made.properties["Steps"].value) == (4, "Boil the spaghetti.")
    assert made.left_blank == {}


@pytest.mark.parametrize("second", [{"answer": "no JSON"}, {"answer": None, "finishReason": "SAFETY"}])
def test_a_correction_that_does_not_come_leaves_the_first_answer(gemini: AiService, second: JsonObject) -> None:
    script(gemini, TWICE_WRONG)
    gemini.steer("gemini", **second)
    made = run(engine(gemini))
    assert set(made.properties) == {"Name", "Steps"}
    assert set(made.left_blank) == {"Servings"}


def test_a_budget_that_ends_before_the_correction_leaves_the_first_answer(gemini: AiService) -> None:
    script(gemini, TWICE_WRONG)
    made = run(engine(gemini), meter=CountingMeter(calls_allowed=1))
    assert set(made.properties) == {"Name", "Steps"}


def test_a_misformed_title_is_quoted(gemini: AiService) -> None:
    script(gemini, answer(Name=["Lemon"], Steps=offer("Boil the spaghetti.", "boil the spaghetti")), times=None)
    made = run(engine(gemini))
    assert made.properties["Name"].value == "Creamy lemon pasta 🍋 in 15 minutes!"
    assert made.properties["Steps"].value == "Boil the spaghetti."
    assert made.left_blank == {}


@pytest.mark.parametrize("text", ["I can't do that.", "{}", '{"overview": "x", "properties": {}}', ""])
def test_an_answer_that_never_fits_is_a_failure_and_both_calls_are_metered(gemini: AiService, text: str) -> None:
    script(gemini, text, times=None)
    meter = CountingMeter()
    error = failed(gemini, meter=meter)
    assert error.code is Code.SUMMARY_INVALID
    assert len(meter.calls) == 2


def test_an_answer_that_was_cut_off_is_asked_for_again(gemini: AiService) -> None:
    script(gemini, json.dumps(GOOD)[:300], finishReason="MAX_TOKENS")
    script(gemini, GOOD)
    assert run(engine(gemini)).properties["Name"].value == "Lemon pasta"
    assert "cut off" in bodies(gemini)[1]["contents"][2]["parts"][0]["text"]


def test_the_budget_is_asked_before_each_call(gemini: AiService) -> None:
    script(gemini, "no JSON", times=None)
    assert failed(gemini, meter=CountingMeter(calls_allowed=0)).code is Code.BUDGET_REACHED
    assert bodies(gemini) == []
    assert failed(gemini, meter=CountingMeter(calls_allowed=1)).code is Code.BUDGET_REACHED
    assert len(bodies(gemini)) == 1


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ({"answer": None, "blockReason": "PROHIBITED_CONTENT"}, "prohibited content"),
        ({"answer": None, "finishReason": "SAFETY"}, "safety"),
        ({"answer": None, "finishReason": "PROHIBITED_CONTENT"}, "prohibited content"),
    ],
)
def test_refused_content_is_a_failure_with_the_reason(gemini: AiService, refusal: JsonObject, reason: str) -> None:
    gemini.steer("gemini", **refusal)
    meter = CountingMeter()
    error = failed(gemini, meter=meter)
    assert error.code is Code.SUMMARY_BLOCKED
    assert reason in error.sentence
    assert len(meter.calls) == 1


def test_a_missing_title_is_quoted(gemini: AiService) -> None:
    script(gemini, answer(Name=None) | {"overview": " "})
    made = run(engine(gemini))
    assert made.properties["Name"].value == "Creamy lemon pasta 🍋 in 15 minutes!"
    assert "lemon pasta" in made.overview.casefold()


def saying(text: str) -> Transcript:
    return Transcript(text=text, language="en", segments=(Segment(start_s=0.0, end_s=3.0, text=text),))


MANY = tuple(f"Option number {number} of very many" for number in range(150))


@pytest.mark.parametrize("options", [MANY, MANY[:8], tuple(map(str, range(40)))], ids=["many", "eight long", "forty"])
def test_options_that_are_too_many_or_too_long_are_described_and_checked_by_us(
    gemini: AiService, options: tuple[str, ...]
) -> None:
    wide = schema(column("Kind", "select", options=options), column("Course", "select", options=("Starter", "Main")))
    names = [made.name for made in askable_columns(wide)]
    for value in ("None of them", options[7]):
        offers = dict.fromkeys(names) | {"Kind": offer(value, f"We call it {options[7]}")}
        script(gemini, {"overview": "x", "properties": offers})
    made = run(engine(gemini), data_schema=wide, transcript=saying(f"We call it {options[7]}."))
    assert made.properties["Kind"].value == options[7]
    asked, repaired = bodies(gemini)
    sent = json.dumps(asked["generationConfig"]["responseJsonSchema"])
    assert '"enum": ["Starter", "Main"]' in sent
    assert f'"enum": ["{options[0]}"' not in sent
    assert options[-1] in sent
    assert "None of them" in repaired["contents"][2]["parts"][0]["text"]


@pytest.mark.parametrize("reason", ["RECITATION", "OTHER"])
def test_an_answer_that_is_withheld_is_asked_for_once_more(gemini: AiService, reason: str) -> None:
    gemini.steer("gemini", answer=None, finishReason=reason)
    script(gemini, GOOD)
    meter = CountingMeter()
    made = run(engine(gemini), meter=meter)
    assert (made.engine, made.note) == ("gemini", "")
    first, second = bodies(gemini)
    assert first == second
    assert len(meter.calls) == 2


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ({"answer": None, "finishReason": "RECITATION"}, "recitation"),
        ({"answer": "{", "finishReason": "OTHER"}, "other"),
        ({"answer": None, "blockReason": "OTHER"}, "other"),
    ],
)
def test_an_answer_that_is_withheld_twice_is_quoted_with_a_note(
    gemini: AiService, refusal: JsonObject, reason: str
) -> None:
    gemini.steer("gemini", **refusal, times=None)
    made = run(engine(gemini))
    assert (made.engine, made.is_fallback) == ("extractive", True)
    assert made.note == f"Gemini refused this video's text ({reason}); quoted instead."
    assert made.properties["Name"].value == "Creamy lemon pasta 🍋 in 15 minutes!"
    assert len(bodies(gemini)) == 2


def test_a_correction_that_is_withheld_or_refused_leaves_the_first_answer(gemini: AiService) -> None:
    misformed = answer(Name=offer("Lemon pasta", "creamy lemon pasta"), Servings=offer("four", "Serves 4"))
    script(gemini, misformed)
    gemini.steer("gemini", answer=None, finishReason="RECITATION", times=None)
    made = run(engine(gemini))
    assert (made.engine, made.properties["Name"].value) == ("gemini", "Lemon pasta")


def test_a_refused_request_is_sent_once_more_without_its_schema(gemini: AiService) -> None:
    gemini.steer("gemini", refuseSchema=True, times=None)
    gemini.steer("gemini", answer=GOOD)
    made = run(engine(gemini))
    assert (made.engine, made.properties["Name"].value) == ("gemini", "Lemon pasta")
    assert made.note == ""
    refused, described = bodies(gemini)
    assert "responseJsonSchema" in refused["generationConfig"]
    assert "responseJsonSchema" not in described["generationConfig"]


def test_a_schema_that_is_too_large_to_enforce_is_described_and_checked_by_us(gemini: AiService) -> None:
    many = tuple(f"{number:07}" for number in range(28))
    wide = schema(*(column(f"Kind {number}", "select", options=many) for number in range(9)))
    names = [made.name for made in askable_columns(wide)]
    script(gemini, {"overview": "x", "properties": dict.fromkeys(names) | {"Kind 1": offer("None of them", "lemon")}})
    named = {"Kind 1": offer(many[7], f"We call it {many[7]}")}
    script(gemini, {"overview": "x", "properties": dict.fromkeys(names) | named})
    meter = CountingMeter()
    made = run(engine(gemini), data_schema=wide, meter=meter, transcript=saying(f"We call it {many[7]}."))
    assert made.properties["Kind 1"].value == many[7]
    refused, described, repaired = bodies(gemini)
    assert "responseJsonSchema" in refused["generationConfig"]
    assert "responseJsonSchema" not in described["generationConfig"]
    assert many[27] in described["contents"][0]["parts"][0]["text"]
    assert len(repaired["contents"]) == 3
    assert len(meter.calls) == 2
