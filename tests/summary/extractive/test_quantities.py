from __future__ import annotations

import pytest

from svp_dagster.notion.schema import Column
from svp_dagster.summary.extractive.quantities import quantities
from svp_dagster.summary.material import Passage
from tests.notion.schemas import column


def found(made: Column, *texts: str) -> list[float]:
    return [quantity.value for quantity in quantities(made, [Passage(source="caption", text=text) for text in texts])]


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("Servings", "Serves 4 people", [4]),
        ("Servings", "makes about 12 cookies", [12]),
        ("Servings", "Ready in 4 minutes", []),
        ("Calories", "only 450 kcal per bowl", [450]),
        ("Calories", "Calories: 1,250", [1250]),
        ("Protein (g)", "30 g of protein, 45 g carbs", [30]),
        ("Protein (g)", "protein: 18g", [18]),
        ("Protein (kg)", "protein: 18g", []),
        ("Prep time (min)", "Prep time: 15 min", [15]),
        ("Prep time (min)", "prep 1.5 hours", [90]),
        ("Prep time (h)", "prep time 90 minutes", [1.5]),
        ("Cook time", "cook for 20 minutes", [20]),
        ("Cook time", "cook 20 potatoes", []),
        ("Cook time", "cook for 2 hours", []),
        ("Minutes of cooking time", "cooking time: 2 hours", []),
        ("Duration", "Duration: 61 seconds", []),
        ("Duration (s)", "Duration: 61 seconds", [61]),
        ("Duration (min)", "Duration: 90 seconds", [1.5]),
        ("Rating", "I rated 9 of them", [9]),
        ("Price", "it's $25 now", [25]),
        ("Price", "nur 3,50 €", [3.5]),
        ("Preis", "Preis: 12", [12]),
        ("Difficulty", "just 3 things", []),
        ("(min)", "15 min", []),
        ("Height.*(", "height.*( 3", []),
    ],
)
def test_the_number_beside_the_columns_name(name: str, text: str, values: list[float]) -> None:
    assert found(column(name, "number"), text) == values


def test_a_label_with_a_colon_outweighs_mere_neighbours() -> None:
    assert found(column("Calories", "number"), "burn 300 calories", "Calories: 450") == [450]


def test_the_currency_of_the_column_decides() -> None:
    assert found(column("Total", "number", number_format="euro"), "20 € here, $25 there") == [20]


def test_a_share_is_a_hundredth() -> None:
    assert found(column("Discount", "number", number_format="percent"), "Discount: 25% or Discount: 25") == [0.25]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["Price: 250"], []),
        (["Price: $250"], []),
        (["Price: 250 usd"], []),
        (["Price: €250"], [250]),
        (["Price: 250 €"], [250]),
        (["Price: 250", "all prices in euros"], [250]),
    ],
)
def test_an_amount_in_another_currency_or_none_is_not_taken(texts: list[str], values: list[float]) -> None:
    assert found(column("Price", "number", number_format="euro"), *texts) == values
