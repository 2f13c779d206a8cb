"""Notion's OAuth: the page where a person allows a connection, and the token endpoints.

An authorization code works once, for ten minutes, with the client and redirect address it was made for. A refresh
token works once: its pair is replaced by the new one.
"""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.notion import checks
from sandbox.notion.content import rich_text
from sandbox.notion.endpoints import pages
from sandbox.notion.errors import NotionError
from sandbox.notion.state import workspaces
from sandbox.notion.state.app_state import state
from sandbox.notion.state.store import Json, Record

routes = Blueprint("oauth", __name__, url_prefix="/v1/oauth")

# Assumed: a code is good for ten minutes. If wrong: a person who waits at the last step signs in again. Check: none.
_CODE_GOOD_FOR = timedelta(minutes=10)
_NEW_WORKSPACE = "new"


class OAuthError(NotionError):
    """A refusal of the token endpoints, whose body may have either of the shapes that Notion has used."""

    def body(self, request_id: str) -> Json:
        """`{error, error_description}` in an app of `oauth_errors="rfc6749"`, else the API's own shape."""
        if state().oauth_errors == "rfc6749":
            # Source: RFC 6749, 5.2, which the token endpoint has been seen to follow; notion-client then raises
            # UnknownHTTPResponseError.
            return {"error": self.code, "error_description": self.message, "request_id": request_id}
        return super().body(request_id)


def may_be_registered(redirect_uri: str) -> bool:
    """Whether Notion takes it as the redirect URI of a connection: http needs a name, which `localhost` is."""
    # Source: vellum-ai/vellum-assistant PR 16495, Qiuyi-Hong/notion2attioBackend issue 14, denoland/clawpatrol PR 748:
    # http://127.0.0.1 is refused at registration, http://localhost is accepted.
    # Assumed: every IP address is refused after http, every name is accepted, and https takes all. If wrong: an
    # operator sees the refusal in Notion when the connection is registered. Check: none.
    scheme = rich_text.urlsplit_scheme(redirect_uri)
    if scheme != "http":
        return scheme == "https"
    with suppress(ValueError):
        ip_address(urlsplit(redirect_uri).hostname or "")
        return False
    return True


@routes.get("/authorize")
def ask() -> str | tuple[str, int]:
    """The page that asks the person which workspace, which of its pages, and whether at all."""
    problem = _problem()
    if problem is not None:
        return render_template("message.html", title="This request cannot be shown", text=problem), 400
    parts = state()
    choices = []
    for workspace in workspaces.every(parts.store):
        shared = [{"id": p.id, "title": _title(p)} for p in workspaces.top_pages(parts.store, workspace.id)]
        choices.append({"workspace": workspace, "pages": shared})
    asked = {name: request.args.get(name, "") for name in ("client_id", "redirect_uri", "response_type", "state")}
    return render_template("authorize.html", choices=choices, asked=asked, site=urlsplit(asked["redirect_uri"]).netloc)


@routes.post("/authorize")
def answer() -> Response | tuple[str, int]:
    """Sends the person back with a code, or with `error=access_denied`."""
    problem = _problem()
    if problem is not None:
        return render_template("message.html", title="This request cannot be answered", text=problem), 400
    back = {"state": request.values["state"]} if request.values.get("state") else {}
    # Source: developers.notion.com/docs/authorization: `error=access_denied` and the state come back.
    if request.form.get("answer") != "allow":
        return _back({"error": "access_denied"} | back)
    parts = state()
    chosen = request.form.get("workspace", _NEW_WORKSPACE)
    workspace = workspaces.get(parts.store, chosen)
    if workspace is None:
        name = request.form.get("new_name", "").strip()[:100] or "My workspace"
        workspace = workspaces.create(parts.store, parts.clock, name)
    client_id = request.values["client_id"]
    bot_id = workspaces.bot(parts.store, workspace.id, client_id=client_id, name="Social Video Processor")
    wanted = set(request.form.getlist("page"))
    # Source: developers.notion.com/docs/authorization: the person chooses pages, their children are shared with them.
    # Assumed: pages that are not chosen again are taken back. If wrong: a database that was shared before is still
    # seen. Check: none.
    for page in workspaces.top_pages(parts.store, workspace.id):
        workspaces.share(parts.store, bot_id, page.id, shared=chosen != workspace.id or page.id in wanted)
    code = secrets.token_urlsafe(24)
    expires = (parts.clock.now() + _CODE_GOOD_FOR).isoformat()
    redirect_uri = request.values["redirect_uri"]
    parts.store.execute("INSERT INTO codes VALUES (?, ?, ?, ?, ?)", code, client_id, redirect_uri, bot_id, expires)
    return _back({"code": code} | back)


