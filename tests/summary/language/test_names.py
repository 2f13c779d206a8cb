from __future__ import annotations

import pytest

from svp_dagster.summary.language.names import capitalised_names


def test_german_nouns_are_no_names() -> None:
    assert capitalised_names("Das ist die beste Suppe mit Nudeln") == []
    assert capitalised_names("Die Nudeln in Salzwasser kochen.", "en") == []
    assert capitalised_names("Pasta in Rome", "en") == ["Rome"]
    assert capitalised_names("Pasta in Rom", "de") == []


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
