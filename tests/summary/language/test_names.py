from __future__ import annotations

import pytest

from svp_dagster.summary.language.names import capitalised_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A day with Anna in Rome, Paris and London", ["Anna", "Rome", "Paris", "London"]),
        ("She cooks. Then Tom eats: Good!", ["Tom"]),
        ("Anna cooks", []),
        ("a view of the river", []),
        ("Une journée à Évian", ["Évian"]),
    ],
)
def test_a_capital_within_a_sentence_marks_a_name(text: str, names: list[str]) -> None:
    assert capitalised_names(text) == names
