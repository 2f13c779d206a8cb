"""Notion's OAuth: the page where a person allows a connection, and the token endpoints.

An authorization code works once, for ten minutes, with the client and redirect address it was made for. A refresh
token works once: its pair is replaced by the new one.
"""

import secrets
from datetime import datetime, timedelta
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

_CODE_GOOD_FOR = timedelta(minutes=10)
_NEW_WORKSPACE = "new"


class OAuthError(NotionError):
    """A refusal of the token endpoints, whose body may have either of the shapes that Notion has used."""

    def body(self, request_id: str) -> Json:
        """`{error, error_description}` in an app of `oauth_errors="rfc6749"`, else the API's own shape."""
        if state().oauth_errors == "rfc6749":
            return {"error": self.code, "error_description": self.message, "request_id": request_id}
        return super().body(request_id)


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
    pair = workspaces.issue(parts.store, parts.clock, bot_id=bot_id, client_id=client_id)
    return workspaces.token_answer(parts.store, bot_id, pair) | {"request_id": request.environ["sandbox.request_id"]}


@routes.post("/introspect")
def introspect() -> Json:
    """POST /v1/oauth/introspect: whether an access token works, and since when."""
    client_id = _client()
    row = state().store.row(
        "SELECT * FROM tokens WHERE access_token=? AND client_id=?", str(_asked().get("token", "")), client_id
    )
    answer_id = {"request_id": request.environ["sandbox.request_id"]}
    if row is None or row["state"] != "active":
        return {"active": False} | answer_id
    issued = int(datetime.fromisoformat(row["issued_time"]).timestamp())
    return {"active": True, "scope": "read_content insert_content update_content", "iat": issued} | answer_id


@routes.post("/revoke")
def revoke() -> Json:
    """POST /v1/oauth/revoke: ends a pair, named by either of its tokens."""
    client_id = _client()
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
    if not client_id or (pair is not None and client_id != pair[0]):
        return "The address names no connection that is known here (client_id)."
    if rich_text.urlsplit_scheme(address) not in ("http", "https"):
        return "The address does not say where to go back to (redirect_uri)."
    if request.values.get("response_type", "code") != "code":
        return "The address asks for something other than a code (response_type)."
    return None


def _back(answered: Json) -> Response:
    address = request.values["redirect_uri"]
    return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(answered)}", 302)


def _client() -> str:
    """The client that HTTP Basic names; raises `invalid_client`."""
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
    if row["redirect_uri"] != redirect_uri:
        raise OAuthError(400, "invalid_grant", "The redirect_uri is not the one that the code was made for.")
    parts.store.execute("DELETE FROM codes WHERE code=?", code)
    return str(row["bot_id"])


def _rotated(client_id: str, refresh_token: str) -> str:
    store = state().store
    row = store.row("SELECT * FROM tokens WHERE refresh_token=? AND client_id=?", refresh_token, client_id)
    if row is None or row["state"] not in ("active", "expired"):
        raise OAuthError(400, "invalid_grant", "The refresh token is unknown, used or revoked.")
    store.execute("UPDATE tokens SET state='rotated' WHERE refresh_token=?", refresh_token)
    return str(row["bot_id"])


def _title(record: Record) -> str:
    if record.kind == "page":
        return pages.title(record) or "Untitled"
    return rich_text.plain(record.body["title"]) or "Untitled"
