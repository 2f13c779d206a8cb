"""Where tokens are renewed: the client's credentials and their address come from the environment alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.notion.client.oauth import Grant
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


@pytest.fixture
def tokens(notion: NotionSandbox, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenStore:
    """The tokens of an installation."""
    for name, value in {
        "DATABASE_URL": database_url,
        "SVP_HOME": str(tmp_path),
        "NOTION_BASE_URL": notion.url,
        "NOTION_CLIENT_ID": CLIENT[0],
        "NOTION_CLIENT_SECRET": CLIENT[1],
    }.items():
        monkeypatch.setenv(name, value)
    return TokenStore()


def test_a_refused_refresh_does_not_end_a_connection_that_was_authorised_again_meanwhile(
    notion: NotionSandbox, tokens: TokenStore
) -> None:
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


@pytest.mark.parametrize("how", ["deleted", "disconnected"])
def test_a_pair_that_was_renewed_for_a_connection_that_ended_meanwhile_is_revoked(
    notion: NotionSandbox, tokens: TokenStore, how: str
) -> None:
    now, store, refresh = datetime.now(UTC), tokens.store, tokens.oauth.refresh
    pair = notion.connect()
    stale = Tokens(access=pair["access_token"], refresh=pair["refresh_token"])
    connection = sign_in(store, now=now, tokens=stale)
    renewed: list[Grant] = []

    def refresh_late(refresh_token: str) -> Grant:
        renewed.append(refresh(refresh_token))
        if how == "deleted":
            store.deletions.delete(connection.id, now=now)
        else:
            store.connections.end(connection.id, now=now)
        return renewed[0]

    tokens.oauth.refresh = refresh_late  # type: ignore[method-assign]
    with pytest.raises(SvpError) as caught:
        tokens.refresh(connection.id, stale.access)

    assert caught.value.code is Code.NOT_CONNECTED
    assert not notion.takes(renewed[0].access_token)


def test_a_pair_that_was_renewed_is_good(notion: NotionSandbox, tokens: TokenStore) -> None:
    pair = notion.connect()
    stale = Tokens(access=pair["access_token"], refresh=pair["refresh_token"])
    connection = sign_in(tokens.store, now=datetime.now(UTC), tokens=stale)
    assert notion.takes(tokens.refresh(connection.id, stale.access))


def test_the_grant_of_a_deleted_connection_is_revoked_once(notion: NotionSandbox, tokens: TokenStore) -> None:
    access = notion.connect()["access_token"]
    connection = sign_in(tokens.store, now=datetime.now(UTC), tokens=Tokens(access=access, refresh=None))
    tokens.store.deletions.delete(connection.id, now=datetime.now(UTC))

    assert tokens.revoke_deleted(connection.id)
    assert tokens.revoke_deleted(connection.id)

    assert not notion.takes(access)
    assert len(notion.requests(path="/oauth/revoke")) == 1


@pytest.mark.parametrize(("status", "is_tried_again"), [(503, True), (429, True), (400, False)])
def test_a_grant_that_can_not_be_revoked_is_tried_again_unless_notion_refuses_it(
    notion: NotionSandbox, tokens: TokenStore, status: int, is_tried_again: bool
) -> None:
    connection = sign_in(tokens.store, now=datetime.now(UTC), tokens=Tokens(access=notion.token, refresh=None))
    tokens.store.deletions.delete(connection.id, now=datetime.now(UTC))
    notion.fail("/oauth/revoke", status=status, body={"error": "invalid_grant"}, times=None)

    assert not tokens.revoke_deleted(connection.id)

    assert (tokens.store.deletions.access_token(connection.id) is not None) is is_tried_again
