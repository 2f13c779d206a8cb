"""A real Prometheus watches an installation: its rules fire while everything outside fails, and end with that."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from benchmarks.faults import SERVICES
from benchmarks.rig import Rig, rig
from benchmarks.soak import add_rows
from svp_dagster.commands.processes import answers, free_port
from svp_dagster.settings import Settings
from svp_dagster.store.store import operator_key
from tests.deploy.observability.prometheus import Prometheus, prometheus

BINARY = shutil.which("prometheus")

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not BINARY, reason="prometheus is not installed (Debian: apt install prometheus)"),
]

SHARE = 0.3
ROWS = 30
START_LIMIT_S = 120.0
CALM_S = 60.0
EXPECTED = {"ServiceFails notion", "ServiceFails site"}
"""Each row calls both often. Whether rows fail for good, or a site is paused, is the faults' chance."""
FIRE_LIMIT_S = 420.0
END_LIMIT_S = 420.0
LOOK_S = 2.0


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Rig]:
    """An installation with all that an alert asks about: the daemon, the app and Dagster's web server."""
    with rig(tmp_path / "rig") as installation:
        port = free_port()
        installation.environment["SVP_DAGSTER_PORT"] = str(port)
        command = [str(Path(sys.executable).with_name("svp")), "webserver", "-w", "workspace.yaml"]
        web = installation.processes.start("dagster-webserver", command, env=installation.environment)
        installation.processes.wait_for(web, partial(answers, port), limit_s=START_LIMIT_S)
        yield installation


@pytest.fixture
def watching(made: Rig, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes it."""
    assert BINARY is not None
    app_port = made.api.base_url.port
    assert app_port is not None
    with prometheus(
        tmp_path / "prometheus", binary=BINARY, app_port=app_port, token=operator_key(Settings())
    ) as started:
        yield started


def test_the_rules_fire_while_a_third_of_all_calls_fails_and_end_afterwards(made: Rig, watching: Prometheus) -> None:
    began = datetime.now(UTC)
    rows = [*add_rows(made, 6)]
    watch(watching, made, until=lambda firing: ended(made, rows), limit_s=FIRE_LIMIT_S)
    watch(watching, made, until=lambda firing: False, limit_s=CALM_S)
    before = set(watching.fired)

    add_rows(made, ROWS)
    failing_from = datetime.now(UTC)
    for service in SERVICES:
        for fault in service.faults(share=SHARE):
            getattr(made.outside, service.stand_in).steer("faults", **fault)
    watch(watching, made, until=lambda firing: set(watching.fired) >= EXPECTED, limit_s=FIRE_LIMIT_S)
    during, failing_to = set(watching.fired), datetime.now(UTC)
    for name in ("media", "ai", "notion"):
        getattr(made.outside, name).forget("faults")
    watch(watching, made, until=lambda firing: not firing, limit_s=END_LIMIT_S)

    from_s, to_s = ((at - began).total_seconds() for at in (failing_from, failing_to))
    print(f"{SHARE:.0%} of all calls failed from {from_s:.0f} s to {to_s:.0f} s\n{watching.history(began)}")
    assert before == set()
    assert during >= EXPECTED
    assert watching.fired.keys() == watching.resolved.keys()
    assert len(watching.query("svp_pool_slots")) == 4


def watch(watching: Prometheus, made: Rig, *, until: Callable[[set[str]], bool], limit_s: float) -> None:
    """Look at the alerts while time passes for the rows, until something is so or for so long."""
    ends_at = time.monotonic() + limit_s
    while not until(watching.look()) and time.monotonic() < ends_at:
        made.let_time_pass()
        time.sleep(LOOK_S)


def ended(made: Rig, rows: list[str]) -> bool:
    """Whether each row has come to its end, and Notion shows it."""
    entries = made.entries(rows)
    return len(entries) == len(rows) and all(
        entry.status.is_final and not entry.is_unsynced for entry in entries.values()
    )
