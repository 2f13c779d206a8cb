"""OAuth: the page that asks, codes, tokens, refreshing, revoking."""

import logging
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from notion_client import Client
from notion_client.errors import APIResponseError, UnknownHTTPResponseError

from tests.sandbox.notion_service import LATEST, NotionService, NotionWorkspace, notion_service, refusal

ASKED = {
    "client_id": "client",
    "redirect_uri": "http://localhost:5000/auth/notion/callback",
    "response_type": "code",
    "owner": "user",
    "state": "st4te",
}
BASIC = ("client", "secret")


@pytest.fixture
def browser(notion: NotionService) -> httpx.Client:
    """Somebody's browser, which does not follow redirects by itself."""
    return notion.http


def decide(browser: httpx.Client, **form: Any) -> dict[str, str]:
    """Answers the page; what the person is sent back with."""
    answer = browser.post("/v1/oauth/authorize", params=ASKED, data=form)
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == ASKED["redirect_uri"]
    return {name: values[0] for name, values in parse_qs(target.query).items()}


def code_for(browser: httpx.Client, workspace: NotionWorkspace | None = None) -> str:
    chosen = {"workspace": workspace.workspace_id, "page": workspace.page_id} if workspace else {"workspace": "new"}
    return decide(browser, answer="allow", **chosen)["code"]


def exchange(browser: httpx.Client, *, basic: tuple[str, str] = BASIC, **body: str) -> httpx.Response:
    return browser.post("/v1/oauth/token", json=body, auth=basic)


def redeem(browser: httpx.Client, code: str, **changes: Any) -> httpx.Response:
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": ASKED["redirect_uri"]}
    return exchange(browser, **(body | changes))


def pair_for(browser: httpx.Client, workspace: NotionWorkspace | None = None) -> dict[str, Any]:
    return dict(redeem(browser, code_for(browser, workspace)).raise_for_status().json())


