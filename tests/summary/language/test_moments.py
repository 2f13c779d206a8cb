from __future__ import annotations

import pytest

from svp_dagster.summary.language.moments import weekdays

MONDAY, WEDNESDAY, FRIDAY, SATURDAY, SUNDAY = 0, 2, 4, 5, 6


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The sun sets while we sat on the beach", set()),
        ("Sun, sand and a good book", set()),
        ("SAT IN THE SUN", set()),
        ("C'est mon chat, Mon Chéri", set()),
        ("They wed in June", set()),
        ("Open Mon-Fri 9-5, Sat & Sun closed", {MONDAY, FRIDAY, SATURDAY, SUNDAY}),
        ("open sat and sun", {SATURDAY, SUNDAY}),
        ("SAT 10-4", {SATURDAY}),
        ("Brunch on Sun. from ten", {SUNDAY}),
        ("Wed 4 March", {WEDNESDAY}),
        ("Sundays only", {SUNDAY}),
        ("am Sonntag, el sábado", {SATURDAY, SUNDAY}),
        ("每周六", {SATURDAY}),
    ],
)
def test_a_short_name_that_is_also_a_word_is_a_day_by_its_neighbours_or_its_capital(text: str, named: set[int]) -> None:
    assert weekdays(text) == named
