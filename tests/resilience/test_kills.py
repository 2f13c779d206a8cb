"""Whatever is ended in the middle of things, each row comes to one page and nothing is paid twice.

Every stage is in `benchmarks/kills.py`; here are those places where the most can go wrong.
"""

from __future__ import annotations

import time

import pytest

from benchmarks.kills import (
    CREATED,
    DESTINATION,
    HELD_S,
    SUMMARIZE,
    TICK,
    TRANSCRIBE,
    Place,
    add_upload,
    cut_power,
    interrupt,
    kill_daemon,
    kill_run,
)
from benchmarks.rig import Rig
from tests.postgres import PostgresServer

pytestmark = pytest.mark.timeout(360)


def test_a_run_that_is_killed_in_a_paid_call_is_done_again_and_pays_for_that_call_alone(made: Rig) -> None:
    recovery = kill_run(made, TRANSCRIBE)

    print(recovery)
    assert recovery.problems == []


def test_a_run_that_is_killed_between_notion_s_answer_and_our_commit_leaves_one_page(made: Rig) -> None:
    recovery = kill_run(made, CREATED)

    print(recovery)
    assert recovery.problems == []


@pytest.mark.parametrize("place", [DESTINATION, TRANSCRIBE, CREATED], ids=lambda place: place.name)
def test_an_upload_whose_run_is_killed_is_completed_from_the_file_and_pays_once(made: Rig, place: Place) -> None:
    recovery = kill_run(made, place, add=add_upload)

    print(recovery)
    assert recovery.problems == []


def test_a_daemon_that_is_killed_in_a_tick_starts_the_row_once(made: Rig) -> None:
    recovery = kill_daemon(made, TICK)

    print(recovery)
    assert recovery.problems == []


def test_a_power_cut_costs_a_row_the_call_that_was_on_its_way(made: Rig) -> None:
    recovery = cut_power(made, SUMMARIZE)

    print(recovery)
    assert recovery.problems == []


@pytest.mark.parametrize("away_s", [0.0, HELD_S + 10.0], ids=["a restart", "away when the run wants to write"])
def test_a_run_outlives_an_absence_of_postgresql_and_pays_for_nothing_twice(
    on_postgres: Rig, own_postgres: PostgresServer, away_s: float
) -> None:
    def stop_and_start(_page_id: str) -> None:
        own_postgres.stop()
        time.sleep(away_s)
        own_postgres.start()

    recovery = interrupt(on_postgres, TRANSCRIBE, stop_and_start)

    print(recovery)
    assert recovery.problems == []
    assert on_postgres.daemon.process.poll() is None
