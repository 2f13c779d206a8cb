"""What a test run says of the checks that it skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent

CHECKS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_with_a_description(number):
    pytest.skip("there is no description")

@pytest.mark.skip(reason="no browser")
def test_with_a_browser():
    pass

def test_that_runs():
    pass
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_skipped_check_is_named_with_its_reason_at_the_end(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_checks.py").write_text(CHECKS)
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider", "-p", "tests.skips"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    run = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )

    lines = run.stdout.partition("checks that were skipped")[2].splitlines()
    assert "test_checks.py::test_with_a_description (3 times): there is no description" in lines
    assert "test_checks.py::test_with_a_browser: no browser" in lines
    assert "test_that_runs" not in run.stdout