def status_of(browser: httpx.Client, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Notion-Version": LATEST}
    return browser.get("/v1/users/me", headers=headers).status_code


def test_the_page_lists_workspaces_with_what_would_be_shared(browser: httpx.Client, workspace: NotionWorkspace) -> None:
    page = browser.get("/v1/oauth/authorize", params=ASKED)
    assert page.status_code == 200
    assert workspace.workspace_id in page.text
    assert workspace.page_id in page.text
    assert "Create a new workspace" in page.text
    assert "localhost:5000" in page.text
    assert "Sandbox — a local stand-in for Notion" in page.text


def test_allowing_gives_tokens_that_work_with_the_sdk(browser: httpx.Client, workspace: NotionWorkspace) -> None:
    back = decide(browser, answer="allow", workspace=workspace.workspace_id, page=workspace.page_id)
    assert back["state"] == "st4te"
    answer: dict[str, Any] = redeem(browser, back["code"]).raise_for_status().json()
    assert answer["token_type"] == "bearer"
    assert answer["workspace_id"] == workspace.workspace_id
    assert answer["owner"]["user"]["id"] == workspace.owner_id
    assert re.match(r"ntn_\S{40,}", answer["access_token"])
    with httpx.Client() as inner:
        client = Client(client=inner, auth=answer["access_token"], base_url=str(browser.base_url).rstrip("/"))
        me: Any = client.users.me()
        assert me["id"] == answer["bot_id"] != workspace.bot_id
        assert client.pages.retrieve(workspace.page_id)["id"] == workspace.page_id  # type: ignore[index]


def test_a_page_that_was_not_ticked_is_not_shared(browser: httpx.Client, workspace: NotionWorkspace) -> None:
    code = decide(browser, answer="allow", workspace=workspace.workspace_id)["code"]
    token = redeem(browser, code).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Notion-Version": LATEST}
    answer = browser.get(f"/v1/pages/{workspace.page_id}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_a_new_workspace_can_be_made_on_the_way(browser: httpx.Client) -> None:
    code = decide(browser, answer="allow", workspace="new", new_name="Ada's kitchen")["code"]
    answer = redeem(browser, code).json()
    assert answer["workspace_name"] == "Ada's kitchen"
    headers = {"Authorization": f"Bearer {answer['access_token']}", "Notion-Version": LATEST}
    found = browser.post("/v1/search", headers=headers, json={}).json()["results"]
    assert [page["properties"]["title"]["title"][0]["plain_text"] for page in found] == ["Getting started"]


def test_a_code_with_a_verifier_is_refused_since_notion_knows_no_pkce(browser: httpx.Client) -> None:
    refused = redeem(browser, code_for(browser), code_verifier="v" * 43)
    assert refused.status_code == 400
    assert "code_verifier" in refused.json()["message"]


def test_cancelling_sends_the_person_back_without_a_code(browser: httpx.Client) -> None:
    assert decide(browser, answer="cancel") == {"error": "access_denied", "state": "st4te"}


@pytest.mark.parametrize(
    "changes",
    [{"client_id": ""}, {"redirect_uri": ""}, {"redirect_uri": "javascript:alert(1)"}, {"response_type": "token"}],
)
def test_a_request_to_authorize_that_makes_no_sense_is_shown_not_redirected(
    browser: httpx.Client, changes: dict[str, str]
) -> None:
    for answer in (
        browser.get("/v1/oauth/authorize", params=ASKED | changes),
        browser.post("/v1/oauth/authorize", params=ASKED | changes, data={"answer": "cancel"}),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers


def test_a_code_works_once(browser: httpx.Client) -> None:
    code = code_for(browser)
    assert redeem(browser, code).status_code == 200
    again = redeem(browser, code)
    assert again.status_code == 400
    assert again.json() | {"message": "", "request_id": ""} == {
        "object": "error", "status": 400, "code": "invalid_grant", "message": "", "request_id": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes", [{"code": "guess"}, {"redirect_uri": "http://localhost:5000/other"}, {"basic": ("other", "secret")}]
)
def test_a_code_works_only_as_it_was_asked_for(browser: httpx.Client, changes: dict[str, Any]) -> None:
    code = code_for(browser)
    assert redeem(browser, **({"code": code} | changes)).json()["code"] == "invalid_grant"
    assert redeem(browser, code).status_code == 200


def test_a_code_dies_after_ten_minutes() -> None:
    with notion_service() as service:
        browser = service.http
        code = code_for(browser)
        browser.post("/_sandbox/clock", json={"advance_s": 601})
        assert redeem(browser, code).json()["code"] == "invalid_grant"


def test_refreshing_replaces_both_tokens_at_once(browser: httpx.Client) -> None:
    old = pair_for(browser)
    new = exchange(browser, grant_type="refresh_token", refresh_token=old["refresh_token"]).json()
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert (new["bot_id"], new["workspace_id"]) == (old["bot_id"], old["workspace_id"])
    assert (status_of(browser, new["access_token"]), status_of(browser, old["access_token"])) == (200, 401)
    again = exchange(browser, grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert (again.status_code, again.json()["code"]) == (400, "invalid_grant")


def test_a_refresh_token_of_another_client_is_refused(browser: httpx.Client) -> None:
    token = pair_for(browser)["refresh_token"]
    answer = exchange(browser, basic=("other", "secret"), grant_type="refresh_token", refresh_token=token)
    assert answer.json()["code"] == "invalid_grant"


def test_an_expired_access_token_answers_401_until_it_is_refreshed(browser: httpx.Client) -> None:
    pair = pair_for(browser)
    expired = browser.post("/_sandbox/tokens/expire", json={"access_token": pair["access_token"]})
    assert expired.json() == {"expired": 1}
    assert status_of(browser, pair["access_token"]) == 401
    new = exchange(browser, grant_type="refresh_token", refresh_token=pair["refresh_token"]).json()
    assert status_of(browser, new["access_token"]) == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_ends_the_pair(browser: httpx.Client, which: str) -> None:
    pair = pair_for(browser)
    active = browser.post("/v1/oauth/introspect", json={"token": pair["access_token"]}, auth=BASIC).json()
    assert active["active"] is True
    assert active["iat"] > 0
    assert browser.post("/v1/oauth/revoke", json={"token": pair[which]}, auth=BASIC).status_code == 200
    assert status_of(browser, pair["access_token"]) == 401
    gone = browser.post("/v1/oauth/introspect", json={"token": pair["access_token"]}, auth=BASIC).json()
    assert gone["active"] is False
    refreshed = exchange(browser, grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert refreshed.json()["code"] == "invalid_grant"


def test_the_token_endpoints_want_http_basic(browser: httpx.Client) -> None:
    for path in ("token", "introspect", "revoke"):
        answer = browser.post(f"/v1/oauth/{path}", json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_client")


def test_an_unknown_grant_type_and_a_body_that_is_none_are_refused(browser: httpx.Client) -> None:
    assert exchange(browser, grant_type="password").json()["code"] == "unsupported_grant_type"
    answer = browser.post("/v1/oauth/token", content=b"{", auth=BASIC)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_a_form_body_is_read_as_well(browser: httpx.Client) -> None:
    body = {"grant_type": "authorization_code", "code": code_for(browser), "redirect_uri": ASKED["redirect_uri"]}
    assert browser.post("/v1/oauth/token", data=body, auth=BASIC).status_code == 200


def test_only_the_configured_client_is_known_where_there_is_one() -> None:
    with notion_service(client=("client", "right")) as service:
        browser = service.http
        other = browser.get("/v1/oauth/authorize", params=ASKED | {"client_id": "other"})
        assert other.status_code == 400
        code = code_for(browser)
        refused = redeem(browser, code)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_client")
        assert redeem(browser, code, basic=("client", "right")).status_code == 200


def test_refusals_can_have_the_shape_of_rfc6749() -> None:
    with notion_service(oauth_errors="rfc6749") as service:
        refused = redeem(service.http, "guess")
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_the_sdk_meets_the_same_endpoints(browser: httpx.Client, workspace: NotionWorkspace) -> None:
    oauth = workspace.client.oauth
    fields = {"grant_type": "authorization_code", "redirect_uri": ASKED["redirect_uri"]}
    answer: Any = oauth.token(*BASIC, code=code_for(browser), **fields)
    token = answer["access_token"]
    assert oauth.introspect(*BASIC, token=token)["active"] is True  # type: ignore[index]
    oauth.revoke(*BASIC, token=token)
    with httpx.Client() as inner:
        client = Client(client=inner, auth=token, base_url=workspace.url, log_level=logging.CRITICAL)
        error = refusal(client.users.me)
        assert (error.status, error.code) == (401, "unauthorized")
    with pytest.raises(UnknownHTTPResponseError) as caught:
        oauth.token(*BASIC, code="guess", **fields)
    assert "invalid_grant" in caught.value.body
    assert not isinstance(caught.value, APIResponseError)


@pytest.mark.parametrize("host", ["127.0.0.1:8600", "[::1]:8600", "192.168.1.5"])
def test_a_redirect_uri_of_plain_http_with_an_ip_address_can_neither_be_registered_nor_used(
    browser: httpx.Client, host: str
) -> None:
    address = f"http://{host}/auth/notion/callback"
    registered = browser.post("/_sandbox/redirect_uris", json={"client_id": "ip", "redirect_uri": address})
    page = browser.get("/v1/oauth/authorize", params=ASKED | {"client_id": "ip", "redirect_uri": address})
    assert (registered.status_code, page.status_code) == (400, 400)


@pytest.mark.parametrize("address", ["http://localhost:8600/back", "https://svp.example/back"])
def test_a_registered_redirect_uri_must_be_the_same_string(browser: httpx.Client, address: str) -> None:
    client = {"client_id": address}
    browser.post("/_sandbox/redirect_uris", json=client | {"redirect_uri": address}).raise_for_status()
    for written, status in ((address, 200), (address + "/", 400), (address.replace("back", "other"), 400)):
        page = browser.get("/v1/oauth/authorize", params=ASKED | client | {"redirect_uri": written})
        assert page.status_code == status


def test_a_code_is_given_tokens_only_for_the_same_redirect_uri(browser: httpx.Client) -> None:
    code = code_for(browser)
    other = "http://127.0.0.1:5000/auth/notion/callback"
    assert redeem(browser, code, redirect_uri=other).json()["code"] == "invalid_grant"
    assert redeem(browser, code).status_code == 200


def test_allowing_again_gives_the_same_bot_a_new_pair(browser: httpx.Client, workspace: NotionWorkspace) -> None:
    first, second = pair_for(browser, workspace), pair_for(browser, workspace)
    assert first["bot_id"] == second["bot_id"]
    assert first["access_token"] != second["access_token"]
    assert first["refresh_token"] != second["refresh_token"]
    assert status_of(browser, second["access_token"]) == 200


def test_a_connection_that_was_removed_and_added_again_is_another_bot(
    browser: httpx.Client, workspace: NotionWorkspace
) -> None:
    before = pair_for(browser, workspace)
    workspace.control("connections/remove", bot_id=before["bot_id"])
    assert status_of(browser, before["access_token"]) == 401
    refreshed = exchange(browser, grant_type="refresh_token", refresh_token=before["refresh_token"])
    assert refreshed.json()["code"] == "invalid_grant"
    after = pair_for(browser, workspace)
    assert after["workspace_id"] == before["workspace_id"]
    assert after["bot_id"] != before["bot_id"]
