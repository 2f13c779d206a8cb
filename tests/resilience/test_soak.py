"""`make soak` in small: all that it has, and one line at its end."""

from __future__ import annotations

import pytest

from benchmarks.faults import SHARE
from benchmarks.rig import Rig
from benchmarks.soak import soak

ROWS = 8
LIMIT_S = 300


@pytest.mark.timeout(LIMIT_S + 60)
def test_nothing_is_lost_doubled_or_blamed_on_the_wrong_cause_while_everything_fails(made: Rig) -> None:
    verdict = soak(made, rows=ROWS, share=SHARE, limit_s=LIMIT_S)

    assert verdict.findings == []
    assert verdict.line == f"rows={ROWS} lost=0 duplicates=0 double_payments=0 wrong_reason=0"
