"""A key that can be guessed opens everything: in production none is taken, whoever starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from oauth_app.app import create_app
from svp_dagster.cli import main
from svp_dagster.errors import SvpError
from svp_dagster.store.crypto import new_key

TIMEOUT_S = 60
KEYS = ("SVP_APP_SECRET_KEY", "SVP_OPERATOR_KEY", "SVP_ENCRYPTION_KEYS")
WEAK = [
    ("SVP_APP_SECRET_KEY", ""),
    ("SVP_APP_SECRET_KEY", "x"),
    ("SVP_APP_SECRET_KEY", "x" * 31),
    ("SVP_OPERATOR_KEY", ""),
    ("SVP_OPERATOR_KEY", "a-short-one"),
    ("SVP_ENCRYPTION_KEYS", ""),
    ("SVP_ENCRYPTION_KEYS", "x" * 44),
]


@pytest.fixture
def production(tmp_path: Path, new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The settings of an installation for others, with all that it needs."""
    for name, value in {
        "SVP_HOME": str(tmp_path),
        "SVP_ENV_FILE": str(tmp_path / "no.env"),
        "DATABASE_URL": new_sqlite(),
        "NOTION_BASE_URL": "http://127.0.0.1:9",
        "SVP_PRODUCTION": "true",
        "SVP_APP_PORT": "9",
        "SVP_DAGSTER_PORT": "9",
        **{name: new_key() for name in KEYS},
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_good_keys_are_taken(production: pytest.MonkeyPatch) -> None:
    assert create_app().test_client().get("/health").status_code == 200


@pytest.mark.parametrize(("name", "key"), WEAK)
def test_the_app_does_not_start_with_a_weak_key(production: pytest.MonkeyPatch, name: str, key: str) -> None:
    production.setenv(name, key)
    with pytest.raises(SvpError, match=f"(?s){name}.*svp new-key") as refused:
        create_app()
    assert not key or key not in refused.value.sentence


@pytest.mark.parametrize(("name", "key"), WEAK)
def test_svp_up_does_not_start_with_a_weak_key(production: pytest.MonkeyPatch, name: str, key: str) -> None:
    production.setenv(name, key)
    refused = CliRunner().invoke(main, ["up"])
    assert refused.exit_code == 1
    assert name in refused.output
    assert "svp new-key" in refused.output


@pytest.mark.parametrize(("name", "key"), WEAK)
def test_the_doctor_names_a_weak_key(production: pytest.MonkeyPatch, name: str, key: str) -> None:
    production.setenv(name, key)
    report = CliRunner().invoke(main, ["doctor"]).stdout
    assert [line for line in report.splitlines() if line.startswith("WRONG") and name in line and "svp new-key" in line]


def test_the_server_says_it_in_a_sentence(production: pytest.MonkeyPatch) -> None:
    production.setenv("SVP_APP_SECRET_KEY", "x")
    command = [sys.executable, "-m", "oauth_app.serving"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert refused.returncode == 1
    assert "SVP_APP_SECRET_KEY is not set, or shorter than 32 bytes" in refused.stderr
    assert "Traceback" not in refused.stderr
