"""Notion's OAuth endpoints: where a person authorises a connection, and its tokens are made, renewed and revoked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlencode

from pydantic import Field, SecretStr

from svp_dagster.models import JsonObject, Value
from svp_dagster.notion.client.failures import call_errors, oauth_failure
from svp_dagster.notion.client.responses import PARSE_ERRORS
from svp_dagster.notion.client.sdk import open_client

if TYPE_CHECKING:
    from notion_client import Client

T = TypeVar("T")


class Grant(Value):
    """A pair of tokens and whose they are. `repr` hides the tokens.

    Without a `refresh_token` the connection ends with its access token. `owner_id` is empty where Notion names no
    person.
    """

    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(repr=False)
    bot_id: str
    workspace_id: str
    workspace_name: str
    workspace_icon: str
    owner_id: str
    owner_name: str


class NotionOAuth:
    """The OAuth endpoints, called as one integration of Notion's.

    Every verb but `authorize_url` raises `notion_unreachable`, `notion_busy`, `notion_refused` and, for credentials
    that Notion doesn't accept, `key_rejected`. No call is repeated: a code and a refresh token work once, and a lost
    response doesn't tell whether they did.
    """

    def __init__(self, *, base_url: str, client_id: str, client_secret: SecretStr, timeout_s: float) -> None:
        self._base_url = base_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._timeout_s = timeout_s

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        """Return the address of the page on which a person authorises the connection.

        Notion has no PKCE (its OpenAPI description of 2026-03 and notion-client 3.1 know no `code_verifier`; checked by
        4ier/notion-cli issue 20), so `state` alone ties the code to the browser that left with it.
        """
        query = {
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "owner": "user",
            "state": state,
        }
        return f"{self._base_url.rstrip('/')}/v1/oauth/authorize?{urlencode(query)}"

    def redeem(self, code: str, *, redirect_uri: str) -> Grant:
        """Exchange the code of a sign-in for tokens. Raises `not_connected` for a code that is used or too old."""
        return self._token(grant_type="authorization_code", code=code, redirect_uri=redirect_uri)

    def refresh(self, refresh_token: str) -> Grant:
        """Exchange a refresh token for a new pair, which replaces the old one. Raises `not_connected` if it is used."""
        return self._token(grant_type="refresh_token", refresh_token=refresh_token)

    def revoke(self, token: str) -> None:
        """End a connection by its access token."""
        self._call(lambda client, *credentials: client.oauth.revoke(*credentials, token=token))

    def _token(self, **grant: str) -> Grant:
        return self._call(
            lambda client, *credentials: parse_grant(cast(JsonObject, client.oauth.token(*credentials, **grant)))
        )

    def _call(self, send: Callable[[Client, str, str], T]) -> T:
        client = open_client(base_url=self._base_url, timeout_s=self._timeout_s)
        try:
            return send(client, self._client_id, self._client_secret.get_secret_value())
        except call_errors() + PARSE_ERRORS as error:
            failed = oauth_failure(error)
        finally:
            client.close()
        # Raised outside of the handler: what was caught holds the request with its secrets, and would stay its context.
        raise failed


def parse_grant(response: JsonObject) -> Grant:
    """Parse the token endpoint's response. Raises one of `PARSE_ERRORS` for anything else."""
    owner = (response.get("owner") or {}).get("user") or {}
    return Grant(
        access_token=response["access_token"],
        refresh_token=response.get("refresh_token"),
        bot_id=response["bot_id"],
        workspace_id=response["workspace_id"],
        workspace_name=response.get("workspace_name") or "",
        workspace_icon=response.get("workspace_icon") or "",
        owner_id=owner.get("id") or "",
        owner_name=owner.get("name") or "",
    )
