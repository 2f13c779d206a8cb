from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svp_dagster.models import Evidence, PropertyFill
from svp_dagster.summary.acceptance import TITLE_CHARS, Accepted, Judge
from tests.notion.schemas import values
from tests.summary.recipe import RECIPES, quoted, whole

REAL = "boil the spaghetti in salted water"


def judge(**offers: PropertyFill) -> Accepted:
    return Judge(RECIPES, whole(), min_confidence=0.4).accept(offers)


def test_a_value_with_a_real_quote_is_written_with_its_second() -> None:
    accepted = judge(Steps=quoted("Boil the spaghetti.", REAL))
    assert accepted.properties["Steps"].evidence == (Evidence(source="speech", quote=REAL, at_s=3.0, checked=True),)
    assert accepted.left_blank == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Steps", "Knead the dough."),
        ("Servings", 6),
        ("Cuisine", "Thai"),
        ("Categories", ["Baking"]),
        ("Vegan", True),
        ("Made with", ["Flour"]),
    ],
)
def test_a_value_without_a_real_quote_stays_blank_and_the_reason_is_told(name: str, value: Any) -> None:
    for offer in (quoted(value, "knead the dough for ten minutes"), PropertyFill(value=value, confidence=1.0)):
        accepted = judge(**{name: offer})
        assert accepted.properties == {}
        assert accepted.left_blank == {name: "No quote for it was found in what is said, shown or written."}


def test_titles_with_a_real_quote_stand_until_they_are_looked_up() -> None:
    accepted = judge(
        **{"Made with": quoted([" Lemon\n juice", "Cashews", "Cashews"], "Blend cashews with lemon juice")}
    )
    assert accepted.properties["Made with"].value == ["Lemon juice", "Cashews"]


def test_an_unsure_value_stays_blank() -> None:
    accepted = judge(Cuisine=quoted("Italian", "Today we make an Italian classic", confidence=0.39))
    assert accepted.left_blank == {"Cuisine": "The engine was not sure enough: 39%."}
    assert "Cuisine" in judge(Cuisine=quoted("Italian", "Today we make an Italian classic", confidence=0.4)).properties


def test_the_title_is_written_whatever_its_evidence() -> None:
    accepted = judge(Name=PropertyFill(value="Lemon\npasta " + "x" * 500, confidence=0.0))
    assert accepted.properties["Name"].value.startswith("Lemon pasta x")
    assert len(accepted.properties["Name"].value) <= TITLE_CHARS


def test_a_check_mark_that_is_not_set_needs_no_quote() -> None:
    assert judge(Vegan=PropertyFill(value=False, confidence=0.9)).properties["Vegan"].value is False


@pytest.mark.parametrize(
    ("name", "value", "is_written"),
    [
        ("Website", "https://anna.example.com/lemon-pasta", True),
        ("Website", "anna.example.com", True),
        ("Website", "https://example.com", False),
        ("Website", "https://anna.example.co", False),
        ("Website", "https://evil.example.org", False),
        ("Website", "javascript:alert(1)", False),
        ("Contact", "hello@anna.example.com", True),
        ("Contact", "ello@anna.example.com", False),
        ("Contact", "root@anna.example.com", False),
        ("Phone", "+49 30 1234567", True),
        ("Phone", "+49-30-1234567", True),
        ("Phone", "+49 30 7654321", False),
    ],
)
def test_addresses_and_numbers_must_occur_themselves(name: str, value: str, is_written: bool) -> None:
    accepted = judge(**{name: quoted(value, "Full recipe")})
    assert (name in accepted.properties) is is_written
    assert (name in accepted.left_blank) is not is_written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Event", "next Friday"),
        ("Contact", "hello at anna"),
        ("Steps", " \u200b"),
        ("Servings", "four"),
        ("Made with", [" ", "\n"]),
        ("Lost relation", ["Lemon"]),
    ],
)
def test_what_the_column_can_not_hold_stays_blank(name: str, value: Any) -> None:
    accepted = judge(**{name: quoted(value, REAL)})
    assert accepted.properties == {}
    assert accepted.left_blank[name]


@pytest.mark.parametrize(
    ("name", "value", "quote", "is_written"),
    [
        ("Servings", 4, "Serves 4", True),
        ("Servings", 6, "Serves 4", False),
        ("Servings", 0.04, "Serves 4", False),
        ("Rating", 8, "Boil 8 minutes", False),
        ("Event", "2026-03-14T19:00", "Cooking class on March 14, 2026 at 7 pm", True),
        ("Event", "2026-03-15", "Cooking class on March 14, 2026 at 7 pm", False),
    ],
)
def test_a_number_or_day_that_its_own_quote_denies_stays_blank(
    name: str, value: Any, quote: str, is_written: bool
) -> None:
    accepted = judge(**{name: quoted(value, quote)})
    assert (name in accepted.properties) is is_written
    assert is_written or accepted.left_blank == {name: "Its own quote says otherwise."}


def test_real_quotes_come_first_and_few_are_kept() -> None:
    quotes = [
        "invented words of nobody",
        "still invented words",
        REAL,
        "Blend cashews with lemon juice",
        "LEMON PASTA",
        REAL,
    ]
    offer = PropertyFill(value="x", evidence=tuple(Evidence(source="speech", quote=quote) for quote in quotes))
    evidence = judge(Steps=offer).properties["Steps"].evidence
    assert [item.checked for item in evidence] == [True, True, True]
    assert len({item.quote for item in evidence}) == 3


def test_a_column_that_is_not_there_is_ignored() -> None:
    assert judge(admin=quoted(True, REAL)) == Accepted(properties={}, left_blank={})


@given(
    st.dictionaries(st.sampled_from([column.name for column in RECIPES.columns]), values, max_size=4),
    st.floats(0, 1),
    st.text(st.characters(), max_size=50) | st.just(REAL),
)
def test_whatever_is_offered_is_written_or_has_a_reason(offers: dict[str, Any], confidence: float, quote: str) -> None:
    made = {name: quoted(value, quote, confidence=confidence) for name, value in offers.items()}
    accepted = judge(**made)
    assert set(accepted.properties) | set(accepted.left_blank) == set(made)
    assert not set(accepted.properties) & set(accepted.left_blank)
    accepted.model_dump_json()
