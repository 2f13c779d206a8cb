"""The README's first command, as a newcomer runs it: real processes, real daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from svp_dagster.commands.demo_samples import SAMPLES
from svp_dagster.models import Status

LIMIT_S = 300


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 30)
def test_each_sample_link_ends_as_it_should_and_nothing_stays_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "OPENAI_API_KEY": "a key that the demo must not use"}
    svp = Path(sys.executable).with_name("svp")

    done = subprocess.run([svp, "demo", "--once"], env=environment, capture_output=True, text=True, timeout=LIMIT_S)

    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if any(f"{sample.about} (" in line for sample in SAMPLES)]
    assert len(rows) == len(SAMPLES)
    completed = [sample for sample in SAMPLES if sample.ends is Status.COMPLETED]
    assert sum(Status.COMPLETED in row for row in rows) == len(completed)
    assert sum(f"{sample.about}: http" in done.stdout for sample in SAMPLES) == len(completed)
    assert not list(tmp_path.glob("svp-demo-*"))
    assert not [process for process in psutil.process_iter(["environ"]) if _belongs(process, tmp_path)]


def _belongs(process: psutil.Process, folder: Path) -> bool:
    return str(folder) in (process.info["environ"] or {}).get("SVP_HOME", "")
