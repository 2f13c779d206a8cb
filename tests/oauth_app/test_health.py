"""`/health` and `/ready`: every state, and a limit for each check."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from oauth_app.app import create_app
from oauth_app.health import HTTP_LIMIT_S, WHOLE_LIMIT_S, run_checks
from svp_dagster.telemetry import calls
from tests.notion.client.notion_sandbox import NotionSandbox
from tests.oauth_app.dagster_stand_in import dagster


def get(environment: pytest.MonkeyPatch, path: str = "/ready", **variables: str) -> TestResponse:
    for name, value in variables.items():
        environment.setenv(name, value)
    return create_app().test_client().get(path)


def checks(answer: TestResponse) -> dict[str, Any]:
    assert answer.json is not None
    found: dict[str, Any] = answer.json["checks"]
    return found


def test_health_says_that_the_process_answers(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(calls, "_last", {})
    answer = get(
        environment, "/health", DATABASE_URL="sqlite:////nowhere/at/all.sqlite", NOTION_BASE_URL="http://127.0.0.1:9"
    )
    assert answer.status_code == 200
    assert answer.json is not None
    assert {name: answer.json[name] for name in ("status", "database", "notion_api")} == {
        "status": "ok",
        "database": "failed",
        "notion_api": "unknown",
    }
    assert answer.json["timestamp"]


def test_all_is_ready(environment: pytest.MonkeyPatch) -> None:
    with dagster() as url:
        answer = get(environment, SVP_DAGSTER_URL=url)
    assert answer.status_code == 200
    assert {name: check["state"] for name, check in checks(answer).items()} == {
        "database": "ok",
        "migrations": "ok",
        "notion": "ok",
        "daemon": "ok",
    }


def test_a_silent_daemon_is_named(environment: pytest.MonkeyPatch) -> None:
    with dagster(silent=("SENSOR",)) as url:
        answer = get(environment, SVP_DAGSTER_URL=url)
    assert answer.status_code == 503
    assert checks(answer)["daemon"]["note"] == "no heartbeat of SENSOR"


@pytest.mark.parametrize("told", [{}, [], {"data": None}, {"errors": []}, "text"])
def test_an_odd_answer_of_dagster_is_no_heartbeat(environment: pytest.MonkeyPatch, told: Any) -> None:
    with dagster(answer=told) as url:
        assert checks(get(environment, SVP_DAGSTER_URL=url))["daemon"]["state"] == "failed"


def test_each_part_fails_on_its_own(environment: pytest.MonkeyPatch, tmp_path: Any) -> None:
    answer = get(environment, DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite", NOTION_BASE_URL="http://127.0.0.1:9")
    states = {name: check["state"] for name, check in checks(answer).items()}
    assert states == {"database": "ok", "migrations": "failed", "notion": "failed", "daemon": "failed"}


def test_a_database_that_is_no_database_is_told(environment: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "broken.sqlite").write_bytes(b"this is no database at all, however long one looks at it" * 100)
    found = checks(get(environment, DATABASE_URL=f"sqlite:///{tmp_path}/broken.sqlite"))
    assert (found["database"]["state"], found["migrations"]["state"]) == ("failed", "failed")


def test_an_outage_of_notion_is_told(environment: pytest.MonkeyPatch, notion: NotionSandbox) -> None:
    notion.fail("/v1/users/me", status=503, body={}, times=None)
    assert checks(get(environment))["notion"]["note"] == "answers with HTTP 503"


def test_whoever_never_answers_is_given_up_within_the_two_seconds(environment: pytest.MonkeyPatch) -> None:
    assert max(HTTP_LIMIT_S, WHOLE_LIMIT_S) < 2
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        answer = get(
            environment, NOTION_BASE_URL=url, SVP_DAGSTER_URL=url, DATABASE_URL=f"postgresql://u:p@127.0.0.1:{port}/d"
        )
    assert answer.status_code == 503
    assert all(check["state"] != "ok" for check in checks(answer).values())


def test_a_check_that_hangs_is_given_up_and_the_others_are_told() -> None:
    def hang() -> str:
        time.sleep(0.5)
        return ""

    found = run_checks({"slow": hang, "quick": lambda: "broken"}, limit_s=0.1)
    assert (found["slow"].state, found["quick"].state) == ("too_slow", "failed")
