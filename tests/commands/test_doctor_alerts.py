"""`svp doctor` says whether alerts go anywhere, and sends one when asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from svp_dagster.cli import main
from tests.alerts.inbox import TOKEN, inbox


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NOTION_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)


def doctor(*options: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *options])


def line_of(report: Result) -> str:
    return next(line for line in report.stdout.splitlines() if line[9:].startswith(("Alerts", "Test alert")))


@pytest.mark.parametrize("options", [[], ["--alert"]])
def test_it_says_that_nobody_is_alerted(options: list[str]) -> None:
    assert line_of(doctor(*options)).startswith("missing  Alerts")


def test_it_names_a_wrong_address_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_ALERT_URLS", f"nonsense://{TOKEN}")
    line = line_of(doctor())
    assert line.startswith("WRONG")
    assert "address 1 of SVP_ALERT_URLS" in line
    assert TOKEN not in line


def test_it_sends_an_alert_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with inbox() as webhook:
        monkeypatch.setenv("SVP_ALERT_URLS", webhook.address)
        assert line_of(doctor()).startswith("ok")
        assert webhook.asked == []

        assert line_of(doctor("--alert")).endswith("taken by JSON")
        assert webhook.titles == ["Social Video Processor: test"]

        webhook.status = 500
        report = doctor("--alert")
    assert "not taken by JSON" in line_of(report)
    assert TOKEN not in report.output
