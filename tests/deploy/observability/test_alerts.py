"""The rules of Prometheus: each fires and ends as it should, by Prometheus' own tool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from svp_dagster.errors import Code

REPOSITORY = Path(__file__).parents[3]
OBSERVABILITY = REPOSITORY / "deploy" / "observability"
RULES = OBSERVABILITY / "alerts.yaml"
EXAMPLES = Path(__file__).parent / "alerts_test.yaml"


@pytest.fixture
def promtool() -> str:
    """The tool, where it is installed."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    return found


def test_every_rule_does_as_its_examples_say(promtool: str, tmp_path: Path) -> None:
    examples = tmp_path / "examples.yaml"
    examples.write_text(EXAMPLES.read_text().replace("[RULES]", f"[{RULES}]"))
    done = subprocess.run([promtool, "test", "rules", examples], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration(promtool: str, tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    text = (OBSERVABILITY / "prometheus.yaml").read_text()
    token = tmp_path / "token"
    token.write_text("x")
    (tmp_path / "prometheus.yml").write_text(text.replace("/run/secrets/metrics_token", str(token)))
    command = [promtool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_alert_is_without_an_example() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    alerts = {rule["alert"] for rule in group["rules"] if "alert" in rule}
    tested = {
        example["alertname"]
        for test in yaml.safe_load(EXAMPLES.read_text())["tests"]
        for example in test["alert_rule_test"]
        if example["exp_alerts"]
    }
    assert tested == alerts


def test_the_codes_that_are_nobodys_alert_exist() -> None:
    (ignored,) = re.findall(r'code!~"([^"]+)"', RULES.read_text())
    assert set(ignored.split("|")) <= set(Code)