@routes.post("/token")
def token() -> Json:
    """POST /v1/oauth/token: a pair for a code, or for a refresh token."""
    client_id = _client()
    parts = state()
    asked = _asked()
    grant = asked.get("grant_type")
    if grant == "authorization_code":
        # Source: Notion's OpenAPI description of 2026-03 and notion-client 3.1 know no `code_verifier`; 4ier/notion-cli
        # issue 20 (April 2026) and django-allauth's tests of its Notion provider say that there is no PKCE.
        # Assumed: a key that the endpoint doesn't know is refused. If wrong: nothing, the product sends none.
        # Check: none.
        checks.record(
            {"grant_type": checks.text(), "code": checks.text()},
            {"redirect_uri": checks.text(), "external_account": checks.anything},
        )(asked, "body")
        bot_id = _redeemed(client_id, str(asked["code"]), asked.get("redirect_uri"))
    elif grant == "refresh_token":
        checks.record({"grant_type": checks.text(), "refresh_token": checks.text()})(asked, "body")
        bot_id = _rotated(client_id, str(asked["refresh_token"]))
    else:
        raise OAuthError(400, "unsupported_grant_type", f"Unsupported grant type: {grant}")
    # Source: developers.notion.com/reference/create-a-token and developers.notion.com/reference/refresh-a-token:
    # authorizing again and refreshing both give a new pair.
    # Assumed: the pair from before still works after authorizing again. If wrong: runs that began with it refresh once.
    # Check: none.
    pair = workspaces.issue(parts.store, parts.clock, bot_id=bot_id, client_id=client_id)
    return workspaces.token_answer(parts.store, bot_id, pair) | {"request_id": request.environ["sandbox.request_id"]}


@routes.post("/introspect")
def introspect() -> Json:
    """POST /v1/oauth/introspect: whether an access token works, and since when."""
    client_id = _client()
    row = state().store.row(
        "SELECT * FROM tokens WHERE access_token=? AND client_id=?", str(_asked().get("token", "")), client_id
    )
    # Source: developers.notion.com/reference/introspect-token.
    answer_id = {"request_id": request.environ["sandbox.request_id"]}
    if row is None or row["state"] != "active":
        return {"active": False} | answer_id
    issued = int(datetime.fromisoformat(row["issued_time"]).timestamp())
    return {"active": True, "scope": "read_content insert_content update_content", "iat": issued} | answer_id


@routes.post("/revoke")
def revoke() -> Json:
    """POST /v1/oauth/revoke: ends a pair, named by either of its tokens."""
    client_id = _client()
    # Source: developers.notion.com/reference/revoke-token.
    token_text = str(_asked().get("token", ""))
    state().store.execute(
        "UPDATE tokens SET state='revoked' WHERE ?1 IN (access_token, refresh_token) AND client_id=?2",
        token_text,
        client_id,
    )
    return {"request_id": request.environ["sandbox.request_id"]}


def _problem() -> str | None:
    client_id, address = request.values.get("client_id", ""), request.values.get("redirect_uri", "")
    pair = state().client
    # Source: developers.notion.com/docs/authorization: client_id, redirect_uri, response_type, owner, state.
    if not client_id or (pair is not None and client_id != pair[0]):
        return "The address names no connection that is known here (client_id)."
    if not may_be_registered(address) or address not in state().redirect_uris.get(client_id, {address}):
        return "The address to go back to is not one that is registered (redirect_uri)."
    if request.values.get("response_type", "code") != "code":
        return "The address asks for something other than a code (response_type)."
    return None


def _back(answered: Json) -> Response:
    address = request.values["redirect_uri"]
    return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(answered)}", 302)


def _client() -> str:
    """The client that HTTP Basic names; raises `invalid_client`."""
    # Source: developers.notion.com/reference/create-a-token: HTTP Basic with client id and secret; 401 invalid_client.
    found, pair = request.authorization, state().client
    if found is None or found.type != "basic" or not found.username or not found.password:
        raise OAuthError(401, "invalid_client", "Client authentication is missing.")
    if pair is not None and (found.username, found.password) != pair:
        raise OAuthError(401, "invalid_client", "Client authentication failed.")
    return str(found.username)


def _asked() -> Json:
    asked = request.get_json(silent=True)
    if isinstance(asked, dict):
        return asked
    if request.form:
        return request.form.to_dict()
    raise OAuthError(400, "invalid_request", "The body is no JSON object.")


def _redeemed(client_id: str, code: str, redirect_uri: str | None) -> str:
    parts = state()
    row = parts.store.row("SELECT * FROM codes WHERE code=?", code)
    if row is None or row["client_id"] != client_id or row["expires_time"] < parts.clock.now().isoformat():
        raise OAuthError(400, "invalid_grant", "The code is unknown, used or expired.")
    # Source: developers.notion.com/reference/create-a-token: the redirect_uri is the one of the authorization.
    if row["redirect_uri"] != redirect_uri:
        raise OAuthError(400, "invalid_grant", "The redirect_uri is not the one that the code was made for.")
    parts.store.execute("DELETE FROM codes WHERE code=?", code)
    return str(row["bot_id"])


def _rotated(client_id: str, refresh_token: str) -> str:
    store = state().store
    row = store.row("SELECT * FROM tokens WHERE refresh_token=? AND client_id=?", refresh_token, client_id)
    if row is None or row["state"] not in ("active", "expired"):
        raise OAuthError(400, "invalid_grant", "The refresh token is unknown, used or revoked.")
    # Source: developers.notion.com/reference/refresh-a-token: the refresh token is replaced.
    # Assumed: the old access token ends with it. If wrong: nothing, the product uses the new pair at once. Check: none.
    store.execute("UPDATE tokens SET state='rotated' WHERE refresh_token=?", refresh_token)
    return str(row["bot_id"])


def _title(record: Record) -> str:
    if record.kind == "page":
        return pages.title(record) or "Untitled"
    return rich_text.plain(record.body["title"]) or "Untitled"
