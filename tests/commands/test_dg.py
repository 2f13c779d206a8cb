"""Dagster's own command line understands the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from svp_dagster.commands.processes import PROJECT

pytestmark = pytest.mark.slow

DG = Path(sys.executable).parent / "dg"


def dg(*arguments: str, home: Path) -> str:
    """Return what `dg` prints, run in the checkout."""
    environment = {**os.environ, "SVP_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [DG, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(240)
def test_dg_checks_and_lists_the_definitions(tmp_path: Path) -> None:
    assert "All definitions loaded successfully." in dg("check", "defs", home=tmp_path)

    listed = json.loads(dg("list", "defs", "--json", home=tmp_path))

    assert {asset["asset_key"] for asset in listed["assets"]} >= {
        "video",
        "transcript",
        "screen_text",
        "summary",
        "content_page",
    }
    assert "process_link" in {job["name"] for job in listed["jobs"]}
