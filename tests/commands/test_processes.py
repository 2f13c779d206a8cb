"""Children start together, stop together, and say why they didn't start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from svp_dagster.commands.processes import Processes, StartFailed, answers, free_port, running

SLEEPER_WITH_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def python(processes: Processes, name: str, code: str) -> psutil.Process:
    child = processes.start(name, [sys.executable, "-c", code], env=os.environ)
    return psutil.Process(child.process.pid)


def is_gone(process: psutil.Process) -> bool:
    """Ended within a moment, though its new parent may not have taken notice yet."""
    psutil.wait_procs([process], timeout=5)
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_what_a_child_started_is_gone_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as processes:
        parent = python(processes, "sleeper", SLEEPER_WITH_A_CHILD)
        processes.wait_for(processes.children[0], lambda: bool(parent.children()), limit_s=20)
        (grandchild,) = parent.children()

    assert is_gone(parent)
    assert is_gone(grandchild)
    assert processes.children == []


def test_a_child_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with running(tmp_path) as processes:
        python(processes, "broken", "raise SystemExit('no such database')")
        with pytest.raises(StartFailed, match="broken ended with code 1") as caught:
            processes.wait_for(processes.children[0], lambda: False, limit_s=20)
    assert "no such database" in str(caught.value)


def test_a_child_that_never_answers_is_given_up(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path) as processes:
        python(processes, "deaf", "import time; time.sleep(600)")
        with pytest.raises(StartFailed, match="didn't answer within 0 s"):
            processes.wait_for(processes.children[0], lambda: answers(port), limit_s=0.2)
        assert processes.ended() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    supervisor = f"""
import os, sys, time
from pathlib import Path
from svp_dagster.commands.processes import running
with running(Path({str(tmp_path)!r})) as processes:
    child = processes.start("child", [sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ)
    print(child.process.pid, flush=True)
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", supervisor], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.wait(timeout=20)
    parent.stdout.close()

    assert is_gone(child)
