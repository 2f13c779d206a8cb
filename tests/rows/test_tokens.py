"""Where tokens are renewed: the client's credentials and their address come from the environment alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.rows.tokens import TokenStore
from svp_dagster.store.connections import Tokens
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox
from tests.store.examples import sign_in


@pytest.mark.parametrize("missing", ["NOTION_CLIENT_ID", "NOTION_CLIENT_SECRET"])
def test_a_missing_credential_is_named_when_it_is_needed_and_not_before(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NOTION_CLIENT_ID", "NOTION_CLIENT_SECRET"):
        monkeypatch.setenv(name, "" if name == missing else "set")
    tokens = TokenStore()

    with pytest.raises(SvpError) as caught:
        _ = tokens.oauth

    assert caught.value.code is Code.MISCONFIGURED
    assert missing in caught.value.sentence
    monkeypatch.setenv(missing, "set")
    assert tokens.oauth


def test_nothing_about_the_credentials_is_configuration_of_dagster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_CLIENT_ID", "client")
    monkeypatch.setenv("NOTION_CLIENT_SECRET", "canary")
    tokens = TokenStore()

    assert tokens.oauth.authorize_url(redirect_uri="http://localhost", state="s").count("client_id=client") == 1
    assert list(TokenStore.model_fields) == ["oauth_timeout_s"]
    assert "canary" not in f"{tokens!r} {vars(tokens.oauth)}"


def test_a_refused_refresh_does_not_end_a_connection_that_was_authorised_again_meanwhile(
    notion: NotionSandbox, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DATABASE_URL": database_url,
        "SVP_HOME": str(tmp_path),
        "NOTION_BASE_URL": notion.url,
        "NOTION_CLIENT_ID": CLIENT[0],
        "NOTION_CLIENT_SECRET": CLIENT[1],
    }.items():
        monkeypatch.setenv(name, value)
    tokens = TokenStore()
    now, store = datetime.now(UTC), tokens.store
    connection = sign_in(store, now=now, tokens=Tokens(access="stale", refresh="refused"))
    notion.fail("/oauth/token", delay_s=1.0, status=400, body={"error": "invalid_grant"}, when="after")

    with ThreadPoolExecutor(1) as thread:
        refreshed = thread.submit(tokens.refresh, connection.id, "stale")
        while not notion.requests(path="/oauth/token"):
            assert not refreshed.done()
        sign_in(store, now=now, tokens=Tokens(access="fresh", refresh="new"))

    assert refreshed.result() == "fresh"
    assert store.connections.tokens(connection.id) == Tokens(access="fresh", refresh="new")
