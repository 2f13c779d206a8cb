"""Connecting Notion, signing out and disconnecting."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from oauth_app import identity
from oauth_app.errors import Refusal
from oauth_app.pages.guard import signed_out
from oauth_app.pages.start import set_up_page
from oauth_app.security import SIGN_IN_LIMIT, limiter
from oauth_app.services import services
from svp_dagster.errors import Code, SvpError
from svp_dagster.notion.client.oauth import Grant
from svp_dagster.store.accounts.merging import AccountGone, NotionTaken, OtherNotion
from svp_dagster.store.connections import Connection, Tokens
from svp_dagster.store.web.callers import SignInEnd

logger = logging.getLogger(__name__)

blueprint = Blueprint("sign_in", __name__)

_ENDS = {
    SignInEnd.EXPIRED: Refusal(
        400, "state_expired", "More than five minutes passed before you came back from Notion. Nothing was connected."
    ),
    SignInEnd.UNKNOWN: Refusal(
        400,
        "state_unknown",
        "This way back from Notion was used already, or was begun in another browser. Nothing was connected.",
    ),
}
_DENIED = Refusal(
    403, "access_denied", "You chose not to give access, so nothing was connected. You can change your mind any time."
)
_UNFIT = {
    AccountGone: Refusal(
        404, "account_gone", "The account that Notion was to be connected to is gone. Nothing was connected."
    ),
    NotionTaken: Refusal(
        409,
        "notion_taken",
        "This Notion is connected to another account already, of somebody who signs in with another name. Nothing was "
        "connected. Is that you? Then disconnect Notion there first.",
    ),
    OtherNotion: Refusal(
        409,
        "already_connected",
        "Your account has another Notion already. Nothing was connected. Disconnect that one first, under Settings.",
    ),
}
_CODE_REFUSED = Refusal(400, "code_refused", "Notion's answer was used already, or is too old. Nothing was connected.")
_NO_ANSWER = Refusal(400, "no_code", "Notion sent you back without an answer. Nothing was connected.")


@blueprint.get("/auth/notion/login")
@limiter.limit(SIGN_IN_LIMIT)
def login() -> Response | tuple[str, int]:
    """Leave for Notion's authorize page."""
    found = services()
    if found.settings.missing_notion_client:
        return set_up_page(), 503
    ours = urlsplit(found.settings.app_url)
    if request.host != ours.netloc and "here" not in request.args:
        # Notion redirects back to `app_url`: the browser must have its session cookie under that host.
        return redirect(f"{found.settings.app_url.rstrip('/')}{url_for('.login', here=1)}")
    state = found.store.web.begin_sign_in(browser=identity.mark_browser(), now=found.now())
    return redirect(found.oauth.authorize_url(redirect_uri=found.settings.notion_redirect_uri, state=state))


@blueprint.route("/auth/notion/callback", methods=["GET", "POST"])
@limiter.limit(SIGN_IN_LIMIT)
def callback() -> Response | tuple[str, int]:
    """Handle the way back from Notion, with a code or without. The state guards against forgery, in a POST too."""
    found = services()
    ended = found.store.web.end_sign_in(state=_given("state"), browser=identity.browser(), now=found.now())
    if ended.end is not SignInEnd.GOOD:
        return _not_connected(_ENDS[ended.end])
    if not _given("code"):
        return _not_connected(_DENIED if _given("error") == "access_denied" else _NO_ANSWER)
    try:
        grant = found.oauth.redeem(_given("code"), redirect_uri=found.settings.notion_redirect_uri)
    except SvpError as error:
        if error.code is not Code.NOT_CONNECTED:
            raise
        return _not_connected(_CODE_REFUSED)
    _end_removed(grant)
    try:
        connection = _keep(grant, account_id=ended.connection_id)
    except (AccountGone, NotionTaken, OtherNotion) as error:
        return _not_connected(_UNFIT[type(error)])
    if found.settings.is_personal or identity.is_operator():
        found.store.connections.set_trusted(connection.id, trusted=True, now=found.now())
    identity.sign_in(connection)
    logger.info("connection %s signed in", connection.id)
    return redirect(url_for("start.show"))


@blueprint.post("/auth/sign-out")
def sign_out() -> Response:
    """End this browser's session. The connection goes on."""
    identity.sign_out()
    flash("You are signed out. Your links go on being processed.", "good")
    return signed_out("start.show")


@blueprint.post("/auth/sign-out-everywhere")
def sign_out_everywhere() -> Response:
    """End the connection's sessions in all browsers. API tokens stay."""
    services().store.web.end_sessions(identity.connection().id)
    identity.sign_out()
    flash("You are signed out in every browser. Your links go on being processed, and API tokens still work.", "good")
    return signed_out("start.show")


@blueprint.post("/auth/disconnect")
def disconnect() -> Response:
    """Revoke the token at Notion, delete it with all sessions and API tokens, stop polling."""
    found, connection = services(), identity.connection()
    tokens = found.store.connections.tokens(connection.id)
    found.store.connections.end(connection.id, now=found.now())
    identity.sign_out()
    words, category = "Disconnected. Notion was told, and the app forgot your access.", "good"
    try:
        if tokens:
            found.oauth.revoke(tokens.access)
    except SvpError as error:
        logger.warning("connection %s: the token could not be revoked: %s", connection.id, error.code)
        words = (
            "Disconnected here, but Notion couldn't be told. "
            "To be sure, remove the connection in Notion under Settings → Connections."
        )
        category = "attention"
    flash(words, category)
    return signed_out("start.show")


def _given(name: str) -> str:
    """Return a value that came back under this name, in the query, a form or JSON; else ''."""
    sent = request.get_json(silent=True)
    value = sent.get(name, "") if isinstance(sent, dict) else request.values.get(name, "")
    return value if isinstance(value, str) else ""


def _end_removed(grant: Grant) -> None:
    """End the person's connections that were removed at Notion since they were last used.

    The new one may be one of them, added again with another bot, and finds the set-up of a connection that ended.
    """
    found = services()
    for connection in found.store.connections.of_owner(grant.workspace_id, grant.owner_id):
        if not grant.owner_id or connection.bot_id == grant.bot_id:
            continue
        try:
            found.workspace(connection).me()
        except SvpError as error:
            logger.info("connection %s of the same person: %s", connection.id, error.code)
            if error.code is Code.NOT_CONNECTED:
                found.store.connections.end(connection.id, now=found.now())


def _keep(grant: Grant, *, account_id: str | None) -> Connection:
    return services().store.connections.save(
        bot_id=grant.bot_id,
        workspace_id=grant.workspace_id,
        workspace_name=grant.workspace_name,
        workspace_icon=grant.workspace_icon,
        owner_id=grant.owner_id,
        owner_name=grant.owner_name,
        tokens=Tokens(access=grant.access_token, refresh=grant.refresh_token),
        now=services().now(),
        account_id=account_id,
    )


def _not_connected(refused: Refusal) -> tuple[str, int]:
    return render_template("start/not_connected.html", refused=refused), refused.status
