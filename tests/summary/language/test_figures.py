"""Figures are found however they are written, with what they measure."""

from __future__ import annotations

import pytest

from svp_dagster.summary.language.figures import figures
from svp_dagster.summary.language.idioms import read

Stated = tuple[float, str | None]


def stated(text: str, language: str | None = None) -> list[Stated]:
    """The figures in their kinds' base units."""
    return [
        (round(figure.base, 2), figure.unit.kind if figure.unit else None) for figure in figures(read(text, language))
    ]


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("two hundred and fifty grams", "en", [(250, "mass")]),
        ("two thousand five hundred", "en", [(2500, None)]),
        ("1.5 million, ten thousand, 10k", "en", [(1_500_000, None), (10_000, None), (10_000, None)]),
        ("this one serves four", "en", [(4, None)]),
        ("an hour and a half", "en", [(90, "time")]),
        ("1 h 30", "en", [(90, "time")]),
        ("1½ cups, 1/2 cup, half a cup", "en", [(360, "volume"), (120, "volume"), (120, "volume")]),
        ("4 out of 5 stars, 8/10", "en", [(4, "score"), (8, "score")]),
        ("$1,299.50", "en", [(1299.5, "$")]),
        ("drei Euro fünfzig", "de", [(3.5, "€")]),
        ("1.299 Euro", "de", [(1299, "€")]),
        ("zweihundertfünfunddreißig Gramm", "de", [(235, "mass")]),
        ("viereinhalb Kilometer", "de", [(4500, "length")]),
        ("von 9 bis 21 Uhr", "de", [(540, "clock"), (1260, "clock")]),
        ("mil quinientos euros", "es", [(1500, "€")]),
        ("una hora y cuarto", "es", [(75, "time")]),
        ("quatre-vingt-quinze grammes au four", "fr", [(95, "mass")]),
        ("une vingtaine de minutes", "fr", [(20, "time")]),
        ("duecentocinquanta grammi", "it", [(250, "mass")]),
        ("dois mil e quinhentos", "pt", [(2500, None)]),
        ("千二百円、三十分、一万歩", "ja", [(1200, "¥"), (30, "time"), (10_000, None)]),
        ("一番おいしい", "ja", []),
        ("一个半小时，二百五十毫升", "zh", [(90, "time"), (250, "volume")]),
        ("오십 분, 두 시간", "ko", [(50, "time"), (120, "time")]),
        ("SonoPro X2", "en", []),
    ],
)
def test_a_figure_is_read(text: str, language: str, found: list[Stated]) -> None:
    assert stated(text, language) == found


@pytest.mark.parametrize(
    "text",
    ["1" * 5000, "one " * 3000, "一" * 3000, "1/" * 3000, "½" * 3000, "12:" * 3000, "zweihundert" * 1000],
)
def test_any_text_is_read(text: str) -> None:
    list(figures(read(text, "en")))
