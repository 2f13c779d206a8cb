"""Sign-in at Notion with Authlib: the address of the authorize page, and the grant for the code that comes back.

The state that guards the way is kept in the store (`Web.begin_sign_in`), so that any instance of the app can end what
another began. Renewing and revoking need no browser: see `svp_dagster.notion.client.oauth`.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from oauth_app.errors import Refusal
from svp_dagster.errors import Code, SvpError, failure
from svp_dagster.models import JsonObject
from svp_dagster.notion.client.http import read
from svp_dagster.notion.client.oauth import Grant, parse_grant
from svp_dagster.settings import Settings

TIMEOUT_S = 15.0
CREDENTIALS = "NOTION_CLIENT_ID, NOTION_CLIENT_SECRET"
_JSON_BODY = "basic_with_json_body"


def authorize_url(settings: Settings, *, state: str) -> str:
    """Where a person allows the connection. Raises `misconfigured` without a client id and secret."""
    with _client(settings) as client:
        url, _ = client.create_authorization_url(
            f"{settings.notion_base_url}/v1/oauth/authorize", state=state, owner="user"
        )
    return str(url)


def redeem(settings: Settings, code: str) -> Grant:
    """The grant for a code. Raises a `Refusal` for a code that Notion doesn't take, else failures of the table."""
    url = f"{settings.notion_base_url}/v1/oauth/token"
    try:
        with _client(settings) as client:
            answer: JsonObject = client.fetch_token(url, grant_type="authorization_code", code=code)
    except OAuthError as error:
        raise _refused(str(error.error)) from None
    except (requests.RequestException, ValueError) as error:
        # `from None`: what caused it may hold the request with its secrets.
        raise failure(Code.NOTION_UNREACHABLE, detail=f"oauth token: {type(error).__name__}") from None
    if "access_token" not in answer:
        raise _refused(str(answer.get("code")))
    return read(parse_grant, answer)


def _client(settings: Settings) -> OAuth2Session:
    if not settings.notion_client_id or settings.notion_client_secret is None:
        raise failure(Code.MISCONFIGURED, reason=f"{CREDENTIALS} are not set")
    client = OAuth2Session(
        settings.notion_client_id,
        settings.notion_client_secret.get_secret_value(),
        redirect_uri=settings.notion_redirect_uri,
        token_endpoint_auth_method=_JSON_BODY,
        default_timeout=TIMEOUT_S,
    )
    client.register_client_auth_method((_JSON_BODY, _basic_with_json_body))
    return client


def _basic_with_json_body(client: Any, _method: str, uri: str, headers: Any, body: Any) -> tuple[str, Any, bytes]:
    # Notion documents JSON for its token endpoint, where OAuth has a form.
    form = body.decode() if isinstance(body, bytes) else body
    sent = json.dumps(dict(parse_qsl(form))).encode()
    credentials = base64.b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
    headers.update(
        {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/json",
            "Content-Length": str(len(sent)),
        }
    )
    return uri, headers, sent


def _refused(error: str) -> Refusal | SvpError:
    """What Notion's refusal means. Its body has Notion's own shape or OAuth's."""
    if error == "invalid_grant":
        words = "Notion's answer was used already, or is too old. Nothing was connected."
        return Refusal(400, "code_refused", words)
    if error == "rate_limited":
        return failure(Code.NOTION_BUSY, detail="oauth token")
    if error in ("invalid_client", "unauthorized"):
        return failure(Code.KEY_REJECTED, service="Notion", setting=CREDENTIALS, detail=f"oauth token: {error}")
    return failure(Code.NOTION_REFUSED, reason="the sign-in", detail=f"oauth token: {error[:100]}")
