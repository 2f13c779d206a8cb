"""Tokens made, renewed and revoked, and what becomes of the failures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from svp_dagster.errors import Code, Retry, SvpError
from svp_dagster.notion.client.oauth import NotionOAuth
from tests.notion.client.notion_sandbox import CLIENT, REDIRECT_URI, NotionSandbox, notion_sandbox, running_notion


def endpoints(notion: NotionSandbox, *, secret: str = CLIENT[1], timeout_s: float = 10.0) -> NotionOAuth:
    return NotionOAuth(base_url=notion.url, client_id=CLIENT[0], client_secret=SecretStr(secret), timeout_s=timeout_s)


@pytest.fixture(scope="module", params=["api", "rfc6749"])
def running(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Notion has worded the refusals of these endpoints in two shapes."""
    with running_notion(oauth_errors=request.param) as made:
        yield made


@pytest.fixture
def notion(running: Any) -> Iterator[NotionSandbox]:
    with running.fresh_workspace() as made:
        yield made


@pytest.fixture
def oauth(notion: NotionSandbox) -> NotionOAuth:
    return endpoints(notion)


def failed(call: Any) -> SvpError:
    with pytest.raises(SvpError) as caught:
        call()
    return caught.value


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and all that it refers to, shown in a traceback or not."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def test_a_code_is_exchanged_once_for_a_pair_of_tokens(notion: NotionSandbox, oauth: NotionOAuth) -> None:
    code = notion.authorize()

    grant = oauth.redeem(code, redirect_uri=REDIRECT_URI)

    assert (grant.workspace_id, grant.workspace_name) == (notion.workspace_id, "Test")
    assert notion.takes(grant.access_token)
    assert grant.refresh_token
    assert failed(lambda: oauth.redeem(code, redirect_uri=REDIRECT_URI)).code is Code.NOT_CONNECTED


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


def test_a_wrong_client_secret_is_the_operators_matter(notion: NotionSandbox) -> None:
    error = failed(lambda: endpoints(notion, secret="wrong").refresh("any"))

    assert error.code is Code.KEY_REJECTED
    assert "NOTION_CLIENT_SECRET" in error.sentence


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        # RFC 6749, section 5.2: a wrong client may be answered with 400 too.
        (400, {"error": "invalid_client"}, Code.KEY_REJECTED),
        (401, {"object": "error", "status": 401, "code": "unauthorized", "message": "x"}, Code.KEY_REJECTED),
        (400, {"error": "invalid_grant"}, Code.NOT_CONNECTED),
        (400, {"object": "error", "status": 400, "code": "invalid_grant", "message": "x"}, Code.NOT_CONNECTED),
        (400, {"error": "unsupported_grant_type"}, Code.NOTION_REFUSED),
        (403, {"object": "error", "status": 403, "code": "restricted_resource", "message": "x"}, Code.NOTION_REFUSED),
    ],
)
def test_a_refusal_is_told_apart_by_its_code(
    notion: NotionSandbox, oauth: NotionOAuth, status: int, body: dict[str, Any], expected: Code
) -> None:
    notion.fail("/oauth/token", status=status, body=body)

    assert failed(lambda: oauth.refresh("any")).code is expected
    assert len(notion.requests(path="/oauth/token")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"cut": "before_answer"},
        {"garbage": "html"},
        {"garbage": "broken_json"},
        {"status": 502, "body": "<html>"},
        {"status": 503},
        {"status": 400, "body": "<html>A proxy's page</html>"},
        {"status": 409, "body": {"object": "error", "status": 409, "code": "conflict_error", "message": "x"}},
        {"status": 200, "body": []},
        {"status": 200, "body": {"access_token": "a"}},
        {"status": 200, "body": {"access_token": "a", "bot_id": 1, "workspace_id": "w"}},
    ],
)
def test_an_outage_is_a_failure_of_the_table_and_not_repeated(
    notion: NotionSandbox, oauth: NotionOAuth, fault: dict[str, Any]
) -> None:
    notion.fail("/oauth/token", **fault)

    error = failed(lambda: oauth.refresh("refresh-canary"))

    assert error.retry is Retry.NOW
    assert error.code is Code.NOTION_UNREACHABLE
    assert len(notion.requests(path="/oauth/token")) == 1


@pytest.mark.parametrize(("headers", "retry_after_s"), [({"Retry-After": "7"}, 7), ({}, 300)])
def test_a_throttled_call_is_postponed_and_not_repeated(
    notion: NotionSandbox, oauth: NotionOAuth, headers: dict[str, str], retry_after_s: int
) -> None:
    body = {"object": "error", "status": 429, "code": "rate_limited", "message": "Slow down."}
    notion.fail("/oauth/token", status=429, headers=headers, body=body)

    error = failed(lambda: oauth.redeem("any", redirect_uri=REDIRECT_URI))

    assert error.retry is Retry.LATER
    assert error.retry_after_s == retry_after_s
    assert len(notion.requests(path="/oauth/token")) == 1


def test_a_block_at_the_edge_is_told_as_one(notion: NotionSandbox, oauth: NotionOAuth) -> None:
    notion.control("edge_block", matching="/oauth/token")

    error = failed(lambda: oauth.redeem("any", redirect_uri=REDIRECT_URI))

    assert (error.code, error.retry) == (Code.NOTION_BLOCKED, Retry.LATER)
    assert "cf-ray" in error.detail


def test_silence_ends_with_the_timeout() -> None:
    with notion_sandbox() as notion:
        notion.fail("/oauth/token", delay_s=0.4, when="after")

        error = failed(lambda: endpoints(notion, timeout_s=0.1).refresh("any"))

    assert error.code is Code.NOTION_UNREACHABLE


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 400, "body": {"error": "x"}}, {"cut": "before_answer"}])
def test_no_secret_is_in_a_log_or_an_exception(
    notion: NotionSandbox, oauth: NotionOAuth, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    refresh_token = notion.connect()["refresh_token"]
    grant = oauth.refresh(refresh_token)
    notion.fail("/oauth/token", times=None, **fault)
    errors = [
        failed(lambda: oauth.refresh("refresh-canary")),
        failed(lambda: oauth.redeem("code-canary", redirect_uri="")),
    ]

    told = " ".join(
        [f"{grant!r} {oauth!r} {vars(oauth)}", caplog.text, *(f"{e!r} {e.detail} {e.sentence}" for e in errors)]
    )
    for secret in (grant.access_token, str(grant.refresh_token), CLIENT[1], refresh_token, "-canary"):
        assert secret not in told
    # The exceptions of the client hold the request, with the credentials in its headers and the token in its body.
    assert [list(chain(error)) for error in errors] == [[error] for error in errors]
