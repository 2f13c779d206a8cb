"""Where tokens are renewed: the client's credentials and their address come from the environment alone."""

from __future__ import annotations

import pytest

from svp_dagster.errors import Code, SvpError
from svp_dagster.rows.tokens import TokenStore


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
