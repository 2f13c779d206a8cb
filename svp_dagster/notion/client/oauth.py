"""Notion's token endpoints: what a connection's tokens are renewed and given back with.

The first pair comes from a sign-in, which needs a browser: see `oauth_app.notion_grant`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import JsonObject, Value
from svp_dagster.notion.client.http import NOTION_VERSION, read
from svp_dagster.retry_after import parse_retry_after
from svp_dagster.settings import Settings

if TYPE_CHECKING:
    import httpx

_CREDENTIALS = "NOTION_CLIENT_ID, NOTION_CLIENT_SECRET"


class Grant(Value):
    """What Notion gave. `repr` hides the tokens. Without a `refresh_token` the connection ends with its token."""

    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(repr=False)
    bot_id: str
    workspace_id: str
    workspace_name: str
    workspace_icon: str
    owner_id: str
    owner_name: str


class NotionOAuth(dg.ConfigurableResource):
    """The token endpoints, as the integration that `NOTION_CLIENT_ID` and `NOTION_CLIENT_SECRET` name.

    Both are read from the environment with each call and never are part of Dagster's configuration. No call is
    repeated: a refresh token works once, and it can't be seen whether it did.
    """

    base_url: str = Field(default="https://api.notion.com", description="Where the API is, without /v1.")
    timeout_s: float = Field(default=15.0, gt=0, description="How long a call waits for the next bytes.")

    def refresh(self, refresh_token: str) -> Grant:
        """A new pair of tokens, instead of the old pair. Raises `not_connected` where Notion gives none any more."""
        return read(parse_grant, self._post("token", {"grant_type": "refresh_token", "refresh_token": refresh_token}))

    def revoke(self, token: str) -> None:
        """End a connection by its access token."""
        self._post("revoke", {"token": token})

    def _post(self, endpoint: str, body: JsonObject) -> JsonObject:
        """The endpoint's answer. Raises `notion_unreachable`, `notion_busy`, `key_rejected`, `not_connected`."""
        import httpx

        try:
            answer = httpx.post(
                f"{self.base_url.rstrip('/')}/v1/oauth/{endpoint}",
                json=body,
                auth=_credentials(),
                headers={"Notion-Version": NOTION_VERSION},
                timeout=self.timeout_s,
            )
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            # `from None`: what caused it holds the request with its secrets.
            raise failure(Code.NOTION_UNREACHABLE, detail=f"oauth {endpoint}: {type(error).__name__}") from None
        if answer.is_success and isinstance(told, dict):
            return told
        raise _refusal(endpoint, answer, told)


def _credentials() -> tuple[str, str]:
    settings = Settings()
    if not settings.notion_client_id or settings.notion_client_secret is None:
        raise failure(Code.MISCONFIGURED, reason=f"{_CREDENTIALS} are not set")
    return settings.notion_client_id, settings.notion_client_secret.get_secret_value()


def _refusal(endpoint: str, answer: httpx.Response, told: Any) -> SvpError:
    """The failure for an error answer, whose body has Notion's own shape or that of RFC 6749."""
    named = told.get("error") or told.get("code") if isinstance(told, dict) else None
    code, detail = str(named), f"oauth {endpoint}: HTTP {answer.status_code} {named}"[:200]
    if answer.status_code in (429, 529):
        asked_s = parse_retry_after(answer.headers.get("retry-after"))
        return failure(Code.NOTION_BUSY, detail=detail, retry_after_s=asked_s)
    if answer.status_code >= 500 or named is None:
        return failure(Code.NOTION_UNREACHABLE, detail=detail)
    if code == "invalid_grant":
        return failure(Code.NOT_CONNECTED, detail=detail)
    if answer.status_code == 401:
        return failure(Code.KEY_REJECTED, service="Notion", setting=_CREDENTIALS, detail=detail)
    return failure(Code.NOTION_REFUSED, reason=f"the sign-in ({code})", detail=detail)


def parse_grant(answer: JsonObject) -> Grant:
    """From the token endpoint's answer. Raises KeyError, TypeError or ValueError for anything else."""
    owner = (answer.get("owner") or {}).get("user") or {}
    return Grant(
        access_token=answer["access_token"],
        refresh_token=answer.get("refresh_token"),
        bot_id=answer["bot_id"],
        workspace_id=answer["workspace_id"],
        workspace_name=answer.get("workspace_name") or "",
        workspace_icon=answer.get("workspace_icon") or "",
        owner_id=owner.get("id") or "",
        owner_name=owner.get("name") or "",
    )
