"""The questions of `svp check`, as its tests ask them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from svp_dagster import unknown_answers
from svp_dagster.commands.checks.line import Questions, SeenAnswers
from svp_dagster.commands.process import Tally
from svp_dagster.prices import load_prices
from tests.fakes import RecordingAnswers


@pytest.fixture
def questions() -> Iterator[Questions]:
    """Questions at the listed prices, that see the unknown answers of this process."""
    seen = SeenAnswers(RecordingAnswers())
    unknown_answers.keep_in(seen)
    yield Questions(Tally(load_prices(None)), seen)
    unknown_answers.keep_in(None)
