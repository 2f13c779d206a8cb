"""What our modules log while a stage works stands in the log of its run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.test_utils import instance_for_test

REPOSITORY = Path(__file__).parents[3]


@dg.op
def speak() -> None:
    logging.getLogger("svp_dagster.rows.spending").warning("a cap is near")
    logging.getLogger("httpx").warning("somebody else's line")


@dg.job
def speaking() -> None:
    speak()


def test_the_log_of_a_run_has_the_lines_of_our_modules() -> None:
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
    with instance_for_test(overrides={"python_logs": config["python_logs"]}) as instance:
        run = speaking.execute_in_process(instance=instance)
        lines = [entry.user_message for entry in instance.all_logs(run.run_id)]
    assert "a cap is near" in lines
    assert "somebody else's line" not in lines
