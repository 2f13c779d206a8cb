"""Lines of the log: one JSON object each in production, one readable line on a terminal."""

from __future__ import annotations

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from svp_dagster.settings import Settings
from svp_dagster.telemetry.context import bind, bind_process, current, facts
from svp_dagster.telemetry.logs import JsonLine, set_up_code_location

FORGED = '2026-11-20 INFO x\n{"level": "INFO", "message": "connection ada signed in"}'


def record(message: str = "asked", **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("svp_dagster.x", logging.WARNING, "x.py", 1, message, None, None)
    vars(made).update(extra)
    return made


def test_a_line_has_what_the_work_concerns_and_the_facts_of_the_call() -> None:
    with bind(connection="ada", entry=None), bind(entry="row-1"):
        line = json.loads(JsonLine().format(record(**facts(service="notion", status=None, latency_s=0.25))))
    assert {name: value for name, value in line.items() if name != "time"} == {
        "level": "WARNING",
        "logger": "svp_dagster.x",
        "message": "asked",
        "connection": "ada",
        "entry": "row-1",
        "service": "notion",
        "latency_s": 0.25,
    }
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("control", ["\n", "\r", "\x85", "\u2028", "\x1b[2J"])
def test_what_a_client_sends_is_never_a_line_of_its_own(control: str) -> None:
    try:
        raise ValueError(f"{control}{FORGED}")
    except ValueError:
        made = record(f"path /{control}{FORGED}")
        made.exc_info = sys.exc_info()
    line = JsonLine().format(made)
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert FORGED in json.loads(line)["exception"]


def test_a_thread_of_a_pool_says_what_its_run_concerns() -> None:
    with ThreadPoolExecutor(1) as pool:
        with bind(run="another"):
            assert pool.submit(current).result() == {}
        with bind_process(run="r1", stage="download"):
            assert pool.submit(current).result() == {"run": "r1", "stage": "download"}
        assert pool.submit(current).result() == {}


@pytest.mark.parametrize("production", [True, False])
def test_the_code_location_logs_a_run_itself_in_production_only(
    production: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SVP_PRODUCTION", str(production).lower())
    logger = logging.getLogger("svp_dagster")
    before = list(logger.handlers)
    try:
        for _ in range(2):
            set_up_code_location(Settings())
        logging.getLogger("svp_dagster.x").info("of a tick")
        with bind(run="r1"):
            logging.getLogger("svp_dagster.x").info("of a run")
    finally:
        for handler in [each for each in logger.handlers if each not in before]:
            logger.removeHandler(handler)
    said = capsys.readouterr().err.splitlines()
    if production:
        assert [json.loads(line)["message"] for line in said] == ["of a tick", "of a run"]
    else:
        assert [line.rpartition(": ")[2] for line in said] == ["of a tick"]


def test_the_level_is_that_of_the_setting_for_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    set_up_code_location(Settings())
    try:
        assert logging.getLogger("svp_dagster.rows").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("httpx").isEnabledFor(logging.DEBUG)  # its lines hold addresses
    finally:
        monkeypatch.delenv("LOG_LEVEL")
        set_up_code_location(Settings())


def test_a_line_is_written_where_the_standard_error_of_before_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_up_code_location(Settings())
    with (tmp_path / "before").open("w") as before:
        monkeypatch.setattr(sys, "stderr", before)
        logging.getLogger("svp_dagster.rows").warning("one")
    with (tmp_path / "after").open("w") as after:
        monkeypatch.setattr(sys, "stderr", after)
        logging.getLogger("svp_dagster.rows").warning("two")
    assert "two" in (tmp_path / "after").read_text()
