"""What Dagster is told about the processes of runs. Runs that really work are in tests/resilience."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher.base import WorkerStatus
from dagster._core.utils import make_new_run_id

from svp_dagster.commands.up import instance_config
from svp_dagster.run_workers.processes import PROCESS_TAG, run_process
from svp_dagster.settings import Settings

LIMIT_S = 30


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster as `svp up` configures it, of the home folder `tmp_path`."""
    monkeypatch.setenv("SVP_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(instance_config(Settings()))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        yield started
        started.kill()


def run_of(instance: dg.DagsterInstance, home: Path, pid: int, *, tagged: str | None = None) -> dg.DagsterRun:
    """A run in progress, tagged as the one of process `pid`; `tagged` is another run's id in the tag."""
    run_id = make_new_run_id()
    tags = {PROCESS_TAG: run_process(home, tagged or run_id, pid).tag}
    return instance.add_run(dg.DagsterRun("process_link", run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags=tags))


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    return instance.run_launcher.check_run_worker_health(run).status


def test_a_run_is_in_good_health_while_its_process_lives(
    instance: dg.DagsterInstance, tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    run = run_of(instance, tmp_path, process.pid)
    before = health(instance, run)

    process.kill()
    process.wait(LIMIT_S)

    assert instance.run_launcher.supports_check_run_worker_health
    assert (before, health(instance, run)) == (WorkerStatus.RUNNING, WorkerStatus.FAILED)


def test_a_number_that_another_process_got_is_not_taken_for_the_run(
    instance: dg.DagsterInstance, tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    run = run_of(instance, tmp_path, process.pid)
    words = run.tags[PROCESS_TAG].split()
    again = run.with_tags({PROCESS_TAG: " ".join([*words[:2], str(os.getpid()), words[3]])})

    assert health(instance, again) is WorkerStatus.FAILED


def test_a_process_that_ended_before_it_was_recorded_is_gone(
    instance: dg.DagsterInstance, tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    process.kill()
    process.wait(LIMIT_S)

    assert health(instance, run_of(instance, tmp_path, process.pid)) is WorkerStatus.FAILED


@pytest.mark.parametrize("whose", ["another home", "a parent", "nobody"])
def test_nothing_is_said_of_runs_whose_process_this_home_did_not_launch(
    instance: dg.DagsterInstance, tmp_path: Path, process: subprocess.Popen[bytes], whose: str
) -> None:
    home = tmp_path / "another" if whose == "another home" else tmp_path
    home.mkdir(exist_ok=True)
    run = run_of(instance, home, process.pid, tagged=make_new_run_id() if whose == "a parent" else None)
    process.kill()
    process.wait(LIMIT_S)

    assert health(instance, run.with_tags({}) if whose == "nobody" else run) is WorkerStatus.RUNNING


def test_to_terminate_a_run_interrupts_its_process(
    instance: dg.DagsterInstance, tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    run = run_of(instance, tmp_path, process.pid)

    assert instance.run_launcher.terminate(run.run_id)

    process.wait(LIMIT_S)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.CANCELING
    assert not instance.run_launcher.terminate(run.run_id)  # it is on its way; the monitoring ends it


def test_what_runs_are_forked_from_has_everything_loaded_and_no_thread_of_its_own(tmp_path: Path) -> None:
    ask = (
        "import sys, threading; import svp_dagster.run_workers.loaded; "
        "print(threading.active_count(), *sorted({'cv2', 'openai', 'yt_dlp', 'google.genai'} - set(sys.modules)))"
    )
    environment = {**os.environ, "SVP_HOME": str(tmp_path)}
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", ask], env=environment, capture_output=True, check=True)
    assert told.stdout.split() == [b"1"]
    assert list(tmp_path.iterdir()) == []
