from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.notion.client.oauth import NotionOAuth
from tests.notion.client.notion_sandbox import CLIENT, NotionSandbox, notion_sandbox, running_notion


@pytest.fixture(scope="module", params=["api", "rfc6749"])
def running(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Notion has worded the refusals of these endpoints in two shapes."""
    with running_notion(oauth_errors=request.param) as made:
        yield made


@pytest.fixture
def notion(running: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotionSandbox]:
    monkeypatch.setenv("NOTION_CLIENT_ID", CLIENT[0])
    monkeypatch.setenv("NOTION_CLIENT_SECRET", CLIENT[1])
    with running.fresh_workspace() as made:
        yield made


@pytest.fixture
def oauth(notion: NotionSandbox) -> NotionOAuth:
    return NotionOAuth(base_url=notion.url)


def failed(call: Any) -> SvpError:
    with pytest.raises(SvpError) as caught:
        call()
    return caught.value


def test_a_refresh_gives_a_new_pair_and_the_old_one_works_no_more(notion: NotionSandbox, oauth: NotionOAuth) -> None:
    old = notion.connect()

    new = oauth.refresh(old["refresh_token"])

    assert (new.workspace_id, new.workspace_name, new.owner_name) == (notion.workspace_id, "Test", "Sam Sandbox")
    assert notion.takes(new.access_token)
    assert new.refresh_token not in (None, old["refresh_token"])
    again = failed(lambda: oauth.refresh(old["refresh_token"]))
    assert again.retry is Retry.NEVER
    assert again.code is Code.NOT_CONNECTED


def test_a_revoked_token_no_longer_works(notion: NotionSandbox, oauth: NotionOAuth) -> None:
    token = notion.connect()["access_token"]
    assert notion.takes(token)

    oauth.revoke(token)

    assert not notion.takes(token)


def test_a_wrong_client_secret_is_the_operators_matter(oauth: NotionOAuth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_CLIENT_SECRET", "wrong")

    error = failed(lambda: oauth.refresh("any"))

    assert error.code is Code.KEY_REJECTED
    assert "NOTION_CLIENT_SECRET" in error.sentence


def test_a_missing_client_is_named(oauth: NotionOAuth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTION_CLIENT_ID")

    assert failed(lambda: oauth.refresh("any")).code is Code.MISCONFIGURED


@pytest.mark.parametrize(
    "fault", [{"cut": "before_answer"}, {"garbage": "html"}, {"status": 502, "body": "<html>"}, {"status": 503}]
)
def test_an_outage_is_a_failure_of_the_table(notion: NotionSandbox, oauth: NotionOAuth, fault: dict[str, Any]) -> None:
    notion.fail("/oauth/token", **fault)

    error = failed(lambda: oauth.refresh("refresh-canary"))

    assert error.retry is Retry.NOW
    assert error.code is Code.NOTION_UNREACHABLE
    assert len(notion.requests(path="/oauth/token")) == 1


def test_being_asked_to_slow_down_is_postponed(notion: NotionSandbox, oauth: NotionOAuth) -> None:
    body = {"object": "error", "status": 429, "code": "rate_limited", "message": "Slow down."}
    notion.fail("/oauth/token", status=429, headers={"Retry-After": "7"}, body=body)

    error = failed(lambda: oauth.refresh("any"))

    assert error.retry is Retry.LATER
    assert error.retry_after_s == 7


def test_silence_ends_with_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_CLIENT_ID", CLIENT[0])
    monkeypatch.setenv("NOTION_CLIENT_SECRET", CLIENT[1])
    with notion_sandbox() as notion:
        notion.fail("/oauth/token", delay_s=0.4, when="after")

        error = failed(lambda: NotionOAuth(base_url=notion.url, timeout_s=0.1).refresh("any"))

    assert error.code is Code.NOTION_UNREACHABLE


def test_no_secret_is_shown(notion: NotionSandbox, oauth: NotionOAuth, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refresh_token = notion.connect()["refresh_token"]
    grant = oauth.refresh(refresh_token)
    notion.fail("/oauth/token", status=500)
    error = failed(lambda: oauth.refresh("refresh-canary"))

    told = f"{grant!r} {oauth!r} {error!r} {error.detail} {error.sentence} {error.__cause__!r} {caplog.text}"
    for secret in (grant.access_token, str(grant.refresh_token), CLIENT[1], refresh_token, "refresh-canary"):
        assert secret not in told
