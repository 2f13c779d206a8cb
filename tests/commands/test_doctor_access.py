"""What `svp doctor` and `svp up` say about an identity provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from svp_dagster.commands.doctor_checks.access import ACCESS_CHECKS
from svp_dagster.commands.up import prepare
from svp_dagster.errors import Code, SvpError
from svp_dagster.settings import Settings

SECRET = "super-secret-jwt-token-with-at-least-32-characters"
ISSUER = "https://project.supabase.co/auth/v1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_HOME", str(tmp_path / "home"))


def identity_provider() -> tuple[str, str]:
    found = [check(Settings()) for check in ACCESS_CHECKS]
    (finding,) = (finding for finding in found if finding.subject == "Identity provider")
    return finding.state, finding.words


def test_an_installation_needs_no_identity_provider() -> None:
    assert identity_provider() == ("ok", "none: people come with Notion alone")


def test_the_doctor_names_the_identity_provider_and_never_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVP_JWT_SECRET", SECRET)
    monkeypatch.setenv("SVP_JWT_ISSUER", ISSUER)
    state, words = identity_provider()
    assert state == "ok"
    assert f"{ISSUER} for authenticated" in words
    assert SECRET not in words


def test_half_an_identity_provider_is_said_by_the_doctor_and_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SVP_JWT_SECRET", SECRET)
    state, words = identity_provider()
    assert (state, "SVP_JWT_ISSUER is not set" in words) == ("wrong", True)
    with pytest.raises(SvpError) as caught:
        prepare(Settings())
    assert caught.value.code is Code.MISCONFIGURED
    assert "SVP_JWT_ISSUER is not set" in caught.value.sentence
