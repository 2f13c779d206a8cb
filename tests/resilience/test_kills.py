"""Whatever is ended in the middle of things, each row comes to one page and nothing is paid twice.

Every stage is in `benchmarks/kills.py`; here are those places where the most can go wrong.
"""

from __future__ import annotations

import pytest

from benchmarks.kills import CREATED, TICK, TRANSCRIBE, interrupt, kill_daemon, kill_run
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


def test_a_daemon_that_is_killed_in_a_tick_starts_the_row_once(made: Rig) -> None:
    recovery = kill_daemon(made, TICK)

    print(recovery)
    assert recovery.problems == []


def test_a_restart_of_postgresql_in_the_middle_of_a_run_costs_nothing_but_time(
    on_postgres: Rig, own_postgres: PostgresServer
) -> None:
    def restart(_page_id: str) -> None:
        own_postgres.stop()
        own_postgres.start()

    recovery = interrupt(on_postgres, TRANSCRIBE, restart)

    print(recovery)
    assert recovery.problems == []
