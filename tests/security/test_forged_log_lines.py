"""What a client sends can't look like a line of the log, and its secrets don't get into it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import httpx
import pytest

from svp_dagster.telemetry.logs import OneLine
from tests.security.app_web import app_web

FORGED = "2026-11-20 09:30:00 INFO connection ada signed in"


def test_every_request_is_one_line_however_its_path_is_written(tmp_path: Path) -> None:
    # Without tables every page fails, so that the app itself logs the path too.
    with app_web(tmp_path) as web:
        for path in (f"/nothing%0a{FORGED}", f"/nothing%0d%0a{FORGED}", f"/nothing%e2%80%a8{FORGED}"):
            assert httpx.get(f"{web.url}{path}").status_code == 404
        answer = httpx.get(f"{web.url}/entries/x%0a{FORGED}", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 503
        log = web.child.log.read_text()
    lines = log.splitlines()
    assert len([line for line in lines if FORGED.replace(" ", "%20") in line]) == 4
    assert not [line for line in lines if line.startswith(FORGED)]
    assert len([line for line in lines if "the database failed" in line and FORGED in line]) == 1


def test_the_log_has_no_query_and_no_headers(tmp_path: Path) -> None:
    secret = "canary-of-a-secret"
    with app_web(tmp_path) as web:
        headers = {"Authorization": f"Bearer {secret}", "Cookie": f"svp_session={secret}", "X-CSRFToken": secret}
        httpx.get(f"{web.url}/auth/notion/callback", params={"code": secret, "state": secret}, headers=headers)
        httpx.post(f"{web.url}/operator/key", data={"key": secret}, headers=headers)
        httpx.post(f"{web.url}/webhooks/notion", json={"verification_token": secret})
        log = web.child.log.read_text()
    assert "GET /auth/notion/callback" in log
    assert secret not in log


def test_an_error_that_quotes_a_client_is_no_line_of_its_own() -> None:
    try:
        raise ValueError(f"not understood: \n{FORGED}\r{FORGED}\x85{FORGED}\x1b[2J")
    except ValueError:
        record = logging.LogRecord("app", logging.ERROR, "app.py", 1, "failed", None, sys.exc_info())
    first, *others = OneLine("%(message)s").format(record).splitlines()
    assert first == "failed"
    assert "".join(others).count(FORGED) == 3
    assert all(line.startswith("    ") and line.isprintable() for line in others)


@pytest.mark.parametrize("control", ["\n", "\r", "\x1b[2J", "\x00", "\x7f", "\x85", "\u2028"])
def test_control_characters_are_escaped(control: str) -> None:
    record = logging.LogRecord("app", logging.INFO, "app.py", 1, "asked for %s", (f"a{control}b",), None)
    line = OneLine("%(message)s").format(record)
    assert control not in line
    assert line.startswith("asked for a\\")
    assert len(line.splitlines()) == 1
